//===- Passes.h - What depends on the machine -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_PASSES_H
#define QUANTC_TARGET_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace quantc {

struct DotInstruction;

#define GEN_PASS_DECL
#include "quantc/Target/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Target/Passes.h.inc"

/// Adds the pattern of `quant-lower-contractions`. A contraction that names no
/// instruction is lowered to `general`.
void populateLowerContractionPatterns(mlir::RewritePatternSet &patterns,
                                      const DotInstruction &general);

} // namespace quantc

#endif // QUANTC_TARGET_PASSES_H
