//===- ElementaryFunctionsTest.cpp - Error bounds and special values ------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sweeps every 1009th float of both signs (4.2 million) and compares with the
// double libm. The bounds are those of docs/Numerics.md.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/ElementaryFunctions.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <limits>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
Evaluate a;

/// The distance of `actual` from `exact` in units of the last place of the f32
/// next to `exact`; a denormal's unit is 2^-149.
double ulpError(float actual, double exact) {
  if (std::isnan(exact))
    return std::isnan(actual) ? 0 : inf;
  float rounded = static_cast<float>(exact);
  if (std::isinf(rounded) || std::isinf(actual))
    return rounded == actual ? 0 : inf;
  int exponent = std::max(std::ilogb(std::max(std::fabs(exact), 1e-300)), -126);
  return std::fabs(actual - exact) / std::ldexp(1.0, exponent - 23);
}

/// The largest error of f(x) beside `reference(x)` over every 1009th float.
template <typename F, typename Reference>
double worst(F f, Reference reference) {
  double largest = 0;
  for (int64_t bits = 0; bits < (int64_t(1) << 32); bits += 1009) {
    float x = Evaluate::bitcastToFloat(static_cast<int32_t>(bits));
    if (std::isnan(x))
      continue;
    largest = std::max(largest, ulpError(f(x), reference(double(x))));
  }
  ::testing::Test::RecordProperty("worst", std::to_string(largest));
  return largest;
}

TEST(ElementaryFunctionsTest, Exp) {
  auto f = [](float x) { return exp(a, x); };
  EXPECT_LE(worst(f, [](double x) { return std::exp(x); }), 1.25);
  EXPECT_EQ(f(0), 1);
  EXPECT_EQ(f(-inf), 0);
  EXPECT_EQ(f(inf), inf);
  EXPECT_EQ(f(88.8f), inf);
  EXPECT_LT(f(88.7f), inf);
  EXPECT_EQ(f(-103.9f), 0x1p-149f); // the smallest denormal
  EXPECT_EQ(f(-104.0f), 0);
  EXPECT_TRUE(std::isnan(f(nan)));
}

TEST(ElementaryFunctionsTest, ExpOfOneSignGivesTheSameBits) {
  for (int64_t bits = 0; bits < (int64_t(1) << 32); bits += 1009) {
    float x = Evaluate::bitcastToFloat(static_cast<int32_t>(bits));
    float expected = exp(a, x);
    float actual =
        std::signbit(x) ? expOfNonPositive(a, x) : expOfNonNegative(a, x);
    ASSERT_EQ(std::isnan(expected), std::isnan(x)) << x;
    ASSERT_TRUE(std::isnan(x) ? std::isnan(actual)
                              : Evaluate::bitcastToInt(actual) ==
                                    Evaluate::bitcastToInt(expected))
        << x;
  }
  EXPECT_EQ(expOfNonPositive(a, 0.0f), 1.0f);
  EXPECT_EQ(expOfNonNegative(a, -0.0f), 1.0f);
}

TEST(ElementaryFunctionsTest, Log) {
  auto f = [](float x) { return log(a, x); };
  EXPECT_LE(worst(f, [](double x) { return std::log(x); }), 1.0);
  EXPECT_EQ(f(1), 0);
  EXPECT_EQ(f(0.0f), -inf);
  EXPECT_EQ(f(-0.0f), -inf);
  EXPECT_EQ(f(inf), inf);
  EXPECT_TRUE(std::isnan(f(-1)));
  EXPECT_TRUE(std::isnan(f(-inf)));
  EXPECT_TRUE(std::isnan(f(nan)));
}

TEST(ElementaryFunctionsTest, LogNearOne) {
  for (int32_t bits = 0x3F000000; bits < 0x40000000; bits += 37) {
    float x = Evaluate::bitcastToFloat(bits);
    ASSERT_LE(ulpError(log(a, x), std::log(double(x))), 1.0) << x;
  }
}

TEST(ElementaryFunctionsTest, Sigmoid) {
  auto f = [](float x) { return sigmoid(a, x); };
  auto exact = [](double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_LE(worst(f, exact), 2.5);
  EXPECT_EQ(f(0), 0.5f);
  EXPECT_EQ(f(inf), 1);
  EXPECT_EQ(f(-inf), 0);
  EXPECT_TRUE(std::isnan(f(nan)));
}

TEST(ElementaryFunctionsTest, Tanh) {
  auto f = [](float x) { return tanh(a, x); };
  EXPECT_LE(worst(f, [](double x) { return std::tanh(x); }), 2.0);
  EXPECT_EQ(f(inf), 1);
  EXPECT_EQ(f(-inf), -1);
  EXPECT_TRUE(std::signbit(f(-0.0f)));
  EXPECT_TRUE(std::isnan(f(nan)));
}

TEST(ElementaryFunctionsTest, Erf) {
  auto f = [](float x) { return erf(a, x); };
  EXPECT_LE(worst(f, [](double x) { return std::erf(x); }), 2.0);
  // x (1 + erf x) must not grow left of where it is 0.
  EXPECT_EQ(f(-3.95f), -1);
  EXPECT_EQ(f(-4.0f), -1);
  EXPECT_EQ(f(inf), 1);
  EXPECT_EQ(f(-inf), -1);
  EXPECT_TRUE(std::signbit(f(-0.0f)));
  EXPECT_TRUE(std::isnan(f(nan)));
}

TEST(ElementaryFunctionsTest, Pow) {
  double largest = 0;
  for (float x = 1e-3f; x < 1e3f; x *= 1.0113f)
    for (float y = -9.7f; y < 9.7f; y += 0.37f) {
      double magnified = 2 + std::fabs(y * std::log(double(x)));
      double error = ulpError(pow(a, x, y), std::pow(double(x), double(y)));
      largest = std::max(largest, error / magnified);
    }
  EXPECT_LE(largest, 2.0);
  for (float x : {0.3f, 1.7f, 1234.5f, 1e-20f})
    EXPECT_EQ(pow(a, x, 0.5f), std::sqrt(x));
  for (float x : {-0.3f, 1.7f, -1234.5f, 1e-20f})
    EXPECT_EQ(pow(a, x, 2.0f), x * x);
}

TEST(ElementaryFunctionsTest, PowSpecialValuesAreThoseOfC) {
  float bases[] = {0.0f, -0.0f, 1, -1, 2, -2, 0.5f, -0.5f, inf, -inf, nan};
  float exponents[] = {0.0f, -0.0f, 1,     -1,    2,   -2,   3,
                       -3,   0.5f,  -0.5f, 1e30f, inf, -inf, nan};
  for (float x : bases)
    for (float y : exponents) {
      float expected = std::pow(x, y), actual = pow(a, x, y);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(actual)) << x << " " << y;
        continue;
      }
      EXPECT_EQ(std::signbit(actual), std::signbit(expected)) << x << " " << y;
      if (std::isinf(expected) || expected == 0 || std::fabs(expected) == 1)
        EXPECT_EQ(actual, expected) << x << " " << y;
      else
        EXPECT_NEAR(actual / expected, 1, 1e-6) << x << " " << y;
    }
}
} // namespace
