//===- PackedLayoutTest.cpp - The order of packed weights -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Codegen/PackedLayout.h"

#include "gtest/gtest.h"
#include <numeric>

using namespace quantc;

namespace {

using Bytes = std::vector<int8_t>;

/// The weight [N, K] whose element [n, k] is 10 n + k + 1.
Bytes makeWeight(int64_t numColumns, int64_t depthK) {
  Bytes weight;
  for (int64_t n = 0; n < numColumns; ++n)
    for (int64_t k = 0; k < depthK; ++k)
      weight.push_back(static_cast<int8_t>(10 * n + k + 1));
  return weight;
}

TEST(PackedLayoutTest, RaggedColumnsAndDepthAreZeros) {
  PackedLayout layout{/*numColumns=*/3,
                      /*depthK=*/5,
                      /*groups=*/1,
                      /*depth=*/2,
                      /*panel=*/2,
                      /*packing=*/StepPacking::None};
  EXPECT_EQ(layout.numPanels(), 2);
  EXPECT_EQ(layout.steps(), 3);
  EXPECT_EQ(layout.paddedGroupSize(), 6);
  Bytes expected = {
      1,  2,  11, 12, 3,  4,  13, 14, 5,  0, 15, 0, // columns 0 and 1
      21, 22, 0,  0,  23, 24, 0,  0,  25, 0, 0,  0, // column 2
  };
  EXPECT_EQ(layout.pack<int8_t>(makeWeight(3, 5)), expected);
}

TEST(PackedLayoutTest, EachGroupIsPaddedToWholeSteps) {
  PackedLayout layout{/*numColumns=*/2,
                      /*depthK=*/6,
                      /*groups=*/2,
                      /*depth=*/2,
                      /*panel=*/2,
                      /*packing=*/StepPacking::None};
  EXPECT_EQ(layout.groupSize(), 3);
  EXPECT_EQ(layout.steps(), 2);
  Bytes expected = {
      1, 2, 11, 12, 3, 0, 13, 0, // k = 0 to 2
      4, 5, 14, 15, 6, 0, 16, 0, // k = 3 to 5
  };
  EXPECT_EQ(layout.pack<int8_t>(makeWeight(2, 6)), expected);
}

TEST(PackedLayoutTest, TwoStepsShareBytes) {
  PackedLayout layout{/*numColumns=*/3,
                      /*depthK=*/5,
                      /*groups=*/1,
                      /*depth=*/2,
                      /*panel=*/2,
                      /*packing=*/StepPacking::Byte};
  // Three steps, and one of zeros to make the pair whole.
  EXPECT_EQ(layout.steps(), 4);
  Bytes weight = {1,  2,  3,  4,  5,  //
                  -1, -2, -3, -4, -5, //
                  -8, 7,  -7, 6,  -6};
  auto pair = [](int low, int high) {
    return static_cast<int8_t>((low + 8) | (high + 8) << 4);
  };
  Bytes expected = {
      pair(1, 3),   pair(2, 4), pair(-1, -3), pair(-2, -4), // columns 0, 1
      pair(5, 0),   pair(0, 0), pair(-5, 0),  pair(0, 0),   //
      pair(-8, -7), pair(7, 6), pair(0, 0),   pair(0, 0),   // column 2
      pair(-6, 0),  pair(0, 0), pair(0, 0),   pair(0, 0),
  };
  EXPECT_EQ(layout.packNibbles(weight), expected);
}

/// Every element has a place of its own inside the packed weight.
TEST(PackedLayoutTest, PlacesAreDistinct) {
  for (int64_t numColumns : {1, 10, 16, 53})
    for (int64_t groupSize : {1, 8, 37})
      for (int64_t groups : {1, 3})
        for (StepPacking packing :
             {StepPacking::None, StepPacking::Byte, StepPacking::Word}) {
          PackedLayout layout{numColumns,   groupSize * groups,
                              groups,       /*depth=*/4,
                              /*panel=*/16, packing};
          std::vector<int> weight(numColumns * groupSize * groups);
          std::iota(weight.begin(), weight.end(), 1);
          std::vector<int> packed = layout.pack<int>(weight);
          packed.erase(std::remove(packed.begin(), packed.end(), 0),
                       packed.end());
          std::sort(packed.begin(), packed.end());
          EXPECT_EQ(packed, weight);
        }
}

TEST(PackedLayoutTest, EightStepsShareWords) {
  PackedLayout layout{/*numColumns=*/3,
                      /*depthK=*/9,
                      /*groups=*/1,
                      /*depth=*/1,
                      /*panel=*/2,
                      /*packing=*/StepPacking::Word};
  EXPECT_EQ(layout.steps(), 16);
  Bytes weight = {0,  1,  2,  3,  4,  5,  6,  7,  -1, //
                  -1, -2, -3, -4, -5, -6, -7, -8, 7,  //
                  1,  0,  0,  0,  0,  0,  0,  0,  -8};
  EXPECT_EQ(layout.packWords(weight),
            (std::vector<uint32_t>{0x76543210, 0x89ABCDEF, 0xF, 7, //
                                   1, 0, 8, 0}));
}

TEST(PackedLayoutTest, ParametersFollowTheirColumns) {
  PackedLayout layout{/*numColumns=*/3,
                      /*depthK=*/4,
                      /*groups=*/2,
                      /*depth=*/2,
                      /*panel=*/2,
                      /*packing=*/StepPacking::None};
  EXPECT_EQ(layout.packParameter<int>({1, 2, 11, 12, 21, 22}),
            (std::vector<int>{1, 11, 2, 12, 21, 0, 22, 0}));
}

/// Groups 0 and 1 of a column share a byte, group 2 has one for itself.
TEST(PackedLayoutTest, PairsOfGroupsShareAByte) {
  PackedLayout layout{/*numColumns=*/3,
                      /*depthK=*/6,
                      /*groups=*/3,
                      /*depth=*/2,
                      /*panel=*/2,
                      /*packing=*/StepPacking::Byte};
  EXPECT_EQ(layout.packMultipliers({1, 2, 3, 11, 12, 13, 15, 4, 5}),
            (std::vector<int8_t>{0x21, int8_t(0xCB), 3, 13, 0x4F, 0, 5, 0}));
}

TEST(PackedLayoutTest, ParametersAreRepeated) {
  EXPECT_EQ(expandParameter<int>({7}, 2, 2), (std::vector<int>{7, 7, 7, 7}));
  EXPECT_EQ(expandParameter<int>({1, 2}, 2, 2), (std::vector<int>{1, 1, 2, 2}));
  EXPECT_EQ(expandParameter<int>({1, 2, 3, 4}, 2, 2),
            (std::vector<int>{1, 2, 3, 4}));
}

} // namespace
