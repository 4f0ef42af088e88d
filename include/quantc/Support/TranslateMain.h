//===- TranslateMain.h - The driver of quant-translate ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_SUPPORT_TRANSLATEMAIN_H
#define QUANTC_SUPPORT_TRANSLATEMAIN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

namespace quantc {

/// Parses the command line and runs the registered translation that it names.
///
/// Takes the place of `mlir::mlirTranslateMain`, which shows errors with the
/// lines of the source: models have nodes and tensors, not lines. Every error,
/// of files too, is one line `error: file: node: reason`; an output file is
/// written whole or not at all.
llvm::LogicalResult translateMain(int argc, char **argv,
                                  llvm::StringRef overview);

} // namespace quantc

#endif // QUANTC_SUPPORT_TRANSLATEMAIN_H
