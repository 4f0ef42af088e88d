//===- AdapterBlock.h - Adapters as programs take them ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_ADAPTERBLOCK_H
#define QUANTC_TARGET_ADAPTERBLOCK_H

#include "quantc/Dialect/Quant/IR/AdapterLayout.h"
#include "llvm/Support/Error.h"

namespace quantc {

/// What an adapter adds to one layer: scale * (x A^T) B^T.
struct LoraMatrices {
  std::string layer;
  int64_t rank;
  int64_t numInputs;
  int64_t numOutputs;
  /// A [rank, numInputs] and B [numOutputs, rank].
  llvm::ArrayRef<float> a, b;
  float scale;
};

/// The bytes of `adapter` in `layout`. Layers that it has no matrices for stay
/// as they are. Fails if a layer is unknown, a rank too large or a shape wrong.
llvm::Expected<std::vector<char>>
packAdapter(const AdapterLayout &layout, llvm::ArrayRef<LoraMatrices> adapter);

} // namespace quantc

#endif // QUANTC_TARGET_ADAPTERBLOCK_H
