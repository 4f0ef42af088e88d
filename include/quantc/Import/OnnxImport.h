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
#include "quantc/Support/NumpyFile.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace quantc {

struct OnnxImportOptions {
  /// Values for inputs, by name, which become constants of the program: shapes
  /// and axes that the model takes when it runs.
  std::vector<NamedTensor> constants;
  /// What locations and errors call the model; its path if empty.
  std::string name;
  /// Whether normalizations and gains go into the layers before them
  /// (quant-fold-affine).
  bool foldAffine = true;
};

/// Reads the ONNX model in file `path` and returns the program in float form,
/// or null after emitting errors at the locations of its nodes and tensors.
/// Loads the dialects of the float form into `context`.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnx(llvm::StringRef path, mlir::MLIRContext *context,
           const OnnxImportOptions &options = {});

/// The same for a model in memory; the identifier of `model` is its path, in
/// whose folder external data is looked for.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnx(llvm::MemoryBufferRef model, mlir::MLIRContext *context,
           const OnnxImportOptions &options = {});

/// Registers `quant-translate --import-onnx`.
void registerOnnxImport();

} // namespace quantc

#endif // QUANTC_IMPORT_ONNXIMPORT_H
