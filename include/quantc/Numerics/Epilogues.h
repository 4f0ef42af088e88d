//===- Epilogues.h - From accumulators to results ---------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A contraction ends with a 32-bit accumulator (or a float one). What happens
// to it then is written here, one function per mode; docs/Numerics.md, "Linear
// layers", is the specification. Each multiply and each add rounds by itself;
// fused is only what is called fma.
//
// A layer without a bias makes no addition at all. This differs from a bias of
// 0 in the sign of a zero result only.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_EPILOGUES_H
#define QUANTC_NUMERICS_EPILOGUES_H

#include "quantc/Numerics/Quantize.h"

#include <optional>

namespace quantc::numerics {

/// y + bias, or y where the layer has no bias.
template <typename A>
typename A::Float addBias(A &a, typename A::Float y,
                          std::optional<typename A::Float> bias) {
  return bias ? a.add(y, *bias) : y;
}

/// linear_a10, float out: y + addend, after everything else. A layer without
/// one makes no addition.
template <typename A>
typename A::Float addAddend(A &a, typename A::Float y,
                            std::optional<typename A::Float> addend) {
  return addend ? a.add(y, *addend) : y;
}

//===----------------------------------------------------------------------===//
// Multipliers
//===----------------------------------------------------------------------===//

/// f32(f64(sa) * sw), the multiplier of `dequantizeAccumulator`.
template <typename A>
typename A::Float staticMultiplier(A &a, typename A::Float inputScale,
                                   typename A::Float weightScale) {
  typename A::Double sa = a.toDouble(inputScale);
  return a.toSingle(a.mulDouble(sa, a.toDouble(weightScale)));
}

/// f64(sa) * sw / sy, the real multiplier of both presets.
template <typename A>
typename A::Double realMultiplier(A &a, typename A::Float inputScale,
                                  typename A::Float weightScale,
                                  typename A::Float outputScale) {
  typename A::Double sa = a.toDouble(inputScale);
  typename A::Double product = a.mulDouble(sa, a.toDouble(weightScale));
  return a.divDouble(product, a.toDouble(outputScale));
}

/// f32(f64(sa) * sw / sy), the multiplier of `requantizeAccumulator`.
template <typename A>
typename A::Float requantizeMultiplier(A &a, typename A::Float inputScale,
                                       typename A::Float weightScale,
                                       typename A::Float outputScale) {
  return a.toSingle(realMultiplier(a, inputScale, weightScale, outputScale));
}

/// f32(f64(bias) / sy), the bias of `requantizeAccumulator`.
template <typename A>
typename A::Float requantizeBias(A &a, typename A::Float bias,
                                 typename A::Float outputScale) {
  typename A::Double b = a.toDouble(bias);
  return a.toSingle(a.divDouble(b, a.toDouble(outputScale)));
}

//===----------------------------------------------------------------------===//
// Integer in, float out
//===----------------------------------------------------------------------===//

/// linear_a2, static: y = f32(acc) * m + bias, m = f32(f64(sa) * sw)
/// (`staticMultiplier`).
template <typename A>
typename A::Float
dequantizeAccumulator(A &a, typename A::Int acc, typename A::Float multiplier,
                      std::optional<typename A::Float> bias = std::nullopt) {
  return addBias(a, a.mul(a.toFloat(acc), multiplier), bias);
}

/// linear_a3, dynamic: y = (f32(acc) * sw) * sa + bias.
template <typename A>
typename A::Float dequantizeAccumulatorDynamic(
    A &a, typename A::Int acc, typename A::Float weightScale,
    typename A::Float inputScale,
    std::optional<typename A::Float> bias = std::nullopt) {
  typename A::Float y = a.mul(a.toFloat(acc), weightScale);
  return addBias(a, a.mul(y, inputScale), bias);
}

/// linear_a4, float group scales, one group: sum + f32(acc_g) * sw_g. The sum
/// starts at +0 and g ascends from 0.
template <typename A>
typename A::Float addGroup(A &a, typename A::Float sum, typename A::Int acc,
                           typename A::Float weightScale) {
  return a.add(sum, a.mul(a.toFloat(acc), weightScale));
}

/// linear_a4, after the last group, static and dynamic alike:
/// y = sum * sa + bias.
template <typename A>
typename A::Float
finishGroups(A &a, typename A::Float sum, typename A::Float inputScale,
             std::optional<typename A::Float> bias = std::nullopt) {
  return addBias(a, a.mul(sum, inputScale), bias);
}

//===----------------------------------------------------------------------===//
// Integer in, integer out
//===----------------------------------------------------------------------===//

/// linear_a5, preset f32: q = clamp(rne(f32(acc) * m + b) + zy, qmin, qmax),
/// m = f32(f64(sa) * sw / sy) (`requantizeMultiplier`),
/// b = f32(f64(bias) / sy) (`requantizeBias`). ReLU and Clip are qmin and qmax.
/// The clamp precedes the conversion to i32; a sum that overflowed saturates,
/// NaN (0 * Inf) counts as 0. An addend (linear_a10), already divided by the
/// output scale, is added last: rne((f32(acc) * m + b) + addend).
template <typename A>
typename A::Int
requantizeAccumulator(A &a, typename A::Int acc, typename A::Float multiplier,
                      std::optional<typename A::Float> bias,
                      typename A::Int zeroPoint, int32_t qmin, int32_t qmax,
                      std::optional<typename A::Float> addend = std::nullopt) {
  typename A::Float t = addBias(a, a.mul(a.toFloat(acc), multiplier), bias);
  t = addAddend(a, t, addend);
  return roundToStorage(a, t, zeroPoint, qmin, qmax);
}

/// linear_a6, preset fixed, in integers only:
///
///   q = clamp(((acc * m + 2^(n-1)) >> n) + zy, qmin, qmax)
///
/// The bias is in `acc` already, as i32 at scale sa * sw (`fixedPointBias`).
/// m is in [2^30, 2^31) and n in [1, 62] (`fixedPointMultiplier`):
/// |acc * m| + 2^(n-1) < 2^62 + 2^61 fits i64. Half rounds up.
template <typename A>
typename A::Int requantizeAccumulatorFixed(A &a, typename A::Int acc,
                                           typename A::Int multiplier,
                                           typename A::Int shift,
                                           typename A::Int zeroPoint,
                                           int32_t qmin, int32_t qmax) {
  typename A::Long one = a.constantLong(1);
  typename A::Long n = a.toLong(shift);
  typename A::Long half = a.shlLong(one, a.subLong(n, one));
  typename A::Long factor = a.toLong(multiplier);
  typename A::Long product = a.mulLong(a.toLong(acc), factor);
  typename A::Long rounded = a.ashrLong(a.addLong(product, half), n);
  typename A::Long q = a.addLong(rounded, a.toLong(zeroPoint));
  q = a.maxLong(q, a.constantLong(qmin));
  q = a.minLong(q, a.constantLong(qmax));
  return a.truncate(q);
}

//===----------------------------------------------------------------------===//
// Float in
//===----------------------------------------------------------------------===//

/// linear_a7, what a weight stands for before its scale: f32(w_k - zw_g).
template <typename A>
typename A::Float decodeWeight(A &a, typename A::Int weight,
                               typename A::Int weightZeroPoint) {
  return a.toFloat(a.subInt(weight, weightZeroPoint));
}

/// The same from the floats of both, and m_g q_k of a weight with an integer
/// scale: exact, as all are integers that fit f32.
template <typename A>
typename A::Float decodeFloat(A &a, typename A::Float weight,
                              typename A::Float weightZeroPoint) {
  return a.sub(weight, weightZeroPoint);
}
template <typename A>
typename A::Float scaleFloat(A &a, typename A::Float weight,
                             typename A::Float multiplier) {
  return a.mul(weight, multiplier);
}

/// m_g q_k from q_k + offset, which has no sign: exact as well.
template <typename A>
typename A::Float scaleRaisedFloat(A &a, typename A::Float raised, float offset,
                                   typename A::Float multiplier) {
  return a.fma(raised, multiplier, a.mul(multiplier, a.constant(-offset)));
}

/// linear_a7, weight-only, one element: p_g = fma(x_k, f32(w_k - zw_g), p_g).
/// p_g starts at +0 for each group and k ascends.
template <typename A>
typename A::Float
addWeightOnlyElement(A &a, typename A::Float partial, typename A::Float x,
                     typename A::Int weight, typename A::Int weightZeroPoint) {
  typename A::Float w = decodeWeight(a, weight, weightZeroPoint);
  return a.fma(x, w, partial);
}

/// linear_a7, weight-only, one group: y = fma(p_g, sw_g, y). y starts at +0
/// and g ascends; a per-channel or per-tensor scale is one group.
template <typename A>
typename A::Float addWeightOnlyGroup(A &a, typename A::Float y,
                                     typename A::Float partial,
                                     typename A::Float weightScale) {
  return a.fma(partial, weightScale, y);
}

/// float_linear_a1, a layer that stays f32: acc = fma(x_k, w_k, acc) from +0,
/// k ascending. Both kinds end with `addBias`.
template <typename A>
typename A::Float addFloatElement(A &a, typename A::Float acc,
                                  typename A::Float x, typename A::Float w) {
  return a.fma(x, w, acc);
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_EPILOGUES_H
