//===- TrainingTest.cpp - Updates of parameters and statistics ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Training.h"
#include "quantc/Numerics/Arithmetic.h"

#include <gtest/gtest.h>
#include <limits>

using namespace quantc::numerics;

static Evaluate a;

TEST(TrainingTest, MovingAverageIsExactAtBothEnds) {
  for (float range : {0.1f, -3.7f, 1e30f, 1e-40f})
    for (float batch : {0.3f, -1.1f, 3e38f}) {
      EXPECT_EQ(movingAverage(a, range, batch, 0.0f), batch);
      EXPECT_EQ(movingAverage(a, range, batch, 1.0f), range);
    }
}

TEST(TrainingTest, MovingAverageRoundsEachStep) {
  EXPECT_EQ(movingAverage(a, 0.3f, 0.7f, 0.9f),
            0.9f * 0.3f + (1 - 0.9f) * 0.7f);
}

TEST(TrainingTest, Descend) {
  EXPECT_EQ(descend(a, 1.0f, 0.5f, 0.25f), 0.875f);
}

TEST(TrainingTest, Momentum) {
  EXPECT_EQ(accumulateVelocity(a, 2.0f, 0.5f, 0.5f), 1.5f);
}

/// After the first step both corrections cancel, so the direction is the sign.
TEST(TrainingTest, AdamFirstStepIsTheSign) {
  float correction1 = 1 - 0.9f, correction2 = 1 - 0.999f;
  for (float gradient : {0.5f, -2.0f}) {
    float mean = movingAverage(a, 0.0f, gradient, 0.9f);
    float variance = accumulateSquare(a, 0.0f, gradient, 0.999f);
    float direction =
        adamDirection(a, mean, variance, correction1, correction2, 0.0f);
    EXPECT_FLOAT_EQ(direction, gradient < 0 ? -1.0f : 1.0f);
  }
}

TEST(TrainingTest, WeightDecay) {
  EXPECT_EQ(decayWeight(a, 8.0f, 0.5f, 0.25f), 7.0f);
}

TEST(TrainingTest, KeepAbove) {
  EXPECT_EQ(keepAbove(a, 1.0f, 0.5f), 1.0f);
  EXPECT_EQ(keepAbove(a, -1.0f, 0.5f), 0.5f);
  EXPECT_EQ(keepAbove(a, std::numeric_limits<float>::quiet_NaN(), 0.5f), 0.5f);
}
