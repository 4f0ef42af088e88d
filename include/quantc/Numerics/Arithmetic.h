//===- Arithmetic.h - What a formula may be made of -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A formula of the numeric contract is written once, as a template over an
// arithmetic class `A`, and read several ways: `Evaluate` below computes it on
// the host; `Emit` (in Codegen) builds the MLIR operations that compute it.
// Both give the same bits, because every member is one IEEE 754 or two's
// complement operation and stands for one MLIR operation, named beside it.
//
// Rules for a formula:
//   * `A::Float`, `A::Double`, `A::Int`, `A::Long` and `A::Bool` are opaque: no
//   C++ operator
//     on them, no `if`, no loop whose count depends on them.
//   * At most one argument of a call creates an operation. C++ leaves the order
//     of arguments open, and the emitted program must not depend on the
//     compiler that compiled quantc.
//   * Every operation rounds by itself; `fma` is the only fused one. This code
//     is compiled with -ffp-contract=off.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_ARITHMETIC_H
#define QUANTC_NUMERICS_ARITHMETIC_H

#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace quantc::numerics {

/// The host reading of a formula: f32, f64, i32, i64 and bool values. It
/// assumes the default floating-point environment (round to nearest even,
/// denormals kept).
struct Evaluate {
  using Float = float;   // f32
  using Double = double; // f64
  using Int = int32_t;   // i32
  using Long = int64_t;  // i64
  using Bool = bool;     // i1

  // Constants: arith.constant.
  static Float constant(float value) { return value; }
  static Int constantInt(int32_t value) { return value; }
  static Long constantLong(int64_t value) { return value; }

  // f32 arithmetic: arith.addf, subf, mulf, divf, negf; math.fma, absf, sqrt.
  static Float add(Float x, Float y) { return x + y; }
  static Float sub(Float x, Float y) { return x - y; }
  static Float mul(Float x, Float y) { return x * y; }
  static Float div(Float x, Float y) { return x / y; }
  static Float neg(Float x) { return -x; }
  static Float fma(Float x, Float y, Float z) { return std::fma(x, y, z); }
  static Float abs(Float x) { return std::fabs(x); }
  static Float sqrt(Float x) { return std::sqrt(x); }

  /// arith.minimumf and arith.maximumf (IEEE 754-2019 minimum and maximum):
  /// a NaN operand gives NaN, and -0 is less than +0.
  static Float minimum(Float x, Float y) {
    if (std::isnan(x) || std::isnan(y))
      return x + y;
    return x < y || (x == y && std::signbit(x)) ? x : y;
  }
  static Float maximum(Float x, Float y) {
    if (std::isnan(x) || std::isnan(y))
      return x + y;
    return x > y || (x == y && std::signbit(y)) ? x : y;
  }

  /// math.roundeven: round half to even, the sign of zero kept. From 2^23 on
  /// every float is an integer; below, adding 2^23 drops the fraction.
  static Float roundEven(Float x) {
    float magnitude = std::fabs(x);
    float rounded = (magnitude + 8388608.0f) - 8388608.0f;
    return magnitude < 8388608.0f ? std::copysign(rounded, x) : x;
  }

  // f64 arithmetic, for multipliers only: arith.extf, truncf, mulf, divf.
  static Double toDouble(Float x) { return x; }
  static Float toSingle(Double x) { return static_cast<float>(x); }
  static Double mulDouble(Double x, Double y) { return x * y; }
  static Double divDouble(Double x, Double y) { return x / y; }

  // Comparisons. The ordered ones are false on NaN: arith.cmpf olt, ole, oeq;
  // isNaN is arith.cmpf uno of x with itself.
  static Bool lessThan(Float x, Float y) { return x < y; }
  static Bool lessEqual(Float x, Float y) { return x <= y; }
  static Bool equal(Float x, Float y) { return x == y; }
  static Bool isNaN(Float x) { return std::isnan(x); }
  // arith.cmpi slt, eq.
  static Bool lessThanInt(Int x, Int y) { return x < y; }
  static Bool equalInt(Int x, Int y) { return x == y; }
  // arith.andi and arith.ori on i1.
  static Bool andBool(Bool x, Bool y) { return x && y; }
  static Bool orBool(Bool x, Bool y) { return x || y; }

  // arith.select: both sides are computed, so neither may be undefined.
  static Float select(Bool c, Float x, Float y) { return c ? x : y; }
  static Int selectInt(Bool c, Int x, Int y) { return c ? x : y; }

  /// arith.fptosi. The argument is finite and its truncation fits i32: outside
  /// the result is poison in LLVM, so a formula clamps first.
  static Int toInt(Float x) {
    assert(x >= -2147483648.0f && x < 2147483648.0f && "fptosi out of range");
    return static_cast<int32_t>(x);
  }
  /// arith.sitofp: rounded to nearest even, exact up to 2^24.
  static Float toFloat(Int x) { return static_cast<float>(x); }

  // i32 arithmetic, modulo 2^32: arith.addi, subi, muli, andi, ori, xori,
  // shli, shrsi, minsi, maxsi. Shift amounts are in [0, 31].
  static Int addInt(Int x, Int y) { return wrap(bits(x) + bits(y)); }
  static Int subInt(Int x, Int y) { return wrap(bits(x) - bits(y)); }
  static Int mulInt(Int x, Int y) { return wrap(bits(x) * bits(y)); }
  static Int andInt(Int x, Int y) { return x & y; }
  static Int orInt(Int x, Int y) { return x | y; }
  static Int xorInt(Int x, Int y) { return x ^ y; }
  static Int shlInt(Int x, Int n) { return wrap(bits(x) << n); }
  static Int ashrInt(Int x, Int n) { return x >> n; }
  static Int minInt(Int x, Int y) { return x < y ? x : y; }
  static Int maxInt(Int x, Int y) { return x < y ? y : x; }

  // i64 arithmetic, for the preset `fixed` and large angles: arith.extsi,
  // trunci, addi, subi, muli, shli, shrsi, minsi, maxsi, select, sitofp. Shift
  // amounts are in [0, 63].
  static Long toLong(Int x) { return x; }
  static Int truncate(Long x) { return wrap(static_cast<uint32_t>(x)); }
  static Long addLong(Long x, Long y) { return wrap(bits(x) + bits(y)); }
  static Long subLong(Long x, Long y) { return wrap(bits(x) - bits(y)); }
  static Long mulLong(Long x, Long y) { return wrap(bits(x) * bits(y)); }
  static Long shlLong(Long x, Long n) { return wrap(bits(x) << n); }
  static Long ashrLong(Long x, Long n) { return x >> n; }
  static Long minLong(Long x, Long y) { return x < y ? x : y; }
  static Long maxLong(Long x, Long y) { return x < y ? y : x; }
  static Long selectLong(Bool c, Long x, Long y) { return c ? x : y; }
  static Float longToFloat(Long x) { return static_cast<float>(x); }

  // arith.bitcast.
  static Int bitcastToInt(Float x) {
    int32_t result;
    std::memcpy(&result, &x, sizeof(result));
    return result;
  }
  static Float bitcastToFloat(Int x) {
    float result;
    std::memcpy(&result, &x, sizeof(result));
    return result;
  }

private:
  static uint32_t bits(int32_t x) { return static_cast<uint32_t>(x); }
  static uint64_t bits(int64_t x) { return static_cast<uint64_t>(x); }
  static int32_t wrap(uint32_t x) { return static_cast<int32_t>(x); }
  static int64_t wrap(uint64_t x) { return static_cast<int64_t>(x); }
};

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_ARITHMETIC_H
