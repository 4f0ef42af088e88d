//===- Rounding.h - Half away from zero -------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding half away from zero has no instruction on x86. The formulas are
// exact, keep the sign of zero, and return infinities and NaN as they are.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_ROUNDING_H
#define QUANTC_NUMERICS_ROUNDING_H

#include "quantc/Numerics/ElementaryFunctions.h"

namespace quantc::numerics {

/// rounding_a1: the largest integer that is not above x: rne(x), less 1 where
/// that is above.
template <typename A>
typename A::Float floor(A &a, typename A::Float x) {
  typename A::Float rounded = a.roundEven(x);
  typename A::Bool isAbove = a.lessThan(x, rounded);
  typename A::Float below = a.sub(rounded, a.constant(1.0f));
  return a.select(isAbove, below, rounded);
}

/// rounding_a2: the nearest integer, half away from zero. The fraction of |x|
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
