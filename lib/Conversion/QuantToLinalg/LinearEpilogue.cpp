//===- LinearEpilogue.cpp - What follows a contraction --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/LinearEpilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Epilogues.h"
#include "quantc/Numerics/Parameters.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// Element `n` of one value for all channels or one for each.
template <class T>
static T getForChannel(ArrayRef<T> values, int64_t n) {
  return values.size() == 1 ? values.front() : values[n];
}

/// Whether the epilogue multiplies by f32(f64(sa) * sw) or a quotient of it.
static bool hasFoldedMultiplier(LinearOp op) {
  return op.hasIntegerInput() && !op.isDynamic() && op.getNumScaleGroups() == 1;
}

LogicalResult quantc::checkEpilogueConstants(LinearOp op) {
  auto check = [&](Value value, StringRef name) -> LogicalResult {
    if (!value || matchPattern(value, m_Constant()))
      return success();
    return op.emitError("the ")
           << name << " of a static layer is not constant; its multipliers are "
           << "computed at compile time";
  };
  if (!hasFoldedMultiplier(op))
    return success();
  if (failed(check(op.getInputScale(), "input scale")) ||
      failed(check(op.getWeightScale(), "weight scale")))
    return failure();
  if (!op.hasIntegerResult())
    return success();
  if (failed(check(op.getOutputScale(), "output scale")) ||
      failed(check(op.getOutputZeroPoint(), "output zero point")))
    return failure();
  return check(op.getBias(), "bias");
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static Value createConstant(OpBuilder &builder, Location loc,
                            ArrayRef<float> values) {
  auto type = RankedTensorType::get(static_cast<int64_t>(values.size()),
                                    builder.getF32Type());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, values));
}

/// m of each channel (linear_a2, linear_a5).
static Value createMultipliers(OpBuilder &builder, LinearOp op) {
  float inputScale = getFloatValues(op.getInputScale())->front();
  std::vector<float> weightScales = *getFloatValues(op.getWeightScale());
  std::optional<std::vector<float>> outputScale =
      getFloatValues(op.getOutputScale());
  std::vector<float> multipliers;
  for (int64_t n = 0, e = op.getWeight().getType().getDimSize(0); n < e; ++n) {
    float weightScale = getForChannel<float>(weightScales, n);
    multipliers.push_back(
        outputScale ? numerics::requantizeMultiplier(inputScale, weightScale,
                                                     outputScale->front())
                    : numerics::staticMultiplier(inputScale, weightScale));
  }
  return createConstant(builder, op.getLoc(), multipliers);
}

/// b of each channel (linear_a5).
static Value createRequantizedBias(OpBuilder &builder, LinearOp op) {
  float outputScale = getFloatValues(op.getOutputScale())->front();
  std::vector<float> bias = *getFloatValues(op.getBias());
  for (float &value : bias)
    value = numerics::requantizeBias(value, outputScale);
  return createConstant(builder, op.getLoc(), bias);
}

EpilogueOperands quantc::createEpilogueOperands(OpBuilder &builder,
                                                LinearOp op) {
  EpilogueOperands operands;
  operands.bias = op.getBias();
  operands.addend = op.getAddend();
  if (op.hasIntegerResult() && op.getBias())
    operands.bias = createRequantizedBias(builder, op);
  if (hasFoldedMultiplier(op)) {
    operands.scale = createMultipliers(builder, op);
    return operands;
  }
  operands.inputScale = op.getInputScale();
  if (op.getNumScaleGroups() == 1)
    operands.scale = op.getWeightScale();
  return operands;
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// The result before its addend, f32.
static Value emitFloatResult(Emit &a, LinearOp op, Value accumulator,
                             const EpilogueOperands &operands) {
  std::optional<Value> bias;
  if (operands.bias)
    bias = operands.bias;
  bool isOneGroup = op.getNumScaleGroups() == 1;
  if (!op.hasIntegerInput()) {
    Value y = accumulator;
    if (isOneGroup)
      y = numerics::addWeightOnlyGroup(a, a.constant(0.0f), accumulator,
                                       operands.scale);
    return numerics::addBias(a, y, bias);
  }
  if (!isOneGroup)
    return numerics::finishGroups(a, accumulator, operands.inputScale, bias);
  if (op.isDynamic())
    return numerics::dequantizeAccumulatorDynamic(
        a, accumulator, operands.scale, operands.inputScale, bias);
  return numerics::dequantizeAccumulator(a, accumulator, operands.scale, bias);
}

Value quantc::emitEpilogue(Emit &a, LinearOp op, Value accumulator,
                           const EpilogueOperands &operands) {
  std::optional<Value> bias, addend;
  if (operands.addend)
    addend = operands.addend;
  if (!op.hasIntegerResult())
    return numerics::addAddend(a, emitFloatResult(a, op, accumulator, operands),
                               addend);
  if (operands.bias)
    bias = operands.bias;
  if (addend)
    addend = a.div(*addend,
                   a.constant(getFloatValues(op.getOutputScale())->front()));
  int8_t zeroPoint = getStorageValues(op.getOutputZeroPoint())->front();
  return a.toStorage(numerics::requantizeAccumulator(
      a, accumulator, operands.scale, bias, a.constantInt(zeroPoint),
      op.getClampMin(), op.getClampMax(), addend));
}
