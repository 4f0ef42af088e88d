//===- QuantizedTensors.cpp - To and from quantized tensors ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizedTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "quantc/Conversion/Emit.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Quantize.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Whether operations of the dialect store `type`.
static bool isStorage(ElementType type) {
  return isInteger(type) && (getBitWidth(type) == 8 || getBitWidth(type) == 4);
}

/// The signed type as wide as the storage `type`.
static ElementType getSigned(ElementType type) {
  return getBitWidth(type) == 4 ? ElementType::Int4 : ElementType::Int8;
}

int64_t onnx::getSignBit(ElementType type) {
  return int64_t(1) << (getBitWidth(type) - 1);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Whether `blocks` has the rank of `shape` and its sizes, or 1.
static bool isBroadcast(ArrayRef<AffineExpr> blocks,
                        ArrayRef<AffineExpr> shape) {
  return blocks.size() == shape.size() &&
         llvm::all_of(llvm::zip(blocks, shape), [](auto sizes) {
           auto [block, size] = sizes;
           return block == size || isConstant(block, 1);
         });
}

/// The shape of parameters that divide `input` into blocks: rank 0, or the rank
/// of `input` with a block for each size.
static FailureOr<Shape> getBlocks(NodeImporter &node, const Tensor &input,
                                  const QuantizationParameters &parameters) {
  const Shape &scale = parameters.scale->shape;
  if (scale.empty() || (scale.size() == 1 && isConstant(scale[0], 1)))
    return Shape();
  FailureOr<int64_t> axis = node.getAxis(parameters.axis, input.getRank());
  if (failed(axis))
    return failure();
  Shape blocks(input.getRank(), node.getConstantSize(1));
  if (parameters.blockSize == 0) {
    blocks[*axis] = input.shape[*axis];
    if (scale.size() == 1 && scale[0] == blocks[*axis])
      return blocks;
    if (scale.size() > 1 && isBroadcast(scale, input.shape))
      return scale;
  } else {
    blocks = input.shape;
    std::optional<int64_t> size = getConstant(blocks[*axis]);
    if (parameters.blockSize > 0 && size && *size % parameters.blockSize == 0) {
      blocks[*axis] = node.getConstantSize(*size / parameters.blockSize);
      if (scale == blocks)
        return blocks;
    }
  }
  return node.emitError("scale of shape " + node.toString(scale) +
                        " for a tensor of shape " + node.toString(input.shape) +
                        "; expects one, one for each index of the axis, or one "
                        "for each whole block along it");
}

/// The map from an element of `shape` to its block.
static AffineMap getBlockMap(NodeImporter &node, ArrayRef<AffineExpr> blocks,
                             ArrayRef<AffineExpr> shape) {
  SmallVector<AffineExpr> exprs;
  for (auto [dim, block] : llvm::enumerate(blocks)) {
    AffineExpr element = getAffineDimExpr(dim, node.getContext());
    if (isConstant(block, 1))
      exprs.push_back(node.getConstantSize(0));
    else if (block == shape[dim])
      exprs.push_back(element);
    else
      exprs.push_back(
          element.floorDiv(*getConstant(shape[dim]) / *getConstant(block)));
  }
  return AffineMap::get(shape.size(), 0, exprs, node.getContext());
}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

/// `value` with the upper bit of each integer flipped: what is stored for
/// unsigned ones, and back.
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

Tensor onnx::makeStored(NodeImporter &node, ElementType type,
                        ArrayRef<AffineExpr> shape, Value storage) {
  if (!isUnsigned(type))
    return makeTensor(type, shape, storage);
  Tensor result =
      makeTensor(type, shape, flipSignBit(node, type, shape, storage));
  result.shifted = storage;
  return result;
}

/// The bytes of a constant of storage, shifted if `type` is unsigned. A byte
/// holds one element.
static DenseElementsAttr toSigned(DenseElementsAttr constant,
                                  ElementType type) {
  if (!isUnsigned(type) || constant.empty())
    return constant;
  SmallVector<char, 0> bytes(constant.getRawData());
  for (char &byte : bytes)
    byte = static_cast<char>(byte ^ getSignBit(type));
  return DenseElementsAttr::getFromRawBuffer(constant.getType(), bytes);
}

/// The stored values of `input`, whose shape they have.
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

/// The constant zero points of storage, i8 whatever their width; null if all
/// are 0.
static DenseElementsAttr getConstantZeroPoints(const Tensor &tensor) {
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

/// The zero points of storage of `type` as the dialect wants them, i8 of the
/// shape `blocks`; null when all are 0.
static FailureOr<Value>
getStorageZeroPoints(NodeImporter &node,
                     const QuantizationParameters &parameters, ElementType type,
                     ArrayRef<AffineExpr> blocks) {
  Tensor zeroPoints;
  if (Tensor *given = parameters.zeroPoint; given && !given->constant) {
    zeroPoints = makeTensor(getSigned(type), given->shape,
                            getStorageValue(node, *given));
    if (zeroPoints.type != ElementType::Int8) {
      Value wide = createElementwise(
          node, ElementType::Int8, given->shape, &zeroPoints,
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::ExtSIOp::create(b, b.getI8Type(), elements[0]);
          });
      zeroPoints = makeTensor(ElementType::Int8, given->shape, wide);
    }
    return node.getValue(zeroPoints = reshapeTensor(node, zeroPoints, blocks));
  }
  DenseElementsAttr constant;
  if (parameters.zeroPoint) {
    constant = getConstantZeroPoints(*parameters.zeroPoint);
  } else if (isUnsigned(type)) {
    // 0, shifted.
    auto zeroType =
        RankedTensorType::get(getStaticShape(blocks), node.b.getI8Type());
    if (!zeroType.hasStaticShape())
      return node.emitError("scale without a static shape; expects one");
    constant = DenseElementsAttr::get(zeroType,
                                      static_cast<int8_t>(-getSignBit(type)));
  }
  if (!constant)
    return Value();
  zeroPoints = createConstant(ElementType::Int8, constant);
  return node.getValue(zeroPoints = reshapeTensor(node, zeroPoints, blocks));
}

//===----------------------------------------------------------------------===//
// Quantize and dequantize
//===----------------------------------------------------------------------===//

/// The blocks of `parameters` for a tensor like `input` of `type`.
static FailureOr<Shape> checkParameters(NodeImporter &node, const Tensor &input,
                                        ElementType type,
                                        const QuantizationParameters &p) {
  if (p.scale->type != ElementType::Float)
    return node.emitError("scale of type " + getName(p.scale->type) +
                          "; expects FLOAT");
  if (p.zeroPoint &&
      (p.zeroPoint->type != type ||
       !(Product(p.zeroPoint->shape) == Product(p.scale->shape))))
    return node.emitError("zero point of type " + getName(p.zeroPoint->type) +
                          " and shape " + node.toString(p.zeroPoint->shape) +
                          "; expects " + getName(type) +
                          " of the shape of the scale");
  return getBlocks(node, input, p);
}

/// A generic over the elements of `input`; `body` gets the element, its scale
/// and its zero point in i32.
static Value createByBlock(
    NodeImporter &node, ElementType type, Tensor &input,
    const QuantizationParameters &parameters, ArrayRef<AffineExpr> blocks,
    function_ref<Value(ImplicitLocOpBuilder &, Value, Value, Value)> body) {
  AffineMap map = getBlockMap(node, blocks, input.shape);
  Tensor scale = reshapeTensor(node, *parameters.scale, blocks);
  SmallVector<Operand> operands = {
      {node.getValue(input), node.b.getMultiDimIdentityMap(input.getRank())},
      {node.getValue(scale), map}};
  if (parameters.zeroPoint) {
    Tensor zeroPoint = reshapeTensor(node, *parameters.zeroPoint, blocks);
    operands.push_back({node.getValue(zeroPoint), map});
  }
  return createGeneric(
      node, type, input.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Value zeroPoint;
        if (parameters.zeroPoint)
          zeroPoint = createCast(b, elements[2], parameters.zeroPoint->type,
                                 ElementType::Int32);
        else
          zeroPoint = arith::ConstantIntOp::create(b, 0, /*width=*/32);
        return body(b, elements[0], elements[1], zeroPoint);
      });
}

