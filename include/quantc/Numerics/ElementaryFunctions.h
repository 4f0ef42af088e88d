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

/// elementary_a1: e^x for x in the bounds or NaN; `offset` and `factor` are
/// those of a PowerOfTwo. With n = rne(x / ln 2) and r = x - n ln 2, e^x is
/// 2^n (1 + r + r^2 P(r)), |r| <= ln 2 / 2, P to 3.1e-9. ln 2 has two parts;
/// n times the first is exact. 2^n is applied in two factors, so overflow
/// gives Inf and underflow denormals, rounded once.
template <typename A>
typename A::Float expInBounds(A &a, typename A::Float x,
                              typename A::Float offset,
                              typename A::Float factor) {
  typename A::Float shifted = a.fma(x, a.constant(0x1.715476p+0f), offset);
  typename A::Float n = a.sub(shifted, offset);
  typename A::Float r = a.fma(n, a.constant(-0x1.62e4p-1f), x);
  r = a.fma(n, a.constant(-0x1.7f7d1cp-20f), r);
  typename A::Float p =
      polynomial(a, r,
                 {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.123a2p-7f,
                  0x1.6a23ccp-10f});
  typename A::Float tail = a.fma(a.mul(r, r), p, r);
  typename A::Int power = a.shlInt(a.bitcastToInt(shifted), a.constantInt(23));
  typename A::Float first = a.bitcastToFloat(power);
  return a.mul(a.fma(tail, first, first), factor);
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

/// erf t = t P(t^2) for |t| <= 1, P to 1.2e-9.
template <typename A>
typename A::Float erfNearZero(A &a, typename A::Float t) {
  typename A::Float p = polynomial(
      a, a.mul(t, t),
      {0x1.20dd74p+0f, -0x1.81273ep-2f, 0x1.ce2cf8p-4f, -0x1.b7f912p-6f,
       0x1.5405dp-8f, -0x1.a3f7bap-11f, 0x1.496bf8p-14f});
  return a.mul(t, p);
}

/// 1 - erf t = v S(v) e^(-t^2) with v = 1 / (1 + t / 2), for t >= 1, S to
/// 1.3e-8. t^2 = h + l is taken exactly, e^-(h + l) = e^-h (1 - l).
/// From t = 10.5 on the result is 0.
template <typename A>
typename A::Float erfComplement(A &a, typename A::Float t) {
  typename A::Float one = a.constant(1.0f);
  typename A::Float bound = a.constant(10.5f);
  typename A::Float clamped = a.select(a.lessThan(t, bound), t, bound);
  typename A::Float denominator = a.fma(clamped, a.constant(0.5f), one);
  typename A::Float v = a.div(one, denominator);
  typename A::Float s = polynomial(
      a, v,
      {0x1.20de4cp-2f, 0x1.20d0b4p-2f, 0x1.f9b32ap-3f, 0x1.6e6008p-3f,
       0x1.f2b17ep-5f, 0x1.518a6cp-4f, -0x1.cee6c8p-3f, 0x1.7e59dap-4f});
  typename A::Float high = a.mul(clamped, clamped);
  typename A::Float minusHigh = a.neg(high);
  typename A::Float low = a.fma(clamped, clamped, minusHigh);
  typename A::Float factor = a.mul(v, s);
  factor = a.fma(a.neg(low), factor, factor);
  return a.mul(expOfNonPositive(a, minusHigh), factor);
}

/// elementary_a6: erf x, from the two parts above.
template <typename A>
typename A::Float erf(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float small = erfNearZero(a, x);
  typename A::Float one = a.constant(1.0f);
  typename A::Float large = a.sub(one, erfComplement(a, magnitude));
  large = withSign(a, large, signBit(a, x));
  typename A::Bool isSmall = a.lessThan(magnitude, one);
  return propagateNaN(a, x, a.select(isSmall, small, large));
}

/// elementary_a7: gelu x = x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2. Left
/// of 0 Phi comes from the complement, so that the tail does not cancel.
/// gelu(-Inf) = -0, its limit.
template <typename A>
typename A::Float gelu(A &a, typename A::Float x) {
  typename A::Float one = a.constant(1.0f);
  typename A::Float half = a.constant(0.5f);
  typename A::Float bound = a.constant(-15.0f);
  typename A::Float factor = a.select(a.lessThan(x, bound), bound, x);
  typename A::Float t = a.mul(factor, a.constant(0x1.6a09e6p-1f));
  typename A::Float magnitude = a.abs(t);
  typename A::Float middle = a.fma(erfNearZero(a, t), half, half);
  typename A::Float lower = a.mul(erfComplement(a, magnitude), half);
  typename A::Float upper = a.sub(one, lower);
  typename A::Bool isNegative = a.lessThan(x, a.constant(0.0f));
  typename A::Float outer = a.select(isNegative, lower, upper);
  typename A::Bool isSmall = a.lessThan(magnitude, one);
  typename A::Float phi = a.select(isSmall, middle, outer);
  return propagateNaN(a, x, a.mul(factor, phi));
}

/// elementary_a8: x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3),
/// as x sigmoid(2u): the same function, without cancellation.
template <typename A>
typename A::Float geluTanh(A &a, typename A::Float x) {
  typename A::Float bound = a.constant(-15.0f);
  typename A::Float factor = a.select(a.lessThan(x, bound), bound, x);
  typename A::Float square = a.mul(factor, factor);
  typename A::Float linear = a.constant(0x1.988454p+0f);
  typename A::Float slope = a.fma(square, a.constant(0x1.2444f2p-4f), linear);
  typename A::Float phi = sigmoid(a, a.mul(factor, slope));
  return propagateNaN(a, x, a.mul(factor, phi));
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_ELEMENTARYFUNCTIONS_H
