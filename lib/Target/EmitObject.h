//===- EmitObject.h - LLVM IR to files --------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_EMITOBJECT_H
#define QUANTC_LIB_TARGET_EMITOBJECT_H

#include "quantc/Target/Compile.h"
#include "quantc/Target/ProgramMetadata.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace quantc {

/// Runs LLVM's optimizer on `module` for `target`.
void optimize(llvm::Module &module, const TargetSpec &target);

/// A program compiled for one target.
struct Variant {
  std::unique_ptr<llvm::Module> module;
  ProgramMetadata metadata;
};

/// Whether `module` has instructions that the system has to be asked for.
bool usesTiles(const llvm::Module &module);

/// Links optimized variants of one program, best first, to one module that has
/// the interface of the program and runs the first that the machine can run.
/// Fills in `metadata`, which the module contains. A single variant stays as it
/// is.
llvm::Expected<std::unique_ptr<llvm::Module>>
linkVariants(llvm::MutableArrayRef<Variant> variants,
             ProgramMetadata &metadata);

/// `module` as object code or assembly.
llvm::Expected<std::string> emitCode(llvm::Module &module,
                                     const TargetSpec &target, EmitKind kind);

/// Fails if `object` needs anything but memcpy and memset.
llvm::Error checkUndefinedSymbols(llvm::StringRef object);

/// Links `object` to a shared library that depends on no other.
llvm::Expected<std::string> linkShared(llvm::StringRef object);

/// The C header of a program.
std::string printHeader(const ProgramMetadata &program);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_EMITOBJECT_H
