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

/// The quantized layers of `entry` whose names `patterns` match, all of them
/// without patterns. Emits an error where there are none, for a pattern that
/// matches none, and for a layer with an addend already.
mlir::FailureOr<llvm::SmallVector<LinearOp>>
chooseLoraLayers(mlir::func::FuncOp entry,
                 llvm::ArrayRef<std::string> patterns);

/// K of the model, where the operation has more (groups_a1).
int64_t getLoraDepth(LinearOp op);

/// The input of the adapter of `op`, [M, K] in f32: what the layer quantizes,
/// or else its integer input dequantized; without what fills the last group.
mlir::Value createLoraInput(mlir::OpBuilder &builder, LinearOp op);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LORALAYERS_H
