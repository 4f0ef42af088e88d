//===- ConvertConvToMatmul.cpp - Convolutions as linear layers ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With rows r (batch and places of the window), outputs f and terms t (window
// and channels):
//
//   y[r, f] = sum_t x[at(r, t)] w[f, t]
//
//   patches[r, t] = x[at(r, t)]                a copy
//   y[M, F]       = patches[M, K] w[F, K]^T    a linear layer
//
// K runs through t in the order of the loops of the convolution. With groups g,
// of which each has outputs f and terms of its own, those of all groups lie
// side by side, and the layer has as many groups of features:
//
//   y[r, (g, f)]       = sum_t x[at(r, g, t)] w[(g, f), t]
//   patches[r, (g, t)] = x[at(r, g, t)]
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Convolution.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Dialect/Quant/Transforms/Kernel.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Permute.h"

namespace quantc {
#define GEN_PASS_DEF_CONVERTCONVTOMATMUL
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {

/// The loops of a convolution.
struct Convolution {
  linalg::LinalgOp op;
  /// In the order of the result.
  SmallVector<unsigned> rows;
  /// Over groups and over the outputs of one, if there are such loops.
  SmallVector<unsigned> columns;
  int64_t numGroups = 1;
  /// In their own order.
  SmallVector<unsigned> terms;

  /// That over groups; none without.
  ArrayRef<unsigned> getGroups() {
    return ArrayRef(columns).take_front(numGroups != 1);
  }
  int64_t getNumColumns() {
    int64_t count = 1;
    for (unsigned loop : columns)
      count *= op.getStaticLoopRanges()[loop];
    return count;
  }
  static SmallVector<unsigned> concat(ArrayRef<unsigned> first,
                                      ArrayRef<unsigned> second) {
    SmallVector<unsigned> loops(first);
    llvm::append_range(loops, second);
    return loops;
  }
  Value getInput() { return op->getOperand(0); }
  Value getWeight() { return op->getOperand(1); }
  AffineMap getMap(unsigned operand) {
    return op.getIndexingMapsArray()[operand];
  }
  /// The dimensions of `operand` in the order of `loops`.
  SmallVector<int64_t> getOrder(unsigned operand, ArrayRef<unsigned> loops) {
    return llvm::map_to_vector(loops, [&](unsigned loop) -> int64_t {
      return *getMap(operand).getResultPosition(
          getAffineDimExpr(loop, op.getContext()));
    });
  }
};

/// Builds the linear layer in place of a convolution.
class LayerBuilder {
public:
  LayerBuilder(RewriterBase &b, Convolution conv)
      : b(b), conv(std::move(conv)), loc(this->conv.op.getLoc()) {}

  Value create();

private:
  Value createPatches();
  Value createWeight(SmallVector<int64_t> &order);
  Value createInit(OpFoldResult numRows);
  Kernel findKernel(SmallVector<int64_t> order);
  Value createTranspose(Value value, ArrayRef<int64_t> permutation);
  /// One dimension for the first `count`, one for the others.
  Value collapse(Value value, unsigned count);
  SmallVector<OpFoldResult> getRowSizes();

  RewriterBase &b;
  Convolution conv;
  Location loc;
};

} // namespace

/// Matches `op`, or says why not.
static FailureOr<Convolution> matchConvolution(linalg::LinalgOp op,
                                               RewriterBase &rewriter) {
  if (!linalg::isaConvolutionOpInterface(op) || !op.hasPureTensorSemantics() ||
      !getFloatContractionBody(op))
    return rewriter.notifyMatchFailure(op, "not a convolution of f32 tensors");
  std::string reason;
  if (succeeded(matchLinearLayer(op, reason)))
    return rewriter.notifyMatchFailure(op, "a linear layer already");
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[1].isProjectedPermutation() || !maps[2].isProjectedPermutation())
    return rewriter.notifyMatchFailure(op, "the weight or the result is not "
                                           "indexed by loops");
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  Convolution conv = {op, {}, {}, 1, {}};
  SmallVector<unsigned> groups, outputs;
  for (AffineExpr expr : maps[2].getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    bool isRow = !maps[1].isFunctionOfDim(loop);
    (isRow                           ? conv.rows
     : maps[0].isFunctionOfDim(loop) ? groups
                                     : outputs)
        .push_back(loop);
    if (!isRow && ShapedType::isDynamic(ranges[loop]))
      return rewriter.notifyMatchFailure(op, "the weight has no known shape");
  }
  if (groups.size() > 1 || outputs.size() > 1)
    return rewriter.notifyMatchFailure(op, "groups or outputs in several "
                                           "loops");
  if (!groups.empty()) {
    if (!maps[0].getResultPosition(
            getAffineDimExpr(groups.front(), op.getContext())))
      return rewriter.notifyMatchFailure(op, "windows span groups");
    conv.numGroups = ranges[groups.front()];
  }
  conv.columns = Convolution::concat(groups, outputs);
  for (auto [loop, iterator] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (iterator != utils::IteratorType::reduction)
      continue;
    conv.terms.push_back(loop);
    if (ShapedType::isDynamic(ranges[loop]))
      return rewriter.notifyMatchFailure(op, "the window has no known size");
  }
  if (maps[1].getNumResults() != conv.columns.size() + conv.terms.size())
    return rewriter.notifyMatchFailure(op, "the weight has other loops");
  return conv;
}

