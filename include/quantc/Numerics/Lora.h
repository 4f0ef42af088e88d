//===- Lora.h - Low-rank deltas ---------------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The delta of a LoRA adapter, ((x A^T) B^T) * scale; docs/Numerics.md, "LoRA",
// is the specification. Both products are sums of `addFloatElement`.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_LORA_H
#define QUANTC_NUMERICS_LORA_H

#include "quantc/Numerics/Epilogues.h"

namespace quantc::numerics {

/// What a row without an adapter adds: x + -0 is x, also where x is -0.
inline constexpr float kNoDelta = -0.0f;

/// lora_a2: an element of A or B that is stored in 8 bits.
template <typename A>
typename A::Float loraElement(A &a, typename A::Int stored,
                              typename A::Float scale) {
  return dequantize(a, stored, scale, a.constantInt(0));
}

/// lora_a1, after the last step along the rank.
template <typename A>
typename A::Float finishDelta(A &a, typename A::Float sum,
                              typename A::Float scale) {
  return a.mul(sum, scale);
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_LORA_H
