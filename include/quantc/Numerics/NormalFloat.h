//===- NormalFloat.h - 4-bit NormalFloat weights ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NF4 with double quantization (QLoRA, arXiv 2305.14314): clauses
// normal_float_* of docs/Numerics.md. A weight is one of 16 levels times the
// largest magnitude of its block of 64; those magnitudes are quantized to 8
// bits themselves.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_NORMALFLOAT_H
#define QUANTC_NUMERICS_NORMALFLOAT_H

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <cstdint>
#include <vector>

namespace quantc::numerics {

/// normal_float_a1: the levels, ascending: quantiles of the normal
/// distribution, with 0 and both ends exact.
inline constexpr std::array<float, 16> normalFloatLevels = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f};

/// Weights that share a magnitude, and magnitudes that share a scale.
inline constexpr int64_t normalFloatBlock = 64;
inline constexpr int64_t normalFloatSuperBlock = 256;

/// The level of a stored q in [-8, 7], `normalFloatLevels[q + 8]`, picked by
/// selects for code that has no fast lookup.
template <typename A>
typename A::Float normalFloatLevel(A &a, typename A::Int q) {
  using Float = typename A::Float;
  typename A::Int index = a.addInt(q, a.constantInt(8));
  std::vector<Float> levels;
  for (float level : normalFloatLevels)
    levels.push_back(a.constant(level));
  for (int32_t bit = 1; levels.size() > 1; bit <<= 1) {
    auto isEven =
        a.equalInt(a.andInt(index, a.constantInt(bit)), a.constantInt(0));
    std::vector<Float> half;
    for (size_t i = 0; i < levels.size(); i += 2)
      half.push_back(a.select(isEven, levels[i], levels[i + 1]));
    levels = std::move(half);
  }
  return levels.front();
}

/// normal_float_a4: a magnitude from its 8 bits; never negative.
template <typename A>
typename A::Float normalFloatMagnitude(A &a, typename A::Int q,
                                       typename A::Float scale,
                                       typename A::Float mean) {
  return a.maximum(a.add(a.mul(a.toFloat(q), scale), mean), a.constant(0.0f));
}

/// The magnitudes of blocks: q in [-127, 127] in super-blocks of 256, the last
/// filled with zeros, a scale for each super-block, and the mean.
struct NormalFloatMagnitudes {
  std::vector<int8_t> storage;
  std::vector<float> scales;
  float mean = 0;
};

struct NormalFloatWeights {
  /// In [-8, 7].
  std::vector<int8_t> storage;
  NormalFloatMagnitudes magnitudes;
};

/// normal_float_a2 to normal_float_a4: quantizes a row-major weight whose rows
/// are of whole blocks. The values are finite.
NormalFloatWeights quantizeNormalFloat(llvm::ArrayRef<float> values);

/// normal_float_a2 with magnitudes that are given.
NormalFloatWeights quantizeNormalFloat(llvm::ArrayRef<float> values,
                                       NormalFloatMagnitudes magnitudes);

/// The magnitudes of the `count` blocks.
std::vector<float> dequantizeMagnitudes(const NormalFloatMagnitudes &magnitudes,
                                        int64_t count);

/// normal_float_a3: the weights that are stored.
std::vector<float> dequantizeNormalFloat(const NormalFloatWeights &weights);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_NORMALFLOAT_H
