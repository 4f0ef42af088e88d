//===- ConfiguredLayer.h - Layers between two forms -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the passes from the float to the simulated form share.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_CONFIGUREDLAYER_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_CONFIGUREDLAYER_H

#include "mlir/IR/PatternMatch.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"

namespace quantc {

/// A linear layer that is to be quantized.
struct ConfiguredLayer {
  LinearLayer linear;
  LayerConfig config;
};

/// A lookup of rows whose table is to be quantized.
struct ConfiguredLookup {
  Lookup lookup;
  LayerConfig config;
};

/// Why `layer`, of several groups of features, cannot have the groups of scales
/// that `config` asks for, in words for users; empty if it can. Such a layer is
/// not padded, so they have to divide K.
std::string getGroupObstacle(const LinearLayer &layer,
                             const LayerConfig &config);

/// Emits an error unless `layer`, which can be quantized, can be so as `config`
/// says: groups divide K or leave a multiple of 8, and a constant weight is
/// there and finite.
mlir::LogicalResult verifyConfig(const Layer &layer, const LayerConfig &config);

/// All linear layers under `root` with a `quant.config`, in the order of the
/// program. Emits an error for an operation that cannot be quantized as it
/// says.
mlir::FailureOr<llvm::SmallVector<ConfiguredLayer>>
findConfiguredLayers(mlir::Operation *root);

/// All lookups under `root` with a `quant.config`, in the order of the program.
/// Emits an error for one that cannot be quantized as it says.
mlir::FailureOr<llvm::SmallVector<ConfiguredLookup>>
findConfiguredLookups(mlir::Operation *root);

/// The same when all groups have to be whole: emits an error for a layer that
/// quant-pad-groups has still to pad.
mlir::FailureOr<llvm::SmallVector<ConfiguredLayer>>
findPaddedLayers(mlir::Operation *root);
mlir::FailureOr<llvm::SmallVector<ConfiguredLookup>>
findPaddedLookups(mlir::Operation *root);

/// The weight of `layer` as [N, K]: a constant, or a parameter that training
/// changes, which the program transposes if need be.
mlir::Value createWeight(mlir::OpBuilder &builder, const LinearLayer &layer);

/// Creates the operation that chooses the parameters of a range, per tensor.
ParameterValues createChosenParameters(mlir::OpBuilder &builder,
                                       mlir::Location loc, mlir::Value range,
                                       int64_t bits, bool symmetric);

/// Creates the operations that find the parameters of `input` when the program
/// runs; `blocks` is the shape of the scale.
ParameterValues createObservedParameters(mlir::OpBuilder &builder,
                                         mlir::Location loc, mlir::Value input,
                                         llvm::ArrayRef<int64_t> blocks,
                                         int64_t bits, bool symmetric);

/// The same for an input [M, K] of mode dynamic: parameters for each row or, of
/// a convolution, for each sample, whose windows then move over integers.
ParameterValues createDynamicParameters(mlir::OpBuilder &builder,
                                        mlir::Location loc, mlir::Value input,
                                        const LayerConfig &config);

/// The constant [N, K] `weight` in the format nf4, with magnitudes that are
/// given or else those of its blocks, and that dequantized.
mlir::Value createNormalFloatWeight(
    mlir::OpBuilder &builder, mlir::Value weight,
    std::optional<numerics::NormalFloatMagnitudes> given = std::nullopt);

/// Replaces `layer` by a linalg.matmul of `input` and the [N, K] `weight` that
/// keeps its name and its `quant.config` and remembers the order of its weight.
/// Returns that operation.
mlir::Operation *replaceLayer(mlir::RewriterBase &rewriter,
                              const LinearLayer &layer, mlir::Value input,
                              mlir::Value weight);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_CONFIGUREDLAYER_H
