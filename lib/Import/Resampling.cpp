//===- Resampling.cpp - Taps and weights along an axis --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Resampling.h"

#include "llvm/ADT/StringSwitch.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace llvm;
using namespace quantc::onnx;

std::optional<Coordinates> quantc::onnx::parseCoordinates(StringRef name) {
  return StringSwitch<std::optional<Coordinates>>(name)
      .Case("half_pixel", Coordinates::HalfPixel)
      .Case("half_pixel_symmetric", Coordinates::HalfPixelSymmetric)
      .Case("pytorch_half_pixel", Coordinates::PytorchHalfPixel)
      .Case("align_corners", Coordinates::AlignCorners)
      .Case("asymmetric", Coordinates::Asymmetric)
      .Case("tf_crop_and_resize", Coordinates::CropAndResize)
      .Case("tf_half_pixel_for_nn", Coordinates::TfHalfPixelForNn)
      .Default(std::nullopt);
}

std::optional<NearestRounding>
quantc::onnx::parseNearestRounding(StringRef name) {
  return StringSwitch<std::optional<NearestRounding>>(name)
      .Case("round_prefer_floor", NearestRounding::PreferFloor)
      .Case("round_prefer_ceil", NearestRounding::PreferCeil)
      .Case("floor", NearestRounding::Floor)
      .Case("ceil", NearestRounding::Ceil)
      .Default(std::nullopt);
}

/// Where element `index` of the result lies in the input.
static float getCoordinate(Coordinates mode, int64_t index, int64_t inputSize,
                           int64_t resultSize, float scale,
                           ArrayRef<float> region) {
  auto x = static_cast<float>(index);
  auto from = static_cast<float>(inputSize);
  auto to = static_cast<float>(resultSize);
  switch (mode) {
  case Coordinates::HalfPixel:
    return (x + 0.5f) / scale - 0.5f;
  case Coordinates::HalfPixelSymmetric: {
    // The center of the input is that of the result, whatever was rounded.
    float adjustment = to / (scale * from);
    float offset = from / 2 * (1 - adjustment);
    return offset + (x + 0.5f) / scale - 0.5f;
  }
  case Coordinates::PytorchHalfPixel:
    return resultSize > 1 ? (x + 0.5f) / scale - 0.5f : 0.0f;
  case Coordinates::AlignCorners: {
    // The result before it was rounded.
    float last = scale * from - 1;
    return resultSize > 1 && last > 0 ? x * (from - 1) / last : 0.0f;
  }
  case Coordinates::Asymmetric:
    return x / scale;
  case Coordinates::CropAndResize: {
    float width = (region[1] - region[0]) * (from - 1);
    return region[0] * (from - 1) +
           (resultSize > 1 ? x * width / (to - 1) : width / 2);
  }
  case Coordinates::TfHalfPixelForNn:
    return (x + 0.5f) / scale;
  }
  return 0.0f;
}

static float roundNearest(NearestRounding rounding, float x) {
  float floor = std::floor(x), ceil = std::ceil(x);
  switch (rounding) {
  case NearestRounding::PreferFloor:
    return x - floor <= 0.5f ? floor : ceil;
  case NearestRounding::PreferCeil:
    return x - floor < 0.5f ? floor : ceil;
  case NearestRounding::Floor:
    return floor;
  case NearestRounding::Ceil:
    return ceil;
  }
  return x;
}

/// The weight of an element at `distance`, in elements of the smoothing kernel.
static double getWeight(const ResamplingOptions &options, double distance) {
  double x = std::abs(distance);
  if (options.interpolation == Interpolation::Linear)
    return std::max(1 - x, 0.0);
  double a = options.cubicCoefficient;
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2)
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

Resampling quantc::onnx::getResampling(const ResamplingOptions &options,
                                       int64_t inputSize, int64_t resultSize,
                                       float scale, ArrayRef<float> region) {
  if (resultSize == 0)
    return {inputSize, /*numTaps=*/1, {}, {}, {}};
  bool isNearest = options.interpolation == Interpolation::Nearest;
  // The kernel is stretched over all elements that one of the result stands
  // for. It reaches as far to both sides; taps are counted from the last
  // element before the coordinate.
  double stretch = options.isAntialiased ? std::min(scale, 1.0f) : 1.0;
  double reach = options.interpolation == Interpolation::Linear ? 1 : 2;
  auto first = static_cast<int64_t>(std::floor(-reach / stretch)) + 1;
  int64_t numTaps = isNearest ? 1 : 2 - 2 * first;
  Resampling result{inputSize, numTaps, {}, {}, {}};
  for (int64_t index = 0; index < resultSize; ++index) {
    float x = getCoordinate(options.coordinates, index, inputSize, resultSize,
                            scale, region);
    auto last = static_cast<float>(inputSize - 1);
    result.isOutside.push_back(options.coordinates ==
                                   Coordinates::CropAndResize &&
                               !(x >= 0 && x <= last));
    // Far outside, all taps are the edge. NaN too.
    x = std::fmin(std::fmax(x, -last - 2), 2 * last + 2);
    if (isNearest) {
      x = roundNearest(options.rounding, x);
      result.taps.push_back(static_cast<int64_t>(std::clamp(x, 0.0f, last)));
      continue;
    }
    int64_t base = static_cast<int64_t>(std::ceil(x)) - 1;
    double ratio = double(x) - double(base);
    SmallVector<double> weights;
    for (int64_t tap = first; tap < first + numTaps; ++tap) {
      int64_t element = base + tap;
      bool isInside = element >= 0 && element < inputSize;
      double weight = getWeight(options, (double(tap) - ratio) * stretch);
      if (options.excludesOutside && !isInside)
        weight = 0;
      result.taps.push_back(std::clamp<int64_t>(element, 0, inputSize - 1));
      weights.push_back(weight);
    }
    double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    bool isNormalized = options.excludesOutside || options.isAntialiased;
    for (double weight : weights)
      result.weights.push_back(
          static_cast<float>(isNormalized ? weight / sum : weight));
  }
  return result;
}
