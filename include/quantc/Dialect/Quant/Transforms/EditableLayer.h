//===- EditableLayer.h - Changing the constants of a layer ------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_EDITABLELAYER_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_EDITABLELAYER_H

#include "mlir/IR/PatternMatch.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include <vector>

namespace quantc {

/// A linear layer of the float or of the integer form, or with weights in the
/// format nf4, whose weights are constants.
class EditableLayer {
public:
  /// Emits an error if `op` is none.
  static mlir::FailureOr<EditableLayer> get(mlir::Operation *op);

  mlir::Operation *getOperation() const { return op; }
  int64_t getNumOutputs() const { return outputs; }
  /// K of the model, without the zeros that fill the last group.
  int64_t getNumInputs() const { return inputs; }
  /// How the layer is quantized; none for one that is float.
  const std::optional<LayerConfig> &getConfig() const { return config; }

  /// The weight as [N, K], dequantized.
  std::vector<float> getWeight() const;

  /// Makes `values`, [N, K], the weight. One of an integer layer is quantized
  /// as its `quant.config` says, with the parameters of its attributes
  /// (LayerParameters.h), which are removed, or else those that suit the values
  /// best. Emits an error for values that are not finite.
  mlir::LogicalResult setWeight(mlir::RewriterBase &rewriter,
                                llvm::ArrayRef<float> values);

  /// Makes `bias`, an f32 [N], the bias. Emits an error if there was none: it
  /// is part of the structure of a model.
  mlir::LogicalResult setBias(mlir::RewriterBase &rewriter,
                              mlir::ElementsAttr bias);

  /// All that the setters change, for `setConstants`.
  mlir::DictionaryAttr getConstants(mlir::RewriterBase &rewriter) const;

  /// Undoes the setters since `getConstants`. Emits an error if `constants` are
  /// those of another layer.
  mlir::LogicalResult setConstants(mlir::RewriterBase &rewriter,
                                   mlir::DictionaryAttr constants);

private:
  explicit EditableLayer(mlir::Operation *op) : op(op) {}

  /// Read what `op` is; emit an error if it is something else. `operands` must
  /// be constants.
  mlir::LogicalResult readQuantized(
      mlir::RankedTensorType weight,
      llvm::ArrayRef<std::pair<llvm::StringLiteral, mlir::Value>> operands);
  mlir::LogicalResult readFloat();

  mlir::Operation *op;
  int64_t outputs = 0;
  int64_t inputs = 0;
  std::optional<LayerConfig> config;
};

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_EDITABLELAYER_H
