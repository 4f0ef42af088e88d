//===- Passes.h - Passes to linalg, arith and math --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_PASSES_H
#define QUANTC_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace quantc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "quantc/Conversion/Passes.h.inc"

/// Adds the pattern that computes `arith.remf` by integers: a part of
/// `quant-expand-math`.
void populateExpandRemainderPatterns(mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_CONVERSION_PASSES_H
