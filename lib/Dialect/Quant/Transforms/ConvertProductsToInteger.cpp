//===- ConvertProductsToInteger.cpp - Products of two activations ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HoistQuantize.h"

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_CONVERTPRODUCTSTOINTEGER
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
/// result[b..., m, n] = sum_k lhs * rhs of dequantized operands, which may have
/// their dimensions in any order.
struct Product {
  linalg::LinalgOp op;
  DequantizeOp lhs, rhs;
  SmallVector<unsigned, 2> batch;
  unsigned m, n, k;

  AffineMap getMap(unsigned operand) {
    return op.getIndexingMapsArray()[operand];
  }
  /// The dimension of `operand` that the loop `loop` runs along.
  unsigned getDim(unsigned operand, unsigned loop) {
    return *getMap(operand).getResultPosition(
        getAffineDimExpr(loop, op.getContext()));
  }
};
} // namespace

/// The operation that makes `value` if it dequantizes bytes with one scale.
static DequantizeOp getBytes(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || op.getMultiplier() || op.getScale().getType().getRank() != 0 ||
      !op.getInput().getType().getElementType().isInteger(8))
    return DequantizeOp();
  return op;
}

/// Whether i32 holds all sums of `depth` products of differences of bytes.
static bool fitsAccumulator(int64_t depth) {
  constexpr int64_t largest = 255 * 255;
  return depth <= INT32_MAX / largest;
}

/// Matches `op` or says why not.
static FailureOr<Product> matchProduct(linalg::LinalgOp op,
                                       PatternRewriter &rewriter) {
  if (!linalg::isaContractionOpInterface(op) || !op.hasPureTensorSemantics())
    return rewriter.notifyMatchFailure(op, "no contraction of tensors");
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->m.size() != 1 || dims->n.size() != 1 ||
      dims->k.size() != 1 || dims->batch.size() + 3 != op.getNumLoops())
    return rewriter.notifyMatchFailure(op, "not a batch of matrix products");
  if (!llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return rewriter.notifyMatchFailure(op, "an operand is broadcast");
  Product product{op,
                  getBytes(op->getOperand(0)),
                  getBytes(op->getOperand(1)),
                  dims->batch,
                  dims->m[0],
                  dims->n[0],
                  dims->k[0]};
  if (!product.lhs || !product.rhs)
    return rewriter.notifyMatchFailure(op, "no bytes with one scale each");
  if (getStorageValues(product.rhs.getInput()))
    return rewriter.notifyMatchFailure(op, "the weight is constant");
  unsigned rank = product.batch.size() + 2;
  if (product.getDim(2, product.m) != rank - 2 ||
      product.getDim(2, product.n) != rank - 1)
    return rewriter.notifyMatchFailure(op, "the result is transposed");
  if (!startsFromZero(op.getDpsInits()[0]))
    return rewriter.notifyMatchFailure(op, "adds to a tensor that is not zero");
  ArrayRef<int64_t> shape = product.rhs.getType().getShape();
  int64_t columns = shape[product.getDim(1, product.n)];
  int64_t depth = shape[product.getDim(1, product.k)];
  if (ShapedType::isDynamic(columns) || ShapedType::isDynamic(depth))
    return rewriter.notifyMatchFailure(op, "rhs has no static matrices");
  if (!fitsAccumulator(depth))
    return rewriter.notifyMatchFailure(op, "sums may not fit 32 bits");
  return product;
}

/// Where a matrix of a batch is in a tensor.
namespace {
struct Slice {
  SmallVector<OpFoldResult> offsets, sizes, strides;
};
} // namespace

/// The matrix of `tensor`, which has the dimensions of `operand`, at the
/// indices `outer` of the batch.
static Slice getSlice(OpBuilder &builder, Product &product, unsigned operand,
                      Value tensor, ValueRange outer) {
  Slice slice;
  slice.sizes = tensor::getMixedSizes(builder, product.op.getLoc(), tensor);
  slice.offsets.assign(slice.sizes.size(), builder.getIndexAttr(0));
  slice.strides.assign(slice.sizes.size(), builder.getIndexAttr(1));
  for (auto [loop, index] : llvm::zip_equal(product.batch, outer)) {
    unsigned dim = product.getDim(operand, loop);
    slice.offsets[dim] = index;
    slice.sizes[dim] = builder.getIndexAttr(1);
  }
  return slice;
}

