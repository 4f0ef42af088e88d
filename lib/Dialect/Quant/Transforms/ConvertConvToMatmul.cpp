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
// K runs through t in the order of the loops of the convolution.
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
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Permute.h"

namespace quantc {
#define GEN_PASS_DEF_CONVERTCONVTOMATMUL
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {

/// The loops of a convolution of one group.
struct Convolution {
  linalg::LinalgOp op;
  /// In the order of the result.
  SmallVector<unsigned> rows;
  unsigned output;
  /// In their own order.
  SmallVector<unsigned> terms;

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
  FailureOr<linalg::ConvolutionDimensions> dims =
      linalg::inferConvolutionDims(op);
  if (failed(dims) || dims->outputChannel.size() != 1 || !dims->depth.empty())
    return rewriter.notifyMatchFailure(op, "not of one group");
  Convolution conv{op, {}, dims->outputChannel.front(), {}};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[1].isProjectedPermutation() || !maps[2].isProjectedPermutation())
    return rewriter.notifyMatchFailure(op, "the weight or the result is not "
                                           "indexed by loops");
  for (AffineExpr expr : maps[2].getResults())
    if (unsigned loop = cast<AffineDimExpr>(expr).getPosition();
        loop != conv.output)
      conv.rows.push_back(loop);
  for (unsigned loop : conv.rows)
    if (maps[1].isFunctionOfDim(loop))
      return rewriter.notifyMatchFailure(op, "not of one group");
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [loop, iterator] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (iterator != utils::IteratorType::reduction)
      continue;
    conv.terms.push_back(loop);
    if (ShapedType::isDynamic(ranges[loop]))
      return rewriter.notifyMatchFailure(op, "the window has no known size");
  }
  if (ShapedType::isDynamic(ranges[conv.output]) ||
      maps[1].getNumResults() != conv.terms.size() + 1)
    return rewriter.notifyMatchFailure(op, "the weight has no known shape");
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

/// patches[r, t] = x[at(r, t)]; the input itself where that is all it is.
Value LayerBuilder::createPatches() {
  SmallVector<int64_t> ranges = conv.op.getStaticLoopRanges();
  SmallVector<unsigned> loops(conv.rows);
  llvm::append_range(loops, conv.terms);
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
    if (i < conv.rows.size() || ranges[loop] != 1)
      used.push_back(b.getAffineDimExpr(i));
  if (static_cast<int64_t>(used.size()) == rank &&
      used.size() > conv.rows.size() && llvm::equal(reduced.getResults(), used))
    return collapse(conv.getInput(), conv.rows.size());

  SmallVector<OpFoldResult> sizes = getRowSizes();
  for (unsigned loop : conv.terms)
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
  SmallVector<unsigned> loops = {conv.output};
  llvm::append_range(loops, conv.terms);
  order = conv.getOrder(1, loops);
  return collapse(createTranspose(conv.getWeight(), order), 1);
}

/// What is added to, as [M, F].
Value LayerBuilder::createInit(OpFoldResult numRows) {
  Value init = conv.op.getDpsInits().front();
  if (auto fill = init.getDefiningOp<linalg::FillOp>();
      fill && matchPattern(fill.value(), m_AnyZeroFloat())) {
    int64_t outputs = conv.op.getStaticLoopRanges()[conv.output];
    Value empty = tensor::EmptyOp::create(
        b, loc, {numRows, b.getIndexAttr(outputs)}, b.getF32Type());
    return linalg::FillOp::create(b, loc, fill.value(), empty).getResult(0);
  }
  SmallVector<unsigned> loops(conv.rows);
  loops.push_back(conv.output);
  return collapse(createTranspose(init, conv.getOrder(2, loops)),
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
  auto matmul = linalg::MatmulTransposeBOp::create(
      b, loc, init.getType(), ValueRange{patches, weight}, init);
  matmul->setDiscardableAttrs(conv.op->getDiscardableAttrDictionary());
  Value source = conv.getWeight();
  if (auto transpose = source.getDefiningOp<linalg::TransposeOp>()) {
    source = transpose.getInput();
    order = applyPermutation(transpose.getPermutation(), order);
  }
  setKernel(matmul, {llvm::to_vector(
                         cast<RankedTensorType>(source.getType()).getShape()),
                     order});

  Value result = matmul->getResult(0);
  SmallVector<unsigned> loops(conv.rows);
  loops.push_back(conv.output);
  SmallVector<int64_t> resultOrder = conv.getOrder(2, loops);
  auto type = cast<RankedTensorType>(conv.op->getResult(0).getType());
  if (conv.rows.size() != 1) {
    SmallVector<ReassociationIndices> dims(2);
    for (unsigned dim = 0; dim < conv.rows.size(); ++dim)
      dims[0].push_back(dim);
    dims[1].push_back(conv.rows.size());
    sizes.push_back(
        b.getIndexAttr(cast<RankedTensorType>(init.getType()).getDimSize(1)));
    result = tensor::ExpandShapeOp::create(
        b, loc, type.clone(permuteShape(type.getShape(), resultOrder)), result,
        dims, sizes);
  }
  return createTranspose(result, invertPermutationVector(resultOrder));
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
