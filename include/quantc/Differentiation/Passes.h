//===- Passes.h - Differentiation of programs -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIFFERENTIATION_PASSES_H
#define QUANTC_DIFFERENTIATION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace quantc {

/// The result `<argument>.gradient` is the gradient of `<argument>`.
inline constexpr llvm::StringLiteral kGradientSuffix = ".gradient";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "quantc/Differentiation/Passes.h.inc"

} // namespace quantc

#endif // QUANTC_DIFFERENTIATION_PASSES_H