/// The matrix [rows, columns] of `tensor` at the indices `outer` of the batch.
static Value createMatrix(OpBuilder &builder, Product &product,
                          unsigned operand, Value tensor, unsigned row,
                          unsigned column, ValueRange outer) {
  Location loc = product.op.getLoc();
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t rows = type.getDimSize(product.getDim(operand, row));
  int64_t columns = type.getDimSize(product.getDim(operand, column));
  bool isTransposed =
      product.getDim(operand, column) < product.getDim(operand, row);
  Value matrix = tensor;
  if (!outer.empty()) {
    SmallVector<int64_t, 2> shape = {rows, columns};
    if (isTransposed)
      std::swap(shape[0], shape[1]);
    Slice slice = getSlice(builder, product, operand, tensor, outer);
    matrix = tensor::ExtractSliceOp::create(
        builder, loc, RankedTensorType::get(shape, type.getElementType()),
        tensor, slice.offsets, slice.sizes, slice.strides);
  }
  if (!isTransposed)
    return matrix;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, matrix);
  std::swap(sizes[0], sizes[1]);
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  return linalg::TransposeOp::create(builder, loc, matrix, empty,
                                     ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

/// How both operands are quantized: lhs takes the place of an input, rhs that
/// of a weight.
static LayerConfig getConfig(Product &product) {
  auto isSymmetric = [](DequantizeOp op) {
    std::optional<std::vector<int8_t>> zeroPoint =
        getStorageValues(op.getZeroPoint());
    return !op.getZeroPoint() || (zeroPoint && zeroPoint->front() == 0);
  };
  LayerConfig config;
  config.granularity = Granularity::PerTensor;
  config.mode =
      getFloatValues(product.lhs.getScale()) ? Mode::Static : Mode::Dynamic;
  config.symmetricWeights = isSymmetric(product.rhs);
  config.symmetricActivations = isSymmetric(product.lhs);
  return config;
}

/// The product of one pair of matrices.
static Value createLinear(OpBuilder &builder, Product &product,
                          Value inputZeroPoint, ValueRange outer) {
  Value lhs = createMatrix(builder, product, 0, product.lhs.getInput(),
                           product.m, product.k, outer);
  Value rhs = createMatrix(builder, product, 1, product.rhs.getInput(),
                           product.n, product.k, outer);
  auto type = RankedTensorType::get(
      {cast<RankedTensorType>(lhs.getType()).getDimSize(0),
       cast<RankedTensorType>(rhs.getType()).getDimSize(0)},
      builder.getF32Type());
  auto linear = LinearOp::create(
      builder, product.op.getLoc(), type, lhs, rhs, product.rhs.getScale(),
      product.rhs.getZeroPoint(), /*group_multiplier=*/Value(),
      product.lhs.getScale(), inputZeroPoint, /*bias=*/Value(),
      /*output_scale=*/Value(), /*output_zero_point=*/Value(),
      /*addend=*/Value());
  setLayerConfig(linear, getConfig(product));
  return linear;
}

namespace {
/// product(dequantize(a), dequantize(b)) -> for each of the batch: linear(a,
/// b).
struct ConvertProduct : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Product> product = matchProduct(op, rewriter);
    if (failed(product))
      return failure();
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, op.getDpsInits()[0]);
    Value init =
        tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
    Value zeroPoint = getZeroPoint(rewriter, loc, product->lhs.getZeroPoint());
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(rewriter, loc, value);
    };
    SmallVector<Value> starts(product->batch.size(), index(0));
    SmallVector<Value> steps(product->batch.size(), index(1)), ends;
    for (unsigned loop : product->batch)
      ends.push_back(getValueOrCreateConstantIndexOp(
          rewriter, loc, sizes[product->getDim(2, loop)]));
    scf::LoopNest nest = scf::buildLoopNest(
        rewriter, loc, starts, ends, steps, init,
        [&](OpBuilder &builder, Location, ValueRange outer,
            ValueRange results) -> scf::ValueVector {
          Value linear = createLinear(builder, *product, zeroPoint, outer);
          if (outer.empty())
            return {linear};
          Slice slice = getSlice(builder, *product, 2, results.front(), outer);
          return {tensor::InsertSliceOp::create(builder, loc, linear,
                                                results.front(), slice.offsets,
                                                slice.sizes, slice.strides)};
        });
    rewriter.replaceOp(op, nest.results);
    return success();
  }
};

struct ConvertProductsToInteger
    : quantc::impl::ConvertProductsToIntegerBase<ConvertProductsToInteger> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateConvertProductsToIntegerPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateConvertProductsToIntegerPatterns(
    RewritePatternSet &patterns) {
  patterns.add<ConvertProduct>(patterns.getContext());
}
