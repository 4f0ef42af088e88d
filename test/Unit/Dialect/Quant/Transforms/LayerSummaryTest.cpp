//===- LayerSummaryTest.cpp - What became of each layer -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LayerSummary.h"
#include "quantc/InitAll.h"
#include "quantc/Pipelines/Quantization.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace quantc;

namespace {
/// Two layers with [K, N] and [N, K] weights and one that is a batch.
const char *const model = R"mlir(
  #mk = affine_map<(m, n, k) -> (m, k)>
  #nk = affine_map<(m, n, k) -> (n, k)>
  #mn = affine_map<(m, n, k) -> (m, n)>
  func.func @main(%x: tensor<3x8xf32>, %b: tensor<2x2x2xf32>)
      -> (tensor<3x1xf32>, tensor<2x2x2xf32>) {
    %w1 = arith.constant dense<[[127.0, 0.0], [1.0, 254.0], [2.0, 2.0],
                                [3.0, 4.0], [4.0, 6.0], [5.0, 8.0],
                                [6.0, 10.0], [7.0, 12.0]]> : tensor<8x2xf32>
    %b1 = arith.constant dense<[0.5, -0.5]> : tensor<2xf32>
    %w2 = arith.constant dense<[[1.0, -127.0]]> : tensor<1x2xf32>
    %zero1 = arith.constant dense<0.0> : tensor<3x2xf32>
    %zero2 = arith.constant dense<0.0> : tensor<3x1xf32>
    %zero3 = arith.constant dense<0.0> : tensor<2x2x2xf32>
    %h = linalg.matmul {quant.input_range = array<f32: 0.0, 255.0>}
        ins(%x, %w1 : tensor<3x8xf32>, tensor<8x2xf32>)
        outs(%zero1 : tensor<3x2xf32>) -> tensor<3x2xf32> loc("fc1")
    %s = linalg.generic {
        indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>,
                         affine_map<(m, n) -> (m, n)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%h, %b1 : tensor<3x2xf32>, tensor<2xf32>)
        outs(%zero1 : tensor<3x2xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %t = arith.addf %p, %q : f32
      linalg.yield %t : f32
    } -> tensor<3x2xf32>
    %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
        {quant.input_range = array<f32: -127.0, 128.0>}
        ins(%s, %w2 : tensor<3x2xf32>, tensor<1x2xf32>)
        outs(%zero2 : tensor<3x1xf32>) -> tensor<3x1xf32> loc("fc2")
    %z = linalg.batch_matmul ins(%b, %b : tensor<2x2x2xf32>, tensor<2x2x2xf32>)
        outs(%zero3 : tensor<2x2x2xf32>) -> tensor<2x2x2xf32> loc("attention")
    return %y, %z : tensor<3x1xf32>, tensor<2x2x2xf32>
  }
)mlir";

class LayerSummaryTest : public ::testing::Test {
protected:
  LayerSummaryTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(model, &context);
  }

  std::vector<LayerSummary> quantize(const QuantizationOptions &options) {
    PassManager pm(&context);
    buildPtqPipeline(pm, options);
    EXPECT_TRUE(succeeded(pm.run(*module)));
    return summarizeLayers(*module);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

template <class T>
std::vector<T> getValues(const std::optional<HostTensor> &tensor) {
  return tensor ? tensor->values<T>().vec() : std::vector<T>();
}

std::vector<int64_t> getShape(const std::optional<HostTensor> &tensor) {
  if (!tensor)
    return {-1};
  return std::vector<int64_t>(tensor->shape.begin(), tensor->shape.end());
}

TEST_F(LayerSummaryTest, ListsLayersOfTheFloatForm) {
  std::vector<LayerSummary> layers = summarizeLayers(*module);
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[0].name, "fc1");
  EXPECT_EQ(layers[0].skippedBecause, "");
  EXPECT_FALSE(layers[0].config);
  EXPECT_TRUE(layers[0].isWeightTransposed);
  EXPECT_EQ(getShape(layers[0].weight), (std::vector<int64_t>{8, 2}));
  EXPECT_EQ(layers[0].weight->type, DataType::F32);
  EXPECT_EQ(layers[1].name, "fc2");
  EXPECT_EQ(layers[2].name, "attention");
  EXPECT_EQ(layers[2].skippedBecause, "it is a batch of products");
}

