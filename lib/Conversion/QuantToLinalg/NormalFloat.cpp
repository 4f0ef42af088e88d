//===- NormalFloat.cpp - 4-bit NormalFloat weights ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/NormalFloat.h"

#include "Patterns.h"
#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

using namespace mlir;
using namespace quantc;

namespace {

/// First the magnitudes, [B, 256] and from there [N, K / 64], then the weights
/// in loops over [N, K / 64, 64].
struct LowerDequantizeNormalFloat
    : OpConversionPattern<DequantizeNormalFloatOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DequantizeNormalFloatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    RankedTensorType type = op.getType();
    int64_t rows = type.getDimSize(0);
    SmallVector<int64_t> blocks = {rows, type.getDimSize(1) /
                                             numerics::normalFloatBlock};
    FailureOr<BlockLoops> loops =
        BlockLoops::get(type, {ArrayRef<int64_t>(blocks)});
    if (failed(loops))
      return rewriter.notifyMatchFailure(op, "blocks are not regular");
    Value magnitudes = createMagnitudes(op, adaptor, rewriter, blocks);
    Value input = loops->expand(rewriter, loc, adaptor.getInput());
    Value result =
        createElementwise(
            rewriter, loc, {input, magnitudes},
            {loops->getIdentityMap(context),
             AffineMap::get(loops->getNumLoops(), 0,
                            loops->getParameterExprs(context, blocks),
                            context)},
            tensor::getMixedSizes(rewriter, loc, input), rewriter.getF32Type(),
            [](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
              Value q = a.fromStorage(elements[0]);
              return {a.mul(numerics::normalFloatLevel(a, q), elements[1])};
            })
            .front();
    rewriter.replaceOp(op, loops->collapse(rewriter, loc, result));
    return success();
  }

private:
  /// The magnitudes as a tensor of shape `blocks`.
  static Value createMagnitudes(DequantizeNormalFloatOp op, OpAdaptor adaptor,
                                OpBuilder &builder, ArrayRef<int64_t> blocks) {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    AffineExpr zero = builder.getAffineConstantExpr(0);
    Value all =
        createElementwise(
            builder, loc,
            {adaptor.getMagnitude(), adaptor.getMagnitudeScale(),
             adaptor.getMagnitudeMean()},
            {builder.getMultiDimIdentityMap(2),
             AffineMap::get(2, 0, {builder.getAffineDimExpr(0), zero}, context),
             AffineMap::get(2, 0, context)},
            tensor::getMixedSizes(builder, loc, adaptor.getMagnitude()),
            builder.getF32Type(),
            [](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
              return {numerics::normalFloatMagnitude(
                  a, a.fromStorage(elements[0]), elements[1], elements[2])};
            })
            .front();
    SmallVector<ReassociationIndices> flat = {{0, 1}};
    Value line = tensor::CollapseShapeOp::create(builder, loc, all, flat);
    OpFoldResult one = builder.getIndexAttr(1);
    Value used = tensor::ExtractSliceOp::create(
        builder, loc, line, {builder.getIndexAttr(0)},
        {builder.getIndexAttr(blocks[0] * blocks[1])}, {one});
    return tensor::ExpandShapeOp::create(
        builder, loc, RankedTensorType::get(blocks, builder.getF32Type()), used,
        flat);
  }
};

} // namespace

void quantc::populateNormalFloatPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerDequantizeNormalFloat>(converter, patterns.getContext());
}
