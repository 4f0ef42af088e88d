//===- SinkTransposes.cpp - Channels stay last ----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A transposition that puts the channels first moves behind what can work in
// either order, until it meets the one that puts them last:
//
//   f(transpose(x), ...) -> transpose(f(x, ...))
//
// Only the order of loops over results changes, no sum.
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Support/Permute.h"

namespace quantc {
#define GEN_PASS_DEF_SINKTRANSPOSES
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;
using linalg::GenericOp;
using linalg::TransposeOp;

/// Whether `permutation` moves the last dimension to the second place and keeps
/// the order of the others.
static bool putsChannelsFirst(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  if (rank < 3 || permutation[0] != 0 || permutation[1] != rank - 1)
    return false;
  for (int64_t dim = 2; dim < rank; ++dim)
    if (permutation[dim] != dim - 1)
      return false;
  return true;
}

/// The transposition of this kind whose result `value` is; null if it is none.
static TransposeOp getTranspose(Value value) {
  auto op = value.getDefiningOp<TransposeOp>();
  return op && op.hasPureTensorSemantics() &&
                 putsChannelsFirst(op.getPermutation())
             ? op
             : TransposeOp();
}

static TransposeOp createTranspose(OpBuilder &builder, Location loc,
                                   Value value, ArrayRef<OpFoldResult> sizes,
                                   ArrayRef<int64_t> permutation) {
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, getElementTypeOrSelf(value));
  return TransposeOp::create(builder, loc, value, empty, permutation);
}

/// Whether `op` does nothing but move elements.
static bool isCopy(GenericOp op) {
  return isa<BlockArgument>(op.getBody()->getTerminator()->getOperand(0));
}

namespace {

/// A structured operation in another order of loops.
struct Reordered {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<utils::IteratorType> iterators;
  /// The dimensions of the result in terms of the ones that it had.
  SmallVector<int64_t> resultOrder;
};

/// generic(transpose(x), ...) -> transpose(generic(x, ...)).
struct SinkBehindGeneric : OpRewritePattern<GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GenericOp op,
                                PatternRewriter &rewriter) const override;

private:
  static FailureOr<Reordered> reorder(GenericOp op, StringRef &reason);
  static Value createInit(OpBuilder &builder, Value init,
                          ArrayRef<int64_t> order);
};

/// pad(transpose(x)) -> transpose(pad(x)), with one value everywhere.
struct SinkBehindPad : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override;
};

/// insert(transpose(x), transpose(y)) -> transpose(insert(x, y)), also into a
/// tensor without values, which has no order yet: concatenations are chains of
/// these.
struct SinkBehindInsert : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::InsertSliceOp op,
                                PatternRewriter &rewriter) const override;
};

/// expand(transpose(x)) -> transpose(expand(x)).
struct SinkBehindExpand : OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override;
};

/// collapse(transpose(x)) -> transpose(collapse(x)), where the channels are
/// collapsed, perhaps in another order, as they are shuffled between groups.
struct SinkBehindCollapse : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override;
};

} // namespace

/// The expressions of `map`, that of a transposed operand, in the order of what
/// is transposed.
static SmallVector<AffineExpr> readSource(AffineMap map, TransposeOp op) {
  return applyPermutation(map.getResults(),
                          invertPermutationVector(op.getPermutation()));
}

/// Fails, and sets `reason`, where `op` gains nothing from reading what its
/// operands are transposed from.
FailureOr<Reordered> SinkBehindGeneric::reorder(GenericOp op,
                                                StringRef &reason) {
  auto fail = [&](StringRef why) {
    reason = why;
    return failure();
  };
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.hasIndexSemantics())
    return fail("not a computation of one tensor from its elements alone");
  if (isCopy(op) || linalg::isaContractionOpInterface(op) ||
      getFloatContractionBody(op))
    return fail("has its own order of loops");
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap resultMap = maps.back();
  if (!resultMap.isProjectedPermutation())
    return fail("the result is not indexed by loops");
  OpOperand *first = nullptr;
  for (OpOperand *input : op.getDpsInputOperands())
    if (!first && getTranspose(input->get()))
      first = input;
  if (!first)
    return fail("no operand is transposed");

  Reordered result;
  AffineMap map = maps[first->getOperandNumber()];
  SmallVector<unsigned> loops;
  for (AffineExpr expr : readSource(map, getTranspose(first->get())))
    for (AffineExpr dim : resultMap.getResults())
      if (expr.isFunctionOfDim(cast<AffineDimExpr>(dim).getPosition())) {
        loops.push_back(cast<AffineDimExpr>(dim).getPosition());
        result.resultOrder.push_back(*resultMap.getResultPosition(dim));
      }
  if (!isPermutationVector(result.resultOrder) ||
      loops.size() != resultMap.getNumResults())
    return fail("the result has other dimensions than the transposed operand");
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (!resultMap.isFunctionOfDim(loop))
      loops.push_back(loop);

  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> renamed(loops.size());
  for (auto [to, from] : llvm::enumerate(loops))
    renamed[from] = getAffineDimExpr(to, context);
  auto add = [&](ArrayRef<AffineExpr> exprs) {
    result.maps.push_back(
        AffineMap::get(loops.size(), 0, exprs, context)
            .replaceDimsAndSymbols(renamed, {}, loops.size(), 0));
  };
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap inputMap = maps[input->getOperandNumber()];
    TransposeOp transpose = getTranspose(input->get());
    result.inputs.push_back(transpose ? transpose.getInput() : input->get());
    add(transpose ? readSource(inputMap, transpose)
                  : SmallVector<AffineExpr>(inputMap.getResults()));
    bool isWhole = llvm::all_of(resultMap.getResults(), [&](AffineExpr dim) {
      return inputMap.isFunctionOfDim(cast<AffineDimExpr>(dim).getPosition());
    });
    if (isWhole && !transpose)
      return fail("another operand would have to be transposed");
  }
  add(applyPermutation(resultMap.getResults(), result.resultOrder));
  for (unsigned loop : loops)
    result.iterators.push_back(op.getIteratorTypesArray()[loop]);
  return result;
}

