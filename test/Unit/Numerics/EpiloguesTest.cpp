//===- EpiloguesTest.cpp - From accumulators to results -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Epilogues.h"
#include "quantc/Numerics/Parameters.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <limits>
#include <random>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();
Evaluate a;

TEST(EpiloguesTest, ProductsAreTakenInDouble) {
  float sa = 0.1f, sw = 0.003f, sy = 0.7f;
  EXPECT_EQ(staticMultiplier(a, sa, sw), float(double(sa) * sw));
  EXPECT_EQ(requantizeMultiplier(a, sa, sw, sy), float(double(sa) * sw / sy));
  EXPECT_EQ(requantizeBias(a, 1.5f, sy), float(1.5 / double(sy)));
  // The product of the scales alone would underflow in f32.
  EXPECT_EQ(requantizeMultiplier(a, 1e-30f, 1e-30f, 1e-38f),
            float(double(1e-30f) * 1e-30f / 1e-38f));
}

TEST(EpiloguesTest, EveryStepRounds) {
  // 2^24 + 1 is not an f32, and neither product nor sum is fused.
  int32_t acc = (1 << 24) + 1;
  EXPECT_EQ(dequantizeAccumulator(a, acc, 1.0f), 0x1p24f);
  // 4097 * (1 + 2^-12) = 4098 + 2^-12 is a tie, which a fused step would not
  // round before the bias is added.
  float m = 1 + 0x1p-12f, bias = -4098.0f;
  EXPECT_EQ(std::fma(4097.0f, m, bias), 0x1p-12f);
  EXPECT_EQ(dequantizeAccumulator(a, 4097, m, bias), 0.0f);
}

TEST(EpiloguesTest, DynamicMultipliesByTheWeightScaleFirst) {
  float sw = 0.1f, sa = 0.3f;
  EXPECT_EQ(dequantizeAccumulatorDynamic(a, 7, sw, sa, 1.0f),
            (7.0f * sw) * sa + 1.0f);
}

TEST(EpiloguesTest, GroupsInOrder) {
  float sum = 0;
  for (float scale : {0.1f, 1e8f, 0.3f})
    sum = addGroup(a, sum, 3, scale);
  EXPECT_EQ(sum, (3 * 0.1f + 3 * 1e8f) + 3 * 0.3f);
  EXPECT_EQ(finishGroups(a, sum, 0.5f, 2.0f), sum * 0.5f + 2.0f);
}

TEST(EpiloguesTest, NoBiasIsNoAddition) {
  EXPECT_TRUE(std::signbit(dequantizeAccumulator(a, -1, 0x1p-149f * 0)));
  EXPECT_FALSE(std::signbit(dequantizeAccumulator(a, -1, 0.0f, 0.0f)));
}

TEST(EpiloguesTest, RequantizeSaturatesAndRoundsToEven) {
  EXPECT_EQ(requantizeAccumulator(a, 5, 0.5f, 0.0f, 10, -128, 127), 12);
  EXPECT_EQ(requantizeAccumulator(a, 7, 0.5f, 0.0f, 10, -128, 127), 14);
  EXPECT_EQ(requantizeAccumulator(a, -1000, 1.0f, 0.0f, 3, 3, 127), 3); // ReLU
  EXPECT_EQ(requantizeAccumulator(a, INT32_MAX, inf, 0.0f, 3, -128, 127), 127);
  EXPECT_EQ(requantizeAccumulator(a, INT32_MIN, 1e30f, 0.0f, 3, -128, 127),
            -128);
  EXPECT_EQ(requantizeAccumulator(a, 0, inf, 0.0f, 3, -128, 127), 3); // NaN
}

TEST(EpiloguesTest, FixedPointAgreesWithWideIntegers) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    int32_t acc = static_cast<int32_t>(random()) >> (random() % 31);
    double real = std::ldexp(1.0 + random() * 0x1p-32, int(random() % 50) - 40);
    auto [m, n] = fixedPointMultiplier(real);
    __int128 product = static_cast<__int128>(acc) * m;
    __int128 wide =
        ((product + (static_cast<__int128>(1) << (n - 1))) >> n) + 5;
    int32_t expected = wide < -128 ? -128 : wide > 127 ? 127 : int32_t(wide);
    ASSERT_EQ(requantizeAccumulatorFixed(a, acc, m, n, 5, -128, 127), expected);
    // And within rounding of the real number.
    double exact = std::floor(acc * real + 0.5) + 5;
    if (std::fabs(exact) < 120) {
      ASSERT_NEAR(expected, exact, 1);
    }
  }
}

TEST(EpiloguesTest, FixedPointCorners) {
  // Half rounds up, on both sides of zero.
  auto half = fixedPointMultiplier(0.5);
  auto apply = [&](int32_t acc, FixedPointMultiplier by) {
    return requantizeAccumulatorFixed(a, acc, by.multiplier, by.shift, 0,
                                      INT32_MIN, INT32_MAX);
  };
  EXPECT_EQ(apply(3, half), 2);
  EXPECT_EQ(apply(-3, half), -1);
  FixedPointMultiplier largest = {INT32_MAX, 1}, tiny = {1 << 30, 62};
  EXPECT_EQ(apply(INT32_MIN, largest), INT32_MIN);
  EXPECT_EQ(apply(INT32_MAX, largest), INT32_MAX);
  EXPECT_EQ(apply(INT32_MIN, tiny), 0);
  EXPECT_EQ(apply(INT32_MAX, tiny), 0);
}

TEST(EpiloguesTest, FloatInputIsFused) {
  float x = 1 + 0x1p-12f;
  float partial = addWeightOnlyElement(a, -1.0f, x, 5, 4);
  EXPECT_EQ(partial, 0x1p-12f);
  EXPECT_EQ(addWeightOnlyGroup(a, -1.0f, x, x), std::fma(x, x, -1.0f));
  EXPECT_EQ(addFloatElement(a, -1.0f, x, x), std::fma(x, x, -1.0f));
  EXPECT_NE(addFloatElement(a, -1.0f, x, x), x * x - 1.0f);
}
} // namespace
