//===- ChannelAffine.h - Affine maps of the outputs of a layer --*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recognizes normalizations with fixed statistics, gains and biases, however
// they are spelled.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_CHANNELAFFINE_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_CHANNELAFFINE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Dialect/Quant/Transforms/ChannelDims.h"
#include "quantc/Numerics/ChannelAffine.h"
#include <vector>

namespace quantc {

/// An elementwise operation on the outputs of a layer.
struct ElementwiseAffine {
  /// For each output, what the operation computes of it.
  std::vector<numerics::ChannelAffine> maps;
  /// It only adds: it is the bias of the layer if it comes first.
  bool isSum = false;
};

/// Matches `op` as an elementwise operation that maps each output of `x`, one
/// of its operands, by constants: sums, differences, products and quotients.
/// `channels` says where the `numChannels` outputs are in `x`. Otherwise sets
/// `reason`.
mlir::FailureOr<ElementwiseAffine>
matchElementwiseAffine(mlir::Operation *op, mlir::Value x,
                       const ChannelDims &channels, int64_t numChannels,
                       llvm::StringRef &reason);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_CHANNELAFFINE_H
