//===- ArithRules.cpp - Rules of scalar functions ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The same for scalars, in the body of a structured operation, and for tensors,
// element by element. `dy` is the cotangent of the result.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

static Value mul(GradientBuilder &b, Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
static Value div(GradientBuilder &b, Value x, Value y) {
  return arith::DivFOp::create(b, x, y);
}
static Value neg(GradientBuilder &b, Value x) {
  return arith::NegFOp::create(b, x);
}
static Value scale(GradientBuilder &b, Value x, double factor) {
  return mul(b, x, b.createConstant(x, factor));
}
static Value compare(GradientBuilder &b, arith::CmpFPredicate predicate,
                     Value x, Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}
static Value select(GradientBuilder &b, Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}

/// x + y: dy, dy.
static void differentiateAdd(arith::AddFOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  b.accumulate(op.getLhs(), dy);
  b.accumulate(op.getRhs(), dy);
}

/// x - y: dy, -dy.
static void differentiateSub(arith::SubFOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  b.accumulate(op.getLhs(), dy);
  b.accumulate(op.getRhs(), [&] { return neg(b, dy); });
}

/// x * y: dy * y, dy * x.
static void differentiateMul(arith::MulFOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  b.accumulate(op.getLhs(), [&] { return mul(b, dy, op.getRhs()); });
  b.accumulate(op.getRhs(), [&] { return mul(b, dy, op.getLhs()); });
}

/// q = x / y: dy / y, -(dy * q) / y.
static void differentiateDiv(arith::DivFOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  b.accumulate(op.getLhs(), [&] { return div(b, dy, op.getRhs()); });
  b.accumulate(op.getRhs(), [&] {
    return div(b, neg(b, mul(b, dy, op.getResult())), op.getRhs());
  });
}

/// -x: -dy.
static void differentiateNeg(arith::NegFOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&] { return neg(b, b.getCotangent(op)); });
}

/// x * y + z: dy * y, dy * x, dy.
static void differentiateFma(math::FmaOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  b.accumulate(op.getA(), [&] { return mul(b, dy, op.getB()); });
  b.accumulate(op.getB(), [&] { return mul(b, dy, op.getA()); });
  b.accumulate(op.getC(), dy);
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

/// c ? x : y: c ? dy : 0, c ? 0 : dy.
static void differentiateChoice(Value condition, Value x, Value y, Value dy,
                                GradientBuilder &b) {
  b.accumulate(
      x, [&] { return select(b, condition, dy, b.createConstant(dy, 0)); });
  b.accumulate(
      y, [&] { return select(b, condition, b.createConstant(dy, 0), dy); });
}

static void differentiateSelect(arith::SelectOp op, GradientBuilder &b) {
  differentiateChoice(op.getCondition(), op.getTrueValue(), op.getFalseValue(),
                      b.getCotangent(op), b);
}

/// The larger: x where x > y, otherwise y. So a ReLU, max(x, 0), is cut at 0.
static void differentiateMaximum(arith::MaximumFOp op, GradientBuilder &b) {
  Value isFirst =
      compare(b, arith::CmpFPredicate::OGT, op.getLhs(), op.getRhs());
  differentiateChoice(isFirst, op.getLhs(), op.getRhs(), b.getCotangent(op), b);
}

/// The smaller: x where x < y, otherwise y.
static void differentiateMinimum(arith::MinimumFOp op, GradientBuilder &b) {
  Value isFirst =
      compare(b, arith::CmpFPredicate::OLT, op.getLhs(), op.getRhs());
  differentiateChoice(isFirst, op.getLhs(), op.getRhs(), b.getCotangent(op), b);
}

/// The larger or smaller of integers, a clip of storage values: x also where
/// both are equal, since a value that is rounded to the bound is not clipped
/// (ste_a1).
template <class Op, arith::CmpIPredicate predicate>
static void differentiateClip(Op op, GradientBuilder &b) {
  Value isFirst = arith::CmpIOp::create(b, predicate, op.getLhs(), op.getRhs());
  differentiateChoice(isFirst, op.getLhs(), op.getRhs(), b.getCotangent(op), b);
}

/// |x|: dy * sign x, 0 at 0.
static void differentiateAbs(math::AbsFOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&] {
    Value dy = b.getCotangent(op), x = op.getOperand();
    Value zero = b.createConstant(dy, 0);
    Value isPositive = compare(b, arith::CmpFPredicate::OGT, x, zero);
    Value isNegative = compare(b, arith::CmpFPredicate::OLT, x, zero);
    Value below = select(b, isNegative, neg(b, dy), zero);
    return select(b, isPositive, dy, below);
  });
}

