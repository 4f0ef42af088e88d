//===- InitAll.h - Registers everything that quantc has ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only place that knows all dialects, passes and translations. Tools, the
// plugin, the C API and the Python module call it.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_INITALL_H
#define QUANTC_INITALL_H

namespace mlir {
class DialectRegistry;
}

namespace quantc {

/// Registers the extended quant dialect, the upstream dialects that our forms
/// use, and the interfaces that the pipelines need.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes and pipelines, and the upstream passes that are useful
/// beside them.
void registerAllPasses();

/// Registers the translations of quant-translate.
void registerAllTranslations();

} // namespace quantc

#endif // QUANTC_INITALL_H
