//===- Parameters.cpp - What is computed once, on the host ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multipliers, weight quantization and accumulator bounds; the formulas are in
// Parameters.h and docs/Numerics.md.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Parameters.h"

#include <algorithm>

using namespace quantc::numerics;

//===----------------------------------------------------------------------===//
// Multipliers
//===----------------------------------------------------------------------===//

/// Round half to even in f64, as Evaluate::roundEven does in f32.
static double roundEven(double x) {
  double magnitude = std::fabs(x);
  double rounded = (magnitude + 0x1p52) - 0x1p52;
  return magnitude < 0x1p52 ? std::copysign(rounded, x) : x;
}

bool quantc::numerics::isFixedPointMultiplier(double multiplier) {
  return multiplier > 0.0 && multiplier < 0x1p30 - 1.0;
}

FixedPointMultiplier quantc::numerics::fixedPointMultiplier(double multiplier) {
  assert(isFixedPointMultiplier(multiplier) && "multiplier out of range");
  // multiplier = fraction * 2^exponent with fraction in [1/2, 1), so
  // m = rne(fraction * 2^31) and n = 31 - exponent.
  int exponent = 0;
  double fraction = std::frexp(multiplier, &exponent);
  int64_t m = static_cast<int64_t>(roundEven(fraction * 0x1p31));
  if (m == int64_t(1) << 31) {
    m >>= 1;
    ++exponent;
  }
  // Below 2^-32 even the largest accumulator gives less than 1/2.
  if (exponent < -31)
    return {int32_t(1) << 30, 62};
  return {static_cast<int32_t>(m), 31 - exponent};
}

int32_t quantc::numerics::fixedPointBias(float bias, float inputScale,
                                         float weightScale) {
  double scale = static_cast<double>(inputScale) * weightScale;
  double rounded = roundEven(bias / scale);
  if (std::isnan(rounded))
    return 0;
  return static_cast<int32_t>(
      std::min(std::max(rounded, -0x1p31), 0x1p31 - 1.0));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

float quantc::numerics::roundScaleToBF16(float scale) {
  assert(scale > 0.0f && std::isfinite(scale) && "not a scale");
  // A bf16 is the upper half of an f32. Adding half a unit of it, less one bit
  // where the kept part is even, carries into it exactly when rne goes up.
  auto round = [](float value) {
    int32_t bits = Evaluate::bitcastToInt(value);
    bits += 0x7FFF + ((bits >> 16) & 1);
    return bits & ~0xFFFF;
  };
  constexpr int32_t infinity = 0x7F800000, largest = 0x7F7F0000;
  int32_t bits = round(scale);
  if (bits == 0)
    bits = round(degenerateScale);
  return Evaluate::bitcastToFloat(bits == infinity ? largest : bits);
}

int64_t quantc::numerics::columnsPerBlock(int64_t cols,
                                          const WeightOptions &options) {
  if (options.granularity != Granularity::PerGroup)
    return cols;
  assert(options.groupSize > 0 && cols % options.groupSize == 0 &&
         "the group size divides K");
  return options.groupSize;
}

/// Appends the parameters of one block of values, then its stored values.
static void quantizeBlock(llvm::ArrayRef<float> values,
                          const WeightOptions &options,
                          QuantizedWeights &result) {
  Evaluate a;
  ValueRange<Evaluate> range = emptyRange(a);
  for (float value : values)
    range = extendRange(a, range, value);
  Parameters<Evaluate> parameters = chooseParameters(
      a, range.min, range.max, options.bits, options.symmetric);
  StorageRange storage = storageRange(options.bits, options.symmetric);
  if (options.scaleType == ScaleType::BF16) {
    parameters.scale = roundScaleToBF16(parameters.scale);
    // The zero point follows the scale that is used.
    if (!options.symmetric)
      parameters.zeroPoint =
          chooseZeroPoint(a, finiteRange(a, range).min, parameters.scale,
                          storage.min, storage.max);
  }
  result.scales.push_back(parameters.scale);
  result.zeroPoints.push_back(static_cast<int8_t>(parameters.zeroPoint));
  for (float value : values)
    result.storage.push_back(static_cast<int8_t>(
        quantize(a, value, parameters.scale, parameters.zeroPoint, storage.min,
                 storage.max)));
}

QuantizedWeights
quantc::numerics::quantizeWeights(llvm::ArrayRef<float> values, int64_t rows,
                                  int64_t cols, const WeightOptions &options) {
  assert(static_cast<int64_t>(values.size()) == rows * cols && "shape");
  QuantizedWeights result;
  result.storage.reserve(values.size());
  if (options.granularity == Granularity::PerTensor) {
    quantizeBlock(values, options, result);
    return result;
  }
  // Blocks of a row follow each other in memory, and rows do.
  size_t block = columnsPerBlock(cols, options);
  for (size_t begin = 0; begin < values.size(); begin += block)
    quantizeBlock(values.slice(begin, block), options, result);
  return result;
}

//===----------------------------------------------------------------------===//
// Overflow
//===----------------------------------------------------------------------===//

/// Element k of `blocks`, each of which covers an equal part of `size`.
static int64_t blockElement(llvm::ArrayRef<int8_t> blocks, size_t k,
                            size_t size, int64_t otherwise) {
  if (blocks.empty())
    return otherwise;
  assert(size % blocks.size() == 0 && "blocks of equal size");
  return blocks[k / (size / blocks.size())];
}

int64_t quantc::numerics::maxAbsAccumulator(
    llvm::ArrayRef<int8_t> weights, llvm::ArrayRef<int8_t> zeroPoints,
    ActivationRange range, llvm::ArrayRef<int8_t> multipliers) {
  assert(range.min <= 0 && range.max >= 0 && "the range contains 0");
  // Each element picks the input that pushes the sum furthest up, or down.
  int64_t highest = 0, lowest = 0;
  for (size_t k = 0, size = weights.size(); k < size; ++k) {
    int64_t weight = weights[k] - blockElement(zeroPoints, k, size, 0);
    weight *= blockElement(multipliers, k, size, 1);
    highest += std::max(weight * range.min, weight * range.max);
    lowest += std::min(weight * range.min, weight * range.max);
  }
  return std::max(highest, -lowest);
}