TEST_F(LayerSummaryTest, ResolvesConstantsOfStaticLayers) {
  QuantizationOptions options;
  std::vector<LayerSummary> layers = quantize(options);
  ASSERT_EQ(layers.size(), 3u);
  const LayerSummary &first = layers[0], &second = layers[1];
  ASSERT_TRUE(first.config);
  EXPECT_EQ(first.config->mode, Mode::Static);

  // The scales of the channels are 127 / 127 and 254 / 127. The weight has the
  // order of the model, [K, N].
  EXPECT_EQ(getValues<float>(first.weightScale), (std::vector<float>{1, 2}));
  EXPECT_EQ(getShape(first.weightScale), (std::vector<int64_t>{2}));
  EXPECT_EQ(getShape(first.weight), (std::vector<int64_t>{8, 2}));
  EXPECT_EQ(getValues<int8_t>(first.weight),
            (std::vector<int8_t>{127, 0, 1, 127, 2, 1, 3, 2, 4, 3, 5, 4, 6, 5,
                                 7, 6}));
  EXPECT_EQ(first.weight->type, DataType::I8);
  EXPECT_EQ(getValues<int8_t>(first.integerWeight),
            getValues<int8_t>(first.weight));
  EXPECT_FALSE(first.weightZeroPoint);
  EXPECT_FALSE(first.groupMultiplier);
  EXPECT_EQ(getValues<float>(first.bias), (std::vector<float>{0.5, -0.5}));
  EXPECT_EQ(getValues<float>(first.inputScale), (std::vector<float>{1}));
  EXPECT_EQ(getShape(first.inputScale), (std::vector<int64_t>{}));
  EXPECT_EQ(getValues<int8_t>(first.inputZeroPoint),
            (std::vector<int8_t>{-128}));

  // What the first layer produces is what the second takes.
  EXPECT_EQ(getValues<float>(first.outputScale), (std::vector<float>{1}));
  EXPECT_EQ(getValues<int8_t>(first.outputZeroPoint),
            (std::vector<int8_t>{-1}));
  EXPECT_EQ(getValues<int8_t>(second.inputZeroPoint),
            (std::vector<int8_t>{-1}));
  EXPECT_FALSE(second.isWeightTransposed);
  EXPECT_EQ(getValues<int8_t>(second.weight), (std::vector<int8_t>{1, -127}));
  EXPECT_FALSE(second.bias);
  EXPECT_FALSE(second.outputScale);
  EXPECT_EQ(layers[2].skippedBecause, "it is a batch of products");
}

TEST_F(LayerSummaryTest, MultipliesGroups) {
  QuantizationOptions options;
  options.weightBits = 4;
  options.mode = Mode::Dynamic;
  options.granularity = Granularity::PerGroup;
  options.groupSize = 8;
  std::vector<std::string> skipped = {"fc2"};
  options.skip = ArrayRef(skipped);
  std::vector<LayerSummary> layers = quantize(options);
  ASSERT_EQ(layers.size(), 3u);
  const LayerSummary &first = layers[0];
  EXPECT_EQ(first.weight->type, DataType::I4);
  EXPECT_EQ(getShape(first.groupMultiplier), (std::vector<int64_t>{2, 1}));
  EXPECT_FALSE(first.inputScale);
  auto storage = getValues<int8_t>(first.weight);
  auto integers = getValues<int8_t>(first.integerWeight);
  auto multipliers = getValues<int8_t>(first.groupMultiplier);
  ASSERT_EQ(storage.size(), 16u);
  for (size_t i = 0; i < storage.size(); ++i)
    EXPECT_EQ(integers[i], storage[i] * multipliers[i % 2]);
  EXPECT_EQ(layers[1].skippedBecause, "its name matches skip pattern 'fc2'");
  EXPECT_EQ(layers[1].weight->type, DataType::F32);
}
} // namespace
