//===- NormalFloatTest.cpp - 4-bit NormalFloat weights --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/NormalFloat.h"
#include "quantc/Numerics/Arithmetic.h"

#include "gtest/gtest.h"

#include <random>

using namespace quantc::numerics;

namespace {
std::vector<float> randomValues(size_t size) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i)
    values[i] = normal(random) * (1 + i / normalFloatBlock % 7);
  return values;
}

// normal_float_a1, normal_float_a3.
TEST(NormalFloatTest, Levels) {
  Evaluate e;
  EXPECT_TRUE(
      std::is_sorted(normalFloatLevels.begin(), normalFloatLevels.end()));
  for (int32_t q = -8; q < 8; ++q)
    EXPECT_EQ(normalFloatLevel<Evaluate>(e, q), normalFloatLevels[q + 8]);
}

// normal_float_a2: the nearest level, the lower one of two.
TEST(NormalFloatTest, NearestLevel) {
  std::vector<float> values(64, 0.0f);
  values[0] = -2;
  values[1] = 2 * normalFloatLevels[3];
  values[2] = 2 * 0.5f * (normalFloatLevels[7] + normalFloatLevels[8]);
  values[3] = std::nextafter(values[2], 1.0f);
  values[4] = 2;
  NormalFloatWeights weights = quantizeNormalFloat(values);
  // A single magnitude is the mean, exactly.
  EXPECT_EQ(weights.magnitudes.mean, 2);
  std::vector<int8_t> expected(64, -1);
  expected[0] = -8;
  expected[1] = -5;
  expected[3] = 0;
  expected[4] = 7;
  EXPECT_EQ(weights.storage, expected);
  EXPECT_EQ(dequantizeNormalFloat(weights)[0], -2);
  EXPECT_EQ(dequantizeNormalFloat(weights)[2], 0);
}

// normal_float_a4: two super-blocks, the second filled with zeros.
TEST(NormalFloatTest, DoubleQuantization) {
  std::vector<float> values = randomValues(300 * 64);
  NormalFloatWeights weights = quantizeNormalFloat(values);
  const NormalFloatMagnitudes &m = weights.magnitudes;
  ASSERT_EQ(m.scales.size(), 2u);
  ASSERT_EQ(m.storage.size(), 512u);
  EXPECT_EQ(m.storage[300], 0);
  std::vector<float> magnitudes = dequantizeMagnitudes(m, 300);
  double noise = 0, signal = 0;
  std::vector<float> rounded = dequantizeNormalFloat(weights);
  for (int block = 0; block < 300; ++block) {
    float largest = 0;
    for (int i = 0; i < 64; ++i)
      largest = std::max(largest, std::fabs(values[block * 64 + i]));
    EXPECT_LE(std::fabs(magnitudes[block] - largest),
              0.5001f * m.scales[block / 256]);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    noise += (rounded[i] - values[i]) * (rounded[i] - values[i]);
    signal += values[i] * values[i];
  }
  // 20 dB: what 16 levels give for normally distributed weights.
  EXPECT_LT(noise, signal * 0.0105);
}

// What is stored and read again is the same with the magnitudes that it had;
// with new ones it is not.
TEST(NormalFloatTest, GivenMagnitudes) {
  NormalFloatWeights weights = quantizeNormalFloat(randomValues(300 * 64));
  std::vector<float> stored = dequantizeNormalFloat(weights);
  NormalFloatWeights again = quantizeNormalFloat(stored, weights.magnitudes);
  EXPECT_EQ(again.storage, weights.storage);
  EXPECT_EQ(dequantizeNormalFloat(again), stored);
  EXPECT_NE(dequantizeNormalFloat(quantizeNormalFloat(stored)), stored);
}

TEST(NormalFloatTest, MagnitudesAreNeverNegative) {
  // One block of 0 beside large ones that are not alike.
  std::vector<float> values(64 * 3, 1000.0f);
  std::fill(values.begin(), values.begin() + 64, 0.0f);
  std::fill(values.begin() + 64, values.begin() + 128, 31.0f);
  for (float value : dequantizeNormalFloat(quantizeNormalFloat(values)))
    EXPECT_GE(value, 0);
}
} // namespace
