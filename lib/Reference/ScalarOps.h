//===- ScalarOps.h - Scalar functions of operations -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adds a C++ function on numbers to the table, as what an operation on scalars
// computes.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_REFERENCE_SCALAROPS_H
#define QUANTC_LIB_REFERENCE_SCALAROPS_H

#include "Frame.h"
#include "quantc/Numerics/Arithmetic.h"
#include "quantc/Support/TensorAttribute.h"

namespace quantc::reference {

/// f(x[0]), f(x[0], x[1]) or f(x[0], x[1], x[2]), as many as `f` takes.
template <class T, class F>
auto applyTo(const F &f, llvm::ArrayRef<Scalar> x, T Scalar::*member) {
  if constexpr (std::is_invocable_v<F, T>)
    return f(x[0].*member);
  else if constexpr (std::is_invocable_v<F, T, T>)
    return f(x[0].*member, x[1].*member);
  else
    return f(x[0].*member, x[1].*member, x[2].*member);
}

inline llvm::LogicalResult reportType(const ScalarOp &op) {
  return op.op->emitError("the interpreter does not know operation '")
         << op.op->getName() << "' on " << getName(op.operandType);
}

/// An operation on integers, modulo 2^width.
template <class Op, class F>
void addInteger(OpTable &table, F f) {
  table.addScalar<Op>(
      [f](const ScalarOp &op, llvm::ArrayRef<Scalar> x, Scalar &y) {
        y.integer = wrapInteger(applyTo(f, x, &Scalar::integer), op.resultType);
        return llvm::success();
      });
}

/// An operation on f32 and f64.
template <class Op, class F, class G>
void addFloat(OpTable &table, F f32, G f64) {
  table.addScalar<Op>([f32, f64](const ScalarOp &op, llvm::ArrayRef<Scalar> x,
                                 Scalar &y) -> llvm::LogicalResult {
    if (op.operandType == DataType::F32)
      y.f32 = applyTo(f32, x, &Scalar::f32);
    else if (op.operandType == DataType::F64)
      y.f64 = applyTo(f64, x, &Scalar::f64);
    else
      return reportType(op);
    return llvm::success();
  });
}

/// The same where one generic function serves both.
template <class Op, class F>
void addFloat(OpTable &table, F f) {
  addFloat<Op>(
      table, [f](float x) { return f(x); }, [f](double x) { return f(x); });
}

/// An operation on f32 only.
template <class Op, class F>
void addF32(OpTable &table, F f) {
  table.addScalar<Op>([f](const ScalarOp &op, llvm::ArrayRef<Scalar> x,
                          Scalar &y) -> llvm::LogicalResult {
    if (op.operandType != DataType::F32)
      return reportType(op);
    y.f32 = applyTo(f, x, &Scalar::f32);
    return llvm::success();
  });
}

} // namespace quantc::reference

#endif // QUANTC_LIB_REFERENCE_SCALAROPS_H
