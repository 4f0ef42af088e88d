//===- Trigonometry.h - sin, atan, sinh, ... --------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Trigonometric and hyperbolic functions and their inverses, in the manner of
// ElementaryFunctions.h: the forms are those of Cephes, the coefficients our
// own. Each comment gives the error of the fit; the bounds of the functions are
// in docs/Numerics.md.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_TRIGONOMETRY_H
#define QUANTC_NUMERICS_TRIGONOMETRY_H

#include "quantc/Numerics/ElementaryFunctions.h"

namespace quantc::numerics {

/// pi / 2 and its remainder.
inline constexpr float halfPi = 0x1.921fb6p+0f;
inline constexpr float halfPiRest = -0x1.777a5cp-25f;

//===----------------------------------------------------------------------===//
// Reduction
//===----------------------------------------------------------------------===//

/// |x| = n pi/2 + rest, |rest| <= pi/4; the last two bits of `quadrant` are
/// those of n.
template <typename A>
struct Angle {
  typename A::Float rest;
  typename A::Int quadrant;
};

/// x modulo 2^32, for x of at least 0.
template <typename A>
typename A::Long lowWord(A &a, typename A::Long x) {
  typename A::Long width = a.constantLong(32);
  return a.subLong(x, a.shlLong(a.ashrLong(x, width), width));
}

/// For |x| < 2^16, where n * pi/2 in three parts of f32 is exact enough: the
/// first subtraction is exact.
template <typename A>
Angle<A> reduceSmallAngle(A &a, typename A::Float magnitude) {
  typename A::Float n =
      a.roundEven(a.mul(magnitude, a.constant(0x1.45f306p-1f)));
  typename A::Float rest = a.fma(n, a.constant(-halfPi), magnitude);
  rest = a.fma(n, a.constant(-halfPiRest), rest);
  rest = a.fma(n, a.constant(0x1.ee59dap-50f), rest);
  return {rest, a.toInt(n)};
}

/// For any finite x of at least 2^16 (Payne and Hanek): with |x| = m 2^e, the
/// bits of 2/pi whose product with x is a multiple of 4 are left out, and the
/// next 96 are enough. m times those, modulo 2^96, is |x| / (2 pi) modulo 1.
template <typename A>
Angle<A> reduceLargeAngle(A &a, typename A::Float magnitude) {
  typename A::Int bits = a.bitcastToInt(magnitude);
  typename A::Int exponent = a.ashrInt(bits, a.constantInt(23));
  typename A::Int fraction = a.andInt(bits, a.constantInt(0x7FFFFF));
  typename A::Long m = a.toLong(a.orInt(fraction, a.constantInt(0x800000)));
  // From the word before the first one of 2/pi on.
  typename A::Int begin = a.subInt(exponent, a.constantInt(120));
  typename A::Int word = a.ashrInt(begin, a.constantInt(5));
  typename A::Long shift = a.toLong(a.andInt(begin, a.constantInt(31)));
  typename A::Long back = a.subLong(a.constantLong(32), shift);

  constexpr int64_t table[8] = {0,          0xA2F9836E, 0x4E441529, 0xFC2757D1,
                                0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB};
  auto getWord = [&](int index) {
    typename A::Long chosen = a.constantLong(table[index]);
    for (int first = 1; first <= 4; ++first) {
      typename A::Bool isFirst = a.equalInt(word, a.constantInt(first));
      typename A::Long other = a.constantLong(table[index + first]);
      chosen = a.selectLong(isFirst, other, chosen);
    }
    return chosen;
  };
  auto join = [&](typename A::Long high, typename A::Long low) {
    return lowWord(a, a.addLong(a.shlLong(high, shift), a.ashrLong(low, back)));
  };
  typename A::Long w0 = getWord(0), w1 = getWord(1), w2 = getWord(2);
  typename A::Long w3 = getWord(3);
  typename A::Long width = a.constantLong(32);
  typename A::Long low = a.mulLong(m, join(w2, w3));
  typename A::Long middle =
      a.addLong(a.mulLong(m, join(w1, w2)), a.ashrLong(low, width));
  typename A::Long high =
      a.addLong(a.mulLong(m, join(w0, w1)), a.ashrLong(middle, width));
  // In units of 2^-64 turns, modulo one turn.
  typename A::Long turns =
      a.addLong(a.shlLong(high, width), lowWord(a, middle));

  typename A::Long eighth = a.constantLong(int64_t(1) << 61);
  typename A::Long quarter = a.constantLong(62);
  typename A::Long n = a.ashrLong(a.addLong(turns, eighth), quarter);
  typename A::Long rest = a.subLong(turns, a.shlLong(n, quarter));
  typename A::Float angle =
      a.mul(a.longToFloat(rest), a.constant(0x1.921fb6p-62f));
  return {angle, a.truncate(n)};
}

template <typename A>
Angle<A> reduceAngle(A &a, typename A::Float magnitude) {
  typename A::Float limit = a.constant(0x1p+16f);
  typename A::Bool isSmall = a.lessThan(magnitude, limit);
  typename A::Float bounded = a.select(isSmall, magnitude, limit);
  Angle<A> small = reduceSmallAngle(a, bounded);
  typename A::Float outer = a.select(isSmall, limit, magnitude);
  Angle<A> large = reduceLargeAngle(a, outer);
  return {a.select(isSmall, small.rest, large.rest),
          a.selectInt(isSmall, small.quadrant, large.quadrant)};
}

/// sin r = r + r^3 S(r^2), S to 3.7e-9.
template <typename A>
typename A::Float sinOfRest(A &a, typename A::Float r) {
  typename A::Float square = a.mul(r, r);
  typename A::Float s = polynomial(
      a, square, {-0x1.555546p-3f, 0x1.11077ep-7f, -0x1.9956b2p-13f});
  return a.fma(a.mul(square, r), s, r);
}

/// cos r = 1 - r^2/2 + r^4 C(r^2), C to 1.1e-10.
template <typename A>
typename A::Float cosOfRest(A &a, typename A::Float r) {
  typename A::Float square = a.mul(r, r);
  typename A::Float c = polynomial(
      a, square, {0x1.55554ap-5f, -0x1.6c0c1ap-10f, 0x1.99e0ecp-16f});
  typename A::Float one = a.constant(1.0f);
  typename A::Float head = a.fma(square, a.constant(-0.5f), one);
  return a.fma(a.mul(square, square), c, head);
}

/// `value` with its sign changed where bit 1 of `quadrant` is set and by the
/// sign bit `sign`.
template <typename A>
typename A::Float turn(A &a, typename A::Float value, typename A::Int quadrant,
                       typename A::Int sign) {
  typename A::Int half = a.andInt(quadrant, a.constantInt(2));
  typename A::Int flip = a.xorInt(a.shlInt(half, a.constantInt(30)), sign);
  return a.bitcastToFloat(a.xorInt(a.bitcastToInt(value), flip));
}

/// NaN where x is infinite or NaN, else y.
template <typename A>
typename A::Float ofFinite(A &a, typename A::Float x, typename A::Float y) {
  typename A::Bool isFinite = a.lessThan(a.abs(x), a.constant(HUGE_VALF));
  typename A::Float invalid = a.constant(NAN);
  return a.select(isFinite, y, invalid);
}

//===----------------------------------------------------------------------===//
// Trigonometric functions
//===----------------------------------------------------------------------===//

/// The sine of an angle: that of the rest in even quadrants, the cosine in odd
/// ones, turned; `sign` as in `turn`.
template <typename A>
typename A::Float sinOfAngle(A &a, Angle<A> angle, typename A::Int sign) {
  typename A::Float even = sinOfRest(a, angle.rest);
  typename A::Float odd = cosOfRest(a, angle.rest);
  typename A::Int parity = a.andInt(angle.quadrant, a.constantInt(1));
  typename A::Bool isEven = a.equalInt(parity, a.constantInt(0));
  typename A::Float value = a.select(isEven, even, odd);
  return turn(a, value, angle.quadrant, sign);
}

/// trigonometry_a1: sin x.
template <typename A>
typename A::Float sin(A &a, typename A::Float x) {
  Angle<A> angle = reduceAngle(a, a.abs(x));
  return ofFinite(a, x, sinOfAngle(a, angle, signBit(a, x)));
}

/// trigonometry_a2: cos x, the sine of |x| a quarter further.
template <typename A>
typename A::Float cos(A &a, typename A::Float x) {
  Angle<A> angle = reduceAngle(a, a.abs(x));
  angle.quadrant = a.addInt(angle.quadrant, a.constantInt(1));
  typename A::Int positive = a.constantInt(0);
  return ofFinite(a, x, sinOfAngle(a, angle, positive));
}

/// trigonometry_a3: tan x = sin r / cos r, or -cos r / sin r in odd quadrants.
template <typename A>
typename A::Float tan(A &a, typename A::Float x) {
  Angle<A> angle = reduceAngle(a, a.abs(x));
  typename A::Float s = sinOfRest(a, angle.rest);
  typename A::Float c = cosOfRest(a, angle.rest);
  typename A::Int parity = a.andInt(angle.quadrant, a.constantInt(1));
  typename A::Bool isEven = a.equalInt(parity, a.constantInt(0));
  typename A::Float numerator = a.select(isEven, s, a.neg(c));
  typename A::Float denominator = a.select(isEven, c, s);
  typename A::Float value = a.div(numerator, denominator);
  typename A::Int none = a.constantInt(0);
  return ofFinite(a, x, turn(a, value, none, signBit(a, x)));
}

/// asin t = t + t^3 P(t^2) for |t| <= 0.5, P to 5.0e-9.
template <typename A>
typename A::Float asinNearZero(A &a, typename A::Float t) {
  typename A::Float square = a.mul(t, t);
  typename A::Float p =
      polynomial(a, square,
                 {0x1.5555cap-3f, 0x1.33016ap-4f, 0x1.748a2cp-5f,
                  0x1.8bb538p-6f, 0x1.59cc8ep-5f});
  return a.fma(a.mul(square, t), p, t);
}

/// asin sqrt((1 - t) / 2), t in [0.5, 1]: half of acos t. NaN beyond 1.
template <typename A>
typename A::Float asinOfHalfAngle(A &a, typename A::Float t) {
  typename A::Float half = a.constant(0.5f);
  typename A::Float part = a.mul(a.sub(a.constant(1.0f), t), half);
  return asinNearZero(a, a.sqrt(part));
}

/// trigonometry_a4: asin x = pi/2 - 2 asin sqrt((1 - |x|) / 2) for |x| > 0.5,
/// with the sign of x.
template <typename A>
typename A::Float asin(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float small = asinNearZero(a, magnitude);
  typename A::Float part = asinOfHalfAngle(a, magnitude);
  typename A::Float rest = a.constant(halfPiRest);
  typename A::Float low = a.fma(part, a.constant(-2.0f), rest);
  typename A::Float large = a.add(a.constant(halfPi), low);
  typename A::Bool isSmall = a.lessEqual(magnitude, a.constant(0.5f));
  typename A::Float value = a.select(isSmall, small, large);
  typename A::Bool isValid = a.lessEqual(magnitude, a.constant(1.0f));
  typename A::Float invalid = a.constant(NAN);
  return a.select(isValid, withSign(a, value, signBit(a, x)), invalid);
}

/// trigonometry_a5: acos x = 2 asin sqrt((1 - x) / 2) for x > 0.5, pi less that
/// of -x for x < -0.5, and pi/2 - asin x between.
template <typename A>
typename A::Float acos(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float part = asinOfHalfAngle(a, magnitude);
  typename A::Float twice = a.add(part, part);
  typename A::Float pi = a.constant(2 * halfPi);
  typename A::Float piRest = a.constant(2 * halfPiRest);
  typename A::Float beyond = a.add(pi, a.sub(piRest, twice));
  typename A::Bool isNegative = a.lessThan(x, a.constant(0.0f));
  typename A::Float outer = a.select(isNegative, beyond, twice);
  typename A::Float rest = a.constant(halfPiRest);
  typename A::Float low = a.sub(rest, asinNearZero(a, x));
  typename A::Float inner = a.add(a.constant(halfPi), low);
  typename A::Bool isSmall = a.lessEqual(magnitude, a.constant(0.5f));
  typename A::Float value = a.select(isSmall, inner, outer);
  typename A::Bool isValid = a.lessEqual(magnitude, a.constant(1.0f));
  typename A::Float invalid = a.constant(NAN);
  return a.select(isValid, value, invalid);
}

/// trigonometry_a6: atan t = t + t^3 P(t^2) for |t| <= 1, P to 2.4e-9; beyond
/// it is pi/2 - atan(1 / t), with the sign of t.
template <typename A>
typename A::Float atan(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float one = a.constant(1.0f);
  typename A::Bool isSmall = a.lessEqual(magnitude, one);
  typename A::Float inverse = a.div(one, magnitude);
  typename A::Float t = a.select(isSmall, magnitude, inverse);
  typename A::Float square = a.mul(t, t);
  typename A::Float p =
      polynomial(a, square,
                 {-0x1.555540p-2f, 0x1.999266p-3f, -0x1.24262ap-3f,
                  0x1.c0c8e0p-4f, -0x1.58bcecp-4f, 0x1.dc97d8p-5f,
                  -0x1.012e5ap-5f, 0x1.6963fap-7f, -0x1.dcc022p-10f});
  typename A::Float small = a.fma(a.mul(square, t), p, t);
  typename A::Float rest = a.constant(halfPiRest);
  typename A::Float low = a.sub(rest, small);
  typename A::Float large = a.add(a.constant(halfPi), low);
  typename A::Float value = a.select(isSmall, small, large);
  return propagateNaN(a, x, withSign(a, value, signBit(a, x)));
}

//===----------------------------------------------------------------------===//
// Hyperbolic functions
//===----------------------------------------------------------------------===//

/// e^x / 2 for x >= 0, as the square of e^(x/2), so that it overflows where
/// sinh x and cosh x do.
template <typename A>
typename A::Float halfExp(A &a, typename A::Float x) {
  typename A::Float half = a.constant(0.5f);
  typename A::Float root = expOfNonNegative(a, a.mul(x, half));
  return a.mul(a.mul(root, half), root);
}

/// trigonometry_a7: sinh x = x + x^3 P(x^2) for |x| <= 1, P to 3.2e-10, else
/// h - 1 / (4 h), h = e^|x| / 2, with the sign of x.
template <typename A>
typename A::Float sinh(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float square = a.mul(x, x);
  typename A::Float p = polynomial(
      a, square,
      {0x1.555556p-3f, 0x1.1110e2p-7f, 0x1.a02156p-13f, 0x1.75a6f4p-19f});
  typename A::Float small = a.fma(a.mul(square, magnitude), p, magnitude);
  typename A::Float h = halfExp(a, magnitude);
  typename A::Float large = a.sub(h, a.div(a.constant(0.25f), h));
  typename A::Bool isSmall = a.lessEqual(magnitude, a.constant(1.0f));
  typename A::Float value = a.select(isSmall, small, large);
  return propagateNaN(a, x, withSign(a, value, signBit(a, x)));
}

/// trigonometry_a8: cosh x = h + 1 / (4 h), h = e^|x| / 2.
template <typename A>
typename A::Float cosh(A &a, typename A::Float x) {
  typename A::Float h = halfExp(a, a.abs(x));
  typename A::Float value = a.add(h, a.div(a.constant(0.25f), h));
  return propagateNaN(a, x, value);
}

/// From here on sqrt(x^2 + 1) and sqrt(x^2 - 1) are x.
inline constexpr float farFromOne = 0x1p+14f;

/// trigonometry_a9: asinh x = x + x^3 P(x^2) for |x| <= 0.5, P to 1.3e-9; else
/// ln(|x| + sqrt(x^2 + 1)), ln|x| + ln 2 far from 0, with the sign of x.
template <typename A>
typename A::Float asinh(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float square = a.mul(x, x);
  typename A::Float p =
      polynomial(a, square,
                 {-0x1.555536p-3f, 0x1.3324ecp-4f, -0x1.6b94a4p-5f,
                  0x1.cd52bap-6f, -0x1.b0ff8cp-7f});
  typename A::Float small = a.fma(a.mul(square, magnitude), p, magnitude);
  typename A::Float one = a.constant(1.0f);
  typename A::Float root = a.sqrt(a.fma(magnitude, magnitude, one));
  typename A::Bool isFar = a.lessThan(a.constant(farFromOne), magnitude);
  typename A::Float sum = a.add(magnitude, root);
  typename A::Float logarithm = log(a, a.select(isFar, magnitude, sum));
  typename A::Float shifted = a.add(logarithm, a.constant(0x1.62e43p-1f));
  typename A::Float large = a.select(isFar, shifted, logarithm);
  typename A::Bool isSmall = a.lessEqual(magnitude, a.constant(0.5f));
  typename A::Float value = a.select(isSmall, small, large);
  return propagateNaN(a, x, withSign(a, value, signBit(a, x)));
}

/// trigonometry_a10: acosh x = sqrt(2 t) P(t) for t = x - 1 <= 0.5, P to
/// 1.3e-9; else ln(x + sqrt(x^2 - 1)), ln x + ln 2 far from 1. NaN below 1.
template <typename A>
typename A::Float acosh(A &a, typename A::Float x) {
  typename A::Float one = a.constant(1.0f);
  typename A::Float t = a.sub(x, one);
  typename A::Float p =
      polynomial(a, t,
                 {1.0f, -0x1.555536p-4f, 0x1.3324ecp-6f, -0x1.6b94a4p-8f,
                  0x1.cd52bap-10f, -0x1.b0ff8cp-12f});
  typename A::Float small = a.mul(a.sqrt(a.add(t, t)), p);
  typename A::Float minusOne = a.constant(-1.0f);
  typename A::Float root = a.sqrt(a.fma(x, x, minusOne));
  typename A::Bool isFar = a.lessThan(a.constant(farFromOne), x);
  typename A::Float sum = a.add(x, root);
  typename A::Float logarithm = log(a, a.select(isFar, x, sum));
  typename A::Float shifted = a.add(logarithm, a.constant(0x1.62e43p-1f));
  typename A::Float large = a.select(isFar, shifted, logarithm);
  typename A::Bool isSmall = a.lessEqual(t, a.constant(0.5f));
  typename A::Float value = a.select(isSmall, small, large);
  typename A::Bool isValid = a.lessEqual(one, x);
  typename A::Float invalid = a.constant(NAN);
  return a.select(isValid, value, invalid);
}

/// trigonometry_a11: atanh x = x + x^3 P(x^2) for |x| <= 0.5, P to 1.5e-9; else
/// ln((1 + |x|) / (1 - |x|)) / 2 with the sign of x. NaN beyond 1.
template <typename A>
typename A::Float atanh(A &a, typename A::Float x) {
  typename A::Float magnitude = a.abs(x);
  typename A::Float square = a.mul(x, x);
  typename A::Float p =
      polynomial(a, square,
                 {0x1.55553ep-2f, 0x1.99a742p-3f, 0x1.233fcp-3f, 0x1.e4d6e6p-4f,
                  0x1.a0bde2p-5f, 0x1.6b3b76p-3f});
  typename A::Float small = a.fma(a.mul(square, magnitude), p, magnitude);
  typename A::Float one = a.constant(1.0f);
  typename A::Float quotient =
      a.div(a.add(one, magnitude), a.sub(one, magnitude));
  typename A::Float large = a.mul(log(a, quotient), a.constant(0.5f));
  typename A::Bool isSmall = a.lessEqual(magnitude, a.constant(0.5f));
  typename A::Float value = a.select(isSmall, small, large);
  return propagateNaN(a, x, withSign(a, value, signBit(a, x)));
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_TRIGONOMETRY_H
