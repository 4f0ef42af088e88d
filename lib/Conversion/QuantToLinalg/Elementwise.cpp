//===- Elementwise.cpp - Operations element by element --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Averages.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quantc;

namespace {

/// The parameters of one element.
struct ElementParameters {
  Value scale;
  Value zeroPoint;
  /// Whether the innermost loop has one scale, so that what follows from it is
  /// computed once.
  bool isShared = false;
};

/// Computes the result of one element.
using EmitElement =
    llvm::function_ref<Value(Emit &, Value, const ElementParameters &)>;

} // namespace

/// The loops of `op`, whose type has the shape of all elements.
template <class Op>
static FailureOr<BlockLoops> getLoops(Op op, RankedTensorType type) {
  SmallVector<ArrayRef<int64_t>> shapes = {op.getScale().getType().getShape()};
  if (Value multiplier = op.getMultiplier())
    shapes.push_back(cast<ShapedType>(multiplier.getType()).getShape());
  return BlockLoops::get(type, shapes);
}

LogicalResult quantc::checkElementwise(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<QuantizeOp, DequantizeOp, FakeQuantOp>([](auto op) {
        if (succeeded(getLoops(op, op.getInput().getType())))
          return success();
        return LogicalResult(
            op.emitError("scale and multiplier have different groups along a "
                         "dimension; give both the same number"));
      })
      .Default([](Operation *) { return success(); });
}

/// quantize_a1, by a reciprocal where one serves many elements and the target
/// has the multiply-add that makes it exact (quantize_a4).
static Value emitQuantize(Emit &a, Value x, const ElementParameters &p,
                          numerics::StorageRange range, bool hasFma) {
  if (!p.isShared || !hasFma)
    return numerics::quantize(a, x, p.scale, p.zeroPoint, range.min, range.max);
  numerics::ReciprocalScale<Emit> scale =
      numerics::getReciprocalScale(a, p.scale);
  return numerics::quantizeByReciprocal(a, x, scale, p.zeroPoint, range.min,
                                        range.max);
}

/// Whether the target of the module around `op` has a multiply-add of f32.
static bool hasFusedMultiplyAdd(Operation *op) {
  return getTarget(op->getParentOfType<ModuleOp>()).hasFusedMultiplyAdd();
}

/// Lowers `op`, which passed `checkElementwise`, to loops over its blocks;
/// `body` computes an element from that of the input and the parameters of its
/// block.
template <class Op, class Adaptor>
static LogicalResult lowerElementwise(Op op, Adaptor adaptor,
                                      ConversionPatternRewriter &rewriter,
                                      Type elementType, EmitElement body) {
  FailureOr<BlockLoops> loops = getLoops(op, op.getInput().getType());
  if (failed(loops))
    return rewriter.notifyMatchFailure(op, "parameters have different groups");
  SmallVector<Value> parameters = {adaptor.getScale()};
  if (Value zeroPoint = adaptor.getZeroPoint())
    parameters.push_back(zeroPoint);
  if (Value multiplier = adaptor.getMultiplier())
    parameters.push_back(multiplier);

  Location loc = op.getLoc();
  MLIRContext *context = op.getContext();
  SmallVector<Value> inputs = {
      loops->expand(rewriter, loc, adaptor.getInput())};
  SmallVector<AffineMap> maps = {loops->getIdentityMap(context)};
  for (Value parameter : parameters) {
    inputs.push_back(parameter);
    maps.push_back(AffineMap::get(
        loops->getNumLoops(), 0,
        loops->getParameterExprs(
            context, cast<ShapedType>(parameter.getType()).getShape()),
        context));
  }
  bool isShared = llvm::none_of(llvm::drop_begin(maps), [&](AffineMap map) {
    return loops->getNumLoops() != 0 &&
           map.isFunctionOfDim(loops->getNumLoops() - 1);
  });
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, inputs.front());
  Value result =
      createElementwise(
          rewriter, loc, inputs, maps, sizes, elementType,
          [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
            ElementParameters parameters = {elements[1], {}, isShared};
            unsigned next = 2;
            if (op.getZeroPoint())
              parameters.zeroPoint = a.fromStorage(elements[next++]);
            else
              parameters.zeroPoint = a.constantInt(0);
            if (op.getMultiplier()) {
              Value multiplier = a.toFloat(a.fromStorage(elements[next]));
              parameters.scale = a.mul(parameters.scale, multiplier);
            }
            return {body(a, elements[0], parameters)};
          })
          .front();
  rewriter.replaceOp(op, loops->collapse(rewriter, loc, result));
  return success();
}