FailureOr<Tensor>
onnx::createQuantized(NodeImporter &node, Tensor &input,
                      const QuantizationParameters &parameters,
                      ElementType type) {
  if (input.type != ElementType::Float || !isInteger(type) ||
      getBitWidth(type) > 16)
    return node.emitError(node.getOpType() + " of " + getName(input.type) +
                          " to " + getName(type) +
                          "; expects FLOAT to integers of at most 16 bits");
  FailureOr<Shape> blocks = checkParameters(node, input, type, parameters);
  if (failed(blocks))
    return failure();
  if (!isStorage(type)) {
    int32_t levels = int32_t(1) << getBitWidth(type);
    int32_t low = isUnsigned(type) ? 0 : -levels / 2;
    Value result =
        createByBlock(node, type, input, parameters, *blocks,
                      [&](ImplicitLocOpBuilder &b, Value x, Value scale,
                          Value zeroPoint) -> Value {
                        Emit a(b, b.getLoc());
                        Value q = numerics::quantize(a, x, scale, zeroPoint,
                                                     low, low + levels - 1);
                        return arith::TruncIOp::create(
                            b, getMlirType(type, b.getContext()), q);
                      });
    return makeTensor(type, input.shape, result);
  }
  FailureOr<Value> zeroPoint =
      getStorageZeroPoints(node, parameters, type, *blocks);
  if (failed(zeroPoint))
    return failure();
  Tensor scale = reshapeTensor(node, *parameters.scale, *blocks);
  Value storage = QuantizeOp::create(node.b, node.getType(type, input.shape),
                                     node.getValue(input), node.getValue(scale),
                                     *zeroPoint, /*multiplier=*/Value());
  return makeStored(node, type, input.shape, storage);
}

