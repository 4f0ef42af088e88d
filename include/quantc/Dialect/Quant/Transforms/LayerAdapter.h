//===- LayerAdapter.h - What an adapter changes in a layer ------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attributes that go in and come out of quant-merge-lora.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERADAPTER_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERADAPTER_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Numerics/LowRank.h"
#include "quantc/Support/HostTensor.h"
#include <optional>

namespace quantc {

/// What is to be merged into a layer.
inline constexpr llvm::StringLiteral kAdapterAttr = "quant.adapter";
/// What a merged layer was before.
inline constexpr llvm::StringLiteral kBaseAttr = "quant.base";
/// What merging left of the adapter.
inline constexpr llvm::StringLiteral kSurvivalAttr = "quant.survival";

/// The content of `quant.adapter`, tensors of f32.
struct LayerAdapter {
  /// Added to the weight: scale * B A, A [rank, K] and B [N, rank].
  std::optional<HostTensor> a, b;
  float scale = 1;
  /// Takes the place of the weight: [N, K].
  std::optional<HostTensor> weight;
  /// Takes the place of the bias: [N].
  std::optional<HostTensor> bias;
  /// The second moments of the inputs, [K] or [K, K]; for the report alone.
  std::optional<HostTensor> moments;
  /// The parameters of the merged weight, if they are not to be chosen; written
  /// as the attributes of LayerParameters.h.
  std::optional<HostTensor> weightScale, weightZeroPoint, weightMultiplier;
};

void setLayerAdapter(mlir::Operation *op, const LayerAdapter &adapter);

/// Reads `quant.adapter` of a layer of `outputs` and `inputs`. Emits an error
/// if it is malformed or does not fit.
mlir::FailureOr<LayerAdapter> getLayerAdapter(mlir::Operation *op,
                                              int64_t outputs, int64_t inputs);

/// Attaches each adapter, and its parameters, to the layer of that name. Emits
/// an error for a name that no layer has or that several have.
mlir::LogicalResult
attachAdapters(mlir::ModuleOp module,
               llvm::ArrayRef<std::pair<std::string, LayerAdapter>> adapters);

/// What is best done with the adapter of a layer.
enum class MergeAdvice {
  /// Merge: enough of it survives.
  Merge,
  /// Quantize the layer in groups of `kAdvisedGroupSize`, then it does.
  ChangeGroups,
  /// Quantize the layer to 8 bits, then it does.
  RaiseBits,
  /// Keep the adapter beside the layer.
  KeepSeparate
};

/// The groups of MergeAdvice::ChangeGroups.
inline constexpr int64_t kAdvisedGroupSize = 32;

/// The content of `quant.survival`.
struct LayerSurvival {
  numerics::Survival measured;
  MergeAdvice advice = MergeAdvice::Merge;
};

void setLayerSurvival(mlir::Operation *op, const LayerSurvival &survival);

/// Reads `quant.survival`; none if there is none or if it is malformed.
std::optional<LayerSurvival> getLayerSurvival(mlir::Operation *op);

/// How the attribute spells `advice`: `merge`, `change_groups`, ...
llvm::StringRef getSpelling(MergeAdvice advice);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERADAPTER_H
