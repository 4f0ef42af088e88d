//===- Quantization.cpp - Operators that quantize and dequantize ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model with pairs of QuantizeLinear and DequantizeLinear is the simulated
// form. Unsigned integers are shifted by half of their range, and their zero
// points with them (storage_a2).
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "quantc/Conversion/Emit.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Quantize.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Whether `type` is one of those that a quantized tensor is stored in.
static bool isStorage(ElementType type) {
  return isInteger(type) && getBitWidth(type) <= 8;
}

/// The signed type as wide as `type`.
static ElementType getSigned(ElementType type) {
  return getBitWidth(type) == 4 ? ElementType::Int4 : ElementType::Int8;
}

/// The upper bit of `type`: flipping it subtracts half of the range from
/// unsigned integers.
static int64_t getSignBit(ElementType type) {
  return int64_t(1) << (getBitWidth(type) - 1);
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// Scale and zero point in the shape of their blocks (block_a1).
struct Parameters {
  Tensor scale;
  /// Signed; without a value when all are 0.
  Tensor zeroPoint;
};
} // namespace

/// The shape of the blocks of `input` that share a scale: none for the whole
/// tensor, sizes of 1 beside the axis, or that of `scale` when it is blocked.
static FailureOr<Shape> getBlocks(NodeImporter &node, const Tensor &input,
                                  const Tensor &scale) {
  if (scale.getRank() == 0 ||
      (scale.getRank() == 1 && isConstant(scale.shape[0], 1)))
    return Shape();
  auto rank = static_cast<int64_t>(input.getRank());
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", 1), rank);
  if (failed(axis))
    return failure();
  int64_t blockSize = node.getInt("block_size", 0);
  Shape blocks(rank, node.getConstantSize(1));
  if (blockSize == 0) {
    blocks[*axis] = input.shape[*axis];
    if (scale.getRank() == 1 && scale.shape[0] == blocks[*axis])
      return blocks;
  } else {
    blocks = input.shape;
    std::optional<int64_t> size = getConstant(blocks[*axis]);
    if (blockSize > 0 && size && *size % blockSize == 0) {
      blocks[*axis] = node.getConstantSize(*size / blockSize);
      if (ArrayRef(scale.shape) == ArrayRef(blocks))
        return blocks;
    }
  }
  return node.emitError("scale of shape " + node.toString(scale.shape) +
                        " for a tensor of shape " + node.toString(input.shape) +
                        "; expects one, one for each index of the axis, or one "
                        "for each whole block along it");
}

/// The elements of `constant`, integers of 4 or 8 bits, with the upper bit
/// flipped if they are unsigned; a byte each.
static DenseElementsAttr toSigned(DenseElementsAttr constant,
                                  ElementType type) {
  if (!isUnsigned(type) || constant.empty())
    return constant;
  SmallVector<char, 0> bytes(constant.getRawData());
  for (char &byte : bytes)
    byte = static_cast<char>(byte ^ getSignBit(type));
  return DenseElementsAttr::getFromRawBuffer(constant.getType(), bytes);
}

