//===- FoldWeights.cpp - Quantized constants to integers ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_FOLDWEIGHTS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
/// Which element of a parameter tensor belongs to an element of a tensor that
/// it divides into blocks. Rows run along the last dimension.
class Blocks {
public:
  Blocks(ArrayRef<int64_t> shape, ArrayRef<int64_t> blocks)
      : shape(shape), blocks(blocks),
        colsPerBlock(blocks.empty() ? 0 : shape.back() / blocks.back()) {}

  int64_t getIndex(int64_t row, int64_t col) const {
    if (blocks.empty())
      return 0;
    return getRowStart(row) + col / colsPerBlock;
  }

private:
  /// The index of the first block of a row: its coordinates, each divided by
  /// the size of a block, in row-major order.
  int64_t getRowStart(int64_t row) const {
    int64_t index = 0, stride = blocks.back();
    for (size_t dim = shape.size() - 1; dim-- > 0;) {
      int64_t coordinate = row % shape[dim];
      row /= shape[dim];
      index += coordinate / (shape[dim] / blocks[dim]) * stride;
      stride *= blocks[dim];
    }
    return index;
  }

  ArrayRef<int64_t> shape, blocks;
  int64_t colsPerBlock;
};

/// quantize(constant; constant parameters) -> constant.
struct FoldQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override;
};
} // namespace

LogicalResult FoldQuantize::matchAndRewrite(QuantizeOp op,
                                            PatternRewriter &rewriter) const {
  auto input = ConstantElements<float>::get(op.getInput());
  auto scale = ConstantElements<float>::get(op.getScale());
  if (!input || !scale)
    return rewriter.notifyMatchFailure(op, "input or scale is not constant");
  std::optional<ConstantElements<int8_t>> zeroPoint;
  std::optional<std::vector<int8_t>> multiplier;
  if (op.getZeroPoint())
    if (!(zeroPoint = ConstantElements<int8_t>::get(op.getZeroPoint())))
      return rewriter.notifyMatchFailure(op, "zero point is not constant");
  if (op.getMultiplier())
    if (!(multiplier = getStorageValues(op.getMultiplier())))
      return rewriter.notifyMatchFailure(op, "multiplier is not constant");
  if (input->values().empty())
    return rewriter.notifyMatchFailure(op, "there is nothing to quantize");

  ArrayRef<int64_t> shape = op.getType().getShape();
  unsigned bits = op.getType().getElementTypeBitWidth();
  if (bits == 4 && shape.empty())
    return rewriter.notifyMatchFailure(op, "a scalar has no pair to pack");
  int64_t cols = shape.empty() ? 1 : shape.back();
  int64_t rows = op.getType().getNumElements() / cols;
  Blocks scaleBlocks(shape, op.getScale().getType().getShape());
  Blocks multiplierBlocks(
      shape, multiplier ? op.getMultiplier().getType().getShape() : shape);
  numerics::Evaluate a;
  numerics::StorageRange range = numerics::storageRange(bits, /*narrow=*/false);
  std::vector<int8_t> storage(rows * cols);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col) {
      int64_t block = scaleBlocks.getIndex(row, col);
      float s = scale->values()[block];
      if (multiplier)
        s *= (*multiplier)[multiplierBlocks.getIndex(row, col)];
      int32_t z = zeroPoint ? zeroPoint->values()[block] : 0;
      int64_t i = row * cols + col;
      storage[i] = static_cast<int8_t>(numerics::quantize(
          a, input->values()[i], s, z, range.min, range.max));
    }

  rewriter.replaceOp(
      op, createStorage(rewriter, op.getLoc(), shape, bits, ArrayRef(storage)));
  return success();
}

namespace {
struct FoldWeights : quantc::impl::FoldWeightsBase<FoldWeights> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFoldWeightsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateFoldWeightsPatterns(RewritePatternSet &patterns) {
  patterns.add<FoldQuantize>(patterns.getContext());
}