namespace {

struct LowerQuantize : OpConversionPattern<QuantizeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(QuantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    numerics::StorageRange range = numerics::storageRange(
        op.getType().getElementTypeBitWidth(), /*narrow=*/false);
    bool hasFma = hasFusedMultiplyAdd(op);
    return lowerElementwise(op, adaptor, rewriter, rewriter.getI8Type(),
                            [&](Emit &a, Value x, const ElementParameters &p) {
                              return a.toStorage(
                                  emitQuantize(a, x, p, range, hasFma));
                            });
  }
};

struct LowerDequantize : OpConversionPattern<DequantizeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return lowerElementwise(op, adaptor, rewriter, rewriter.getF32Type(),
                            [](Emit &a, Value q, const ElementParameters &p) {
                              return numerics::dequantize(a, a.fromStorage(q),
                                                          p.scale, p.zeroPoint);
                            });
  }
};

struct LowerFakeQuant : OpConversionPattern<FakeQuantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(FakeQuantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    numerics::StorageRange range =
        numerics::storageRange(op.getBits(), /*narrow=*/false);
    bool hasFma = hasFusedMultiplyAdd(op);
    return lowerElementwise(op, adaptor, rewriter, rewriter.getF32Type(),
                            [&](Emit &a, Value x, const ElementParameters &p) {
                              Value q = emitQuantize(a, x, p, range, hasFma);
                              return numerics::dequantize(a, q, p.scale,
                                                          p.zeroPoint);
                            });
  }
};

struct LowerRequantize : OpConversionPattern<RequantizeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(RequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    unsigned rank = op.getType().getRank();
    AffineMap element = rewriter.getMultiDimIdentityMap(rank);
    AffineMap scalar = AffineMap::get(rank, 0, rewriter.getContext());
    // requantize_a1.
    numerics::StorageRange range = {static_cast<int32_t>(op.getClampMin()),
                                    static_cast<int32_t>(op.getClampMax())};
    bool hasFma = hasFusedMultiplyAdd(op);
    rewriter.replaceOp(
        op,
        createElementwise(
            rewriter, loc,
            {input, adaptor.getInputScale(), adaptor.getInputZeroPoint(),
             adaptor.getOutputScale(), adaptor.getOutputZeroPoint()},
            {element, scalar, scalar, scalar, scalar},
            tensor::getMixedSizes(rewriter, loc, input), rewriter.getI8Type(),
            [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
              Value q = a.fromStorage(elements[0]);
              Value inputZeroPoint = a.fromStorage(elements[2]);
              Value x = numerics::dequantize(a, q, elements[1], inputZeroPoint);
              ElementParameters output = {
                  elements[3], a.fromStorage(elements[4]), /*isShared=*/true};
              return {a.toStorage(emitQuantize(a, x, output, range, hasFma))};
            }));
    return success();
  }
};

struct LowerRescale : OpConversionPattern<RescaleOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(RescaleOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType scale = op.getScale().getType();
    FailureOr<BlockLoops> loops =
        BlockLoops::get(op.getInput().getType(), scale.getShape());
    if (failed(loops))
      return rewriter.notifyMatchFailure(op, "the scale has no blocks");
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    SmallVector<Value> inputs = {
        loops->expand(rewriter, loc, adaptor.getInput()), adaptor.getScale()};
    SmallVector<AffineMap> maps = {
        loops->getIdentityMap(context),
        AffineMap::get(loops->getNumLoops(), 0,
                       loops->getParameterExprs(context, scale.getShape()),
                       context)};
    if (Value zeroPoint = adaptor.getZeroPoint()) {
      inputs.push_back(zeroPoint);
      maps.push_back(AffineMap::get(loops->getNumLoops(), 0, context));
    }
    Value result =
        createElementwise(
            rewriter, loc, inputs, maps,
            tensor::getMixedSizes(rewriter, loc, inputs.front()),
            op.getType().getElementType(),
            [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
              Value sum = elements[0];
              if (sum.getType().isInteger(16))
                sum = a.fromStorage(sum);
              if (!op.getZeroPoint())
                return {numerics::rescale(a, sum, elements[1])};
              return {a.toStorage(numerics::rescaleToStorage(
                  a, sum, elements[1], a.fromStorage(elements[2]),
                  op.getClampMin(), op.getClampMax()))};
            })
            .front();
    rewriter.replaceOp(op, loops->collapse(rewriter, loc, result));
    return success();
  }
};

} // namespace

void quantc::populateElementwisePatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerQuantize, LowerDequantize, LowerFakeQuant, LowerRequantize,
               LowerRescale>(converter, patterns.getContext());
}
