//===- PostTraining.h - Random networks, quantized --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_POSTTRAINING_H
#define QUANTC_TEST_INTEGRATION_SWEEP_POSTTRAINING_H

#include "RandomProgram.h"
#include "mlir/IR/MLIRContext.h"

namespace quantc::sweep {

/// Calibrates `source` on its own input in the interpreter and quantizes it,
/// and lets its layers take adapters if it says so. Emits an error on failure.
/// Files go to `folder`.
mlir::FailureOr<RandomProgram> quantize(mlir::MLIRContext *context,
                                        const FloatProgram &source,
                                        llvm::StringRef folder);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_POSTTRAINING_H
