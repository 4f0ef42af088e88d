//===- Averages.h - From sums of integers to averages -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The average of n integers of one scale is their exact sum, as the sum of a
// contraction with weights of 1, times a scale that holds the division by n;
// docs/Numerics.md, "Averages", is the specification.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_AVERAGES_H
#define QUANTC_NUMERICS_AVERAGES_H

#include "quantc/Numerics/Epilogues.h"

namespace quantc::numerics {

/// average_a2: m = f32(f64(s) / n), the scale of a sum of n integers of scale
/// s. n is an integer below 2^24.
template <typename A>
typename A::Float averageScale(A &a, typename A::Float scale,
                               typename A::Float count) {
  return a.toSingle(a.divDouble(a.toDouble(scale), a.toDouble(count)));
}

/// average_a3: f32(f64(m) / sy), where the average has scale sy.
template <typename A>
typename A::Float averageOutputScale(A &a, typename A::Float scale,
                                     typename A::Float outputScale) {
  return a.toSingle(a.divDouble(a.toDouble(scale), a.toDouble(outputScale)));
}

/// average_a2, float out: y = f32(acc) * m.
template <typename A>
typename A::Float rescale(A &a, typename A::Int sum, typename A::Float scale) {
  return dequantizeAccumulator(a, sum, scale);
}

/// average_a3, integer out: q = clamp(rne(f32(acc) * m') + zy, qmin, qmax).
template <typename A>
typename A::Int
rescaleToStorage(A &a, typename A::Int sum, typename A::Float scale,
                 typename A::Int zeroPoint, int32_t qmin, int32_t qmax) {
  return requantizeAccumulator(a, sum, scale, std::nullopt, zeroPoint, qmin,
                               qmax);
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_AVERAGES_H