/// The floats of a constant of INT32 with constant scales and no zero points, a
/// bias; none if it is something else.
static std::optional<Tensor>
foldDequantized(const Tensor &input, const QuantizationParameters &parameters) {
  const Tensor &scale = *parameters.scale;
  bool isPerTensor = scale.constant && scale.constant.getNumElements() == 1;
  if (input.type != ElementType::Int32 || !input.constant || !scale.constant ||
      (!isPerTensor && scale.shape != input.shape))
    return std::nullopt;
  if (Tensor *zeroPoint = parameters.zeroPoint)
    if (!zeroPoint->constant ||
        llvm::any_of(zeroPoint->constant.getValues<int32_t>(),
                     [](int32_t value) { return value != 0; }))
      return std::nullopt;
  std::vector<float> values;
  auto scales = scale.constant.getValues<float>();
  numerics::Evaluate a;
  for (auto [index, value] :
       llvm::enumerate(input.constant.getValues<int32_t>()))
    values.push_back(numerics::dequantize(
        a, value, scales[isPerTensor ? 0 : index], /*zeroPoint=*/0));
  auto type = cast<RankedTensorType>(input.constant.getType())
                  .clone(Float32Type::get(input.constant.getContext()));
  return createConstant(ElementType::Float,
                        DenseElementsAttr::get(type, ArrayRef(values)));
}

FailureOr<Tensor>
onnx::createDequantized(NodeImporter &node, Tensor &input,
                        const QuantizationParameters &parameters) {
  if (!isInteger(input.type) || getBitWidth(input.type) > 32 ||
      input.type == ElementType::UInt32)
    return node.emitError(node.getOpType() + " of " + getName(input.type) +
                          "; expects integers of at most 16 bits, or INT32");
  FailureOr<Shape> blocks =
      checkParameters(node, input, input.type, parameters);
  if (failed(blocks))
    return failure();
  if (std::optional<Tensor> folded = foldDequantized(input, parameters))
    return *folded;
  ElementType type = ElementType::Float;
  if (!isStorage(input.type))
    return makeTensor(
        type, input.shape,
        createByBlock(node, type, input, parameters, *blocks,
                      [&](ImplicitLocOpBuilder &b, Value q, Value scale,
                          Value zeroPoint) {
                        Emit a(b, b.getLoc());
                        return numerics::dequantize(
                            a, createCast(b, q, input.type, ElementType::Int32),
                            scale, zeroPoint);
                      }));
  FailureOr<Value> zeroPoint =
      getStorageZeroPoints(node, parameters, input.type, *blocks);
  if (failed(zeroPoint))
    return failure();
  Tensor scale = reshapeTensor(node, *parameters.scale, *blocks);
  Value result = DequantizeOp::create(
      node.b, node.getType(type, input.shape), getStorageValue(node, input),
      node.getValue(scale), *zeroPoint, /*multiplier=*/Value());
  return makeTensor(type, input.shape, result);
}
