//===- ConvertToInteger.cpp - Simulated layers to quant.linear ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_CONVERTTOINTEGER
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Whether quant.linear can take `input` as integers: i8, with one scale for
/// the tensor or one for each row.
static bool hasLinearInput(DequantizeOp input) {
  RankedTensorType scale = input.getScale().getType();
  bool isPerRow = scale.getRank() == 2 && scale.getDimSize(1) == 1 &&
                  scale.getDimSize(0) == input.getType().getDimSize(0);
  return input.getInput().getType().getElementType().isInteger(8) &&
         !input.getMultiplier() &&
         (scale.getRank() == 0 || (isPerRow && input.getZeroPoint()));
}

/// The zero point of `input`, a constant 0 if it has none.
static Value getZeroPoint(OpBuilder &builder, DequantizeOp input) {
  if (input.getZeroPoint())
    return input.getZeroPoint();
  return createConstant(builder, input.getLoc(), {}, ArrayRef<int8_t>{0});
}

/// Whether quant.linear can take `weight` [N, K]: one scale for the tensor, or
/// at least one for each row.
static bool hasLinearWeight(DequantizeOp weight) {
  auto isSplitByRow = [&](Value parameter) {
    auto type = cast<RankedTensorType>(parameter.getType());
    return type.getDimSize(0) == weight.getType().getDimSize(0);
  };
  RankedTensorType scale = weight.getScale().getType();
  if (scale.getRank() != 0 && !isSplitByRow(weight.getScale()))
    return false;
  if (!weight.getMultiplier())
    return true;
  return weight.getInput().getType().getElementType().isInteger(4) &&
         weight.getMultiplier().getType().getRank() == 2 &&
         isSplitByRow(weight.getMultiplier()) &&
         (scale.getRank() == 0 || scale.getDimSize(1) == 1);
}

namespace {
/// matmul(dequantize(a) or x, dequantize(w)) [+ bias] -> quant.linear.
struct ConvertMatmul : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::string reason;
    FailureOr<LinearLayer> layer = matchLinearLayer(op, reason);
    if (failed(layer))
      return rewriter.notifyMatchFailure(op, reason);
    auto weight = layer->weight.getDefiningOp<DequantizeOp>();
    if (!weight || layer->isWeightTransposed)
      return rewriter.notifyMatchFailure(op, "no dequantized [N, K] weight");
    if (!hasLinearWeight(weight))
      return rewriter.notifyMatchFailure(op, "blocks of the weight span rows");
    auto input = layer->getInput().getDefiningOp<DequantizeOp>();
    if (input && !hasLinearInput(input))
      return rewriter.notifyMatchFailure(op, "the input is scaled in blocks");

    Operation *last = op;
    Value bias;
    if (Operation *user = getOnlyUser(op->getResult(0))) {
      rewriter.setInsertionPoint(user);
      if ((bias = matchBiasAdd(rewriter, user, op->getResult(0))))
        last = user;
    }
    rewriter.setInsertionPoint(last);
    auto linear = LinearOp::create(
        rewriter, op.getLoc(), last->getResult(0).getType(),
        input ? Value(input.getInput()) : layer->getInput(), weight.getInput(),
        weight.getScale(), weight.getZeroPoint(), weight.getMultiplier(),
        input ? Value(input.getScale()) : Value(),
        input ? getZeroPoint(rewriter, input) : Value(), bias,
        /*output_scale=*/Value(), /*output_zero_point=*/Value(),
        /*addend=*/Value());
    linear.setFeatureGroups(layer->featureGroups);
    copyLayerAttrs(op, linear);
    rewriter.replaceOp(last, linear);
    if (last != op)
      rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertToInteger : quantc::impl::ConvertToIntegerBase<ConvertToInteger> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateConvertToIntegerPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateConvertToIntegerPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertMatmul>(patterns.getContext());
}
