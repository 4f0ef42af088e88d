//===- DetectCpu.h - Code that finds out what a CPU has ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_DETECTCPU_H
#define QUANTC_LIB_TARGET_DETECTCPU_H

#include "quantc/Target/TargetSpec.h"

namespace llvm {
class Function;
class Module;
class StringRef;
} // namespace llvm

namespace quantc {

/// Adds to `module` an internal function `i32 <name>()` that gives the index of
/// the first of `targets` that the machine which calls it can run, or their
/// number if it can run none. It asks the CPU which instructions it has, the
/// system which registers it saves and, before it answers with a target that
/// has AMX, the system for the permission to use it. Calling it again gives the
/// same answer.
///
/// All targets are of one architecture. The function needs nothing that not
/// every CPU of it has.
llvm::Function *emitSelectTarget(llvm::Module &module, llvm::StringRef name,
                                 llvm::ArrayRef<TargetSpec> targets);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_DETECTCPU_H
