//===- TwoLevelGroupsTest.cpp - INT4 groups with integer scales -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/TwoLevelGroups.h"
#include "quantc/Numerics/Parameters.h"

#include "gtest/gtest.h"

#include <limits>
#include <random>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t rows = 64, cols = 1024, groupSize = 32;

/// A standard normal number from 12 uniform ones: the same on every platform,
/// which std::normal_distribution does not promise.
double normal(std::mt19937 &random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += random() * 0x1p-32;
  return sum;
}

/// 10 log10 of (error of absmax float group scales / error of two levels).
double gain(const std::vector<float> &values) {
  auto levels = quantizeTwoLevel(values, rows, cols, groupSize);
  WeightOptions options;
  options.bits = 4;
  options.granularity = Granularity::PerGroup;
  options.groupSize = groupSize;
  auto groups = quantizeWeights(values, rows, cols, options);
  double levelsError = 0, groupsError = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    size_t group = i / groupSize;
    float scale = levels.scales[i / cols] * levels.multipliers[group];
    double difference = values[i] - double(scale) * levels.storage[i];
    levelsError += difference * difference;
    difference = values[i] - double(groups.scales[group]) * groups.storage[i];
    groupsError += difference * difference;
  }
  double result = 10 * std::log10(groupsError / levelsError);
  ::testing::Test::RecordProperty("gain", std::to_string(result));
  return result;
}

TEST(TwoLevelGroupsTest, RoundToScale) {
  Evaluate e;
  EXPECT_EQ(roundToTwoLevelScale(e, 1.0f), 1.0f);
  // Half of the last place that is kept goes up, less goes down.
  EXPECT_EQ(roundToTwoLevelScale(e, 1.0f + 8 * 0x1p-23f), 1.0f + 0x1p-19f);
  EXPECT_EQ(roundToTwoLevelScale(e, 1.0f + 7 * 0x1p-23f), 1.0f);
  EXPECT_EQ(roundToTwoLevelScale(e, 2.0f - 0x1p-23f), 2.0f);
  EXPECT_EQ(roundToTwoLevelScale(e, 0.0f), 0x1p-145f);
  EXPECT_EQ(roundToTwoLevelScale(e, inf), inf);
}

TEST(TwoLevelGroupsTest, GaussianGain) {
  std::mt19937 random(1);
  std::vector<float> values(rows * cols);
  for (float &value : values)
    value = normal(random);
  EXPECT_GE(gain(values), 0.7);
}

TEST(TwoLevelGroupsTest, StudentTGain) {
  std::mt19937 random(2);
  std::vector<float> values(rows * cols);
  for (float &value : values) { // 4 degrees of freedom
    double square = 0, numerator = normal(random);
    for (int i = 0; i < 4; ++i)
      square += std::pow(normal(random), 2);
    value = numerator / std::sqrt(square / 4);
  }
  EXPECT_GE(gain(values), 0.4);
}

TEST(TwoLevelGroupsTest, OutlierGain) {
  std::mt19937 random(3);
  std::vector<float> values(rows * cols);
  for (float &value : values)
    value = normal(random) * (random() % 1000 < 3 ? 8 : 1);
  EXPECT_GE(gain(values), 0.4);
}

TEST(TwoLevelGroupsTest, Invariants) {
  std::mt19937 random(4);
  std::vector<float> values(rows * cols);
  for (float &value : values)
    value = normal(random);
  auto result = quantizeTwoLevel(values, rows, cols, groupSize);
  ASSERT_EQ(result.multipliers.size(), values.size() / groupSize);
  for (float scale : result.scales) {
    EXPECT_TRUE(isTwoLevelScale(scale));
    for (int m = 1; m <= maxGroupMultiplier; ++m)
      EXPECT_EQ(double(scale * m), double(scale) * m);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    int32_t m = result.multipliers[i / groupSize], q = result.storage[i];
    ASSERT_TRUE(m >= 1 && m <= 15 && q >= -8 && q <= 7);
    // What a blocked QuantizeLinear with the scale s_c * m_g stores.
    float scale = result.scales[i / cols] * m;
    Evaluate a;
    ASSERT_EQ(q, quantize(a, values[i], scale, 0, -8, 7));
  }
}

TEST(TwoLevelGroupsTest, PowerOfTwoEquivariance) {
  std::mt19937 random(5);
  std::vector<float> values(256), scaled(256);
  for (float &value : values)
    value = normal(random);
  auto result = quantizeTwoLevel(values, 1, 256, 32);
  for (int exponent : {-100, -3, 60, 120}) {
    for (size_t i = 0; i < values.size(); ++i)
      scaled[i] = std::ldexp(values[i], exponent);
    auto other = quantizeTwoLevel(scaled, 1, 256, 32);
    EXPECT_EQ(other.storage, result.storage);
    EXPECT_EQ(other.multipliers, result.multipliers);
    EXPECT_EQ(other.scales[0], std::ldexp(result.scales[0], exponent));
  }
}

TEST(TwoLevelGroupsTest, ZeroRow) {
  auto result = quantizeTwoLevel({0.0f, -0.0f, nan, 0.0f}, 1, 4, 2);
  EXPECT_EQ(result.storage, std::vector<int8_t>(4, 0));
  EXPECT_EQ(result.multipliers, std::vector<int8_t>(2, 1));
  EXPECT_NEAR(result.scales[0], 1e-8f, 1e-13f);
  EXPECT_TRUE(isTwoLevelScale(result.scales[0]));
}

TEST(TwoLevelGroupsTest, SingleElements) {
  for (float value : {1.0f, -1.0f, 0.37f, -1e-30f, 3e38f, -largestFinite,
                      1e-38f, 0x1p-140f}) {
    auto result = quantizeTwoLevel({value}, 1, 1, 1);
    double scale = double(result.scales[0]) * result.multipliers[0];
    EXPECT_TRUE(isTwoLevelScale(result.scales[0]));
    EXPECT_NEAR(scale * result.storage[0] / value, 1, 1e-2) << value;
  }
}

TEST(TwoLevelGroupsTest, Extremes) {
  std::vector<float> values = {0x1p-149f, 1.0f,          inf,        -inf,
                               nan,       largestFinite, -0x1p-149f, 0.0f};
  for (int64_t size : {1, 2, 8}) {
    auto result = quantizeTwoLevel(values, 1, 8, size);
    EXPECT_TRUE(isTwoLevelScale(result.scales[0]));
    for (int64_t i = 0; i < 8; ++i) {
      float scale = result.scales[0] * result.multipliers[i / size];
      EXPECT_TRUE(std::isfinite(scale * result.storage[i]));
    }
    EXPECT_EQ(result.storage[0], 0);
    EXPECT_GT(result.storage[2], 0);
    EXPECT_LT(result.storage[3], 0);
  }
  // Below the smallest scale with four zero bits everything is 0.
  auto tiny = quantizeTwoLevel({0x1p-149f, -0x1p-149f}, 1, 2, 2);
  EXPECT_EQ(tiny.storage, std::vector<int8_t>(2, 0));
  EXPECT_GT(tiny.scales[0], 0);
}
} // namespace
