//===- Interpreter.h - The reference interpreter ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_REFERENCE_INTERPRETER_H
#define QUANTC_REFERENCE_INTERPRETER_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Support/HostTensor.h"
#include <vector>

namespace quantc {

/// Runs a program of the float, the simulated or the integer form on `inputs`,
/// one for each input of its entry function, and returns its outputs. What it
/// computes is the definition that compiled programs agree with to the bit.
///
/// Emits one error and fails for inputs that do not fit the program's
/// interface, for an operation that it does not know, and where the program
/// does something undefined (an index out of bounds, a division by zero, a
/// conversion to an integer that cannot hold the value).
mlir::FailureOr<std::vector<HostTensor>>
interpret(mlir::ModuleOp module, llvm::ArrayRef<HostTensor> inputs);

/// Registers `quant-translate --interpret`.
void registerInterpretTranslation();

} // namespace quantc

#endif // QUANTC_REFERENCE_INTERPRETER_H
