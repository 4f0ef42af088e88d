//===- LookUpIntegers.cpp - Look up rows of integers ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/Lookup.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_LOOKUPINTEGERS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Whether `parameter` has values of their own for each of `rows` rows, or one
/// for all.
static bool isSplitByRow(Value parameter, int64_t rows) {
  if (!parameter)
    return true;
  auto type = cast<RankedTensorType>(parameter.getType());
  return type.getRank() == 0 || type.getDimSize(0) == rows;
}

/// The rows of `tensor` that `lookup` reads of its table; values that are
/// stored two to a byte are looked up as bytes. Null and scalars stay as they
/// are.
static Value lookUpRows(OpBuilder &builder, const Lookup &lookup,
                        Value tensor) {
  if (!tensor || cast<RankedTensorType>(tensor.getType()).getRank() == 0)
    return tensor;
  auto unpack = tensor.getDefiningOp<UnpackOp>();
  if (!unpack)
    return createLookup(builder, lookup, tensor);
  Value bytes = createLookup(builder, lookup, unpack.getInput());
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(bytes.getType()).getShape());
  shape.back() = unpack.getType().getDimSize(1);
  return UnpackOp::create(
      builder, lookup.op->getLoc(),
      RankedTensorType::get(shape, unpack.getType().getElementType()), bytes);
}

namespace {
/// lookup(dequantize(q)) -> dequantize(lookup(q)).
struct SinkDequantize : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Lookup> lookup = matchLookup(op);
    if (!lookup)
      return rewriter.notifyMatchFailure(op, "does not look up rows");
    auto table = lookup->getTable().getDefiningOp<DequantizeOp>();
    if (!table)
      return rewriter.notifyMatchFailure(op, "the table is not dequantized");
    int64_t rows = table.getType().getDimSize(0);
    if (!isSplitByRow(table.getScale(), rows) ||
        !isSplitByRow(table.getMultiplier(), rows))
      return rewriter.notifyMatchFailure(op, "blocks of the table span rows");
    auto dequantize = DequantizeOp::create(
        rewriter, op.getLoc(), cast<RankedTensorType>(op.getType(0)),
        lookUpRows(rewriter, *lookup, table.getInput()),
        lookUpRows(rewriter, *lookup, table.getScale()),
        lookUpRows(rewriter, *lookup, table.getZeroPoint()),
        lookUpRows(rewriter, *lookup, table.getMultiplier()));
    copyLayerAttrs(op, dequantize);
    rewriter.replaceOp(op, dequantize);
    return success();
  }
};

struct LookUpIntegers : quantc::impl::LookUpIntegersBase<LookUpIntegers> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateLookUpIntegersPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateLookUpIntegersPatterns(RewritePatternSet &patterns) {
  patterns.add<SinkDequantize>(patterns.getContext());
}
