//===- Quantize.h - Storage, parameters, quantize, dequantize ---*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   quantize:    q = clamp(rne(x / s) + zp, qmin, qmax)
//   dequantize:  x = f32(q - zp) * s
//
// and how s and zp follow from the range of the data. docs/Numerics.md is the
// specification; the IDs in the comments are its clauses.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_QUANTIZE_H
#define QUANTC_NUMERICS_QUANTIZE_H

#include "quantc/Numerics/Arithmetic.h"

namespace quantc::numerics {

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

/// The integers that a storage type may hold, both ends included.
struct StorageRange {
  int32_t min;
  int32_t max;
};

/// Whether `bits` is a storage width of the contract (quantize_c1).
constexpr bool isStorageWidth(int bits) { return bits == 4 || bits == 8; }

/// storage_c1: [-128, 127] and [-8, 7]; narrow (symmetric weights) [-127, 127]
/// and [-7, 7].
constexpr StorageRange storageRange(int bits, bool narrow) {
  assert(isStorageWidth(bits) && "storage is 4 or 8 bits wide");
  int32_t max = (1 << (bits - 1)) - 1;
  return {narrow ? -max : -max - 1, max};
}

/// The scale of a range without width (choose_params_a3).
constexpr float degenerateScale = 1e-8f;

/// The largest finite f32.
constexpr float largestFinite = 0x1.fffffep+127f;

//===----------------------------------------------------------------------===//
// Rounding into storage
//===----------------------------------------------------------------------===//

/// clamp(x, lo, hi), NaN gives lo. The comparisons are oriented so that each
/// select is one maxps or minps on x86.
template <typename A>
typename A::Float clampFloat(A &a, typename A::Float x, typename A::Float lo,
                             typename A::Float hi) {
  typename A::Bool above = a.lessThan(lo, x);
  typename A::Float raised = a.select(above, x, lo);
  typename A::Bool below = a.lessThan(raised, hi);
  return a.select(below, raised, hi);
}

/// x, or 0 where x is NaN. A quantized 0 is the zero point.
template <typename A>
typename A::Float zeroIfNaN(A &a, typename A::Float x) {
  typename A::Float zero = a.constant(0.0f);
  return a.select(a.isNaN(x), zero, x);
}

/// 1.5 * 2^23, and its bits: from here to 2^24 floats are 1 apart.
constexpr float roundingOffset = 0x1.8p+23f;
constexpr int32_t roundingOffsetBits = 0x4B400000;

/// quantize_a5: i32(rne(x)) for |x| <= 2^22, by one addition: x + 1.5 * 2^23
/// lies where floats are 1 apart, so it is rounded half to even to an integer,
/// and its lowest bits are those of rne(x). Cheaper than rounding and
/// converting on every target, and a result that is narrowed to 8 bits needs no
/// subtraction.
template <typename A>
typename A::Int roundToInt(A &a, typename A::Float x) {
  typename A::Float shifted = a.add(x, a.constant(roundingOffset));
  typename A::Int bits = a.bitcastToInt(shifted);
  return a.subInt(bits, a.constantInt(roundingOffsetBits));
}

/// clamp(rne(t) + zp, qmin, qmax), computed as
/// zp + i32(rne(clamp(t, qmin - zp, qmax - zp))): equal for every t, since the
/// bounds are integers, adding zp is exact in the integers, and the conversion
/// only ever sees what i32 can hold. +-Inf saturates, NaN gives zp.
template <typename A>
typename A::Int roundToStorage(A &a, typename A::Float t,
                               typename A::Int zeroPoint, int32_t qmin,
                               int32_t qmax) {
  typename A::Float lo = a.toFloat(a.subInt(a.constantInt(qmin), zeroPoint));
  typename A::Float hi = a.toFloat(a.subInt(a.constantInt(qmax), zeroPoint));
  typename A::Float clamped = clampFloat(a, zeroIfNaN(a, t), lo, hi);
  return a.addInt(roundToInt(a, clamped), zeroPoint);
}

//===----------------------------------------------------------------------===//
// Quantize and dequantize
//===----------------------------------------------------------------------===//

/// quantize_a1: q = clamp(rne(x / s) + zp, qmin, qmax).
/// s is positive and finite, zp in [qmin, qmax].
template <typename A>
typename A::Int quantize(A &a, typename A::Float x, typename A::Float scale,
                         typename A::Int zeroPoint, int32_t qmin,
                         int32_t qmax) {
  return roundToStorage(a, a.div(x, scale), zeroPoint, qmin, qmax);
}

/// quantize_a4: what `quantizeByReciprocal` needs of a scale, computed once.
template <typename A>
struct ReciprocalScale {
  /// A power of two that takes the scale to where no step of the quotient
  /// overflows or becomes denormal: 1 for 2^-100 <= s <= 2^100.
  typename A::Float factor;
  /// s * factor, exact.
  typename A::Float scale;
  /// 1 / (s * factor).
  typename A::Float reciprocal;
};

template <typename A>
ReciprocalScale<A> getReciprocalScale(A &a, typename A::Float scale) {
  typename A::Float one = a.constant(1.0f);
  typename A::Float up = a.constant(0x1p+100f);
  typename A::Float down = a.constant(0x1p-100f);
  typename A::Float factor = a.select(a.lessThan(scale, down), up, one);
  factor = a.select(a.lessThan(up, scale), down, factor);
  typename A::Float scaled = a.mul(scale, factor);
  return {factor, scaled, a.div(one, scaled)};
}

/// quantize_a4: `quantize` without a division per element. With x and s
/// multiplied by the factor, one Newton step on the quotient (Markstein):
///
///   q0 = x * r;  e = fma(-q0, s, x);  q1 = fma(e, r, q0)
///
/// x is clamped first, to the values whose quotients are qmin - zp and
/// qmax - zp, so nothing overflows and no clamp is needed after rounding.
/// rne(q1) = rne(x / s) was checked for every s mantissa at every threshold
/// k + 1/2 with |k| <= 255; powers of two scale all steps exactly. A multiplied
/// x is exact too, but where it saturates anyway or rounds to 0 anyway.
template <typename A>
typename A::Int
quantizeByReciprocal(A &a, typename A::Float x, ReciprocalScale<A> scale,
                     typename A::Int zeroPoint, int32_t qmin, int32_t qmax) {
  typename A::Float lowest =
      a.toFloat(a.subInt(a.constantInt(qmin), zeroPoint));
  typename A::Float highest =
      a.toFloat(a.subInt(a.constantInt(qmax), zeroPoint));
  typename A::Float lo = a.mul(lowest, scale.scale);
  typename A::Float hi = a.mul(highest, scale.scale);
  typename A::Float scaled = a.mul(x, scale.factor);
  typename A::Float clamped = clampFloat(a, zeroIfNaN(a, scaled), lo, hi);
  typename A::Float approximate = a.mul(clamped, scale.reciprocal);
  typename A::Float residual = a.fma(a.neg(approximate), scale.scale, clamped);
  typename A::Float quotient = a.fma(residual, scale.reciprocal, approximate);
  return a.addInt(roundToInt(a, quotient), zeroPoint);
}

/// dequantize_a1: x = f32(q - zp) * s, the subtraction exact in i32.
template <typename A>
typename A::Float dequantize(A &a, typename A::Int q, typename A::Float scale,
                             typename A::Int zeroPoint) {
  return a.mul(a.toFloat(a.subInt(q, zeroPoint)), scale);
}

/// fake_quant_a1: dequantize(quantize(x)).
template <typename A>
typename A::Float
fakeQuantize(A &a, typename A::Float x, typename A::Float scale,
             typename A::Int zeroPoint, int32_t qmin, int32_t qmax) {
  return dequantize(a, quantize(a, x, scale, zeroPoint, qmin, qmax), scale,
                    zeroPoint);
}

/// requantize_a1: from one quantized type to another, exactly
/// quantize(dequantize(q)); replacing a dq -> q pair changes no bit.
template <typename A>
typename A::Int
requantize(A &a, typename A::Int q, typename A::Float inputScale,
           typename A::Int inputZeroPoint, typename A::Float outputScale,
           typename A::Int outputZeroPoint, int32_t qmin, int32_t qmax) {
  typename A::Float x = dequantize(a, q, inputScale, inputZeroPoint);
  return quantize(a, x, outputScale, outputZeroPoint, qmin, qmax);
}

//===----------------------------------------------------------------------===//
// Choosing parameters
//===----------------------------------------------------------------------===//

/// The smallest and the largest value seen, 0 always among them.
template <typename A>
struct ValueRange {
  typename A::Float min;
  typename A::Float max;
};

template <typename A>
struct Parameters {
  typename A::Float scale;
  typename A::Int zeroPoint;
};

/// observe_a1: the range of no values, [0, 0].
template <typename A>
ValueRange<A> emptyRange(A &a) {
  typename A::Float zero = a.constant(0.0f);
  return {zero, zero};
}

/// observe_a1: the range with x added. A NaN is passed over: both comparisons
/// are false. The result does not depend on the order of the values, because
/// min and max are exact and no -0 can enter a range that starts with +0.
template <typename A>
ValueRange<A> extendRange(A &a, ValueRange<A> range, typename A::Float x) {
  typename A::Bool smaller = a.lessThan(x, range.min);
  typename A::Float min = a.select(smaller, x, range.min);
  typename A::Bool larger = a.lessThan(range.max, x);
  return {min, a.select(larger, x, range.max)};
}

/// observe_a2: the range of no values where ranges of parts of the data are
/// merged: [+Inf, -Inf], the identity of [min, max].
template <typename A>
ValueRange<A> emptyStatistics(A &a) {
  typename A::Float min = a.constant(HUGE_VALF);
  return {min, a.constant(-HUGE_VALF)};
}

/// observe_a2: the range with x added, if x is finite. What is not finite
/// counts as the bound of no values, so each bound takes one value and that is
/// one minps or maxps on x86.
template <typename A>
ValueRange<A> extendStatistics(A &a, ValueRange<A> range, typename A::Float x) {
  typename A::Float infinity = a.constant(HUGE_VALF);
  typename A::Float negative = a.constant(-HUGE_VALF);
  typename A::Bool isFinite = a.lessThan(a.abs(x), infinity);
  typename A::Float low = a.select(isFinite, x, infinity);
  typename A::Bool smaller = a.lessThan(low, range.min);
  typename A::Float min = a.select(smaller, low, range.min);
  typename A::Float high = a.select(isFinite, x, negative);
  typename A::Bool larger = a.lessThan(range.max, high);
  return {min, a.select(larger, high, range.max)};
}

/// observe_a2, after the last value: a zero becomes +0, so that the result does
/// not depend on the order of -0 and +0.
template <typename A>
ValueRange<A> finishStatistics(A &a, ValueRange<A> range) {
  typename A::Float zero = a.constant(0.0f);
  typename A::Float min = a.add(range.min, zero);
  return {min, a.add(range.max, zero)};
}

/// histogram_a1: the bucket of x, the upper 16 bits of its pattern.
template <typename A>
typename A::Int histogramBucket(A &a, typename A::Float x) {
  typename A::Int upper = a.ashrInt(a.bitcastToInt(x), a.constantInt(16));
  return a.andInt(upper, a.constantInt(0xFFFF));
}

/// choose_params_a1: the range widened to include 0, where NaN counts as 0,
/// and infinities replaced by the largest finite f32. Any two values give a
/// range with min <= 0 <= max, both finite.
template <typename A>
ValueRange<A> finiteRange(A &a, ValueRange<A> range) {
  typename A::Float zero = a.constant(0.0f);
  typename A::Float largest = a.constant(largestFinite);
  typename A::Float smallest = a.constant(-largestFinite);
  typename A::Bool hasNegative = a.lessThan(range.min, zero);
  typename A::Float min = a.select(hasNegative, range.min, zero);
  typename A::Bool minFinite = a.lessThan(smallest, min);
  typename A::Bool hasPositive = a.lessThan(zero, range.max);
  typename A::Float max = a.select(hasPositive, range.max, zero);
  typename A::Bool maxFinite = a.lessThan(max, largest);
  min = a.select(minFinite, min, smallest);
  return {min, a.select(maxFinite, max, largest)};
}

/// choose_params_a3: s, or 1e-8 where s came out as 0 (no width, or less than
/// a denormal per level).
template <typename A>
typename A::Float positiveScale(A &a, typename A::Float scale) {
  typename A::Float fallback = a.constant(degenerateScale);
  typename A::Bool positive = a.lessThan(a.constant(0.0f), scale);
  return a.select(positive, scale, fallback);
}

/// choose_params_a2: s = max(-min, max) / qmax of a finite range.
template <typename A>
typename A::Float chooseSymmetricScale(A &a, ValueRange<A> range,
                                       int32_t qmax) {
  typename A::Float negated = a.neg(range.min);
  typename A::Bool left = a.lessThan(range.max, negated);
  typename A::Float magnitude = a.select(left, negated, range.max);
  typename A::Float levels = a.constant(static_cast<float>(qmax));
  return positiveScale(a, a.div(magnitude, levels));
}

/// choose_params_a4: s = (max - min) / (qmax - qmin) of a finite range; where
/// max - min overflows, max / (qmax - qmin) - min / (qmax - qmin).
template <typename A>
typename A::Float chooseAsymmetricScale(A &a, ValueRange<A> range, int32_t qmin,
                                        int32_t qmax) {
  typename A::Float levels = a.constant(static_cast<float>(qmax - qmin));
  typename A::Float width = a.sub(range.max, range.min);
  typename A::Float whole = a.div(width, levels);
  typename A::Float upper = a.div(range.max, levels);
  typename A::Float lower = a.div(range.min, levels);
  typename A::Float parts = a.sub(upper, lower);
  typename A::Bool fits = a.lessEqual(width, a.constant(largestFinite));
  return positiveScale(a, a.select(fits, whole, parts));
}

/// choose_params_a5: zp = clamp(rne(qmin - min / s), qmin, qmax).
template <typename A>
typename A::Int chooseZeroPoint(A &a, typename A::Float min,
                                typename A::Float scale, int32_t qmin,
                                int32_t qmax) {
  typename A::Float lowest = a.constant(static_cast<float>(qmin));
  typename A::Float offset = a.sub(lowest, a.div(min, scale));
  typename A::Int none = a.constantInt(0);
  return roundToStorage(a, offset, none, qmin, qmax);
}

/// The parameters of a range for any storage range with qmax > 0; an imported
/// u8 operation chooses in [0, 255] and subtracts 128 from the zero point.
template <typename A>
Parameters<A> chooseParametersInRange(A &a, typename A::Float min,
                                      typename A::Float max, int32_t qmin,
                                      int32_t qmax, bool symmetric) {
  ValueRange<A> range = finiteRange(a, ValueRange<A>{min, max});
  if (symmetric) {
    typename A::Float scale = chooseSymmetricScale(a, range, qmax);
    return {scale, a.constantInt(0)};
  }
  typename A::Float scale = chooseAsymmetricScale(a, range, qmin, qmax);
  return {scale, chooseZeroPoint(a, range.min, scale, qmin, qmax)};
}

/// The parameters of a range for `bits` wide storage: symmetric in the narrow
/// range with zp = 0, asymmetric in the full one. Generated code calls this
/// once per row for dynamic activations.
template <typename A>
Parameters<A> chooseParameters(A &a, typename A::Float min,
                               typename A::Float max, int bits,
                               bool symmetric) {
  StorageRange range = storageRange(bits, /*narrow=*/symmetric);
  return chooseParametersInRange(a, min, max, range.min, range.max, symmetric);
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_QUANTIZE_H
