//===- LoraLayers.h - Layers that take adapters -----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LORALAYERS_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LORALAYERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

namespace quantc {

/// A quantized layer: quant.linear, or a product with an nf4 weight.
class LoraLayer {
public:
  /// None if `op` is no such layer.
  static std::optional<LoraLayer> get(mlir::Operation *op);

  mlir::Operation *getOperation() const { return op; }
  llvm::StringRef getName() const;
  /// K of the model, where the operation may have more (groups_a1).
  int64_t getNumInputs() const { return numInputs; }
  /// [M, N] in f32, what the layer adds.
  mlir::RankedTensorType getDeltaType() const;

  bool hasAddend() const;
  /// The input of an adapter, [M, K] in f32: what the layer quantizes, or else
  /// its integer input dequantized; without what fills the last group.
  mlir::Value createInput(mlir::OpBuilder &builder) const;
  /// Lets the layer add `delta`, which precedes it. A product adds it by
  /// itself, before a bias.
  void addDelta(mlir::OpBuilder &builder, mlir::Value delta) const;

private:
  LoraLayer(mlir::Operation *op, int64_t numInputs)
      : op(op), numInputs(numInputs) {}

  mlir::Operation *op;
  int64_t numInputs;
};

/// The quantized layers of `entry` whose names `patterns` match, all of them
/// without patterns. Emits an error where there are none, for a pattern that
/// matches none, and for a layer with an addend already.
mlir::FailureOr<llvm::SmallVector<LoraLayer>>
chooseLoraLayers(mlir::func::FuncOp entry,
                 llvm::ArrayRef<std::string> patterns);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LORALAYERS_H
