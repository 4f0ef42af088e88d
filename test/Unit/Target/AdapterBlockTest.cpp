//===- AdapterBlockTest.cpp - The bytes of an adapter ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/AdapterBlock.h"

#include "gtest/gtest.h"
#include <cmath>

using namespace quantc;

namespace {

/// Two layers of 3 inputs and 2 outputs.
AdapterLayout getLayout(DataType storage) {
  AdapterLayout layout;
  layout.storage = storage;
  layout.maxRank = 2;
  layout.addLayer("fc1", 3, 2);
  layout.addLayer("fc2", 3, 2);
  return layout;
}

constexpr float kA[] = {1.0f, -2.0f, 0.5f};
constexpr float kB[] = {3.0f, 1.00390625f};

std::vector<char> pack(const AdapterLayout &layout) {
  llvm::Expected<std::vector<char>> block =
      packAdapter(layout, LoraMatrices{"fc2", 1, 3, 2, kA, kB, 0.5f});
  EXPECT_TRUE(bool(block));
  EXPECT_EQ(block->size(), static_cast<size_t>(layout.size));
  return std::move(*block);
}

template <class T>
std::vector<T> read(const std::vector<char> &block, int64_t offset, int count) {
  EXPECT_EQ(offset % kAdapterAlignment, 0);
  std::vector<T> values(count);
  std::memcpy(values.data(), block.data() + offset, count * sizeof(T));
  return values;
}

TEST(AdapterBlockTest, MatricesAreTransposed) {
  AdapterLayout layout = getLayout(DataType::F32);
  std::vector<char> block = pack(layout);
  const AdapterLayer &layer = layout.layers[1];
  EXPECT_EQ(read<float>(block, layer.scale, 1)[0], 0.5f);
  EXPECT_EQ(read<float>(block, layer.down, 6),
            (std::vector<float>{1.0f, 0, -2.0f, 0, 0.5f, 0}));
  EXPECT_EQ(read<float>(block, layer.up, 4),
            (std::vector<float>{3.0f, 1.00390625f, 0, 0}));
}

TEST(AdapterBlockTest, LayerLeftAloneAddsNothing) {
  AdapterLayout layout = getLayout(DataType::F32);
  std::vector<char> block = pack(layout);
  float scale = read<float>(block, layout.layers[0].scale, 1)[0];
  EXPECT_EQ(scale, 0.0f);
  EXPECT_TRUE(std::signbit(scale));
  EXPECT_EQ(read<float>(block, layout.layers[0].down, 6),
            std::vector<float>(6));
}

/// lora_a3
TEST(AdapterBlockTest, StorageIsRounded) {
  AdapterLayout layout = getLayout(DataType::BF16);
  std::vector<char> block = pack(layout);
  // 1 + 2^-8 is halfway between 1 and 1 + 2^-7.
  EXPECT_EQ(read<uint16_t>(block, layout.layers[1].up, 4),
            (std::vector<uint16_t>{0x4040, 0x3f80, 0, 0}));

  layout = getLayout(DataType::I8);
  block = pack(layout);
  const AdapterLayer &layer = layout.layers[1];
  EXPECT_EQ(read<int8_t>(block, layer.down, 6),
            (std::vector<int8_t>{64, 0, -127, 0, 32, 0}));
  EXPECT_EQ(read<float>(block, layer.downScale, 1)[0], 2.0f / 127);
  EXPECT_EQ(read<int8_t>(block, layer.up, 4),
            (std::vector<int8_t>{127, 127, 0, 0}));
  EXPECT_EQ(read<float>(block, layer.upScale, 2)[1], 1.00390625f / 127);
}

TEST(AdapterBlockTest, WhatDoesNotFitIsRefused) {
  AdapterLayout layout = getLayout(DataType::F32);
  std::vector<float> zeros(16);
  for (auto [layer, rank, inputs, outputs] :
       {std::tuple("fc3", 1, 3, 2), std::tuple("fc1", 3, 3, 2),
        std::tuple("fc1", 0, 3, 2), std::tuple("fc1", 1, 4, 2),
        std::tuple("fc1", 1, 3, 1)}) {
    llvm::Expected<std::vector<char>> block = packAdapter(
        layout, LoraMatrices{layer, rank, inputs, outputs, zeros, zeros, 1.0f});
    EXPECT_FALSE(bool(block));
    llvm::consumeError(block.takeError());
  }
}

} // namespace
