//===- TrigonometryTest.cpp - Error bounds and special values -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sweeps every 4021st float of both signs (1 million) and compares with libm in
// long double. The bounds are those of docs/Numerics.md.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Trigonometry.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <limits>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

using Function = float (*)(Evaluate &, float);
using Exact = long double (*)(long double);

float evaluate(Function f, float x) {
  Evaluate a;
  return f(a, x);
}

/// The distance of `actual` from `exact` in units of its last place.
double ulpError(float actual, double exact) {
  if (std::isnan(exact))
    return std::isnan(actual) ? 0 : inf;
  auto rounded = static_cast<float>(exact);
  if (std::isinf(rounded) || std::isinf(actual))
    return rounded == actual ? 0 : inf;
  int exponent = std::max(std::ilogb(std::max(std::fabs(exact), 1e-300)), -126);
  return std::fabs(actual - exact) / std::ldexp(1.0, exponent - 23);
}

struct Row {
  const char *name;
  Function f;
  Exact exact;
  double bound;
};

const Row rows[] = {
    {"sin", sin<Evaluate>, std::sin, 3},
    {"cos", cos<Evaluate>, std::cos, 3},
    {"tan", tan<Evaluate>, std::tan, 5.5},
    {"asin", asin<Evaluate>, std::asin, 2.5},
    {"acos", acos<Evaluate>, std::acos, 1.5},
    {"atan", atan<Evaluate>, std::atan, 1.5},
    {"sinh", sinh<Evaluate>, std::sinh, 4},
    {"cosh", cosh<Evaluate>, std::cosh, 3.5},
    {"asinh", asinh<Evaluate>, std::asinh, 4},
    {"acosh", acosh<Evaluate>, std::acosh, 2.5},
    {"atanh", atanh<Evaluate>, std::atanh, 2},
};

TEST(TrigonometryTest, Bounds) {
  for (const Row &row : rows) {
    double largest = 0;
    for (int64_t bits = 0; bits < (int64_t(1) << 32); bits += 4021) {
      float x = Evaluate::bitcastToFloat(static_cast<int32_t>(bits));
      if (std::isnan(x))
        continue;
      auto exact = static_cast<double>(row.exact(x));
      largest = std::max(largest, ulpError(evaluate(row.f, x), exact));
    }
    EXPECT_LE(largest, row.bound) << row.name;
    EXPECT_TRUE(std::isnan(evaluate(row.f, nan))) << row.name;
  }
}

/// Where the two ways of reduction meet, and next to multiples of pi / 2.
TEST(TrigonometryTest, Angles) {
  for (int32_t bits = 0x477FF000; bits < 0x47801000; ++bits) {
    float x = Evaluate::bitcastToFloat(bits);
    ASSERT_LE(ulpError(evaluate(sin, x), std::sin(double(x))), 3) << x;
    ASSERT_LE(ulpError(evaluate(cos, x), std::cos(double(x))), 3) << x;
  }
  for (int n = 1; n < 100000; ++n) {
    auto x = static_cast<float>(n * M_PI_2);
    ASSERT_LE(ulpError(evaluate(sin, x), std::sin(double(x))), 3) << x;
    ASSERT_LE(ulpError(evaluate(cos, x), std::cos(double(x))), 3) << x;
    ASSERT_LE(ulpError(evaluate(tan, x), std::tan(double(x))), 5.5) << x;
  }
}

TEST(TrigonometryTest, SpecialValues) {
  for (Function f : {sin<Evaluate>, cos<Evaluate>, tan<Evaluate>})
    EXPECT_TRUE(std::isnan(evaluate(f, inf)));
  for (Function f : {asin<Evaluate>, acos<Evaluate>, atanh<Evaluate>}) {
    EXPECT_TRUE(std::isnan(evaluate(f, 1.5f)));
    EXPECT_TRUE(std::isnan(evaluate(f, -inf)));
  }
  for (Function f :
       {sin<Evaluate>, tan<Evaluate>, asin<Evaluate>, atan<Evaluate>,
        sinh<Evaluate>, asinh<Evaluate>, atanh<Evaluate>})
    EXPECT_TRUE(std::signbit(evaluate(f, -0.0f)));
  EXPECT_EQ(evaluate(cos, 0), 1);
  EXPECT_EQ(evaluate(acos, 1), 0);
  EXPECT_EQ(evaluate(acosh, 1), 0);
  EXPECT_TRUE(std::isnan(evaluate(acosh, 0.5f)));
  EXPECT_EQ(evaluate(atanh, 1), inf);
  EXPECT_EQ(evaluate(atan, -inf), static_cast<float>(-M_PI_2));
  EXPECT_EQ(evaluate(sinh, -inf), -inf);
  EXPECT_EQ(evaluate(cosh, -inf), inf);
  EXPECT_EQ(evaluate(asinh, -inf), -inf);
  EXPECT_EQ(evaluate(acosh, inf), inf);
}
} // namespace
