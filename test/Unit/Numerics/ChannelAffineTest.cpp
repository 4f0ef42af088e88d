//===- ChannelAffineTest.cpp - Affine maps of the outputs of a layer ------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/ChannelAffine.h"

#include "gtest/gtest.h"

using namespace quantc::numerics;

namespace {
// fold_a1: ((y - mean) * factor + beta) / 4, and y - y / 2.
TEST(ChannelAffineTest, Operations) {
  ChannelAffine y = ChannelAffine::identity();
  ChannelAffine normal =
      ((y - ChannelAffine::constant(3)) * -2 + ChannelAffine::constant(1)) / 4;
  EXPECT_EQ(normal.scale, -0.5);
  EXPECT_EQ(normal.shift, 1.75);
  EXPECT_EQ((y - y / 2).scale, 0.5);
  EXPECT_FALSE(y.isConstant());
  EXPECT_TRUE((y - y).isConstant());
}

TEST(ChannelAffineTest, WhatIsNotFinite) {
  EXPECT_TRUE(ChannelAffine::constant(1e300).isFinite());
  EXPECT_FALSE((ChannelAffine::identity() / 0).isFinite());
  EXPECT_FALSE((ChannelAffine::constant(1e300) * 1e300).isFinite());
}

// fold_a2, fold_a3: rounded once. The scale rounded to f32 first would give the
// next number.
TEST(ChannelAffineTest, OneRounding) {
  double scale = 1 + 3.0 / (1 << 25);
  EXPECT_EQ(foldWeight(3.0f, scale), static_cast<float>(3 * scale));
  EXPECT_NE(foldWeight(3.0f, scale), 3.0f * static_cast<float>(scale));
  EXPECT_EQ(foldBias(0, {2, 0.1}), 0.1f);
  EXPECT_EQ(foldBias(16777216.0f, {1, 1.0 + 1e-8}), 16777218.0f);
}

// fold_a4, fold_a5.
TEST(ChannelAffineTest, Adapters) {
  Evaluate e;
  EXPECT_EQ(foldAdapter(e, 3.0f, -0.5f), -1.5f);
  EXPECT_EQ(foldDelta(e, 3.0f, -0.5f), -1.5f);
  for (float zero : {0.0f, -0.0f}) {
    EXPECT_EQ(foldDelta(e, zero, -2.0f), 0.0f);
    EXPECT_TRUE(std::signbit(foldDelta(e, zero, -2.0f)));
  }
}
} // namespace
