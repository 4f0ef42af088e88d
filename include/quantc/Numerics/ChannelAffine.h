//===- ChannelAffine.h - Affine maps of a layer's outputs -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clauses fold_* of docs/Numerics.md: what a layer becomes when an affine map
// of its outputs goes into its weight and its bias.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_CHANNELAFFINE_H
#define QUANTC_NUMERICS_CHANNELAFFINE_H

#include "quantc/Numerics/Lora.h"
#include <cmath>

namespace quantc::numerics {

/// fold_a1: y = scale * x + shift, for one output x of a layer, in f64. The
/// operators round once for each operation that they name.
struct ChannelAffine {
  double scale = 0;
  double shift = 0;

  static ChannelAffine identity() { return {1, 0}; }
  static ChannelAffine constant(double value) { return {0, value}; }

  bool isConstant() const { return scale == 0; }
  bool isFinite() const { return std::isfinite(scale) && std::isfinite(shift); }

  friend ChannelAffine operator+(ChannelAffine lhs, ChannelAffine rhs) {
    return {lhs.scale + rhs.scale, lhs.shift + rhs.shift};
  }
  friend ChannelAffine operator-(ChannelAffine lhs, ChannelAffine rhs) {
    return {lhs.scale - rhs.scale, lhs.shift - rhs.shift};
  }
  friend ChannelAffine operator*(ChannelAffine lhs, double factor) {
    return {lhs.scale * factor, lhs.shift * factor};
  }
  friend ChannelAffine operator/(ChannelAffine lhs, double divisor) {
    return {lhs.scale / divisor, lhs.shift / divisor};
  }
};

/// fold_a2: an element of row n of the weight.
inline float foldWeight(float weight, double scale) {
  return static_cast<float>(static_cast<double>(weight) * scale);
}

/// fold_a3: the bias; that of a layer without one is 0.
inline float foldBias(float bias, ChannelAffine map) {
  double scaled = map.scale * static_cast<double>(bias);
  return static_cast<float>(scaled + map.shift);
}

/// fold_a4: an element of row n of an adapter's B; `scale` is rounded to f32.
template <typename A>
typename A::Float foldAdapter(A &a, typename A::Float b,
                              typename A::Float scale) {
  return a.mul(b, scale);
}

/// fold_a5: the delta of an adapter that is chosen while a program runs. One of
/// 0 stays what changes nothing.
template <typename A>
typename A::Float foldDelta(A &a, typename A::Float delta,
                            typename A::Float scale) {
  return a.select(a.equal(delta, a.constant(0.0f)), a.constant(kNoDelta),
                  a.mul(delta, scale));
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_CHANNELAFFINE_H
