//===- Casts.cpp - Between element types ----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The float of `type` that is nearest to `bound` towards zero.
static FloatAttr getFloatBound(FloatType type, const APInt &bound,
                               bool isUnsigned) {
  APFloat value(type.getFloatSemantics());
  value.convertFromAPInt(bound, !isUnsigned, APFloat::rmTowardZero);
  return FloatAttr::get(type, value);
}

/// Float to integer, towards zero. The conversion of a value that the integer
/// type does not have is poison, so it is saturated first; NaN becomes the
/// lower bound.
static Value createFloatToInt(ImplicitLocOpBuilder &b, Value value,
                              ElementType to, IntegerType toType) {
  auto type = cast<FloatType>(value.getType());
  unsigned width = toType.getWidth();
  bool isUnsignedTo = isUnsigned(to);
  APInt low = isUnsignedTo ? APInt::getMinValue(width)
                           : APInt::getSignedMinValue(width);
  APInt high = isUnsignedTo ? APInt::getMaxValue(width)
                            : APInt::getSignedMaxValue(width);
  Value lowBound =
      arith::ConstantOp::create(b, getFloatBound(type, low, isUnsignedTo));
  Value highBound =
      arith::ConstantOp::create(b, getFloatBound(type, high, isUnsignedTo));
  value = arith::MaxNumFOp::create(b, value, lowBound);
  value = arith::MinNumFOp::create(b, value, highBound);
  if (isUnsignedTo)
    return arith::FPToUIOp::create(b, toType, value);
  return arith::FPToSIOp::create(b, toType, value);
}

static Value castFloat(ImplicitLocOpBuilder &b, Value value, Type toType) {
  unsigned fromWidth = value.getType().getIntOrFloatBitWidth();
  unsigned toWidth = toType.getIntOrFloatBitWidth();
  if (value.getType() == toType)
    return value;
  if (fromWidth < toWidth)
    return arith::ExtFOp::create(b, toType, value);
  if (fromWidth == toWidth) // Between the two formats of 16 bits.
    value = arith::ExtFOp::create(b, b.getF32Type(), value);
  return arith::TruncFOp::create(b, toType, value);
}

static Value castInteger(ImplicitLocOpBuilder &b, Value value, Type toType,
                         bool isUnsigned) {
  unsigned fromWidth = value.getType().getIntOrFloatBitWidth();
  unsigned toWidth = toType.getIntOrFloatBitWidth();
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(b, toType, value);
  if (fromWidth == toWidth)
    return value;
  if (isUnsigned)
    return arith::ExtUIOp::create(b, toType, value);
  return arith::ExtSIOp::create(b, toType, value);
}

Value onnx::createCast(ImplicitLocOpBuilder &b, Value value, ElementType from,
                       ElementType to) {
  Type toType = getMlirType(to, b.getContext());
  bool isFromUnsigned = isUnsigned(from) || from == ElementType::Bool;
  if (to == ElementType::Bool) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(value.getType()));
    if (isFloat(from))
      return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, value, zero);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zero);
  }
  if (isFloat(from) && isFloat(to))
    return castFloat(b, value, toType);
  if (!isFloat(from) && !isFloat(to))
    return castInteger(b, value, toType, isFromUnsigned);
  // Floats of 16 bits meet integers as f32.
  Type single = b.getF32Type();
  if (isFloat(from)) {
    Value number = isHalf(from) ? castFloat(b, value, single) : value;
    // What integers of 4 bits do not have wraps, as integers do.
    if (getBitWidth(to) < 8)
      return castInteger(
          b, createFloatToInt(b, number, ElementType::Int32, b.getI32Type()),
          toType, /*isUnsigned=*/false);
    return createFloatToInt(b, number, to, cast<IntegerType>(toType));
  }
  Type floatType = isHalf(to) ? single : toType;
  Value number;
  if (isFromUnsigned)
    number = arith::UIToFPOp::create(b, floatType, value);
  else
    number = arith::SIToFPOp::create(b, floatType, value);
  return castFloat(b, number, toType);
}

/// The floats `constant` rounded to `type`.
static DenseElementsAttr castConstant(DenseElementsAttr constant,
                                      FloatType type) {
  return cast<DenseFPElementsAttr>(constant).mapValues(
      type, [&](const APFloat &element) {
        APFloat value = element;
        bool losesInfo;
        value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                      &losesInfo);
        return value.bitcastToAPInt();
      });
}

Tensor onnx::castTensor(NodeImporter &node, Tensor &input, ElementType to) {
  if (input.type == to)
    return input;
  // Shapes are INT64 or INT32; they fit both.
  if (input.elements && (to == ElementType::Int64 || to == ElementType::Int32))
    return makeElements(to, input.shape, *input.elements);
  if (input.constant && isFloat(input.type) && isFloat(to))
    return createConstant(
        to,
        castConstant(input.constant,
                     cast<FloatType>(getMlirType(to, node.getContext()))),
        input.name);
  Value value =
      createElementwise(node, to, input.shape, &input,
                        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                          return createCast(b, elements[0], input.type, to);
                        });
  return makeTensor(to, input.shape, value);
}
