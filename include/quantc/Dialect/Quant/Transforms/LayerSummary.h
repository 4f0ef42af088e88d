//===- LayerSummary.h - What became of each layer ---------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the report, the command line and the Python module show of a model.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERSUMMARY_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERSUMMARY_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Dialect/Quant/Transforms/Kernel.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Support/HostTensor.h"
#include <optional>

namespace quantc {

/// One layer in any form of the program. Scales and zero points that are not
/// constants (dynamic activations) or do not exist are left out.
struct LayerSummary {
  /// The name of the ONNX node.
  std::string name;
  /// Why the layer stays float; empty for one that is quantized or that no
  /// pass has looked at yet.
  std::string skippedBecause;
  /// The names of what has been folded into the layer, in order.
  std::vector<std::string> folded;
  /// How the layer is quantized, once it has been selected.
  std::optional<LayerConfig> config;

  /// It looks up rows of a table. Quantized, the table is `weight`, [V, C] in
  /// place of [N, K].
  bool isEmbedding = false;
  /// It multiplies two tensors of which neither is known before the program
  /// runs; `weight` is left out.
  bool isProduct = false;

  /// The storage values (I4 or I8, a byte each; F32 in a layer that is not
  /// quantized), in the order of the model: [K, N] if `isWeightTransposed`,
  /// else [N, K].
  std::optional<HostTensor> weight;
  bool isWeightTransposed = false;
  /// The shape that the model gives the weight of a convolution, which is
  /// [N, K] here.
  std::optional<Kernel> kernel;
  /// K of the program, with the zeros that fill the last group (groups_a1).
  int64_t paddedDepth = 0;
  /// [] per tensor, [N] per channel, [N, G] with float group scales and with
  /// the magnitudes of WeightFormat::NormalFloat.
  std::optional<HostTensor> weightScale;
  /// I8, of the shape of the scale; none for symmetric weights.
  std::optional<HostTensor> weightZeroPoint;
  /// I8 [N, G], the integer scales of groups.
  std::optional<HostTensor> groupMultiplier;
  /// I8, the weight that enters the contraction: storage values times their
  /// group multiplier. In the order of `weight`.
  std::optional<HostTensor> integerWeight;
  std::optional<HostTensor> bias;

  /// F32 and I8 of shape [].
  std::optional<HostTensor> inputScale;
  std::optional<HostTensor> inputZeroPoint;
  std::optional<HostTensor> outputScale;
  std::optional<HostTensor> outputZeroPoint;
};

/// The layers of `module` in the order of the program: those that are
/// quantized, those that can be, and those that stay float for a reason.
std::vector<LayerSummary> summarizeLayers(mlir::ModuleOp module);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LAYERSUMMARY_H
