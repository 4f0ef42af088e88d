//===- LinearEpilogue.cpp - What follows a contraction --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/LinearEpilogue.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Epilogues.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Whether the epilogue multiplies by f32(f64(sa) * sw) or a quotient of it.
static bool hasFoldedMultiplier(LinearOp op) {
  return op.hasIntegerInput() && !op.isDynamic() && op.getNumScaleGroups() == 1;
}

/// A formula over one value of each operand, in either arithmetic.
template <class A>
using ChannelFormula =
    llvm::function_ref<typename A::Float(A &, ArrayRef<typename A::Float>)>;

/// [N]: the formula of each channel, on operands of one value or one for each
/// channel. Constant if all operands are.
static Value createChannels(OpBuilder &builder, LinearOp op,
                            ArrayRef<Value> operands,
                            ChannelFormula<numerics::Evaluate> evaluate,
                            ChannelFormula<Emit> emit) {
  Location loc = op.getLoc();
  int64_t numChannels = op.getWeight().getType().getDimSize(0);
  SmallVector<std::vector<float>> constants;
  for (Value operand : operands)
    if (auto values = getFloatValues(operand))
      constants.push_back(std::move(*values));
  if (constants.size() == operands.size()) {
    numerics::Evaluate a;
    std::vector<float> values;
    for (int64_t n = 0; n < numChannels; ++n) {
      SmallVector<float> elements;
      for (const std::vector<float> &constant : constants)
        elements.push_back(constant[constant.size() == 1 ? 0 : n]);
      values.push_back(evaluate(a, elements));
    }
    return createConstant(builder, loc, numChannels, values);
  }

  SmallVector<AffineMap> maps;
  for (Value operand : operands) {
    SmallVector<AffineExpr> exprs;
    for (int64_t size : cast<ShapedType>(operand.getType()).getShape())
      exprs.push_back(size == 1 ? builder.getAffineConstantExpr(0)
                                : builder.getAffineDimExpr(0));
    maps.push_back(AffineMap::get(1, 0, exprs, builder.getContext()));
  }
  return createElementwise(
             builder, loc, operands, maps,
             tensor::getMixedSize(builder, loc, op.getWeight(), 0),
             builder.getF32Type(),
             [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
               return {emit(a, llvm::to_vector(elements.drop_back()))};
             })
      .front();
}

/// m of each channel (linear_a2, linear_a5).
static Value createMultipliers(OpBuilder &builder, LinearOp op) {
  SmallVector<Value> operands = {op.getInputScale(), op.getWeightScale()};
  if (op.hasIntegerResult())
    operands.push_back(op.getOutputScale());
  auto formula = [](auto &a, auto s) {
    return s.size() == 3 ? numerics::requantizeMultiplier(a, s[0], s[1], s[2])
                         : numerics::staticMultiplier(a, s[0], s[1]);
  };
  return createChannels(builder, op, operands, formula, formula);
}

/// b of each channel (linear_a5).
static Value createRequantizedBias(OpBuilder &builder, LinearOp op) {
  auto formula = [](auto &a, auto s) {
    return numerics::requantizeBias(a, s[0], s[1]);
  };
  return createChannels(builder, op, {op.getBias(), op.getOutputScale()},
                        formula, formula);
}

EpilogueOperands quantc::createEpilogueOperands(OpBuilder &builder,
                                                LinearOp op) {
  EpilogueOperands operands;
  operands.bias = op.getBias();
  operands.addend = op.getAddend();
  if (op.hasIntegerResult() && op.getBias())
    operands.bias = createRequantizedBias(builder, op);
  if (op.getAddend() && op.hasIntegerResult() &&
      !getFloatValues(op.getOutputScale()))
    operands.outputScale = op.getOutputScale();
  if (op.hasIntegerResult() && !getStorageValues(op.getOutputZeroPoint()))
    operands.outputZeroPoint = op.getOutputZeroPoint();
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
  if (addend) {
    Value scale =
        operands.outputScale
            ? operands.outputScale
            : a.constant(getFloatValues(op.getOutputScale())->front());
    addend = a.div(*addend, scale);
  }
  Value zeroPoint =
      operands.outputZeroPoint
          ? a.fromStorage(operands.outputZeroPoint)
          : a.constantInt(getStorageValues(op.getOutputZeroPoint())->front());
  return a.toStorage(numerics::requantizeAccumulator(
      a, accumulator, operands.scale, bias, zeroPoint, op.getClampMin(),
      op.getClampMax(), addend));
}
