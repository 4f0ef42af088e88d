//===- Diagnostics.h - Errors for people ------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_SUPPORT_DIAGNOSTICS_H
#define QUANTC_SUPPORT_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include <string>

namespace quantc {

/// The name of the layer, tensor or node that `loc` carries: that of its
/// innermost NameLoc, or "" without one. Every operation keeps the name of the
/// ONNX node that it comes from to the end of the pipeline.
llvm::StringRef getName(mlir::Location loc);

/// The location of node `name` of the model in `file`.
mlir::Location getNamedLoc(mlir::MLIRContext *context, llvm::StringRef file,
                           llvm::StringRef name);

/// Formats `diagnostic` as one line without its severity, `file: node: reason`
/// (or `file:line:column: reason`, or just the reason), notes left out.
std::string format(mlir::Diagnostic &diagnostic);

/// Collects the errors and the warnings of a context while it lives, instead of
/// printing them.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  std::vector<std::string> errors;
  std::vector<std::string> warnings;

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace quantc

#endif // QUANTC_SUPPORT_DIAGNOSTICS_H
