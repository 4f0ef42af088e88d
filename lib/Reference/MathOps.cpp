//===- MathOps.cpp - The math dialect in the interpreter ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarOps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "quantc/Numerics/Trigonometry.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;
using numerics::Evaluate;

/// A formula of ElementaryFunctions.h as a function on f32.
template <float (*formula)(Evaluate &, float)>
static float evaluate(float x) {
  Evaluate a;
  return formula(a, x);
}

static float evaluatePow(float x, float y) {
  Evaluate a;
  return numerics::pow(a, x, y);
}

/// A predicate on f32.
template <class Op, class F>
static void addPredicate(OpTable &table, F f) {
  table.addScalar<Op>(
      [f](const ScalarOp &op, ArrayRef<Scalar> x, Scalar &y) -> LogicalResult {
        if (op.operandType != DataType::F32 && op.operandType != DataType::F64)
          return reportType(op);
        bool isDouble = op.operandType == DataType::F64;
        y.integer = f(isDouble ? x[0].f64 : x[0].f32) ? -1 : 0;
        return success();
      });
}

void reference::addMathOps(OpTable &table) {
  addFloat<math::AbsFOp>(table, Evaluate::abs,
                         [](double x) { return std::fabs(x); });
  addFloat<math::SqrtOp>(table, Evaluate::sqrt,
                         [](double x) { return std::sqrt(x); });
  addFloat<math::FmaOp>(table, Evaluate::fma, [](double x, double y, double z) {
    return std::fma(x, y, z);
  });
  addFloat<math::RoundEvenOp>(table, Evaluate::roundEven,
                              [](double x) { return std::nearbyint(x); });
  addFloat<math::CeilOp>(table, [](auto x) { return std::ceil(x); });
  addFloat<math::FloorOp>(table, [](auto x) { return std::floor(x); });
  addFloat<math::TruncOp>(table, [](auto x) { return std::trunc(x); });
  addF32<math::RoundOp>(table, [](float x) { return std::round(x); });
  addFloat<math::CopySignOp>(
      table, [](float x, float y) { return std::copysign(x, y); },
      [](double x, double y) { return std::copysign(x, y); });

  addF32<math::ExpOp>(table, evaluate<numerics::exp<Evaluate>>);
  addF32<math::LogOp>(table, evaluate<numerics::log<Evaluate>>);
  addF32<math::TanhOp>(table, evaluate<numerics::tanh<Evaluate>>);
  addF32<math::ErfOp>(table, evaluate<numerics::erf<Evaluate>>);
  addF32<math::PowFOp>(table, evaluatePow);
  addF32<math::SinOp>(table, evaluate<numerics::sin<Evaluate>>);
  addF32<math::CosOp>(table, evaluate<numerics::cos<Evaluate>>);
  addF32<math::TanOp>(table, evaluate<numerics::tan<Evaluate>>);
  addF32<math::AsinOp>(table, evaluate<numerics::asin<Evaluate>>);
  addF32<math::AcosOp>(table, evaluate<numerics::acos<Evaluate>>);
  addF32<math::AtanOp>(table, evaluate<numerics::atan<Evaluate>>);
  addF32<math::SinhOp>(table, evaluate<numerics::sinh<Evaluate>>);
  addF32<math::CoshOp>(table, evaluate<numerics::cosh<Evaluate>>);
  addF32<math::AsinhOp>(table, evaluate<numerics::asinh<Evaluate>>);
  addF32<math::AcoshOp>(table, evaluate<numerics::acosh<Evaluate>>);
  addF32<math::AtanhOp>(table, evaluate<numerics::atanh<Evaluate>>);
  addF32<math::RsqrtOp>(table, [](float x) {
    return Evaluate::div(Evaluate::constant(1.0f), Evaluate::sqrt(x));
  });

  addPredicate<math::IsNaNOp>(table, [](double x) { return std::isnan(x); });
  addPredicate<math::IsInfOp>(table, [](double x) { return std::isinf(x); });
  addPredicate<math::IsFiniteOp>(table,
                                 [](double x) { return std::isfinite(x); });
  addInteger<math::AbsIOp>(
      table, [](int64_t x) { return x < 0 ? -static_cast<uint64_t>(x) : x; });
}
