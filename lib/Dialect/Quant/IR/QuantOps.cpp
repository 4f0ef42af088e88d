//===- QuantOps.cpp - Operations added to the quant dialect ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registration, canonicalization and shapes. The verifiers are in
// QuantVerifiers.cpp.
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace quantc;

#define GET_OP_CLASSES
#include "quantc/Dialect/Quant/IR/QuantOps.cpp.inc"

void quantc::registerQuantExtension(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, quant::QuantDialect,
                  tensor::TensorDialect>();
  registry.addExtension(+[](MLIRContext *, quant::QuantDialect *dialect) {
    RegisteredOperationName::insert<ChooseParamsOp>(*dialect);
    RegisteredOperationName::insert<DequantizeNormalFloatOp>(*dialect);
    RegisteredOperationName::insert<DequantizeOp>(*dialect);
    RegisteredOperationName::insert<FakeQuantOp>(*dialect);
    RegisteredOperationName::insert<HistogramOp>(*dialect);
    RegisteredOperationName::insert<LinearOp>(*dialect);
    RegisteredOperationName::insert<LoraOp>(*dialect);
    RegisteredOperationName::insert<ObserveOp>(*dialect);
    RegisteredOperationName::insert<QuantizeOp>(*dialect);
    RegisteredOperationName::insert<RequantizeOp>(*dialect);
    RegisteredOperationName::insert<RescaleOp>(*dialect);
    RegisteredOperationName::insert<UnpackOp>(*dialect);
  });
}

int64_t quantc::getBlockSize(RankedTensorType input, RankedTensorType parameter,
                             int64_t dim) {
  if (parameter.getRank() == 0)
    return input.getDimSize(dim);
  if (input.isDynamicDim(dim))
    return parameter.isDynamicDim(dim) ? 1 : ShapedType::kDynamic;
  return input.getDimSize(dim) / parameter.getDimSize(dim);
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

bool LinearOp::hasIntegerInput() {
  return getInput().getType().getElementType().isInteger(8);
}

bool LinearOp::hasIntegerResult() {
  return getResult().getType().getElementType().isInteger(8);
}

bool LinearOp::isDynamic() {
  return getInputScale() && getInputScale().getType().getRank() != 0;
}

int64_t LinearOp::getNumScaleGroups() {
  RankedTensorType scale = getWeightScale().getType();
  return scale.getRank() == 0 ? 1 : scale.getDimSize(1);
}

int64_t LinearOp::getNumMultiplierGroups() {
  return getGroupMultiplier() ? getGroupMultiplier().getType().getDimSize(1)
                              : 0;
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

namespace {

/// quantize(dequantize(q)) -> q when scale, zero point and multiplier are the
/// same values: `rne((q - z) * s / s) + z` is q. The opposite order,
/// dequantize(quantize(x)), rounds x and is never cancelled.
struct FoldDequantizeThenQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().getDefiningOp<DequantizeOp>();
    if (!dequantize)
      return rewriter.notifyMatchFailure(op, "input is not dequantized");
    if (dequantize.getInput().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "storage types differ");
    if (dequantize.getScale() != op.getScale() ||
        dequantize.getZeroPoint() != op.getZeroPoint() ||
        dequantize.getMultiplier() != op.getMultiplier())
      return rewriter.notifyMatchFailure(op, "parameters differ");
    rewriter.replaceOp(op, dequantize.getInput());
    return success();
  }
};

/// requantize with equal parameters and full clamp range -> its input.
struct FoldIdentityRequantize : OpRewritePattern<RequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RequantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getInputScale() != op.getOutputScale() ||
        op.getInputZeroPoint() != op.getOutputZeroPoint())
      return rewriter.notifyMatchFailure(op, "parameters differ");
    if (op.getClampMin() > -128 || op.getClampMax() < 127)
      return rewriter.notifyMatchFailure(op, "the clamp changes values");
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

} // namespace

void QuantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<FoldDequantizeThenQuantize>(context);
}

void RequantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add<FoldIdentityRequantize>(context);
}

//===----------------------------------------------------------------------===//
// Result shapes
//===----------------------------------------------------------------------===//

/// The sizes of `type`, where a dynamic one is that of `source` in the same
/// dimension.
static SmallVector<OpFoldResult> getSizes(OpBuilder &builder, Location loc,
                                          RankedTensorType type, Value source) {
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    sizes.push_back(ShapedType::isDynamic(size)
                        ? tensor::getMixedSize(builder, loc, source, dim)
                        : OpFoldResult(builder.getIndexAttr(size)));
  return sizes;
}

LogicalResult
quantc::detail::reifyFromInput(Operation *op, OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  for (Type type : op->getResultTypes())
    shapes.push_back(getSizes(builder, op->getLoc(),
                              cast<RankedTensorType>(type), op->getOperand(0)));
  return success();
}

void quantc::detail::boundByInput(Operation *op, Value value, int64_t dim,
                                  ValueBoundsConstraintSet &constraints) {
  int64_t size = cast<ShapedType>(value.getType()).getDimSize(dim);
  if (ShapedType::isDynamic(size))
    constraints.bound(value)[dim] ==
        constraints.getExpr(op->getOperand(0), dim);
  else
    constraints.bound(value)[dim] == size;
}
