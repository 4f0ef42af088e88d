//===- Elementwise.cpp - Arithmetic on elements ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Fails unless all inputs have the same number type.
static LogicalResult expectEqualNumbers(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  for (const Tensor *input : node.getInputs())
    if (!input || input->type != type || type == ElementType::Bool)
      return node.emitError(
          "inputs have element types " + getName(type) + " and " +
          (input ? getName(input->type) : std::string("none")) +
          "; expects the same number type");
  return success();
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

static Value createSub(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                       Value rhs) {
  if (isFloat(type))
    return arith::SubFOp::create(b, lhs, rhs);
  return arith::SubIOp::create(b, lhs, rhs);
}

/// A constant of the type of `like`.
static Value createInteger(ImplicitLocOpBuilder &b, Value like, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(like.getType(), value));
}

static Value createEqual(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, rhs);
}

static Value createSelect(ImplicitLocOpBuilder &b, Value condition, Value lhs,
                          Value rhs) {
  return arith::SelectOp::create(b, condition, lhs, rhs);
}

/// lhs / rhs and the remainder, rounded towards zero. Where processors trap,
/// there are results: x / 0 = 0, rest 0; the quotient that overflows wraps.
static std::pair<Value, Value> divideIntegers(ImplicitLocOpBuilder &b,
                                              ElementType type, Value lhs,
                                              Value rhs) {
  Value zero = createInteger(b, lhs, 0), one = createInteger(b, lhs, 1);
  Value isZero = createEqual(b, rhs, zero);
  if (isUnsigned(type)) {
    Value divisor = createSelect(b, isZero, one, rhs);
    Value quotient = arith::DivUIOp::create(b, lhs, divisor);
    return {createSelect(b, isZero, zero, quotient),
            arith::RemUIOp::create(b, lhs, divisor)};
  }
  Value isMinusOne = createEqual(b, rhs, createInteger(b, lhs, -1));
  Value isSpecial = arith::OrIOp::create(b, isZero, isMinusOne);
  Value divisor = createSelect(b, isSpecial, one, rhs);
  Value quotient = arith::DivSIOp::create(b, lhs, divisor);
  Value negated = arith::SubIOp::create(b, zero, lhs);
  quotient = createSelect(b, isMinusOne, negated, quotient);
  return {createSelect(b, isZero, zero, quotient),
          arith::RemSIOp::create(b, lhs, divisor)};
}

static Value createDiv(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                       Value rhs) {
  if (isFloat(type))
    return arith::DivFOp::create(b, lhs, rhs);
  return divideIntegers(b, type, lhs, rhs).first;
}

/// The remainder of the quotient rounded towards zero: the sign of `lhs`.
static Value createTruncatedMod(ImplicitLocOpBuilder &b, ElementType type,
                                Value lhs, Value rhs) {
  if (isFloat(type))
    return arith::RemFOp::create(b, lhs, rhs);
  return divideIntegers(b, type, lhs, rhs).second;
}

/// The remainder of the quotient rounded down: the sign of `rhs`, also of 0.
static Value createFloorMod(ImplicitLocOpBuilder &b, ElementType type,
                            Value lhs, Value rhs) {
  Value rest = createTruncatedMod(b, type, lhs, rhs);
  if (isUnsigned(type))
    return rest;
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(lhs.getType()));
  if (!isFloat(type)) {
    Value isNegative =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                              arith::XOrIOp::create(b, rest, rhs), zero);
    Value isExact = createEqual(b, rest, zero);
    Value moved = arith::AddIOp::create(b, rest, rhs);
    return createSelect(b, isExact, rest,
                        createSelect(b, isNegative, moved, rest));
  }
  auto isNegative = [&](Value value) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, value, zero);
  };
  Value differs = arith::XOrIOp::create(b, isNegative(rest), isNegative(rhs));
  Value isExact =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, rest, zero);
  Value moved = arith::AddFOp::create(b, rest, rhs);
  return createSelect(b, isExact, math::CopySignOp::create(b, rest, rhs),
                      createSelect(b, differs, moved, rest));
}

using BinaryBuilder = Value (*)(ImplicitLocOpBuilder &, ElementType, Value,
                                Value);

