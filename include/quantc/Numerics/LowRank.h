//===- LowRank.h - Merging adapters into weights ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clauses merge_* and survival_* of docs/Numerics.md: a low-rank change of a
// weight, and how much of a change is left once the sum is rounded again.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_LOWRANK_H
#define QUANTC_NUMERICS_LOWRANK_H

#include "quantc/Numerics/Parameters.h"

namespace quantc::numerics {

/// An adapter of one layer: `scale` * B A, with A [rank, depth] and B
/// [N, rank], row-major.
struct LowRank {
  llvm::ArrayRef<float> a;
  llvm::ArrayRef<float> b;
  int64_t rank;
  float scale;
};

/// merge_a1: adds `adapter` to a row-major [rows, cols] weight. Columns from
/// the depth of the adapter on do not change.
void addLowRank(llvm::MutableArrayRef<float> weight, int64_t rows, int64_t cols,
                const LowRank &adapter);

/// The parameters of a weight: of blocks of equal size, in order. Zero points
/// and multipliers are there or empty.
struct WeightParameters {
  std::vector<float> scales;
  std::vector<int8_t> zeroPoints;
  std::vector<int8_t> multipliers;
};

/// merge_a2: for each of `rows` parts of `values`, the parameters that bring
/// its values nearer, those of `before` if both do. Both have parameters for
/// the same blocks.
WeightParameters chooseNearer(llvm::ArrayRef<float> values, int64_t rows,
                              StorageRange range,
                              const WeightParameters &before,
                              const WeightParameters &after);

/// survival_a1 to survival_a3.
struct Survival {
  /// ||W||, of the weight before.
  double weightNorm = 0;
  /// ||D||, of what was to be added.
  double adapterNorm = 0;
  /// <E, D> / <D, D>, where E is what was added.
  double share = 1;
  /// The error of the output against the adapter's part of it.
  double outputError = 0;

  /// survival_a4.
  bool isEnough() const { return share >= 0.9 && outputError <= 0.5; }
};

/// Compares [rows, cols] weights: `before`, the sum that was wanted, and what
/// became of it. `moments` are the second moments of the inputs: of each
/// ([cols]), of each pair ([cols, cols]), or none for white inputs.
Survival measureSurvival(llvm::ArrayRef<float> before,
                         llvm::ArrayRef<float> wanted,
                         llvm::ArrayRef<float> after, int64_t rows,
                         int64_t cols, llvm::ArrayRef<float> moments = {});

/// weights_a1 or, with `twoLevel`, two_level_a3, and then dequantize_a1: what a
/// [rows, cols] weight becomes by quantization.
std::vector<float> roundWeights(llvm::ArrayRef<float> values, int64_t rows,
                                int64_t cols, const WeightOptions &options,
                                bool twoLevel);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_LOWRANK_H
