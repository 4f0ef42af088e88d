//===- AveragesTest.cpp - From sums of integers to averages ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Averages.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace quantc::numerics;

namespace {
Evaluate a;

TEST(AveragesTest, QuotientsAreTakenInDouble) {
  EXPECT_EQ(averageScale(a, 0.1f, 9.0f), float(double(0.1f) / 9));
  float m = averageScale(a, 0.1f, 9.0f);
  EXPECT_EQ(averageOutputScale(a, m, 0.7f), float(double(m) / double(0.7f)));
  // A count of 1 and an equal scale change nothing.
  EXPECT_EQ(averageScale(a, 0.3f, 1.0f), 0.3f);
  EXPECT_EQ(averageOutputScale(a, 0.3f, 0.3f), 1.0f);
}

TEST(AveragesTest, FloatOutRoundsTheSumAndTheProduct) {
  EXPECT_EQ(rescale(a, -7, 0.1f), -7.0f * 0.1f);
  EXPECT_EQ(rescale(a, (1 << 24) + 1, 0.5f), 0x1p23f);
}

TEST(AveragesTest, IntegerOutRoundsHalfToEven) {
  for (auto [sum, expected] :
       {std::pair(9, 2), {11, 3}, {10, 2}, {14, 4}, {-10, -2}, {-14, -4}})
    EXPECT_EQ(rescaleToStorage(a, sum, 0.25f, 0, -128, 127), expected) << sum;
  // The zero point comes after rounding.
  EXPECT_EQ(rescaleToStorage(a, 10, 0.25f, 1, -128, 127), 3);
}

TEST(AveragesTest, IntegerOutSaturatesAndClamps) {
  EXPECT_EQ(rescaleToStorage(a, 1 << 20, 1.0f, -5, -128, 127), 127);
  EXPECT_EQ(rescaleToStorage(a, -(1 << 20), 1.0f, 5, -128, 127), -128);
  EXPECT_EQ(rescaleToStorage(a, -9, 1.0f, 5, 5, 127), 5);
  float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(rescaleToStorage(a, 1, inf, 5, -128, 127), 127);
  EXPECT_EQ(rescaleToStorage(a, 0, inf, 5, -128, 127), 5);
}

/// Every window of equal integers has their value, at any zero point and count.
TEST(AveragesTest, AveragesOfEqualIntegersAreExact) {
  float scale = 0.0371f;
  for (int count : {1, 2, 3, 4, 6, 9, 49, 169})
    for (int zeroPoint : {-128, -3, 0, 127}) {
      float m =
          averageOutputScale(a, averageScale(a, scale, float(count)), scale);
      for (int q = -128; q < 128; ++q)
        EXPECT_EQ(rescaleToStorage(a, count * (q - zeroPoint), m, zeroPoint,
                                   -128, 127),
                  q);
    }
}
} // namespace
