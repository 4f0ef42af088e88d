//===- Gradients.h - Gradients of quantization ------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding has no useful derivative. Training takes that of the identity where
// a value is rounded, and 0 where it is clamped (the straight-through
// estimator), and may learn the scale (learned step sizes). `dq` is the
// derivative of the loss by the dequantized value.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_GRADIENTS_H
#define QUANTC_NUMERICS_GRADIENTS_H

#include "quantc/Numerics/Quantize.h"

namespace quantc::numerics {

/// ste_a1: qmin <= rne(t) + zp <= qmax for a quotient t = x / s. False for NaN.
template <typename A>
typename A::Bool isRounded(A &a, typename A::Float t, typename A::Int zeroPoint,
                           int32_t qmin, int32_t qmax) {
  typename A::Float lo = a.toFloat(a.subInt(a.constantInt(qmin), zeroPoint));
  typename A::Float hi = a.toFloat(a.subInt(a.constantInt(qmax), zeroPoint));
  typename A::Float rounded = a.roundEven(t);
  typename A::Bool above = a.lessEqual(lo, rounded);
  return a.andBool(above, a.lessEqual(rounded, hi));
}

/// ste_a1: the derivative of the loss by x.
template <typename A>
typename A::Float straightThrough(A &a, typename A::Float dq,
                                  typename A::Float x, typename A::Float scale,
                                  typename A::Int zeroPoint, int32_t qmin,
                                  int32_t qmax) {
  typename A::Float t = a.div(x, scale);
  typename A::Float zero = a.constant(0.0f);
  return a.select(isRounded(a, t, zeroPoint, qmin, qmax), dq, zero);
}

/// lsq_a1: the derivative of the dequantized value by s: q - zp - x / s where x
/// is rounded, q - zp where it is clamped. NaN gives 0.
template <typename A>
typename A::Float
stepDerivative(A &a, typename A::Float x, typename A::Float scale,
               typename A::Int zeroPoint, int32_t qmin, int32_t qmax) {
  typename A::Float t = zeroIfNaN(a, a.div(x, scale));
  typename A::Float lo = a.toFloat(a.subInt(a.constantInt(qmin), zeroPoint));
  typename A::Float hi = a.toFloat(a.subInt(a.constantInt(qmax), zeroPoint));
  typename A::Float level = clampFloat(a, a.roundEven(t), lo, hi);
  typename A::Bool inside = isRounded(a, t, zeroPoint, qmin, qmax);
  return a.select(inside, a.sub(level, t), level);
}

/// lsq_a2: 1 / sqrt(count * qmax), the factor on the gradient of a scale that
/// `count` elements share.
template <typename A>
typename A::Float stepGradientFactor(A &a, typename A::Float count,
                                     int32_t qmax) {
  typename A::Float levels = a.constant(static_cast<float>(qmax));
  typename A::Float root = a.sqrt(a.mul(count, levels));
  return a.div(a.constant(1.0f), root);
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_GRADIENTS_H