/// An operator on two tensors: `fold` computes it on shapes, `build` on data.
template <BinaryBuilder build, SymbolicFold fold>
static LogicalResult importBinary(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  if (std::optional<Tensor> folded =
          foldElements(node, node.getInput(0), node.getInput(1), fold))
    return node.setOutput(0, *folded);
  ElementType type = node.getInput(0).type;
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return build(b, type, elements[0], elements[1]);
      });
}

/// An operator on any number of tensors.
template <BinaryBuilder build>
static LogicalResult importVariadic(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Value result = elements.front();
        for (Value element : elements.drop_front())
          result = build(b, type, result, element);
        return result;
      });
}

static LogicalResult importMod(NodeImporter &node) {
  // Of numbers that are not negative, both remainders are the same.
  if (std::optional<Tensor> folded =
          foldElements(node, node.getInput(0), node.getInput(1), foldMod))
    return node.setOutput(0, *folded);
  if (node.getInt("fmod", 0))
    return importVariadic<createTruncatedMod>(node);
  return importVariadic<createFloorMod>(node);
}

static LogicalResult importMean(NodeImporter &node) {
  if (failed(node.expectFloats(node.getNumInputs())))
    return failure();
  ElementType type = node.getInput(0).type;
  Value count = node.createScalar(type, node.getNumInputs());
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value sum = elements.front();
        for (Value element : elements.drop_front())
          sum = createAdd(b, type, sum, element);
        return arith::DivFOp::create(b, sum, count);
      });
}

//===----------------------------------------------------------------------===//
// Powers
//===----------------------------------------------------------------------===//

/// base^exponent of integers, modulo 2^width, by squaring. Negative exponents
/// give the exact power rounded towards zero, and 0 for base 0.
static Value createIntegerPower(ImplicitLocOpBuilder &b, Value base,
                                Value exponent, bool isUnsignedExponent) {
  Value zero = createInteger(b, base, 0), one = createInteger(b, base, 1);
  Value bit = createInteger(b, exponent, 1);
  Value none = createInteger(b, exponent, 0);
  Value power = one, square = base, rest = exponent;
  unsigned width = exponent.getType().getIntOrFloatBitWidth();
  for (unsigned i = 0; i < width; ++i) {
    Value isEven = createEqual(b, arith::AndIOp::create(b, rest, bit), none);
    Value product = arith::MulIOp::create(b, power, square);
    power = createSelect(b, isEven, power, product);
    square = arith::MulIOp::create(b, square, square);
    rest = arith::ShRUIOp::create(b, rest, bit);
  }
  if (isUnsignedExponent)
    return power;
  // 1 and -1 are their own inverses.
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, exponent, none);
  Value hasInverse =
      arith::OrIOp::create(b, createEqual(b, base, one),
                           createEqual(b, base, createInteger(b, base, -1)));
  Value inverse = createSelect(b, hasInverse, power, zero);
  return createSelect(b, isNegative, inverse, power);
}

/// base^exponent of an integer and a float: exact for an exponent that is a
/// whole number, else that of floats rounded towards zero.
static Value createMixedPower(ImplicitLocOpBuilder &b, ElementType type,
                              ElementType exponentType, Value base,
                              Value exponent) {
  Value whole = createCast(b, exponent, exponentType, ElementType::Int64);
  Value back = createCast(b, whole, ElementType::Int64, exponentType);
  Value isWhole =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, back, exponent);
  Value exact =
      createIntegerPower(b, base, whole, /*isUnsignedExponent=*/false);
  Value floatBase = createCast(b, base, type, exponentType);
  Value power = math::PowFOp::create(b, floatBase, exponent);
  return createSelect(b, isWhole, exact,
                      createCast(b, power, exponentType, type));
}

/// x^y, where y may have any number type.
static LogicalResult importPow(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  ElementType exponentType = node.getInput(1).type;
  auto isNumber = [](ElementType type) {
    return type == ElementType::Float || isInteger(type);
  };
  if (!isNumber(type) || !isNumber(exponentType))
    return node.emitError("Pow of " + getName(type) + " and " +
                          getName(exponentType) +
                          "; expects integers or floats of at most 32 bits");
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value base = elements[0], exponent = elements[1];
        if (isFloat(type))
          return math::PowFOp::create(
              b, base, createCast(b, exponent, exponentType, type));
        if (isFloat(exponentType))
          return createMixedPower(b, type, exponentType, base, exponent);
        return createIntegerPower(b, base, exponent, isUnsigned(exponentType));
      });
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// An operator on floating-point elements that is one operation.
template <class Op>
static LogicalResult importUnary(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  return setElementwiseOutput(
      node, node.getInput(0).type, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return Op::create(b, elements[0]);
      });
}

