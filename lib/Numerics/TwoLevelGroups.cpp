//===- TwoLevelGroups.cpp - INT4 groups with integer scales ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The search for s_c and m_g by least squared error. Cost: one pass over the
// row per candidate s_c, with the 15 multipliers side by side in the lanes of
// a vector. Lanes never mix and every sum runs in the order of k, so the
// vector width cannot change a bit.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/TwoLevelGroups.h"
#include "quantc/Numerics/Quantize.h"

#include <algorithm>

using namespace quantc::numerics;

/// The candidates are max|w| / 120 * (firstStep + i * stepWidth) for i in
/// [0, numSteps). A largest weight at -8 * 15 needs step 1, one at 7 * 15 step
/// 1.14; less clips it, which pays when it is an outlier of its group.
constexpr double firstStep = 0.6, stepWidth = 0.02;
constexpr int numSteps = 36;

/// Four multipliers side by side: the vector that every target has. Four of
/// them hold the 15 multipliers and a copy of the last.
constexpr int numLanes = 4, numVectors = 4;
typedef float Lanes __attribute__((vector_size(numLanes * sizeof(float))));

bool quantc::numerics::isTwoLevelScale(float scale) {
  return (Evaluate::bitcastToInt(scale) & 0xF) == 0;
}

/// value with NaN as 0 and infinities as the largest finite f32.
static float makeFinite(float value) {
  if (std::isnan(value))
    return 0.0f;
  return std::min(std::max(value, -largestFinite), largestFinite);
}

namespace {
/// The best multiplier of a group for one s_c, and its squared error.
struct Choice {
  int8_t multiplier;
  float error;
};
} // namespace

/// Tries every multiplier on one group. Values and scale are normalized, so
/// that no square overflows. With t = s * m and r = w / t the error is
/// t^2 * sum (r - clamp(rne(r)))^2.
static Choice chooseMultiplier(llvm::ArrayRef<float> group, float scale) {
  // Adding and subtracting 1.5 * 2^23 rounds |r| <= 2^22 half to even.
  constexpr float magic = 12582912.0f;
  const Lanes lowest = Lanes{} - 8.0f, highest = Lanes{} + 7.0f;
  Lanes step[numVectors], reciprocal[numVectors], error[numVectors] = {};
  for (int m = 0; m < numVectors * numLanes; ++m)
    step[m / numLanes][m % numLanes] =
        scale * std::min(m + 1, maxGroupMultiplier);
  for (int i = 0; i < numVectors; ++i)
    reciprocal[i] = 1.0f / step[i];
  for (float value : group) {
    for (int i = 0; i < numVectors; ++i) {
      Lanes ratio = value * reciprocal[i];
      Lanes clamped = ratio > lowest ? ratio : lowest;
      clamped = clamped < highest ? clamped : highest;
      Lanes rounded = (clamped + magic) - magic;
      Lanes difference = ratio - rounded;
      error[i] += difference * difference;
    }
  }
  for (int i = 0; i < numVectors; ++i)
    error[i] *= step[i] * step[i];
  Choice best = {1, error[0][0]};
  for (int m = 1; m < maxGroupMultiplier; ++m) {
    float candidate = error[m / numLanes][m % numLanes];
    if (candidate < best.error)
      best = {static_cast<int8_t>(m + 1), candidate};
  }
  return best;
}

/// The multipliers of all groups for one s_c, and the sum of their errors.
static double chooseMultipliers(llvm::ArrayRef<float> values, size_t groupSize,
                                float scale,
                                llvm::MutableArrayRef<int8_t> multipliers) {
  double error = 0.0;
  for (size_t g = 0; g < multipliers.size(); ++g) {
    Choice choice =
        chooseMultiplier(values.slice(g * groupSize, groupSize), scale);
    multipliers[g] = choice.multiplier;
    error += choice.error;
  }
  return error;
}

float quantc::numerics::quantizeTwoLevelRow(
    llvm::ArrayRef<float> values, int64_t groupSize,
    llvm::MutableArrayRef<int8_t> storage,
    llvm::MutableArrayRef<int8_t> multipliers) {
  assert(values.size() == storage.size() && groupSize > 0 &&
         values.size() == multipliers.size() * groupSize && "shape");
  std::vector<float> finite(values.size());
  std::transform(values.begin(), values.end(), finite.begin(), makeFinite);
  float largest = 0.0f;
  for (float value : finite)
    largest = std::max(largest, std::fabs(value));

  std::fill(multipliers.begin(), multipliers.end(), 1);
  Evaluate a;
  if (largest == 0.0f) {
    std::fill(storage.begin(), storage.end(), 0);
    return roundToTwoLevelScale(a, degenerateScale);
  }

  // Scaled by a power of two to magnitudes below 2: exact, but for values so
  // much smaller than the largest that they quantize to 0 in any case.
  int exponent = std::ilogb(largest);
  std::vector<float> normalized(values.size());
  for (size_t k = 0; k < values.size(); ++k)
    normalized[k] = std::scalbn(finite[k], -exponent);

  // The candidates ascend, so that `<` leaves ties to the smaller. 120 * s_c
  // stays finite.
  constexpr float largestScale = 0x1.1111p+121f; // below 2^128 / 120
  std::vector<int8_t> tried(multipliers.size());
  float bestScale = 0.0f;
  double bestError = 0.0;
  for (int i = 0; i < numSteps; ++i) {
    float candidate = static_cast<float>(static_cast<double>(largest) / 120.0 *
                                         (firstStep + i * stepWidth));
    float scale = std::min(roundToTwoLevelScale(a, candidate), largestScale);
    double error = chooseMultipliers(normalized, groupSize,
                                     std::scalbn(scale, -exponent), tried);
    if (bestScale == 0.0f || error < bestError) {
      bestScale = scale;
      bestError = error;
      std::copy(tried.begin(), tried.end(), multipliers.begin());
    }
  }

  // The stored values are those of `quantize` with the exact scale s_c * m_g.
  StorageRange range = storageRange(/*bits=*/4, /*narrow=*/false);
  for (size_t k = 0; k < values.size(); ++k) {
    float scale = bestScale * multipliers[k / groupSize];
    storage[k] = static_cast<int8_t>(
        quantize(a, finite[k], scale, /*zeroPoint=*/0, range.min, range.max));
  }
  return bestScale;
}

TwoLevelWeights quantc::numerics::quantizeTwoLevel(llvm::ArrayRef<float> values,
                                                   int64_t rows, int64_t cols,
                                                   int64_t groupSize) {
  assert(static_cast<int64_t>(values.size()) == rows * cols && "shape");
  assert(groupSize > 0 && cols % groupSize == 0 && "the group size divides K");
  int64_t groups = cols / groupSize;
  TwoLevelWeights result;
  result.storage.resize(values.size());
  result.multipliers.resize(rows * groups);
  llvm::MutableArrayRef<int8_t> storage(result.storage);
  llvm::MutableArrayRef<int8_t> multipliers(result.multipliers);
  for (int64_t row = 0; row < rows; ++row)
    result.scales.push_back(
        quantizeTwoLevelRow(values.slice(row * cols, cols), groupSize,
                            storage.slice(row * cols, cols),
                            multipliers.slice(row * groups, groups)));
  return result;
}
