//===- LowRankTest.cpp - Merging adapters into weights --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/LowRank.h"

#include "gtest/gtest.h"

#include <limits>
#include <random>

using namespace quantc::numerics;

namespace {
std::vector<float> randomVector(size_t size, unsigned seed, float sigma = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, sigma);
  std::vector<float> values(size);
  for (float &value : values)
    value = normal(random);
  return values;
}

// merge_a1: r ascending, fused; then one product and one sum, each rounded.
TEST(LowRankTest, OrderOfTheSum) {
  std::vector<float> weight = randomVector(3 * 6, 1),
                     a = randomVector(2 * 5, 2), b = randomVector(3 * 2, 3),
                     merged = weight;
  float scale = 0.7f;
  addLowRank(merged, 3, 6, {a, b, 2, scale});
  for (int n = 0; n < 3; ++n) {
    for (int k = 0; k < 5; ++k) {
      float p = std::fma(b[n * 2], a[k], 0.0f);
      p = std::fma(b[n * 2 + 1], a[5 + k], p);
      float product = scale * p;
      EXPECT_EQ(merged[n * 6 + k], weight[n * 6 + k] + product);
    }
    // A column that the adapter does not have: of a padded layer.
    EXPECT_EQ(merged[n * 6 + 5], weight[n * 6 + 5]);
  }
}

// merge_a2: each row takes the better parameters; a tie keeps the old ones.
TEST(ChooseNearerTest, RowByRow) {
  std::vector<float> values = {4, 6, 4, 6, 4, 600, 4, 6};
  WeightParameters before = {{2, 5, 2, 2}, {}, {}};
  WeightParameters after = {{5, 2, 5, 1}, {}, {}};
  WeightParameters chosen =
      chooseNearer(values, 4, storageRange(8, true), before, after);
  // Nearer before; nearer after; 600 does not fit before; equally near.
  EXPECT_EQ(chosen.scales, std::vector<float>({2, 2, 5, 2}));
  // The whole weight is one part where the scale is one.
  chosen = chooseNearer(values, 1, storageRange(8, true), {{2}, {1}, {}},
                        {{5}, {0}, {}});
  EXPECT_EQ(chosen.scales, std::vector<float>({5}));
  EXPECT_EQ(chosen.zeroPoints, std::vector<int8_t>({0}));
  // Multipliers count in the scale; with them, values may be cut off.
  chosen = chooseNearer({{8, 24, 8, 25}}, 2, storageRange(4, false),
                        {{1, 1}, {}, {2, 3, 4, 4}}, {{4, 4}, {}, {1, 1, 1, 1}});
  EXPECT_EQ(chosen.scales, std::vector<float>({4, 1}));
  EXPECT_EQ(chosen.multipliers, std::vector<int8_t>({1, 1, 4, 4}));
}

// survival_a1 to survival_a3.
TEST(SurvivalTest, SharesOfAChange) {
  std::vector<float> before = {3, 0, 0, 4}, wanted = {3, 2, 0, 4};
  auto measure = [&](std::vector<float> after,
                     std::vector<float> moments = {}) {
    return measureSurvival(before, wanted, after, 2, 2, moments);
  };
  Survival all = measure(wanted);
  EXPECT_EQ(all.weightNorm, 5);
  EXPECT_EQ(all.adapterNorm, 2);
  EXPECT_EQ(all.share, 1);
  EXPECT_EQ(all.outputError, 0);
  Survival none = measure(before);
  EXPECT_EQ(none.share, 0);
  EXPECT_EQ(none.outputError, 1);
  EXPECT_FALSE(none.isEnough());
  // Half is left, and what is added elsewhere is noise but no share.
  Survival half = measure({3, 1, 1, 4});
  EXPECT_EQ(half.share, 0.5);
  EXPECT_EQ(half.outputError, std::sqrt(0.5));
  // Inputs that are 0 hide the noise; correlated ones undo it.
  EXPECT_EQ(measure({4, 2, 0, 4}, {0, 1}).outputError, 0);
  EXPECT_EQ(measure({4, 1, 0, 4}, {1, 1, 1, 1}).outputError, 0);
  EXPECT_EQ(measure({4, 2, 0, 4}, {1, 0, 0, 1}).outputError, 0.5);
}

TEST(SurvivalTest, NothingToLose) {
  std::vector<float> weight = {1, 2};
  Survival same = measureSurvival(weight, weight, weight, 1, 2);
  EXPECT_EQ(same.share, 1);
  EXPECT_EQ(same.outputError, 0);
  EXPECT_TRUE(same.isEnough());
  Survival noise = measureSurvival(weight, weight, {{1, 3}}, 1, 2);
  EXPECT_EQ(noise.outputError, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(noise.isEnough());
}

TEST(RoundWeightsTest, IsQuantizeAndDequantize) {
  std::vector<float> weight = randomVector(4 * 32, 5);
  WeightOptions options;
  for (bool symmetric : {true, false}) {
    for (Granularity granularity :
         {Granularity::PerTensor, Granularity::PerChannel,
          Granularity::PerGroup}) {
      options.symmetric = symmetric;
      options.granularity = granularity;
      options.groupSize = 16;
      QuantizedWeights q = quantizeWeights(weight, 4, 32, options);
      std::vector<float> rounded = roundWeights(weight, 4, 32, options, false);
      size_t block = weight.size() / q.scales.size();
      for (size_t i = 0; i < weight.size(); ++i)
        EXPECT_EQ(rounded[i], (q.storage[i] - q.zeroPoints[i / block]) *
                                  q.scales[i / block]);
    }
  }
  // Values of the format stay what they are.
  options.bits = 4;
  std::vector<float> once = roundWeights(weight, 4, 32, options, true);
  for (size_t i = 0; i < weight.size(); ++i)
    EXPECT_NEAR(once[i], weight[i], 0.5);
}
} // namespace