Value LayerBuilder::createTranspose(Value value,
                                    ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, static_cast<int64_t>(
                                                         permutation.size()))))
    return value;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  Value empty =
      tensor::EmptyOp::create(b, loc, applyPermutation(sizes, permutation),
                              getElementTypeOrSelf(value));
  return linalg::TransposeOp::create(b, loc, value, empty, permutation)
      ->getResult(0);
}

Value LayerBuilder::collapse(Value value, unsigned count) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  if (rank == 2)
    return value;
  SmallVector<ReassociationIndices> dims(2);
  for (int64_t dim = 0; dim < rank; ++dim)
    dims[dim >= count].push_back(dim);
  return tensor::CollapseShapeOp::create(b, loc, value, dims);
}

/// The sizes of the loops over rows, from where the result is made.
SmallVector<OpFoldResult> LayerBuilder::getRowSizes() {
  Value init = conv.op.getDpsInits().front();
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.output();
  auto empty = init.getDefiningOp<tensor::EmptyOp>();
  SmallVector<OpFoldResult> sizes =
      empty ? empty.getMixedSizes() : tensor::getMixedSizes(b, loc, init);
  return llvm::map_to_vector(conv.getOrder(2, conv.rows),
                             [&](int64_t dim) { return sizes[dim]; });
}

/// patches[r, (g, t)] = x[at(r, g, t)]; the input itself where that is all it
/// is.
Value LayerBuilder::createPatches() {
  SmallVector<int64_t> ranges = conv.op.getStaticLoopRanges();
  SmallVector<unsigned> kept = Convolution::concat(conv.rows, conv.getGroups());
  SmallVector<unsigned> loops = Convolution::concat(kept, conv.terms);
  SmallVector<AffineExpr> dims(conv.op.getNumLoops(),
                               b.getAffineConstantExpr(0));
  for (auto [i, loop] : llvm::enumerate(loops))
    dims[loop] = b.getAffineDimExpr(i);
  // A window of one element does not move inside of itself.
  SmallVector<AffineExpr> pointwise = dims;
  for (unsigned loop : conv.terms)
    if (ranges[loop] == 1)
      pointwise[loop] = b.getAffineConstantExpr(0);
  AffineMap map = conv.getMap(0);
  AffineMap reduced = map.replaceDimsAndSymbols(pointwise, {}, loops.size(), 0);
  int64_t rank = map.getNumResults();
  SmallVector<AffineExpr> used;
  for (auto [i, loop] : llvm::enumerate(loops))
    if (i < kept.size() || ranges[loop] != 1)
      used.push_back(b.getAffineDimExpr(i));
  if (static_cast<int64_t>(used.size()) == rank &&
      used.size() > conv.rows.size() && llvm::equal(reduced.getResults(), used))
    return collapse(conv.getInput(), conv.rows.size());

  SmallVector<OpFoldResult> sizes = getRowSizes();
  for (unsigned loop : ArrayRef(loops).drop_front(conv.rows.size()))
    sizes.push_back(b.getIndexAttr(ranges[loop]));
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  SmallVector<utils::IteratorType> iterators(loops.size(),
                                             utils::IteratorType::parallel);
  Value patches =
      linalg::GenericOp::create(
          b, loc, empty.getType(), conv.getInput(), empty,
          ArrayRef{map.replaceDimsAndSymbols(dims, {}, loops.size(), 0),
                   b.getMultiDimIdentityMap(loops.size())},
          iterators,
          [](OpBuilder &b, Location loc, ValueRange elements) {
            linalg::YieldOp::create(b, loc, elements[0]);
          })
          .getResult(0);
  return collapse(patches, conv.rows.size());
}

/// The weight as [F, K]; `order` is that of its dimensions.
Value LayerBuilder::createWeight(SmallVector<int64_t> &order) {
  order = conv.getOrder(1, Convolution::concat(conv.columns, conv.terms));
  return collapse(createTranspose(conv.getWeight(), order),
                  conv.columns.size());
}

