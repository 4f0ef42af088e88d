//===- Program.h - A compiled program, loaded -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_PROGRAM_H
#define QUANTC_TARGET_PROGRAM_H

#include "quantc/Support/HostTensor.h"
#include "quantc/Target/ProgramMetadata.h"
#include "quantc/Target/ThreadPool.h"
#include <memory>
#include <mutex>

namespace quantc {

/// The adapters of one call; null means what it means in the C interface.
struct AdapterSelection {
  /// Blocks of `AdapterLayout::size` bytes at a multiple of 64, one after the
  /// other. Null: none.
  const void *adapters = nullptr;
  /// For each row of the batch the index of its block, negative for none. Null:
  /// all rows use the first.
  const int32_t *adapterOfRow = nullptr;
};

/// A shared library that quantc made. May be run from several threads at a
/// time.
class Program {
public:
  /// Loads the library at `path`. Calls use `threads` threads each, shared by
  /// calls at the same time; by default as many as it was compiled for. The
  /// parameters of a program that has some are `parameters`, or else mapped
  /// from the file beside it. Fails if it is no program, one for another
  /// machine, or one for fewer threads.
  static llvm::Expected<std::unique_ptr<Program>>
  load(llvm::StringRef path, std::optional<int64_t> threads = std::nullopt,
       std::shared_ptr<llvm::MemoryBuffer> parameters = nullptr);

  ~Program();

  const ProgramMetadata &getMetadata() const { return metadata; }

  /// The block that the program reads its parameters from; null without.
  std::shared_ptr<llvm::MemoryBuffer> getParameters() const {
    return parameters;
  }

  /// The target of the code that runs here.
  const TargetSpec &getVariant() const {
    return metadata.variants.empty() ? metadata.target
                                     : metadata.variants[variant];
  }

  /// How many threads a call uses.
  int64_t getNumThreads() const {
    return threadPool ? threadPool->numThreads : 1;
  }

  /// Runs on memory of the sizes that `dims` mean. Adapters are only looked at
  /// by a program that takes some.
  llvm::Error run(llvm::ArrayRef<const void *> inputs,
                  llvm::ArrayRef<void *> outputs, llvm::ArrayRef<int64_t> dims,
                  AdapterSelection selection = {});

  /// Checks `inputs` and runs.
  llvm::Expected<std::vector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> inputs);

private:
  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  /// The workspace of one call at a time.
  struct Workspace {
    std::unique_ptr<void, Free> memory;
    size_t size = 0;
  };

  Program() = default;
  llvm::Error bind(llvm::StringRef name);
  llvm::Error setThreads(std::optional<int64_t> threads);
  Workspace takeWorkspace(size_t size);

  ProgramMetadata metadata;
  std::shared_ptr<llvm::MemoryBuffer> parameters;
  size_t variant = 0;
  int file = -1;
  void *handle = nullptr;
  int32_t (*entry)(const void *args) = nullptr;
  size_t (*workspaceSize)(const int64_t *dims) = nullptr;

  /// Null if calls run on the calling thread alone.
  std::unique_ptr<ThreadPool> threadPool;

  std::mutex mutex;
  std::vector<Workspace> idle;
};

} // namespace quantc

#endif // QUANTC_TARGET_PROGRAM_H
