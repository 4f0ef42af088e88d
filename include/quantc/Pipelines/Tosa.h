//===- Tosa.h - Programs of TOSA to our forms -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PIPELINES_TOSA_H
#define QUANTC_PIPELINES_TOSA_H

#include "mlir/Pass/PassManager.h"

namespace quantc {

/// From TOSA, `!quant.uniform` types included, to `linalg` on tensors, by the
/// passes of MLIR.
void buildTosaPipeline(mlir::OpPassManager &pm);

/// Registers `quant-import-tosa`.
void registerTosaPipeline();

} // namespace quantc

#endif // QUANTC_PIPELINES_TOSA_H
