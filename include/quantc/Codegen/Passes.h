//===- Passes.h - Tensors to vectors ----------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CODEGEN_PASSES_H
#define QUANTC_CODEGEN_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace quantc {

#define GEN_PASS_DECL
#include "quantc/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Codegen/Passes.h.inc"

} // namespace quantc

#endif // QUANTC_CODEGEN_PASSES_H
