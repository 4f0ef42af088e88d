//===- NormalFloat.cpp - 4-bit NormalFloat weights ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/NormalFloat.h"
#include "quantc/Numerics/Quantize.h"

#include <algorithm>

using namespace quantc::numerics;

/// normal_float_a2: the level nearest to `x`, as its index less 8.
static int8_t findLevel(float x) {
  int index = 0;
  for (size_t i = 0; i + 1 < normalFloatLevels.size(); ++i)
    if (x > (normalFloatLevels[i] + normalFloatLevels[i + 1]) * 0.5f)
      ++index;
  return static_cast<int8_t>(index - 8);
}

/// normal_float_a4.
static NormalFloatMagnitudes
quantizeMagnitudes(llvm::ArrayRef<float> magnitudes) {
  Evaluate e;
  double sum = 0;
  for (float magnitude : magnitudes)
    sum += magnitude;
  NormalFloatMagnitudes result;
  result.mean = static_cast<float>(sum / magnitudes.size());
  StorageRange storage = storageRange(/*bits=*/8, /*narrow=*/true);
  for (size_t begin = 0; begin < magnitudes.size();
       begin += normalFloatSuperBlock) {
    llvm::ArrayRef<float> block =
        magnitudes.slice(begin).take_front(normalFloatSuperBlock);
    ValueRange<Evaluate> range = emptyRange(e);
    for (float magnitude : block)
      range = extendRange(e, range, e.sub(magnitude, result.mean));
    float scale = chooseParameters(e, range.min, range.max, /*bits=*/8,
                                   /*symmetric=*/true)
                      .scale;
    result.scales.push_back(scale);
    for (float magnitude : block)
      result.storage.push_back(static_cast<int8_t>(
          quantize(e, e.sub(magnitude, result.mean), scale, /*zeroPoint=*/0,
                   storage.min, storage.max)));
  }
  result.storage.resize(result.scales.size() * normalFloatSuperBlock);
  return result;
}

std::vector<float>
quantc::numerics::dequantizeMagnitudes(const NormalFloatMagnitudes &magnitudes,
                                       int64_t count) {
  Evaluate e;
  std::vector<float> result(count);
  for (int64_t i = 0; i < count; ++i)
    result[i] = normalFloatMagnitude<Evaluate>(
        e, magnitudes.storage[i], magnitudes.scales[i / normalFloatSuperBlock],
        magnitudes.mean);
  return result;
}

NormalFloatWeights
quantc::numerics::quantizeNormalFloat(llvm::ArrayRef<float> values) {
  assert(values.size() % normalFloatBlock == 0 && "whole blocks");
  std::vector<float> magnitudes;
  for (size_t begin = 0; begin < values.size(); begin += normalFloatBlock) {
    float magnitude = 0;
    for (float value : values.slice(begin, normalFloatBlock))
      magnitude = std::max(magnitude, std::fabs(value));
    magnitudes.push_back(magnitude);
  }
  return quantizeNormalFloat(values, quantizeMagnitudes(magnitudes));
}

NormalFloatWeights
quantc::numerics::quantizeNormalFloat(llvm::ArrayRef<float> values,
                                      NormalFloatMagnitudes magnitudes) {
  // The level is the best one for the magnitude that will be read.
  std::vector<float> stored =
      dequantizeMagnitudes(magnitudes, values.size() / normalFloatBlock);
  NormalFloatWeights result;
  result.magnitudes = std::move(magnitudes);
  for (size_t i = 0; i < values.size(); ++i) {
    float magnitude = stored[i / normalFloatBlock];
    result.storage.push_back(
        findLevel(magnitude > 0 ? values[i] / magnitude : 0.0f));
  }
  return result;
}

std::vector<float>
quantc::numerics::dequantizeNormalFloat(const NormalFloatWeights &weights) {
  Evaluate e;
  std::vector<float> magnitudes = dequantizeMagnitudes(
      weights.magnitudes, weights.storage.size() / normalFloatBlock);
  std::vector<float> result;
  for (size_t i = 0; i < weights.storage.size(); ++i)
    result.push_back(e.mul(normalFloatLevels[weights.storage[i] + 8],
                           magnitudes[i / normalFloatBlock]));
  return result;
}
