//===- TwoLevelGroups.h - INT4 groups with integer scales -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight of output channel c and group g is
//
//   w = s_c * (m_g * q),  q in [-8, 7],  m_g in [1, 15],
//
// with s_c an f32 whose last four mantissa bits are zero. So
//   * m_g * q fits i8 (-120 .. 105): the layer is an INT8 layer with one scale
//     per channel, and no group costs float work;
//   * s_c * m_g is exact in f32: the same weights export as blocked QDQ.
// The idea is that of QServe's progressive groups (arXiv 2405.04532).
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_TWOLEVELGROUPS_H
#define QUANTC_NUMERICS_TWOLEVELGROUPS_H

#include "quantc/Numerics/Arithmetic.h"
#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace quantc::numerics {

/// The largest group multiplier; the smallest is 1 (linear_c6).
constexpr int32_t maxGroupMultiplier = 15;

/// A quantized [rows, cols] weight: `storage` [rows, cols] in [-8, 7],
/// `multipliers` [rows, cols / groupSize] in [1, 15], `scales` [rows].
struct TwoLevelWeights {
  std::vector<int8_t> storage;
  std::vector<int8_t> multipliers;
  std::vector<float> scales;
};

/// Whether the last four mantissa bits of a scale are zero (two_level_a2).
bool isTwoLevelScale(float scale);

/// two_level_a3: the nearest value whose last four mantissa bits are zero, half
/// up, and at least 2^-145. `x` is not negative.
template <typename A>
typename A::Float roundToTwoLevelScale(A &a, typename A::Float x) {
  typename A::Int half = a.addInt(a.bitcastToInt(x), a.constantInt(8));
  typename A::Int bits = a.andInt(half, a.constantInt(~0xF));
  return a.bitcastToFloat(a.maxInt(bits, a.constantInt(0x10)));
}

/// two_level_a3: quantizes one output channel. Writes one q per value and one
/// m_g per group and returns s_c. `groupSize` divides the number of values.
///
/// s_c runs through a fixed grid relative to the largest magnitude; for each,
/// every group takes the m_g of the least squared error, and the s_c of the
/// least sum wins; ties go to the smaller m_g and s_c. The result is the same
/// on every machine and does not depend on other channels. NaN counts as 0 and
/// an infinity as the largest finite f32.
float quantizeTwoLevelRow(llvm::ArrayRef<float> values, int64_t groupSize,
                          llvm::MutableArrayRef<int8_t> storage,
                          llvm::MutableArrayRef<int8_t> multipliers);

/// `quantizeTwoLevelRow` for each row of a row-major [rows, cols] matrix.
TwoLevelWeights quantizeTwoLevel(llvm::ArrayRef<float> values, int64_t rows,
                                 int64_t cols, int64_t groupSize);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_TWOLEVELGROUPS_H
