//===- Passes.h - Passes that make training steps ---------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TRAINING_PASSES_H
#define QUANTC_TRAINING_PASSES_H

#include "mlir/Pass/Pass.h"
#include "quantc/Training/TrainingOptions.h"

namespace quantc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "quantc/Training/Passes.h.inc"

} // namespace quantc

#endif // QUANTC_TRAINING_PASSES_H
