//===- Logic.cpp - Comparison, choice and conversion ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// A comparison by the predicate for the type of its operands.
template <arith::CmpFPredicate ofFloats, arith::CmpIPredicate ofSigned,
          arith::CmpIPredicate ofUnsigned>
static LogicalResult importComparison(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  if (node.getInput(1).type != type)
    return node.emitError("comparison of " + getName(type) + " and " +
                          getName(node.getInput(1).type) +
                          "; expects equal types");
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (isFloat(type))
          return arith::CmpFOp::create(b, ofFloats, elements[0], elements[1]);
        return arith::CmpIOp::create(b,
                                     isUnsigned(type) ? ofUnsigned : ofSigned,
                                     elements[0], elements[1]);
      });
}

static LogicalResult expectBools(NodeImporter &node) {
  for (const Tensor *input : node.getInputs())
    if (input->type != ElementType::Bool)
      return node.emitError("logic on " + getName(input->type) +
                            "; expects BOOL");
  return success();
}

template <class Op>
static LogicalResult importLogic(NodeImporter &node) {
  if (failed(expectBools(node)))
    return failure();
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return Op::create(b, elements[0], elements[1]);
      });
}

static LogicalResult importNot(NodeImporter &node) {
  if (failed(expectBools(node)))
    return failure();
  Value one = node.createScalar(ElementType::Bool, 1);
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::XOrIOp::create(b, elements[0], one);
      });
}

static LogicalResult importWhere(NodeImporter &node) {
  ElementType type = node.getInput(1).type;
  if (node.getInput(0).type != ElementType::Bool ||
      node.getInput(2).type != type)
    return node.emitError("Where of " + getName(node.getInput(0).type) + ", " +
                          getName(type) + " and " +
                          getName(node.getInput(2).type) +
                          "; expects BOOL and two equal types");
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::SelectOp::create(b, elements[0], elements[1],
                                       elements[2]);
      });
}

//===----------------------------------------------------------------------===//
// Cast
//===----------------------------------------------------------------------===//

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

static Value createCast(ImplicitLocOpBuilder &b, Value value, ElementType from,
                        ElementType to) {
  Type toType = getMlirType(to, b.getContext());
  bool isFromUnsigned = isUnsigned(from) || from == ElementType::Bool;
  if (to == ElementType::Bool) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(value.getType()));
    if (isFloat(from))
      return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, value, zero);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zero);
  }
  if (isFloat(from) && isFloat(to)) {
    unsigned fromWidth = value.getType().getIntOrFloatBitWidth();
    unsigned toWidth = toType.getIntOrFloatBitWidth();
    if (fromWidth < toWidth)
      return arith::ExtFOp::create(b, toType, value);
    if (fromWidth == toWidth) // Between the two formats of 16 bits.
      value = arith::ExtFOp::create(b, b.getF32Type(), value);
    return arith::TruncFOp::create(b, toType, value);
  }
  if (isFloat(from))
    return createFloatToInt(b, value, to, cast<IntegerType>(toType));
  if (isFloat(to)) {
    if (isFromUnsigned)
      return arith::UIToFPOp::create(b, toType, value);
    return arith::SIToFPOp::create(b, toType, value);
  }
  unsigned fromWidth = value.getType().getIntOrFloatBitWidth();
  unsigned toWidth = toType.getIntOrFloatBitWidth();
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(b, toType, value);
  if (fromWidth == toWidth)
    return value;
  if (isFromUnsigned)
    return arith::ExtUIOp::create(b, toType, value);
  return arith::ExtSIOp::create(b, toType, value);
}

static LogicalResult setCast(NodeImporter &node, ElementType to) {
  Tensor &input = node.getInput(0);
  if (!getMlirType(to, node.getContext()))
    return node.emitError("Cast to the unsupported element type " +
                          getName(to));
  if (input.type == to)
    return node.setOutput(0, input);
  // Shapes are INT64 or INT32; they fit both.
  if (input.elements && (to == ElementType::Int64 || to == ElementType::Int32))
    return node.setOutput(0, makeElements(to, input.shape, *input.elements));
  return setElementwiseOutput(
      node, to, &input, [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return createCast(b, elements[0], input.type, to);
      });
}

static LogicalResult importCast(NodeImporter &node) {
  return setCast(node, static_cast<ElementType>(node.getInt("to", 0)));
}

static LogicalResult importCastLike(NodeImporter &node) {
  return setCast(node, node.getInput(1).type);
}

using FloatIs = arith::CmpFPredicate;
using IntIs = arith::CmpIPredicate;

static constexpr OpRow kRows[] = {
    {"And", 7, 2, 2, importLogic<arith::AndIOp>},
    {"Cast", 6, 1, 1, importCast},
    {"CastLike", 15, 2, 2, importCastLike},
    {"Equal", 7, 2, 2, importComparison<FloatIs::OEQ, IntIs::eq, IntIs::eq>},
    {"Greater", 7, 2, 2,
     importComparison<FloatIs::OGT, IntIs::sgt, IntIs::ugt>},
    {"GreaterOrEqual", 12, 2, 2,
     importComparison<FloatIs::OGE, IntIs::sge, IntIs::uge>},
    {"Less", 7, 2, 2, importComparison<FloatIs::OLT, IntIs::slt, IntIs::ult>},
    {"LessOrEqual", 12, 2, 2,
     importComparison<FloatIs::OLE, IntIs::sle, IntIs::ule>},
    {"Not", 1, 1, 1, importNot},
    {"Or", 7, 2, 2, importLogic<arith::OrIOp>},
    {"Where", 9, 3, 3, importWhere},
    {"Xor", 7, 2, 2, importLogic<arith::XOrIOp>},
};

ArrayRef<OpRow> onnx::getLogicOps() { return kRows; }
