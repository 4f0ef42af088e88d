//===- Quantization.cpp - Operators that quantize and dequantize ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model with pairs of QuantizeLinear and DequantizeLinear is the simulated
// form.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "QuantizedTensors.h"

#include "quantc/Conversion/Emit.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Quantize.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// What inputs 1 and 2 and the attributes say.
static QuantizationParameters getParameters(NodeImporter &node) {
  return {&node.getInput(1), node.hasInput(2) ? &node.getInput(2) : nullptr,
          node.getInt("axis", 1), node.getInt("block_size", 0)};
}

/// The type that QuantizeLinear makes: that of its zero point, or what the
/// attribute says.
static ElementType getQuantizedType(NodeImporter &node) {
  if (node.hasInput(2))
    return node.getInput(2).type;
  int64_t type = node.getInt("output_dtype", 0);
  return type == 0 ? ElementType::UInt8 : static_cast<ElementType>(type);
}

static LogicalResult importQuantizeLinear(NodeImporter &node) {
  FailureOr<Tensor> result = createQuantized(
      node, node.getInput(0), getParameters(node), getQuantizedType(node));
  return failed(result) ? failure() : node.setOutput(0, *result);
}

static LogicalResult importDequantizeLinear(NodeImporter &node) {
  FailureOr<Tensor> result =
      createDequantized(node, node.getInput(0), getParameters(node));
  return failed(result) ? failure() : node.setOutput(0, *result);
}

/// The scale or the zero point of a range : tensor<2xf32>, in [0, 255]
/// (choose_params_a7): what `pick` takes of both.
static Value createParameter(
    NodeImporter &node, Value range, ElementType type,
    function_ref<Value(Emit &, const numerics::Parameters<Emit> &)> pick) {
  auto bound = [&](int64_t index) {
    return Operand{range, AffineMap::get(0, 0, node.getConstantSize(index))};
  };
  return createGeneric(node, type, Shape(), {bound(0), bound(1)},
                       [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                         Emit a(b, b.getLoc());
                         return pick(a, numerics::chooseParametersInRange(
                                            a, elements[0], elements[1],
                                            /*qmin=*/0,
                                            /*qmax=*/255, /*symmetric=*/false));
                       });
}

/// The integers of a tensor of floats with parameters from its own range, its
/// scale and its zero point.
static LogicalResult importDynamicQuantizeLinear(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  if (input.type != ElementType::Float)
    return node.emitError("DynamicQuantizeLinear of " + getName(input.type) +
                          "; expects FLOAT");
  ElementType type = ElementType::UInt8;
  Value x = node.getValue(input);
  Value range = ObserveOp::create(
      node.b, RankedTensorType::get({2}, node.b.getF32Type()), x);
  Value scale = createParameter(
      node, range, ElementType::Float,
      [](Emit &, const numerics::Parameters<Emit> &p) { return p.scale; });
  Value zeroPoint = createParameter(
      node, range, ElementType::Int8,
      [&](Emit &a, const numerics::Parameters<Emit> &p) {
        return a.toStorage(
            a.subInt(p.zeroPoint,
                     a.constantInt(static_cast<int32_t>(getSignBit(type)))));
      });
  Value quantized =
      QuantizeOp::create(node.b, node.getType(type, input.shape), x, scale,
                         zeroPoint, /*multiplier=*/Value());
  return success(
      succeeded(
          node.setOutput(0, makeStored(node, type, input.shape, quantized))) &&
      succeeded(node.setOutput(1, ElementType::Float, Shape(), scale)) &&
      succeeded(node.setOutput(2, makeStored(node, type, Shape(), zeroPoint))));
}

static constexpr OpRow kRows[] = {
    {"DequantizeLinear", 10, 2, 3, importDequantizeLinear},
    {"DynamicQuantizeLinear", 11, 1, 1, importDynamicQuantizeLinear},
    {"QuantizeLinear", 10, 2, 3, importQuantizeLinear},
};

ArrayRef<OpRow> onnx::getQuantizationOps() { return kRows; }

// Of integer types before the standard had them.
static constexpr OpRow kMicrosoftRows[] = {
    {"DequantizeLinear", 1, 2, 3, importDequantizeLinear},
    {"QuantizeLinear", 1, 2, 3, importQuantizeLinear},
};

ArrayRef<OpRow> onnx::getMicrosoftQuantizationOps() { return kMicrosoftRows; }