/// The same where there is a formula, which is for floats of at most 32 bits.
template <class Op>
static LogicalResult importFormula(NodeImporter &node) {
  if (node.getInput(0).type == ElementType::Double)
    return node.emitError("there is no formula of this function for DOUBLE; "
                          "expects FLOAT, FLOAT16 or BFLOAT16");
  return importUnary<Op>(node);
}

/// -1, 0 or 1; zero and NaN stay.
static LogicalResult importSign(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value zero = node.createScalar(type, 0), one = node.createScalar(type, 1);
  Value minusOne = isUnsigned(type) ? Value() : node.createScalar(type, -1);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value x = elements[0];
        Value isPositive = createGreater(b, type, x, zero);
        if (!minusOne)
          return createSelect(b, isPositive, one, zero);
        Value isNegative = createGreater(b, type, zero, x);
        return createSelect(b, isPositive, one,
                            createSelect(b, isNegative, minusOne, x));
      });
}

static LogicalResult importReciprocal(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value one = node.createScalar(type, 1);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return createDiv(b, type, one, elements[0]);
      });
}

static LogicalResult importNeg(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value zero = node.createScalar(type, 0);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (isFloat(type))
          return arith::NegFOp::create(b, elements[0]);
        return arith::SubIOp::create(b, zero, elements[0]);
      });
}

static LogicalResult importAbs(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  if (isUnsigned(type))
    return node.setOutput(0, node.getInput(0));
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (isFloat(type))
          return math::AbsFOp::create(b, elements[0]);
        return math::AbsIOp::create(b, elements[0]);
      });
}

static constexpr OpRow kRows[] = {
    {"Abs", 6, 1, 1, importAbs},
    {"Acos", 7, 1, 1, importFormula<math::AcosOp>},
    {"Acosh", 9, 1, 1, importFormula<math::AcoshOp>},
    {"Add", 7, 2, 2, importBinary<createAdd, foldAdd>},
    {"Asin", 7, 1, 1, importFormula<math::AsinOp>},
    {"Asinh", 9, 1, 1, importFormula<math::AsinhOp>},
    {"Atan", 7, 1, 1, importFormula<math::AtanOp>},
    {"Atanh", 9, 1, 1, importFormula<math::AtanhOp>},
    {"Ceil", 6, 1, 1, importUnary<math::CeilOp>},
    {"Cos", 7, 1, 1, importFormula<math::CosOp>},
    {"Cosh", 9, 1, 1, importFormula<math::CoshOp>},
    {"Div", 7, 2, 2, importBinary<createDiv, foldDiv>},
    {"Erf", 9, 1, 1, importFormula<math::ErfOp>},
    {"Exp", 6, 1, 1, importFormula<math::ExpOp>},
    {"Floor", 6, 1, 1, importUnary<math::FloorOp>},
    {"Log", 6, 1, 1, importFormula<math::LogOp>},
    {"Max", 6, 1, kVariadic, importVariadic<createMax>},
    {"Mean", 6, 1, kVariadic, importMean},
    {"Min", 6, 1, kVariadic, importVariadic<createMin>},
    {"Mod", 10, 2, 2, importMod},
    {"Mul", 7, 2, 2, importBinary<createMul, foldMul>},
    {"Neg", 6, 1, 1, importNeg},
    {"Pow", 7, 2, 2, importPow},
    {"Reciprocal", 6, 1, 1, importReciprocal},
    {"Round", 11, 1, 1, importUnary<math::RoundEvenOp>},
    {"Sign", 9, 1, 1, importSign},
    {"Sin", 7, 1, 1, importFormula<math::SinOp>},
    {"Sinh", 9, 1, 1, importFormula<math::SinhOp>},
    {"Sqrt", 6, 1, 1, importUnary<math::SqrtOp>},
    {"Sub", 7, 2, 2, importBinary<createSub, foldSub>},
    {"Sum", 6, 1, kVariadic, importVariadic<createAdd>},
    {"Tan", 7, 1, 1, importFormula<math::TanOp>},
    {"Tanh", 6, 1, 1, importFormula<math::TanhOp>},
};

ArrayRef<OpRow> onnx::getElementwiseOps() { return kRows; }
