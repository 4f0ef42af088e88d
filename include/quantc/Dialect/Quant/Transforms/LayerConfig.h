//===- LayerConfig.h - How a layer is quantized -----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERCONFIG_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERCONFIG_H

#include "mlir/IR/Operation.h"
#include "quantc/Numerics/Parameters.h"
#include "llvm/Support/CommandLine.h"

namespace quantc {

using numerics::Granularity;

/// Where the parameters of activations come from.
enum class Mode {
  /// From calibration, before the program runs.
  Static,
  /// From each row of the activations, while the program runs.
  Dynamic,
  /// Activations stay float.
  WeightOnly
};

/// Whether zero points are 0.
enum class Symmetry {
  Asymmetric,
  Symmetric,
  /// What suits the other choices best.
  Automatic
};

/// What a stored weight is.
enum class WeightFormat {
  /// An integer times a scale.
  Integer,
  /// 4-bit NormalFloat with double quantization: groups of 64, weight-only.
  NormalFloat
};

/// Where the parameters of simulated layers come from, beside dynamic ones.
enum class ParameterSource {
  /// From the values, when the program runs.
  Observed,
  /// From inputs of the program: ranges of activations, scales of groups.
  Inputs,
  /// From inputs of the program, scales that training changes.
  Learned
};

/// The values of the options of these types.
llvm::cl::ValuesClass getModeValues();
llvm::cl::ValuesClass getWeightFormatValues();
llvm::cl::ValuesClass getGranularityValues();
llvm::cl::ValuesClass getSymmetryValues();
llvm::cl::ValuesClass getParameterSourceValues();

/// Attributes on layers.
inline constexpr llvm::StringLiteral kConfigAttr = "quant.config";
inline constexpr llvm::StringLiteral kSkippedAttr = "quant.skipped";
/// The model's weight is [K, N]; operations hold it as [N, K].
inline constexpr llvm::StringLiteral kWeightTransposedAttr =
    "quant.weight_transposed";
/// The result of the layer is f32, whatever takes it; set by training, which
/// has seen it so.
inline constexpr llvm::StringLiteral kFloatResultAttr = "quant.float_result";
/// K of the model, an i64, when the operation has more (groups_a1).
inline constexpr llvm::StringLiteral kDepthAttr = "quant.depth";

/// The group sizes that there are.
inline constexpr int64_t kMinGroupSize = 8;
inline constexpr int64_t kMaxGroupSize = 256;

/// What a shorter last group holds is a multiple of this (groups_a1).
inline constexpr int64_t kLastGroupMultiple = 8;

/// How one layer is quantized: what `quant.config` holds.
struct LayerConfig {
  /// 4 or 8.
  int64_t weightBits = 8;
  Mode mode = Mode::Static;
  Granularity granularity = Granularity::PerChannel;
  /// Elements of K in a group; read only with Granularity::PerGroup.
  int64_t groupSize = 32;
  bool symmetricWeights = true;
  bool symmetricActivations = false;
  WeightFormat weightFormat = WeightFormat::Integer;

  /// The configuration of WeightFormat::NormalFloat; it has no choices.
  static LayerConfig getNormalFloat();

  /// 8, or 32 when activations stay float.
  int64_t getActivationBits() const {
    return mode == Mode::WeightOnly ? 32 : 8;
  }
  /// Groups with an integer multiplier each, and one scale per channel.
  bool hasTwoLevelScales() const {
    return granularity == Granularity::PerGroup && weightBits == 4 &&
           symmetricWeights && weightFormat == WeightFormat::Integer;
  }
  /// Groups with a float scale each.
  bool hasFloatGroupScales() const {
    return granularity == Granularity::PerGroup && !hasTwoLevelScales() &&
           weightFormat == WeightFormat::Integer;
  }
  /// `depth` elements of K with the zeros that fill the last group (groups_a1).
  int64_t getPaddedDepth(int64_t depth) const;
  numerics::WeightOptions getWeightOptions() const;
};

/// Writes `config` to `quant.config` of `op`.
void setLayerConfig(mlir::Operation *op, const LayerConfig &config);

/// Reads `quant.config` of `op`. Emits an error if it is missing or malformed.
mlir::FailureOr<LayerConfig> getLayerConfig(mlir::Operation *op);

/// Gives `to` what a layer keeps in every form: its `quant.config`, the order
/// and the kernel of its weight, its depth and that its result is float.
void copyLayerAttrs(mlir::Operation *from, mlir::Operation *to);

/// K of the model, where the operation `op` of a layer has `depth`.
int64_t getModelDepth(mlir::Operation *op, int64_t depth);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERCONFIG_H
