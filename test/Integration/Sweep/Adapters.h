//===- Adapters.h - Random networks with LoRA adapters ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_ADAPTERS_H
#define QUANTC_TEST_INTEGRATION_SWEEP_ADAPTERS_H

#include "RandomProgram.h"
#include "mlir/IR/BuiltinOps.h"

namespace quantc::sweep {

/// Lets the quantized layers of `module` take adapters, and makes some for
/// `rows` rows. Emits an error on failure.
mlir::FailureOr<AdapterBlocks> insertAdapters(mlir::ModuleOp module,
                                              int64_t rows, unsigned seed);

/// The inputs of the module for `blocks`, which follow those of the caller
/// (ProgramInterface.h).
std::vector<HostTensor> getAdapterInputs(const AdapterBlocks &blocks);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_ADAPTERS_H
