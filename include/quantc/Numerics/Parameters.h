//===- Parameters.h - What is computed once, on the host --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multipliers of integer epilogues, quantized weights with their scales and
// zero points, and the bound that proves that an accumulator cannot overflow.
// Quotients and products of scales are taken in f64 and rounded to f32 once.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_PARAMETERS_H
#define QUANTC_NUMERICS_PARAMETERS_H

#include "quantc/Numerics/Quantize.h"

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace quantc::numerics {

//===----------------------------------------------------------------------===//
// Multipliers
//===----------------------------------------------------------------------===//

/// A real multiplier as m * 2^-n.
struct FixedPointMultiplier {
  int32_t multiplier; // m, in [2^30, 2^31)
  int32_t shift;      // n, in [1, 62]
};

/// linear_a6: the m and n nearest to `multiplier`, ties to even m. Below 2^-32
/// it is {2^30, 62}, which takes every accumulator to 0. `multiplier` is
/// positive and below 2^30 - 1 (`isFixedPointMultiplier`).
FixedPointMultiplier fixedPointMultiplier(double multiplier);
bool isFixedPointMultiplier(double multiplier);

/// linear_a6: the bias as i32 at scale sa * sw:
/// clamp(rne(f64(bias) / (f64(sa) * sw)), -2^31, 2^31 - 1), NaN gives 0.
int32_t fixedPointBias(float bias, float inputScale, float weightScale);

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// How many elements of an [N, K] weight share a scale: all, a row, or a group
/// of consecutive elements of a row.
enum class Granularity { PerTensor, PerChannel, PerGroup };

/// The type that scales are rounded to; they are stored as f32 in both.
enum class ScaleType { F32, BF16 };

struct WeightOptions {
  int bits = 8;
  bool symmetric = true;
  Granularity granularity = Granularity::PerChannel;
  /// Elements of K in a group, a divisor of K; read for PerGroup only.
  int64_t groupSize = 32;
  ScaleType scaleType = ScaleType::F32;
};

/// A quantized [rows, cols] weight. `scales` and `zeroPoints` are dense in the
/// order of the blocks: 1, [rows], or [rows, cols / groupSize] elements.
struct QuantizedWeights {
  std::vector<int8_t> storage;
  std::vector<float> scales;
  std::vector<int8_t> zeroPoints;
};

/// The group of columns that shares a scale: groupSize or, without groups, the
/// whole row.
int64_t columnsPerBlock(int64_t cols, const WeightOptions &options);

/// weights_a1: parameters from the range of each block (`chooseParameters`),
/// the scale rounded to the scale type, then `quantize` of each element, in
/// the narrow range if symmetric. `values` is row-major.
QuantizedWeights quantizeWeights(llvm::ArrayRef<float> values, int64_t rows,
                                 int64_t cols, const WeightOptions &options);

/// weights_a2: the nearest bf16, ties to even, as f32. A scale that would
/// round to 0 becomes bf16(1e-8), one that would round to Inf the largest
/// finite bf16.
float roundScaleToBF16(float scale);

//===----------------------------------------------------------------------===//
// Overflow
//===----------------------------------------------------------------------===//

/// The values that a - za can take.
struct ActivationRange {
  int32_t min;
  int32_t max;
};

/// The activation range of a storage range and a known zero point.
constexpr ActivationRange activationRange(StorageRange storage,
                                          int32_t zeroPoint) {
  return {storage.min - zeroPoint, storage.max - zeroPoint};
}

/// The same if the zero point is chosen at run time: it lies in the storage
/// range, and differences reach the whole width both ways.
constexpr ActivationRange anyActivationRange(StorageRange storage) {
  return {storage.min - storage.max, storage.max - storage.min};
}

/// contraction_a2: the largest |sum_k (a_k - za) * (w_k - zw)| over all inputs,
/// for one row of weights. `zeroPoints` is empty (all 0) or holds one value per
/// block of equal size. `multipliers` is empty or holds m_g per block of equal
/// size; then the weight is m_g * w_k.
///
/// The range contains 0, so the bound also holds for the sum over any subset
/// of k: no order, split or vectorization of the contraction can pass it.
int64_t maxAbsAccumulator(llvm::ArrayRef<int8_t> weights,
                          llvm::ArrayRef<int8_t> zeroPoints,
                          ActivationRange range,
                          llvm::ArrayRef<int8_t> multipliers = {});

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_PARAMETERS_H
