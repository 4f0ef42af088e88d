//===- FoldedLayer.h - What went into a layer -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_FOLDEDLAYER_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_FOLDEDLAYER_H

#include "mlir/IR/Builders.h"
#include "quantc/Numerics/ChannelAffine.h"
#include <optional>
#include <vector>

namespace quantc {

/// What a layer remembers of operations that quant-fold-affine has folded into
/// its weight and its bias.
struct FoldedLayer {
  /// The names of these operations, in order, and that of the bias before them
  /// where it has one of its own.
  std::vector<std::string> nodes;
  /// For each output of the layer that the model has, bias included, what the
  /// layer gives in its place.
  std::vector<numerics::ChannelAffine> maps;
};

/// What a layer keeps of it in every form: a dictionary of names and of two
/// tensors of f64, `scale` and `shift`.
inline constexpr llvm::StringLiteral kFoldedAttr = "quant.folded";

void setFoldedLayer(mlir::Operation *op, const FoldedLayer &folded);

/// None if nothing went into `op`, or if the attribute is malformed.
std::optional<FoldedLayer> getFoldedLayer(mlir::Operation *op);

/// What an adapter gives for the layer that `layer` was before something was
/// folded into it, as it is for `layer`: `up`, its B transposed (fold_a4), or
/// its `delta`, [M, N], where it is chosen while the program runs (fold_a5).
mlir::Value foldUp(mlir::OpBuilder &builder, mlir::Operation *layer,
                   mlir::Value up);
mlir::Value foldDelta(mlir::OpBuilder &builder, mlir::Operation *layer,
                      mlir::Value delta);

/// Folds into the layers under `root` what quant-fold-affine does.
mlir::LogicalResult foldAffine(mlir::Operation *root);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_FOLDEDLAYER_H