/// What `init` is, with its dimensions in another order; null if it is not the
/// same everywhere.
Value SinkBehindGeneric::createInit(OpBuilder &builder, Value init,
                                    ArrayRef<int64_t> order) {
  Location loc = init.getLoc();
  if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(
        builder, loc, applyPermutation(empty.getMixedSizes(), order),
        empty.getType().getElementType());
  auto fill = init.getDefiningOp<linalg::FillOp>();
  Value empty = fill ? createInit(builder, fill.output(), order) : Value();
  return empty ? linalg::FillOp::create(builder, loc, fill.value(), empty)
                     .getResult(0)
               : Value();
}

LogicalResult
SinkBehindGeneric::matchAndRewrite(GenericOp op,
                                   PatternRewriter &rewriter) const {
  StringRef reason;
  FailureOr<Reordered> reordered = reorder(op, reason);
  if (failed(reordered))
    return rewriter.notifyMatchFailure(op, reason);
  Value oldInit = op.getDpsInits().front();
  ArrayRef<int64_t> order = reordered->resultOrder;
  bool isInOrder = llvm::is_sorted(order);
  Value init = isInOrder ? oldInit : createInit(rewriter, oldInit, order);
  if (!init)
    return rewriter.notifyMatchFailure(op, "adds to a tensor in an order of "
                                           "its own");
  auto generic = GenericOp::create(rewriter, op.getLoc(), init.getType(),
                                   reordered->inputs, init, reordered->maps,
                                   reordered->iterators);
  generic->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  rewriter.inlineRegionBefore(op.getRegion(), generic.getRegion(),
                              generic.getRegion().begin());
  if (isInOrder) {
    rewriter.replaceOp(op, generic);
    return success();
  }
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, op.getLoc(), oldInit);
  rewriter.replaceOp(op, createTranspose(rewriter, op.getLoc(),
                                         generic.getResult(0), sizes,
                                         invertPermutationVector(order)));
  return success();
}

LogicalResult SinkBehindPad::matchAndRewrite(tensor::PadOp op,
                                             PatternRewriter &rewriter) const {
  TransposeOp transpose = getTranspose(op.getSource());
  Value padding = op.getConstantPaddingValue();
  if (!transpose || !padding)
    return rewriter.notifyMatchFailure(op, "not one value around a transposed "
                                           "tensor");
  SmallVector<int64_t> order =
      invertPermutationVector(transpose.getPermutation());
  Value padded = tensor::PadOp::create(
      rewriter, op.getLoc(),
      op.getType().clone(permuteShape(op.getType().getShape(), order)),
      transpose.getInput(), applyPermutation(op.getMixedLowPad(), order),
      applyPermutation(op.getMixedHighPad(), order), padding);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, op.getLoc(), padded);
  applyPermutationToVector(sizes, transpose.getPermutation());
  rewriter.replaceOp(op, createTranspose(rewriter, op.getLoc(), padded, sizes,
                                         transpose.getPermutation()));
  return success();
}

