//===- QuantRules.cpp - Rules of quantization -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cotangent of an integer is that of the value which it stands for, so
// quant.dequantize passes its cotangent on. All that quantization adds is in
// the rule of quant.quantize: ste_a1 and lsq_a1.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Gradients.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Rounding to a grid
//===----------------------------------------------------------------------===//

namespace {

/// Rounds a tensor to the grid of its parameters.
struct Quantizer {
  TypedValue<RankedTensorType> input;
  TypedValue<RankedTensorType> scale;
  /// Null for 0 and for 1.
  Value zeroPoint;
  Value multiplier;
  numerics::StorageRange range;
};

/// The elements that belong to one element of the input.
struct QuantizerElements {
  Value dq, x, scale, zeroPoint, multiplier;
};

/// The operands of a linalg.generic over the elements of a quantizer.
struct QuantizerLoops {
  BlockLoops loops;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;

  AffineMap getMap(MLIRContext *context, ArrayRef<int64_t> shape) const {
    return AffineMap::get(loops.getNumLoops(), 0,
                          loops.getParameterExprs(context, shape), context);
  }
};

} // namespace

/// The loops over `dq`, the input and the parameters, in that order. Fails,
/// with an error, for a scale and a multiplier in different groups.
static FailureOr<QuantizerLoops>
getLoops(GradientBuilder &b, const Quantizer &quantizer, Value dq) {
  SmallVector<ArrayRef<int64_t>> shapes = {
      quantizer.scale.getType().getShape()};
  if (quantizer.multiplier)
    shapes.push_back(
        cast<ShapedType>(quantizer.multiplier.getType()).getShape());
  FailureOr<BlockLoops> loops =
      BlockLoops::get(quantizer.input.getType(), shapes);
  if (failed(loops))
    return emitError(b.getLoc(),
                     "scale and multiplier have different groups along a "
                     "dimension; give both the same number");
  MLIRContext *context = b.getContext();
  QuantizerLoops result = {*loops, {}, {}};
  for (Value tensor : {dq, Value(quantizer.input)}) {
    result.inputs.push_back(loops->expand(b, b.getLoc(), tensor));
    result.maps.push_back(loops->getIdentityMap(context));
  }
  for (Value parameter :
       {Value(quantizer.scale), quantizer.zeroPoint, quantizer.multiplier}) {
    if (!parameter)
      continue;
    result.inputs.push_back(parameter);
    result.maps.push_back(result.getMap(
        context, cast<ShapedType>(parameter.getType()).getShape()));
  }
  return result;
}

/// Sorts the elements of the inputs that `getLoops` made; the scale of an
/// element is multiplied by its multiplier.
static QuantizerElements getElements(Emit &a, const Quantizer &quantizer,
                                     ValueRange elements) {
  QuantizerElements result = {elements[0], elements[1], elements[2], {}, {}};
  unsigned next = 3;
  result.zeroPoint =
      quantizer.zeroPoint ? a.fromStorage(elements[next++]) : a.constantInt(0);
  if (quantizer.multiplier) {
    result.multiplier = a.toFloat(a.fromStorage(elements[next]));
    result.scale = a.mul(result.scale, result.multiplier);
  }
  return result;
}

/// ste_a1: the cotangent of the input.
static Value createStraightThrough(GradientBuilder &b,
                                   const Quantizer &quantizer, Value dq,
                                   const QuantizerLoops &nest) {
  auto [qmin, qmax] = quantizer.range;
  Value result =
      createElementwise(
          b, b.getLoc(), nest.inputs, nest.maps,
          tensor::getMixedSizes(b, b.getLoc(), nest.inputs.front()),
          b.getF32Type(),
          [&, qmin = qmin,
           qmax = qmax](Emit &a, ValueRange elements) -> SmallVector<Value> {
            QuantizerElements e = getElements(a, quantizer, elements);
            return {numerics::straightThrough(a, e.dq, e.x, e.scale,
                                              e.zeroPoint, qmin, qmax)};
          })
          .front();
  return nest.loops.collapse(b, b.getLoc(), result);
}

/// The number of elements that share one element of `scale`, as f32.
static Value createCount(GradientBuilder &b, Value tensor, Value scale) {
  auto getSize = [&](Value value) {
    Value size = arith::ConstantIndexOp::create(b, 1);
    for (OpFoldResult dim : tensor::getMixedSizes(b, b.getLoc(), value))
      size = b.createOrFold<arith::MulIOp>(
          size, getValueOrCreateConstantIndexOp(b, b.getLoc(), dim));
    return size;
  };
  Value count = b.createOrFold<arith::DivSIOp>(getSize(tensor), getSize(scale));
  count = b.createOrFold<arith::IndexCastOp>(b.getI64Type(), count);
  return b.createOrFold<arith::SIToFPOp>(b.getF32Type(), count);
}

