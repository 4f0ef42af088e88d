//===- OnnxImport.h - ONNX models to the float form -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_IMPORT_ONNXIMPORT_H
#define QUANTC_IMPORT_ONNXIMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace quantc {

/// Reads the ONNX model in file `path` and returns the program in float form,
/// or null after emitting errors at the locations of its nodes and tensors.
/// Loads the dialects of the float form into `context`.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             mlir::MLIRContext *context);

/// The same for a model in memory; the identifier of `model` is its path, in
/// whose folder external data is looked for.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::MemoryBufferRef model,
                                             mlir::MLIRContext *context);

/// Registers `quant-translate --import-onnx`.
void registerOnnxImport();

} // namespace quantc

#endif // QUANTC_IMPORT_ONNXIMPORT_H
