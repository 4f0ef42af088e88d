//===- ElementaryFunctions.h - exp, log, erf, ... ---------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elementary functions as formulas: range reduction and a polynomial, from
// correctly rounded operations only. So every machine gives the same bits, no
// libm is called, and the code vectorizes, since `select` is the only choice.
//
// The forms are those of Cephes (S. Moshier, single precision: expf, logf,
// tanhf) and, for erfc, of Numerical Recipes' erfccheb. The coefficients are
// our own: minimax in relative error (Lawson iteration in 40 digits), rounded
// to f32. Each comment gives the fit's error; the bounds of the whole functions
// are in docs/Numerics.md and are asserted by the unit test.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_ELEMENTARYFUNCTIONS_H
#define QUANTC_NUMERICS_ELEMENTARYFUNCTIONS_H

#include "quantc/Numerics/Quantize.h"

#include <initializer_list>

namespace quantc::numerics {

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// c0 + x * (c1 + x * (c2 + ...)) by Horner's rule, one fma per coefficient.
/// The coefficients come in ascending order.
template <typename A>
typename A::Float polynomial(A &a, typename A::Float x,
                             std::initializer_list<float> coefficients) {
  const float *next = coefficients.end();
  typename A::Float sum = a.constant(*--next);
  while (next != coefficients.begin())
    sum = a.fma(sum, x, a.constant(*--next));
  return sum;
}

/// The sign bit of x as an integer, all other bits zero.
template <typename A>
typename A::Int signBit(A &a, typename A::Float x) {
  return a.andInt(a.bitcastToInt(x), a.constantInt(INT32_MIN));
}

/// |magnitude| with the given sign bit; magnitude is not negative.
template <typename A>
typename A::Float withSign(A &a, typename A::Float magnitude,
                           typename A::Int sign) {
  return a.bitcastToFloat(a.orInt(a.bitcastToInt(magnitude), sign));
}

/// x where x is NaN, else y.
template <typename A>
typename A::Float propagateNaN(A &a, typename A::Float x, typename A::Float y) {
  return a.select(a.isNaN(x), x, y);
}

//===----------------------------------------------------------------------===//
// Exponential and logarithm
//===----------------------------------------------------------------------===//

/// Bounds of x outside of which e^x rounds to 0 and to Inf.
inline constexpr float expLowest = -104.0f;
inline constexpr float expHighest = 89.0f;

/// 2^n, n in [-150, 128], as the product of 2^(n - e) and 2^e: an offset that
/// rounds to integers (quantize_a5), raised by an even 127 - e so that the
/// lowest bits of a sum are the exponent of the first factor, and the second.
struct PowerOfTwo {
  float offset;
  float factor;
};
/// For n <= 0 and n >= 0.
inline constexpr PowerOfTwo powerDown = {roundingOffset + 192, 0x1p-65f};
inline constexpr PowerOfTwo powerUp = {roundingOffset + 64, 0x1p+63f};

/// e^x = 2^n (1 + tail) with n = rne(x / ln 2), for x in the bounds or NaN.
template <typename A>
struct SplitExp {
  /// x / ln 2 and an offset, whose lowest bits say n.
  typename A::Float shifted;
  typename A::Float tail;
};

/// With r = x - n ln 2, the tail is r + r^2 P(r), |r| <= ln 2 / 2, P to 3.1e-9.
/// ln 2 has two parts; n times the first is exact.
template <typename A>
SplitExp<A> splitExp(A &a, typename A::Float x, typename A::Float offset) {
  typename A::Float shifted = a.fma(x, a.constant(0x1.715476p+0f), offset);
  typename A::Float n = a.sub(shifted, offset);
  typename A::Float r = a.fma(n, a.constant(-0x1.62e4p-1f), x);
  r = a.fma(n, a.constant(-0x1.7f7d1cp-20f), r);
  typename A::Float p =
      polynomial(a, r,
                 {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.123a2p-7f,
                  0x1.6a23ccp-10f});
  return {shifted, a.fma(a.mul(r, r), p, r)};
}

/// The power of two whose biased exponent the lowest bits of `shifted` are.
template <typename A>
typename A::Float getPowerOfTwo(A &a, typename A::Float shifted) {
  return a.bitcastToFloat(a.shlInt(a.bitcastToInt(shifted), a.constantInt(23)));
}

/// elementary_a1: e^x for x in the bounds or NaN; `offset` and `factor` are
/// those of a PowerOfTwo. 2^n is applied in two factors, so overflow gives Inf
/// and underflow denormals, rounded once.
template <typename A>
typename A::Float expInBounds(A &a, typename A::Float x,
                              typename A::Float offset,
                              typename A::Float factor) {
  SplitExp<A> e = splitExp(a, x, offset);
  typename A::Float first = getPowerOfTwo(a, e.shifted);
  return a.mul(a.fma(e.tail, first, first), factor);
}

/// The same for all x of one sign.
template <typename A>
typename A::Float expInBounds(A &a, typename A::Float x, PowerOfTwo power) {
  typename A::Float offset = a.constant(power.offset);
  typename A::Float factor = a.constant(power.factor);
  return expInBounds(a, x, offset, factor);
}

/// elementary_a1: e^x. A NaN passes the selects, and every step after them.
template <typename A>
typename A::Float exp(A &a, typename A::Float x) {
  typename A::Float lo = a.constant(expLowest);
  typename A::Float hi = a.constant(expHighest);
  typename A::Float clamped = a.select(a.lessThan(x, lo), lo, x);
  clamped = a.select(a.lessThan(hi, clamped), hi, clamped);
  typename A::Bool isNegative = a.lessThan(x, a.constant(0.0f));
  typename A::Float down = a.constant(powerDown.offset);
  typename A::Float up = a.constant(powerUp.offset);
  typename A::Float offset = a.select(isNegative, down, up);
  down = a.constant(powerDown.factor);
  up = a.constant(powerUp.factor);
  typename A::Float factor = a.select(isNegative, down, up);
  return expInBounds(a, clamped, offset, factor);
}

/// exp(x) where x is not positive, or NaN: the same bits in fewer steps.
template <typename A>
typename A::Float expOfNonPositive(A &a, typename A::Float x) {
  typename A::Float lo = a.constant(expLowest);
  typename A::Float clamped = a.select(a.lessThan(x, lo), lo, x);
  return expInBounds(a, clamped, powerDown);
}

/// exp(x) where x is not negative, or NaN: the same bits in fewer steps.
template <typename A>
typename A::Float expOfNonNegative(A &a, typename A::Float x) {
  typename A::Float hi = a.constant(expHighest);
  typename A::Float clamped = a.select(a.lessThan(hi, x), hi, x);
  return expInBounds(a, clamped, powerUp);
}

/// elementary_a2: ln x. With x = 2^e (1 + f), 1 + f in [2/3, 4/3):
/// ln x = e ln 2 + f - f^2/2 + f^3 P(f), P to 4.6e-9. ln 0 = -Inf and
/// ln x = NaN below 0. Denormals are scaled up by 2^25.
template <typename A>
typename A::Float log(A &a, typename A::Float x) {
  typename A::Float zero = a.constant(0.0f);
  typename A::Bool denormal = a.lessThan(x, a.constant(0x1p-126f));
  typename A::Float scaled = a.mul(x, a.constant(0x1p+25f));
  typename A::Float normal = a.select(denormal, scaled, x);
  typename A::Float offset = a.constant(-25.0f);
  offset = a.select(denormal, offset, zero);
  // The bits above those of 2/3, less the mantissa, are e * 2^23.
  typename A::Int bits = a.bitcastToInt(normal);
  typename A::Int above = a.subInt(bits, a.constantInt(0x3F2AAAAB));
  typename A::Int exponent = a.ashrInt(above, a.constantInt(23));
  typename A::Int shifted = a.shlInt(exponent, a.constantInt(23));
  typename A::Float m = a.bitcastToFloat(a.subInt(bits, shifted));
  typename A::Float e = a.add(a.toFloat(exponent), offset);

  typename A::Float f = a.sub(m, a.constant(1.0f));
  typename A::Float square = a.mul(f, f);
  typename A::Float p = polynomial(
      a, f,
      {0x1.555506p-2f, -0x1.fffefp-3f, 0x1.99d02cp-3f, -0x1.559dcep-3f,
       0x1.1ed6dcp-3f, -0x1.f310f8p-4f, 0x1.1e67fp-3f, -0x1.080632p-3f});
  // The small terms first: the last fma adds the exact e * ln2hi.
  typename A::Float q = a.fma(p, f, a.constant(-0.5f));
  typename A::Float low = a.mul(e, a.constant(0x1.7f7d1cp-20f));
  typename A::Float sum = a.add(f, a.fma(square, q, low));
  typename A::Float result = a.fma(e, a.constant(0x1.62e4p-1f), sum);

  typename A::Float infinity = a.constant(HUGE_VALF);
  typename A::Float negative = a.constant(-HUGE_VALF);
  typename A::Float invalid = a.constant(NAN);
  result = a.select(a.equal(x, infinity), infinity, result);
  result = a.select(a.equal(x, zero), negative, result);
  result = a.select(a.lessThan(x, zero), invalid, result);
  return propagateNaN(a, x, result);
}

/// elementary_a3: x^y with the special cases of C (Annex F). x^2 is x * x and
/// x^0.5 is sqrt(x); else e^(y ln|x|), whose relative error grows with
/// |y ln x|, and the sign of x if y is odd.
template <typename A>
typename A::Float pow(A &a, typename A::Float x, typename A::Float y) {
  typename A::Float zero = a.constant(0.0f);
  typename A::Float one = a.constant(1.0f);
  typename A::Float magnitude = a.abs(x);
  // ln 1 = 0 must stay 0 when y is infinite.
  typename A::Float logarithm = log(a, magnitude);
  typename A::Float exponent = a.mul(y, logarithm);
  exponent = a.select(a.equal(logarithm, zero), zero, exponent);
  typename A::Float power = exp(a, exponent);

  // y is odd if it is an integer and y / 2 is not.
  typename A::Bool isInteger = a.equal(a.roundEven(y), y);
  typename A::Float half = a.mul(y, a.constant(0.5f));
  typename A::Bool isEven = a.equal(a.roundEven(half), half);
  typename A::Int sign = signBit(a, x);
  typename A::Int positive = a.constantInt(0);
  sign = a.selectInt(isEven, positive, sign);
  sign = a.selectInt(isInteger, sign, positive);
  typename A::Float result = withSign(a, power, sign);

  // A finite negative x has a power for an integer y only.
  typename A::Float invalid = a.constant(NAN);
  typename A::Float whole = a.select(isInteger, result, invalid);
  typename A::Bool isNegative = a.lessThan(x, zero);
  typename A::Bool isFinite = a.lessThan(magnitude, a.constant(HUGE_VALF));
  isNegative = a.andBool(isNegative, isFinite);
  result = a.select(isNegative, whole, result);
  result = propagateNaN(a, x, result);
  result = propagateNaN(a, y, result);

  typename A::Float square = a.mul(x, x);
  result = a.select(a.equal(y, a.constant(2.0f)), square, result);
  // sqrt(-0) is -0 and sqrt(-Inf) NaN, pow gives +0 and Inf: those keep theirs.
  typename A::Bool isRoot = a.equal(y, a.constant(0.5f));
  typename A::Bool hasRoot = a.lessThan(zero, x);
  typename A::Float root = a.sqrt(magnitude);
  result = a.select(a.andBool(isRoot, hasRoot), root, result);
  result = a.select(a.equal(x, one), one, result);
  return a.select(a.equal(y, zero), one, result);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// elementary_a4: 1 / (1 + e^-x). Only e^-|x| <= 1 is taken: it never
/// overflows, and for x < 0 the result e^x / (1 + e^x) keeps its precision.
template <typename A>
typename A::Float sigmoid(A &a, typename A::Float x) {
  typename A::Float one = a.constant(1.0f);
  typename A::Float e = expOfNonPositive(a, a.neg(a.abs(x)));
  typename A::Bool isNegative = a.lessThan(x, a.constant(0.0f));
  typename A::Float numerator = a.select(isNegative, e, one);
  return a.div(numerator, a.add(e, one));
}

/// elementary_a5: tanh x = x + x^3 P(x^2) for |x| < 0.625, P to 4.4e-9;
/// else 1 - 2 / (e^2|x| + 1) with the sign of x.
template <typename A>
typename A::Float tanh(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float square = a.mul(x, x);
  typename A::Float p =
      polynomial(a, square,
                 {-0x1.555532p-2f, 0x1.110726p-3f, -0x1.b83c5ap-5f,
                  0x1.52269ep-6f, -0x1.75e1dcp-8f});
  typename A::Float small = a.fma(a.mul(square, p), magnitude, magnitude);

  typename A::Float one = a.constant(1.0f);
  typename A::Float e = expOfNonNegative(a, a.add(magnitude, magnitude));
  typename A::Float two = a.constant(2.0f);
  typename A::Float large = a.sub(one, a.div(two, a.add(e, one)));
  typename A::Bool isSmall = a.lessThan(magnitude, a.constant(0.625f));
  typename A::Float result = a.select(isSmall, small, large);
  return propagateNaN(a, x, withSign(a, result, signBit(a, x)));
}

/// elementary_a6: erf x = sign(x) (1 - e^-u), u = -ln(1 - erf |x|) = |x| + |x|
/// P(|x|) for |x| <= 4, P to 4.3e-9 of erf; from there on 1. With e^-u = 2^n
/// (1 + t) it is (1 - 2^n) - 2^n t, which is -t near 0: nothing cancels.
template <typename A>
typename A::Float erf(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float bound = a.constant(4.0f);
  magnitude = a.select(a.lessThan(bound, magnitude), bound, magnitude);
  typename A::Float p =
      polynomial(a, magnitude,
                 {0x1.06eba8p-3f, 0x1.45f3p-1f, 0x1.a4f8c2p-4f, -0x1.39b792p-6f,
                  -0x1.63c13cp-13f, 0x1.b74f9cp-10f, -0x1.4e3718p-11f,
                  0x1.f2ac18p-14f, -0x1.3b227ap-17f});
  typename A::Float u = a.fma(magnitude, p, magnitude);
  SplitExp<A> e = splitExp(a, a.neg(u), a.constant(roundingOffset + 127));
  typename A::Float power = getPowerOfTwo(a, e.shifted);
  typename A::Float rest = a.sub(a.constant(1.0f), power);
  typename A::Float result = a.fma(a.neg(e.tail), power, rest);
  return propagateNaN(a, x, withSign(a, result, signBit(a, x)));
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_ELEMENTARYFUNCTIONS_H
