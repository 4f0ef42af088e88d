//===- GradientsTest.cpp - Gradients of quantization ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Gradients.h"

#include "gtest/gtest.h"

#include <limits>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
Evaluate a;

float passes(float x, float scale = 1, int zeroPoint = 0, int qmin = -128,
             int qmax = 127) {
  return straightThrough(a, 3.0f, x, scale, zeroPoint, qmin, qmax);
}

TEST(GradientsTest, ste_a1_PassesWhatIsRoundedAndNotClamped) {
  EXPECT_EQ(passes(0.4f), 3.0f);
  EXPECT_EQ(passes(127.4f), 3.0f);
  EXPECT_EQ(passes(127.6f), 0.0f);
  EXPECT_EQ(passes(-128.4f), 3.0f);
  EXPECT_EQ(passes(-128.6f), 0.0f);
  // A half goes to the even number: 128 is outside, -128 inside.
  EXPECT_EQ(passes(127.5f), 0.0f);
  EXPECT_EQ(passes(-128.5f), 3.0f);
}

TEST(GradientsTest, ste_a1_BoundsMoveWithTheZeroPoint) {
  EXPECT_EQ(passes(11.0f, 0.1f, 20), 0.0f);
  EXPECT_EQ(passes(10.7f, 0.1f, 20), 3.0f);
  EXPECT_EQ(passes(-0.1f, 1, 20, /*qmin=*/20), 3.0f);
  EXPECT_EQ(passes(-0.6f, 1, 20, /*qmin=*/20), 0.0f);
}

TEST(GradientsTest, ste_a1_IsZeroWhereThereIsNoNumber) {
  EXPECT_EQ(passes(inf), 0.0f);
  EXPECT_EQ(passes(-inf), 0.0f);
  EXPECT_EQ(passes(nan), 0.0f);
}

TEST(GradientsTest, lsq_a1_InsideItIsTheErrorOfRounding) {
  EXPECT_EQ(stepDerivative(a, 2.25f, 1.0f, 5, -128, 127), -0.25f);
  EXPECT_EQ(stepDerivative(a, 1.5f, 2.0f, 0, -128, 127), 0.25f);
}

TEST(GradientsTest, lsq_a1_OutsideItIsTheLevel) {
  EXPECT_EQ(stepDerivative(a, 1000.0f, 1.0f, 5, -128, 127), 122.0f);
  EXPECT_EQ(stepDerivative(a, -inf, 1.0f, 5, -128, 127), -133.0f);
  EXPECT_EQ(stepDerivative(a, nan, 1.0f, 5, -128, 127), 0.0f);
}

TEST(GradientsTest, lsq_a2_Factor) {
  EXPECT_EQ(stepGradientFactor(a, 28.0f, 7), 1 / 14.0f);
}

} // namespace
