//===- Program.h - Programs that Python can call ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_PROGRAM_H
#define QUANTC_PYTHON_PROGRAM_H

#include "Adapters.h"
#include "Model.h"
#include "quantc/Target/Program.h"

namespace quantc::python {

/// A shared library: its bytes, and the library itself once it is called. One
/// for another machine can be saved but not called.
class PythonProgram {
public:
  /// Compiles a copy of `module`.
  static PythonProgram compile(mlir::ModuleOp module, llvm::StringRef target,
                               int64_t threads = 1,
                               int64_t maxConstantBytes = kMaxConstantBytes);
  static PythonProgram load(const std::filesystem::path &path,
                            std::optional<int64_t> threads);

  const ProgramMetadata &getMetadata() const { return metadata; }

  int64_t getNumThreads() const {
    return program ? program->getNumThreads() : metadata.threads;
  }

  /// The target of the code that runs here. Throws `quantc.Error` if none does.
  const TargetSpec &getVariant() { return getProgram().getVariant(); }

  void save(const std::filesystem::path &path) const;

  /// Runs on the memory of `outputs`; other Python threads do too meanwhile.
  /// Throws `quantc.Error`.
  void run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs,
           llvm::ArrayRef<int64_t> dims, const AdapterChoice &choice);
  /// The same with results of its own.
  std::vector<HostTensor> run(const BoundArrays &inputs,
                              const AdapterChoice &choice = {});

  AdapterSet &getAdapters() {
    if (!adapters)
      adapters.emplace(metadata.adapters);
    return *adapters;
  }

private:
  Program &getProgram();

  ProgramMetadata metadata;
  std::string bytes;
  std::shared_ptr<llvm::MemoryBuffer> parameters;
  std::unique_ptr<Program> program;
  std::optional<AdapterSet> adapters;
};

void bindProgram(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_PROGRAM_H
