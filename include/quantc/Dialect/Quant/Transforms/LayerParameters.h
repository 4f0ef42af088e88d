//===- LayerParameters.h - Scales and zero points of a layer ----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer of the float form may carry the parameters that it is to be quantized
// with, as attributes. Training and imported models give them; without them
// they follow from the calibrated range and from the weight.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERPARAMETERS_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERPARAMETERS_H

#include "mlir/IR/Builders.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Numerics/NormalFloat.h"

namespace quantc {

/// The calibrated range of the input, `array<f32: min, max>`.
inline constexpr llvm::StringLiteral kInputRangeAttr = "quant.input_range";
/// Or its parameters, `{scale = ... : f32, zero_point = ... : i64}`.
inline constexpr llvm::StringLiteral kInputParametersAttr =
    "quant.input_parameters";
/// The scale of the weight: f32, of rank 0, [N, 1] or [N, G].
inline constexpr llvm::StringLiteral kWeightScaleAttr = "quant.weight_scale";
/// Its zero point: i8, of the shape of the scale.
inline constexpr llvm::StringLiteral kWeightZeroPointAttr =
    "quant.weight_zero_point";
/// The integer multipliers of its groups: i8 [N, G].
inline constexpr llvm::StringLiteral kWeightMultiplierAttr =
    "quant.weight_multiplier";
/// The magnitudes of a weight in the format nf4 with B super-blocks: i8 [B,
/// 256], their scales, f32 [B, 1], and their mean, f32 of rank 0.
inline constexpr llvm::StringLiteral kWeightMagnitudeAttr =
    "quant.weight_magnitude";
inline constexpr llvm::StringLiteral kMagnitudeScaleAttr =
    "quant.weight_magnitude_scale";
inline constexpr llvm::StringLiteral kMagnitudeMeanAttr =
    "quant.weight_magnitude_mean";

/// The operands of quantize, dequantize and fake_quant; null if there is none.
struct ParameterValues {
  mlir::Value scale;
  mlir::Value zeroPoint;
  mlir::Value multiplier;
};

/// The shape of the scale of an [N, K] weight.
llvm::SmallVector<int64_t> getWeightBlocks(mlir::RankedTensorType weight,
                                           const LayerConfig &config);

/// Creates the constant parameters of the input of `op`, a layer in mode
/// static, as its attributes say. Emits an error if they are missing or
/// malformed.
mlir::FailureOr<ParameterValues>
createStaticParameters(mlir::OpBuilder &builder, mlir::Operation *op,
                       const LayerConfig &config);

/// Creates the constant parameters of `weight`, the [N, K] constant of `op`: as
/// its attributes say, or else chosen from the weight as `config` says. Emits
/// an error if the attributes are malformed.
mlir::FailureOr<ParameterValues>
createWeightParameters(mlir::OpBuilder &builder, mlir::Operation *op,
                       mlir::Value weight, const LayerConfig &config);

/// The magnitudes of `weight`, the [N, K] constant of `op` that is to have the
/// format nf4: as its attributes say; none without them. Emits an error if they
/// are malformed.
mlir::FailureOr<std::optional<numerics::NormalFloatMagnitudes>>
getGivenMagnitudes(mlir::Operation *op, mlir::RankedTensorType weight);

/// Gives `to` those of the attributes `from` that are parameters of a layer.
void copyLayerParameters(mlir::DictionaryAttr from, mlir::Operation *to);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERPARAMETERS_H