LogicalResult
SinkBehindInsert::matchAndRewrite(tensor::InsertSliceOp op,
                                  PatternRewriter &rewriter) const {
  TransposeOp part = getTranspose(op.getSource());
  if (!part || op.getSourceType().getRank() != op.getDestType().getRank())
    return rewriter.notifyMatchFailure(op, "the part is not transposed");
  SmallVector<int64_t> order = invertPermutationVector(part.getPermutation());
  Location loc = op.getLoc();
  Value whole;
  if (TransposeOp transpose = getTranspose(op.getDest()))
    whole = transpose.getInput();
  else if (auto empty = op.getDest().getDefiningOp<tensor::EmptyOp>())
    whole = tensor::EmptyOp::create(
        rewriter, loc, applyPermutation(empty.getMixedSizes(), order),
        op.getDestType().getElementType());
  else
    return rewriter.notifyMatchFailure(op, "the whole is not transposed alike");
  whole = tensor::InsertSliceOp::create(
      rewriter, loc, part.getInput(), whole,
      applyPermutation(op.getMixedOffsets(), order),
      applyPermutation(op.getMixedSizes(), order),
      applyPermutation(op.getMixedStrides(), order));
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, op.getDest());
  rewriter.replaceOp(
      op, createTranspose(rewriter, loc, whole, sizes, part.getPermutation()));
  return success();
}

LogicalResult
SinkBehindExpand::matchAndRewrite(tensor::ExpandShapeOp op,
                                  PatternRewriter &rewriter) const {
  TransposeOp transpose = getTranspose(op.getSrc());
  if (!transpose)
    return rewriter.notifyMatchFailure(op, "the input is not transposed");
  SmallVector<int64_t> order =
      invertPermutationVector(transpose.getPermutation());
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), expandedSizes;
  // Dimension i of the result is dimension `position[i]` of the expanded x.
  SmallVector<int64_t> position(sizes.size());
  SmallVector<ReassociationIndices> expandedGroups;
  for (int64_t dim : order) {
    ReassociationIndices &group = expandedGroups.emplace_back();
    for (int64_t part : groups[dim]) {
      position[part] = expandedSizes.size();
      group.push_back(expandedSizes.size());
      expandedSizes.push_back(sizes[part]);
    }
  }
  SmallVector<int64_t> shape = permuteShape(op.getResultType().getShape(),
                                            invertPermutationVector(position));
  Value expanded = tensor::ExpandShapeOp::create(
      rewriter, op.getLoc(), op.getResultType().clone(shape),
      transpose.getInput(), expandedGroups, expandedSizes);
  rewriter.replaceOp(
      op, createTranspose(rewriter, op.getLoc(), expanded, sizes, position));
  return success();
}

LogicalResult
SinkBehindCollapse::matchAndRewrite(tensor::CollapseShapeOp op,
                                    PatternRewriter &rewriter) const {
  auto transpose = op.getSrc().getDefiningOp<TransposeOp>();
  int64_t rank = op.getResultType().getRank();
  if (!transpose || !transpose.hasPureTensorSemantics() || rank < 3)
    return rewriter.notifyMatchFailure(op, "the input is not transposed");
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  // All but the channels, which are dimension 1 of the result, stay in order.
  SmallVector<int64_t> inner;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != 1) {
      if (groups[dim].size() != 1 || permutation[groups[dim].front()] !=
                                         static_cast<int64_t>(inner.size()))
        return rewriter.notifyMatchFailure(op, "more than channels move");
      inner.push_back(inner.size());
    }
  for (int64_t part : groups[1])
    inner.push_back(permutation[part]);

  Location loc = op.getLoc();
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, transpose.getInput());
  Value shuffled = transpose.getInput();
  if (!llvm::is_sorted(inner))
    shuffled = createTranspose(rewriter, loc, shuffled,
                               applyPermutation(sizes, inner), inner)
                   ->getResult(0);
  SmallVector<ReassociationIndices> merged(rank);
  for (int64_t dim = 0, count = inner.size(); dim < count; ++dim)
    merged[std::min(dim, rank - 1)].push_back(dim);
  Value collapsed =
      tensor::CollapseShapeOp::create(rewriter, loc, shuffled, merged);
  SmallVector<int64_t> channelsFirst = {0, rank - 1};
  llvm::append_range(channelsFirst, llvm::seq<int64_t>(1, rank - 1));
  SmallVector<OpFoldResult> resultSizes = applyPermutation(
      tensor::getMixedSizes(rewriter, loc, collapsed), channelsFirst);
  rewriter.replaceOp(op, createTranspose(rewriter, loc, collapsed, resultSizes,
                                         channelsFirst));
  return success();
}

namespace {
struct SinkTransposes : quantc::impl::SinkTransposesBase<SinkTransposes> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateSinkTransposesPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateSinkTransposesPatterns(RewritePatternSet &patterns) {
  patterns.add<SinkBehindGeneric, SinkBehindPad, SinkBehindInsert,
               SinkBehindExpand, SinkBehindCollapse>(patterns.getContext());
  TransposeOp::getCanonicalizationPatterns(patterns, patterns.getContext());
}
