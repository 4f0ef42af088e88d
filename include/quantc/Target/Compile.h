//===- Compile.h - Programs to object files ---------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What quant-translate, the C API and the Python module compile with.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_COMPILE_H
#define QUANTC_TARGET_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/ProgramMetadata.h"

namespace quantc {

enum class EmitKind { Object, Assembly, LLVMIR, SharedLibrary };

struct CompileOptions {
  /// What to compile for, best first; empty: what the module says, or this
  /// machine. All variants are in one object, which runs the first that its
  /// machine can run.
  std::vector<TargetSpec> targets;
  /// The most threads of the caller's executor that a call uses. With 1 the
  /// executor is never looked at.
  int64_t threads = 1;
  /// The least multiply-accumulates that are worth a thread.
  int64_t threadWork = kThreadWork;
  /// The prefix of all exported symbols. `compileToFile` takes the stem of the
  /// file for an empty one, made an identifier.
  std::string name;
  EmitKind emit = EmitKind::Object;
  /// How many bytes of constants the code may hold; more become parameters.
  int64_t maxConstantBytes = kMaxConstantBytes;
};

/// What a compilation gives.
struct CompiledProgram {
  std::string bytes;
  /// The C header that declares what the object exports.
  std::string header;
  ProgramMetadata metadata;
  /// The constants that are not in `bytes`; null if all are.
  std::unique_ptr<llvm::MemoryBuffer> parameters;
};

/// Compiles `module`, a program in any form or already in LLVM's dialect, which
/// it consumes. Emits an error on failure.
mlir::FailureOr<CompiledProgram> compile(mlir::ModuleOp module,
                                         const CompileOptions &options);

/// The same to files; `header` may be empty. Parameters go to the file
/// `getParametersPath(path)`. All files are there completely or none is.
llvm::LogicalResult compileToFile(mlir::ModuleOp module,
                                  const CompileOptions &options,
                                  llvm::StringRef path,
                                  llvm::StringRef header = "");

/// Writes what `compileToFile` does of a program that is compiled already.
llvm::LogicalResult writeFiles(mlir::ModuleOp module,
                               const CompiledProgram &program,
                               llvm::StringRef path, llvm::StringRef header);

/// Writes `bytes` to `path` completely or, after emitting an error, not at all.
/// The file appears when `finish` has succeeded.
llvm::LogicalResult
writeFile(mlir::ModuleOp module, llvm::StringRef path, llvm::StringRef bytes,
          llvm::function_ref<llvm::LogicalResult()> finish = nullptr);

/// A C identifier made of the stem of `path`.
std::string getProgramName(llvm::StringRef path);

/// Registers --quant-to-object.
void registerToObjectTranslation();

} // namespace quantc

#endif // QUANTC_TARGET_COMPILE_H