/// The zero points that `tensor` holds as signed bytes; its elements may be of
/// 4 bits. Null when all are 0.
static DenseElementsAttr getZeroPoints(const Tensor &tensor) {
  unsigned shift = 8 - getBitWidth(tensor.type);
  DenseElementsAttr constant = toSigned(tensor.constant, tensor.type);
  SmallVector<char, 0> bytes(constant.getRawData());
  for (char &byte : bytes)
    byte = static_cast<char>(static_cast<int8_t>(byte << shift) >> shift);
  if (llvm::all_of(bytes, [](char byte) { return byte == 0; }))
    return {};
  auto type = constant.getType().clone(
      IntegerType::get(constant.getContext(), /*width=*/8));
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

/// Inputs 1 and 2 as parameters of `input`, which is stored as `type`.
static FailureOr<Parameters>
getParameters(NodeImporter &node, const Tensor &input, ElementType type) {
  Tensor &scale = node.getInput(1);
  if (scale.type != ElementType::Float)
    return node.emitError("scale of type " + getName(scale.type) +
                          "; expects FLOAT");
  FailureOr<Shape> blocks = getBlocks(node, input, scale);
  if (failed(blocks))
    return failure();
  Parameters parameters;
  parameters.scale = reshapeTensor(node, scale, *blocks);

  DenseElementsAttr zeroPoints;
  if (node.hasInput(2)) {
    Tensor &tensor = node.getInput(2);
    if (!tensor.constant || tensor.type != type || tensor.shape != scale.shape)
      return node.emitError("zero point that is no constant " + getName(type) +
                            " of the shape of the scale; expects one");
    zeroPoints = getZeroPoints(tensor);
  } else if (isUnsigned(type)) {
    // 0, shifted.
    auto zeroType =
        RankedTensorType::get(getStaticShape(scale.shape), node.b.getI8Type());
    if (!zeroType.hasStaticShape())
      return node.emitError("scale without a static shape; expects one");
    auto zero = static_cast<int8_t>(-getSignBit(type));
    zeroPoints = DenseElementsAttr::get(zeroType, zero);
  }
  if (zeroPoints) {
    Tensor tensor = createConstant(ElementType::Int8, zeroPoints);
    parameters.zeroPoint = reshapeTensor(node, tensor, *blocks);
  }
  return parameters;
}

static Value getZeroPointValue(NodeImporter &node, Parameters &parameters) {
  if (!parameters.zeroPoint.constant)
    return {};
  return node.getValue(parameters.zeroPoint);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// `value`, an integer tensor of `type`, with the upper bit of each element
/// flipped.
static Value flipSignBit(NodeImporter &node, ElementType type,
                         ArrayRef<AffineExpr> shape, Value value) {
  Value bit = node.createScalar(getSigned(type), -getSignBit(type));
  AffineMap map =
      AffineMap::getMultiDimIdentityMap(shape.size(), node.getContext());
  Operand operand = {value, map};
  return createGeneric(
      node, type, shape, operand,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::XOrIOp::create(b, elements[0], bit);
      });
}

/// The type of the result: that of the zero point, or what `output_dtype` says.
static ElementType getQuantizedType(NodeImporter &node) {
  if (node.hasInput(2))
    return node.getInput(2).type;
  int64_t type = node.getInt("output_dtype", 0);
  return type == 0 ? ElementType::UInt8 : static_cast<ElementType>(type);
}

static LogicalResult importQuantizeLinear(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  ElementType type = getQuantizedType(node);
  if (input.type != ElementType::Float || !isStorage(type))
    return node.emitError("QuantizeLinear of " + getName(input.type) + " to " +
                          getName(type) +
                          "; expects FLOAT to INT8, UINT8, INT4 or UINT4");
  FailureOr<Parameters> parameters = getParameters(node, input, type);
  if (failed(parameters))
    return failure();
  Value quantized = QuantizeOp::create(
      node.b, node.getType(type, input.shape), node.getValue(input),
      node.getValue(parameters->scale), getZeroPointValue(node, *parameters),
      /*multiplier=*/Value());
  Tensor result = makeTensor(type, input.shape, quantized);
  if (isUnsigned(type)) {
    result.shifted = quantized;
    result.value = flipSignBit(node, type, input.shape, quantized);
  }
  return node.setOutput(0, std::move(result));
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
  auto setUnsigned = [&](unsigned index, ArrayRef<AffineExpr> shape,
                         Value shifted) {
    Tensor result =
        makeTensor(type, shape, flipSignBit(node, type, shape, shifted));
    result.shifted = shifted;
    return node.setOutput(index, std::move(result));
  };
  return success(
      succeeded(setUnsigned(0, Shape(input.shape), quantized)) &&
      succeeded(node.setOutput(1, ElementType::Float, Shape(), scale)) &&
      succeeded(setUnsigned(2, Shape(), zeroPoint)));
}

/// The signed integers of `input`.
static Value getStorageValue(NodeImporter &node, Tensor &input) {
  if (input.shifted)
    return input.shifted;
  if (input.constant) {
    Tensor storage =
        createConstant(getSigned(input.type),
                       toSigned(input.constant, input.type), input.name);
    return node.getValue(storage);
  }
  Value value = node.getValue(input);
  return isUnsigned(input.type)
             ? flipSignBit(node, input.type, input.shape, value)
             : value;
}

/// A constant of i32, as a bias is stored: at once, as dequantize_a1 says.
static LogicalResult importDequantizedBias(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  Tensor &scale = node.getInput(1);
  bool isPerTensor = scale.constant && scale.constant.getNumElements() == 1;
  if (!input.constant || !scale.constant || scale.type != ElementType::Float ||
      (!isPerTensor && (input.getRank() != 1 || scale.shape != input.shape)))
    return node.emitError("DequantizeLinear of INT32 that is no constant with "
                          "one constant scale, or one for each element of a "
                          "vector; expects such a bias");
  if (node.hasInput(2)) {
    Tensor &zeroPoint = node.getInput(2);
    if (!zeroPoint.constant || zeroPoint.type != ElementType::Int32 ||
        llvm::any_of(zeroPoint.constant.getValues<int32_t>(),
                     [](int32_t value) { return value != 0; }))
      return node.emitError("DequantizeLinear of INT32 with a zero point; "
                            "expects 0 or none");
  }
  std::vector<float> values;
  auto scales = scale.constant.getValues<float>();
  numerics::Evaluate a;
  for (auto [index, value] :
       llvm::enumerate(input.constant.getValues<int32_t>()))
    values.push_back(numerics::dequantize(
        a, value, scales[isPerTensor ? 0 : index], /*zeroPoint=*/0));
  auto type = cast<RankedTensorType>(input.constant.getType())
                  .clone(node.b.getF32Type());
  return node.setOutput(
      0, createConstant(ElementType::Float,
                        DenseElementsAttr::get(type, ArrayRef(values))));
}

static LogicalResult importDequantizeLinear(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  if (input.type == ElementType::Int32)
    return importDequantizedBias(node);
  if (!isStorage(input.type))
    return node.emitError("DequantizeLinear of " + getName(input.type) +
                          "; expects INT8, UINT8, INT4, UINT4 or INT32");
  FailureOr<Parameters> parameters = getParameters(node, input, input.type);
  if (failed(parameters))
    return failure();
  Value result = DequantizeOp::create(
      node.b, node.getType(ElementType::Float, input.shape),
      getStorageValue(node, input), node.getValue(parameters->scale),
      getZeroPointValue(node, *parameters), /*multiplier=*/Value());
  return node.setOutput(0, ElementType::Float, input.shape, result);
}

static constexpr OpRow kRows[] = {
    {"DequantizeLinear", 10, 2, 3, importDequantizeLinear},
    {"DynamicQuantizeLinear", 11, 1, 1, importDynamicQuantizeLinear},
    {"QuantizeLinear", 10, 2, 3, importQuantizeLinear},
};

ArrayRef<OpRow> onnx::getQuantizationOps() { return kRows; }
