//===- Rounding.h - floor, ceil, trunc, round -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//
//
// Rounding to integers as formulas, for machines without an instruction (x86
// before SSE4.1), where a call to libm would be the alternative. All are exact,
// keep the sign of zero, and return infinities and NaN as they are.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_ROUNDING_H
#define QUANTC_NUMERICS_ROUNDING_H

#include "quantc/Numerics/ElementaryFunctions.h"

namespace quantc::numerics {

/// rounding_a1: rne(x), from additions only. From 2^23 on every float is an
/// integer; below, adding 2^23 drops the fraction.
template <typename A>
typename A::Float roundEvenByAddition(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float shift = a.constant(0x1p+23f);
  typename A::Float rounded = a.sub(a.add(magnitude, shift), shift);
  rounded = withSign(a, rounded, signBit(a, x));
  typename A::Bool hasFraction = a.lessThan(magnitude, shift);
  return a.select(hasFraction, rounded, x);
}

/// rounding_a2: the largest integer that is not above x: rne(x), less 1 where
/// that is above.
template <typename A>
typename A::Float floor(A &a, typename A::Float x) {
  typename A::Float rounded = a.roundEven(x);
  typename A::Bool isAbove = a.lessThan(x, rounded);
  typename A::Float below = a.sub(rounded, a.constant(1.0f));
  return a.select(isAbove, below, rounded);
}

/// rounding_a2: the smallest integer that is not below x.
template <typename A>
typename A::Float ceil(A &a, typename A::Float x) {
  return a.neg(floor(a, a.neg(x)));
}

/// rounding_a3: x without its fraction.
template <typename A>
typename A::Float trunc(A &a, typename A::Float x) {
  typename A::Float magnitude = floor(a, a.abs(x));
  return withSign(a, magnitude, signBit(a, x));
}

/// rounding_a4: the nearest integer, half away from zero. The fraction of |x|
/// is exact.
template <typename A>
typename A::Float roundAway(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float whole = floor(a, magnitude);
  typename A::Float fraction = a.sub(magnitude, whole);
  typename A::Bool isUp = a.lessEqual(a.constant(0.5f), fraction);
  typename A::Float next = a.add(whole, a.constant(1.0f));
  typename A::Float rounded = a.select(isUp, next, whole);
  return withSign(a, rounded, signBit(a, x));
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_ROUNDING_H
