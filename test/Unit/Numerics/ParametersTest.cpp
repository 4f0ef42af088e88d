//===- ParametersTest.cpp - Multipliers, weights, overflow ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Parameters.h"

#include "gtest/gtest.h"

#include <limits>
#include <random>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();

std::vector<float> randomMatrix(size_t size, float mean = 0) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(mean);
  std::vector<float> values(size);
  for (float &value : values)
    value = normal(random);
  return values;
}

TEST(MultiplierTest, FixedPoint) {
  auto check = [](double real, int32_t multiplier, int32_t shift) {
    auto result = fixedPointMultiplier(real);
    EXPECT_EQ(result.multiplier, multiplier) << real;
    EXPECT_EQ(result.shift, shift) << real;
  };
  check(0.5, 1 << 30, 31);
  check(1.0, 1 << 30, 30);
  check(0.75, 3 << 29, 31);
  check(std::nextafter(1.0, 0.0), 1 << 30, 30); // rounds up to 2^31, renorms
  check(0x1p-32, 1 << 30, 62);
  check(0x1p-60, 1 << 30, 62);
  check(0x1p29, 1 << 30, 1);
  check(0.5 + 0x1p-32, 1 << 30, 31); // a tie, to even
  EXPECT_FALSE(isFixedPointMultiplier(0));
  EXPECT_FALSE(isFixedPointMultiplier(inf));
  EXPECT_FALSE(isFixedPointMultiplier(0x1p30));
}

TEST(MultiplierTest, FixedPointBias) {
  EXPECT_EQ(fixedPointBias(2.5f, 1, 1), 2);
  EXPECT_EQ(fixedPointBias(-3.5f, 1, 1), -4);
  EXPECT_EQ(fixedPointBias(1e30f, 1, 1), INT32_MAX);
  EXPECT_EQ(fixedPointBias(-inf, 1, 1), INT32_MIN);
  EXPECT_EQ(fixedPointBias(inf - inf, 1, 1), 0);
}

TEST(WeightsTest, ContractExample) {
  std::vector<float> values = {2.5f, -1.3f, 0.8f, -2.1f};
  auto result = quantizeWeights(values, 1, 4, {});
  EXPECT_EQ(result.storage, (std::vector<int8_t>{127, -66, 41, -107}));
  EXPECT_EQ(result.scales, std::vector<float>{2.5f / 127});
  EXPECT_EQ(result.zeroPoints, std::vector<int8_t>{0});
}

TEST(WeightsTest, EveryConfiguration) {
  int64_t rows = 6, cols = 64;
  auto values = randomMatrix(rows * cols, 0.5f);
  for (int bits : {4, 8})
    for (bool symmetric : {true, false})
      for (auto granularity : {Granularity::PerTensor, Granularity::PerChannel,
                               Granularity::PerGroup})
        for (auto scaleType : {ScaleType::F32, ScaleType::BF16}) {
          WeightOptions options{bits, symmetric, granularity, 16, scaleType};
          auto result = quantizeWeights(values, rows, cols, options);
          size_t blocks = granularity == Granularity::PerTensor    ? 1
                          : granularity == Granularity::PerChannel ? 6
                                                                   : 24;
          ASSERT_EQ(result.scales.size(), blocks);
          ASSERT_EQ(result.zeroPoints.size(), blocks);
          ASSERT_EQ(result.storage.size(), values.size());
          StorageRange range = storageRange(bits, symmetric);
          for (size_t i = 0; i < values.size(); ++i) {
            size_t block = i / (values.size() / blocks);
            float scale = result.scales[block];
            int32_t zp = result.zeroPoints[block], q = result.storage[i];
            ASSERT_GE(q, range.min);
            ASSERT_LE(q, range.max);
            ASSERT_TRUE(!symmetric || zp == 0);
            if (scaleType == ScaleType::BF16) {
              ASSERT_EQ(Evaluate::bitcastToInt(scale) & 0xFFFF, 0);
            }
            ASSERT_NEAR((q - zp) * scale, values[i], scale * 1.01);
          }
        }
}

TEST(WeightsTest, SpecialRows) {
  float tiny = std::numeric_limits<float>::denorm_min();
  for (int bits : {4, 8})
    for (bool symmetric : {true, false}) {
      WeightOptions options{bits, symmetric};
      auto zeros = quantizeWeights({0.0f, 0.0f}, 1, 2, options);
      EXPECT_EQ(zeros.scales[0], 1e-8f);
      EXPECT_EQ(zeros.storage[0], zeros.zeroPoints[0]);
      auto tinies = quantizeWeights({tiny, -tiny}, 1, 2, options);
      EXPECT_GT(tinies.scales[0], 0);
      auto huge =
          quantizeWeights({largestFinite, -largestFinite}, 1, 2, options);
      EXPECT_LT(huge.scales[0], inf);
      EXPECT_GT(huge.storage[0], huge.storage[1]);
    }
}

TEST(WeightsTest, BF16) {
  EXPECT_EQ(roundScaleToBF16(1.0f), 1.0f);
  EXPECT_EQ(roundScaleToBF16(1 + 0x1p-8f), 1.0f); // ties to even
  EXPECT_EQ(roundScaleToBF16(1 + 0x3p-8f), 1 + 0x1p-6f);
  EXPECT_EQ(roundScaleToBF16(1 + 0x1.01p-8f), 1 + 0x1p-7f);
  EXPECT_EQ(roundScaleToBF16(largestFinite), 0x1.fep127f);
  EXPECT_EQ(roundScaleToBF16(0x1p-149f), roundScaleToBF16(1e-8f));
}

TEST(OverflowTest, TightForEveryRow) {
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::vector<int8_t> weights(8), zeroPoints = {3, -4}, multipliers = {2, 15};
    for (int8_t &w : weights)
      w = static_cast<int8_t>(random() % 16) - 8;
    int32_t za = int32_t(random() % 256) - 128;
    ActivationRange range = activationRange({-128, 127}, za);
    // All corners of the input: none passes the bound and one attains it.
    int64_t largest = 0;
    for (int corner = 0; corner < 256; ++corner) {
      int64_t sum = 0;
      for (int k = 0; k < 8; ++k)
        sum += int64_t(corner >> k & 1 ? range.max : range.min) *
               multipliers[k / 4] * (weights[k] - zeroPoints[k / 4]);
      largest = std::max(largest, std::abs(sum));
    }
    EXPECT_EQ(maxAbsAccumulator(weights, zeroPoints, range, multipliers),
              largest);
  }
}

TEST(OverflowTest, SixtyFourBits) {
  std::vector<int8_t> weights(200000, -128), none;
  int64_t bound =
      maxAbsAccumulator(weights, none, anyActivationRange({-128, 127}));
  EXPECT_EQ(bound, int64_t(200000) * 128 * 255);
  EXPECT_GT(bound, int64_t(INT32_MAX));
}
} // namespace