/// lsq_a1, lsq_a2: the cotangent of the scale. A multiplier is a factor of the
/// step, so also of its derivative.
static Value createStepGradient(GradientBuilder &b, const Quantizer &quantizer,
                                const QuantizerLoops &nest) {
  MLIRContext *context = b.getContext();
  auto [qmin, qmax] = quantizer.range;
  SmallVector<AffineMap> maps = nest.maps;
  maps.push_back(nest.getMap(context, quantizer.scale.getType().getShape()));
  SmallVector<utils::IteratorType> iterators = getSumIterators(maps.back());
  Value sum =
      createGeneric(b, b.getLoc(), nest.inputs, b.createZeros(quantizer.scale),
                    maps, iterators,
                    [&, qmin = qmin, qmax = qmax](
                        Emit &a, ValueRange elements) -> SmallVector<Value> {
                      QuantizerElements e = getElements(a, quantizer, elements);
                      Value step = numerics::stepDerivative(
                          a, e.x, e.scale, e.zeroPoint, qmin, qmax);
                      if (e.multiplier)
                        step = a.mul(step, e.multiplier);
                      return {a.add(elements.back(), a.mul(e.dq, step))};
                    })
          .front();

  Emit a(b, b.getLoc());
  Value count = createCount(b, quantizer.input, quantizer.scale);
  Value factor = numerics::stepGradientFactor(a, count, qmax);
  AffineMap identity =
      b.getMultiDimIdentityMap(quantizer.scale.getType().getRank());
  return createElementwise(
             b, b.getLoc(), sum, identity,
             tensor::getMixedSizes(b, b.getLoc(), quantizer.scale),
             b.getF32Type(),
             [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
               return {a.mul(elements[0], factor)};
             })
      .front();
}

/// Adds to the cotangents of the input and of the scale. `dq` is that of the
/// rounded value.
static LogicalResult differentiateQuantizer(GradientBuilder &b,
                                            const Quantizer &quantizer,
                                            Value dq) {
  FailureOr<QuantizerLoops> loops = getLoops(b, quantizer, dq);
  if (failed(loops))
    return failure();
  b.accumulate(quantizer.input,
               [&] { return createStraightThrough(b, quantizer, dq, *loops); });
  if (b.getOptions().learnedStepSize)
    b.accumulate(quantizer.scale,
                 [&] { return createStepGradient(b, quantizer, *loops); });
  return success();
}

static LogicalResult differentiateQuantize(QuantizeOp op, GradientBuilder &b) {
  unsigned bits = op.getType().getElementTypeBitWidth();
  return differentiateQuantizer(
      b,
      {op.getInput(), op.getScale(), op.getZeroPoint(), op.getMultiplier(),
       numerics::storageRange(bits, /*narrow=*/false)},
      b.getCotangent(op));
}

static LogicalResult differentiateFakeQuant(FakeQuantOp op,
                                            GradientBuilder &b) {
  return differentiateQuantizer(
      b,
      {op.getInput(), op.getScale(), op.getZeroPoint(), op.getMultiplier(),
       numerics::storageRange(op.getBits(), /*narrow=*/false)},
      b.getCotangent(op));
}

/// dequantize(q): dy, by the convention for integers.
static void differentiateDequantize(DequantizeOp op, GradientBuilder &b) {
  b.accumulate(op.getInput(), b.getCotangent(op));
}

Value quantc::cutByClamp(GradientBuilder &b, Value input, Value scale,
                         Value zeroPoint, int64_t clampMin, int64_t clampMax,
                         Value dq) {
  Quantizer quantizer = {
      cast<TypedValue<RankedTensorType>>(input),
      cast<TypedValue<RankedTensorType>>(scale),
      zeroPoint,
      {},
      {static_cast<int32_t>(clampMin), static_cast<int32_t>(clampMax)}};
  return createStraightThrough(b, quantizer, dq, *getLoops(b, quantizer, dq));
}

Value quantc::createDequantize(GradientBuilder &b, Value storage, Value scale,
                               Value zeroPoint, Value multiplier) {
  auto type = cast<RankedTensorType>(storage.getType()).clone(b.getF32Type());
  return DequantizeOp::create(b, type, storage, scale, zeroPoint, multiplier);
}

/// quantize(dequantize(q)).
static void differentiateRequantize(RequantizeOp op, GradientBuilder &b) {
  b.accumulate(op.getInput(), [&] {
    Value x = createDequantize(b, op.getInput(), op.getInputScale(),
                               op.getInputZeroPoint());
    return cutByClamp(b, x, op.getOutputScale(), op.getOutputZeroPoint(),
                      op.getClampMin(), op.getClampMax(), b.getCotangent(op));
  });
}

void quantc::addQuantRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, quant::QuantDialect *) {
    attachRules<differentiateDequantize, differentiateFakeQuant,
                differentiateLinear, differentiateLora, differentiateQuantize,
                differentiateRequantize>(context);
    attachConstantRules<ChooseParamsOp, HistogramOp, ObserveOp>(context);
  });
}