//===----------------------------------------------------------------------===//
// Elementary functions
//===----------------------------------------------------------------------===//

/// y = e^x: dy * y. A cotangent of 0 stays 0 where e^x overflows: the gradient
/// of a sigmoid, 1 / (1 + e^-x), is 0 there and not NaN.
static void differentiateExp(math::ExpOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&] {
    Value dy = b.getCotangent(op);
    Value zero = b.createConstant(dy, 0);
    Value isZero = compare(b, arith::CmpFPredicate::OEQ, dy, zero);
    return select(b, isZero, zero, mul(b, dy, op.getResult()));
  });
}

/// ln x: dy / x.
static void differentiateLog(math::LogOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(),
               [&] { return div(b, b.getCotangent(op), op.getOperand()); });
}

/// y = sqrt x: dy / (2 y).
static void differentiateSqrt(math::SqrtOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&] {
    return div(b, b.getCotangent(op), scale(b, op.getResult(), 2));
  });
}

/// y = 1 / sqrt x: -dy * y / (2 x).
static void differentiateRsqrt(math::RsqrtOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&] {
    Value numerator = neg(b, mul(b, b.getCotangent(op), op.getResult()));
    return div(b, numerator, scale(b, op.getOperand(), 2));
  });
}

/// y = tanh x: dy * (1 - y^2).
static void differentiateTanh(math::TanhOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&]() -> Value {
    Value y = op.getResult();
    Value one = b.createConstant(y, 1);
    Value slope = arith::SubFOp::create(b, one, mul(b, y, y));
    return mul(b, b.getCotangent(op), slope);
  });
}

/// erf x: dy * (2 / sqrt pi) * e^(-x^2).
static void differentiateErf(math::ErfOp op, GradientBuilder &b) {
  b.accumulate(op.getOperand(), [&] {
    Value x = op.getOperand();
    Value bell = math::ExpOp::create(b, neg(b, mul(b, x, x)));
    return mul(b, b.getCotangent(op), scale(b, bell, M_2_SQRTPI));
  });
}

/// z = x^y: dy * (y * x^(y - 1)), 0 where y is 0; and dy * (z * ln x), 0 where
/// z is 0.
static void differentiatePow(math::PowFOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  Value x = op.getLhs(), y = op.getRhs(), z = op.getResult();
  auto zeroWhereZero = [&](Value value, Value result) {
    Value zero = b.createConstant(dy, 0);
    Value isZero = compare(b, arith::CmpFPredicate::OEQ, value, zero);
    return select(b, isZero, zero, result);
  };
  b.accumulate(x, [&] {
    Value one = b.createConstant(y, 1);
    Value exponent = arith::SubFOp::create(b, y, one);
    Value power = math::PowFOp::create(b, x, exponent);
    return mul(b, dy, zeroWhereZero(y, mul(b, y, power)));
  });
  b.accumulate(y, [&] {
    Value logarithm = math::LogOp::create(b, x);
    return mul(b, dy, zeroWhereZero(z, mul(b, z, logarithm)));
  });
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void quantc::addArithRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attachRules<differentiateClip<arith::MaxSIOp, arith::CmpIPredicate::sge>,
                differentiateClip<arith::MinSIOp, arith::CmpIPredicate::sle>>(
        context);
    attachRules<differentiateAdd, differentiateDiv, differentiateMaximum,
                differentiateMinimum, differentiateMul, differentiateNeg,
                differentiateSelect, differentiateSub>(context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attachRules<differentiateAbs, differentiateErf, differentiateExp,
                differentiateFma, differentiateLog, differentiatePow,
                differentiateRsqrt, differentiateSqrt, differentiateTanh>(
        context);
    attachConstantRules<math::CeilOp, math::FloorOp, math::RoundEvenOp,
                        math::RoundOp>(context);
  });
}