/// What is added to, as [M, F].
Value LayerBuilder::createInit(OpFoldResult numRows) {
  Value init = conv.op.getDpsInits().front();
  if (auto fill = init.getDefiningOp<linalg::FillOp>();
      fill && matchPattern(fill.value(), m_AnyZeroFloat())) {
    Value empty = tensor::EmptyOp::create(
        b, loc, {numRows, b.getIndexAttr(conv.getNumColumns())},
        b.getF32Type());
    return linalg::FillOp::create(b, loc, fill.value(), empty).getResult(0);
  }
  return collapse(
      createTranspose(
          init, conv.getOrder(2, Convolution::concat(conv.rows, conv.columns))),
      conv.rows.size());
}

/// The product of `sizes`.
static OpFoldResult multiply(OpBuilder &b, Location loc,
                             ArrayRef<OpFoldResult> sizes) {
  AffineExpr product = b.getAffineConstantExpr(1);
  for (unsigned i = 0; i < sizes.size(); ++i)
    product = product * b.getAffineSymbolExpr(i);
  return affine::makeComposedFoldedAffineApply(b, loc, product, sizes);
}

Value LayerBuilder::create() {
  SmallVector<OpFoldResult> sizes = getRowSizes();
  Value patches = createPatches();
  SmallVector<int64_t> order;
  Value weight = createWeight(order);
  Value init = createInit(multiply(b, loc, sizes));
  Operation *layer =
      createLinearLayer(b, loc, patches, weight, init, conv.numGroups);
  layer->setDiscardableAttrs(conv.op->getDiscardableAttrDictionary());
  setKernel(layer, findKernel(order));

  Value result = layer->getResult(0);
  SmallVector<unsigned> loops = Convolution::concat(conv.rows, conv.columns);
  SmallVector<int64_t> resultOrder = conv.getOrder(2, loops);
  auto type = cast<RankedTensorType>(conv.op->getResult(0).getType());
  if (loops.size() != 2) {
    SmallVector<ReassociationIndices> dims(2);
    for (unsigned dim = 0; dim < loops.size(); ++dim)
      dims[dim >= conv.rows.size()].push_back(dim);
    for (unsigned loop : conv.columns)
      sizes.push_back(b.getIndexAttr(conv.op.getStaticLoopRanges()[loop]));
    result = tensor::ExpandShapeOp::create(
        b, loc, type.clone(permuteShape(type.getShape(), resultOrder)), result,
        dims, sizes);
  }
  return createTranspose(result, invertPermutationVector(resultOrder));
}

/// Whether `op` splits the first dimension in two and no other. A new dimension
/// of one element may be counted to either side.
static bool splitsFirst(tensor::ExpandShapeOp op) {
  ArrayRef<int64_t> from = op.getSrcType().getShape();
  ArrayRef<int64_t> to = op.getType().getShape();
  return from.size() + 1 == to.size() && from[0] == to[0] * to[1] &&
         from.drop_front() == to.drop_front(2);
}

/// The weight as the model has it: before it is transposed, and before its
/// outputs are split into groups. `order` is that of the dimensions of what the
/// convolution reads.
Kernel LayerBuilder::findKernel(SmallVector<int64_t> order) {
  Value source = conv.getWeight();
  if (auto expand = source.getDefiningOp<tensor::ExpandShapeOp>();
      expand && splitsFirst(expand) && order[0] == 0 && order[1] == 1) {
    source = expand.getSrc();
    order.erase(order.begin());
    for (int64_t &dim : MutableArrayRef(order))
      dim = std::max<int64_t>(dim - 1, 0);
  }
  if (auto transpose = source.getDefiningOp<linalg::TransposeOp>()) {
    source = transpose.getInput();
    order = applyPermutation(transpose.getPermutation(), order);
  }
  auto type = cast<RankedTensorType>(source.getType());
  return {llvm::to_vector(type.getShape()), order};
}

FailureOr<Value> quantc::convertConvToMatmul(RewriterBase &rewriter,
                                             linalg::LinalgOp op) {
  FailureOr<Convolution> conv = matchConvolution(op, rewriter);
  if (failed(conv))
    return failure();
  rewriter.setInsertionPoint(op);
  Value result = LayerBuilder(rewriter, *conv).create();
  rewriter.replaceOp(op, result);
  return result;
}

namespace {
struct ConvertConv : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    return convertConvToMatmul(rewriter, op);
  }
};

struct ConvertConvToMatmul
    : quantc::impl::ConvertConvToMatmulBase<ConvertConvToMatmul> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertConv>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
