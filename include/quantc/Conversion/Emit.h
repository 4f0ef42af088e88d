//===- Emit.h - The formulas as operations ----------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The second arithmetic of the numeric contract (Numerics/Arithmetic.h): where
// `Evaluate` computes a formula, `Emit` builds the `arith` and `math`
// operations that compute it, one for each call, so that both give the same
// bits:
//
//   Emit a(builder, loc);
//   Value q = numerics::quantize(a, x, scale, zeroPoint, -128, 127);
//
// An operation on constants becomes a constant: MLIR folds with the rounding
// that the contract asks for. No operation carries a fast-math flag.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_EMIT_H
#define QUANTC_CONVERSION_EMIT_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace quantc {

class Emit {
public:
  using Float = mlir::Value;  // f32
  using Double = mlir::Value; // f64
  using Int = mlir::Value;    // i32
  using Long = mlir::Value;   // i64
  using Bool = mlir::Value;   // i1

  /// Builds operations on scalars, or on vectors of the shape of `shape`: then
  /// every value is such a vector, and constants are splats.
  Emit(mlir::OpBuilder &builder, mlir::Location loc,
       mlir::VectorType shape = {});

  Float constant(float value);
  Int constantInt(int32_t value);
  Long constantLong(int64_t value);

  Float add(Float x, Float y);
  Float sub(Float x, Float y);
  Float mul(Float x, Float y);
  Float div(Float x, Float y);
  Float neg(Float x);
  Float fma(Float x, Float y, Float z);
  Float abs(Float x);
  Float sqrt(Float x);
  Float minimum(Float x, Float y);
  Float maximum(Float x, Float y);
  Float roundEven(Float x);

  Double toDouble(Float x);
  Float toSingle(Double x);
  Double mulDouble(Double x, Double y);
  Double divDouble(Double x, Double y);

  Bool lessThan(Float x, Float y);
  Bool lessEqual(Float x, Float y);
  Bool equal(Float x, Float y);
  Bool isNaN(Float x);
  Bool lessThanInt(Int x, Int y);
  Bool equalInt(Int x, Int y);
  Bool andBool(Bool x, Bool y);
  Bool orBool(Bool x, Bool y);

  Float select(Bool condition, Float x, Float y);
  Int selectInt(Bool condition, Int x, Int y);

  Int toInt(Float x);
  Float toFloat(Int x);

  Int addInt(Int x, Int y);
  Int subInt(Int x, Int y);
  Int mulInt(Int x, Int y);
  Int andInt(Int x, Int y);
  Int orInt(Int x, Int y);
  Int xorInt(Int x, Int y);
  Int shlInt(Int x, Int n);
  Int ashrInt(Int x, Int n);
  Int minInt(Int x, Int y);
  Int maxInt(Int x, Int y);

  Long toLong(Int x);
  Int truncate(Long x);
  Long addLong(Long x, Long y);
  Long subLong(Long x, Long y);
  Long mulLong(Long x, Long y);
  Long shlLong(Long x, Long n);
  Long ashrLong(Long x, Long n);
  Long minLong(Long x, Long y);
  Long maxLong(Long x, Long y);
  Long selectLong(Bool condition, Long x, Long y);
  Float longToFloat(Long x);

  Int bitcastToInt(Float x);
  Float bitcastToFloat(Int x);

  /// A storage value (i8), or a sum of 16 bits, as an Int, and back to i8,
  /// which the Int must fit.
  Int fromStorage(mlir::Value x);
  mlir::Value toStorage(Int x);

private:
  /// `element`, or the vector of it that this arithmetic works on.
  mlir::Type getType(mlir::Type element);
  mlir::Value getConstant(mlir::TypedAttr value);
  template <class Op, class... Args>
  mlir::Value create(Args &&...args) {
    return builder.createOrFold<Op>(std::forward<Args>(args)...);
  }

  mlir::ImplicitLocOpBuilder builder;
  mlir::VectorType shape;
};

} // namespace quantc

#endif // QUANTC_CONVERSION_EMIT_H
