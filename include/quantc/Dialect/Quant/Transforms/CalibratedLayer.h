//===- CalibratedLayer.h - Layers that calibration serves -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_CALIBRATEDLAYER_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_CALIBRATEDLAYER_H

#include "mlir/IR/BuiltinOps.h"

namespace quantc {

/// A layer that is to be quantized statically, so that it needs the range of
/// its activations before the program runs.
struct CalibratedLayer {
  mlir::Operation *op;
  mlir::Value input;
};

/// The name of the input of a layer that shares it with one before.
inline constexpr llvm::StringLiteral kInputNameAttr = "quant.input_name";

/// The name of the input of `layer` in a calibration table and in training:
/// `quant.input_name`, else `<layer>.input`.
std::string getInputName(const CalibratedLayer &layer);

/// The layers that quant-select-layers selected for mode static, in the order
/// of the program. Emits an error for one that is malformed or has no name.
mlir::FailureOr<llvm::SmallVector<CalibratedLayer>>
findCalibratedLayers(mlir::ModuleOp module);

/// What `value` holds the elements of, moved, copied, or beside padding: it is
/// there that layers quantize both, as one if they have the same parameters.
mlir::Value getMovedValue(mlir::Value value);

/// Gives these layers the name of their input (`quant.input_name`): those that
/// read the same value, perhaps padded or in another order, that of the first
/// one. Emits an error as above.
llvm::LogicalResult nameSharedInputs(mlir::ModuleOp module);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_CALIBRATEDLAYER_H
