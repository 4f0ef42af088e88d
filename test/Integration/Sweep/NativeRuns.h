//===- NativeRuns.h - Runs of compiled programs in a process ----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_NATIVERUNS_H
#define QUANTC_TEST_INTEGRATION_SWEEP_NATIVERUNS_H

#include "quantc/Support/HostTensor.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace quantc::sweep {

/// What links programs and runs them.
struct Machine {
  std::string compiler;
  /// The emulator and its arguments; empty for this machine.
  std::vector<std::string> launcher;

  static Machine getHost();
  /// An AArch64 CPU, as QEMU calls it with its properties.
  static Machine getEmulated(llvm::StringRef cpu);

  /// Whether compiler and emulator are installed.
  bool isAvailable() const;
};

/// An object that exports `<name>_run`, of a program with one or two inputs and
/// one output.
struct NativeProgram {
  std::string name;
  std::string object;
};

/// One call of a program.
struct NativeRun {
  size_t program;
  llvm::ArrayRef<HostTensor> inputs;
  /// The blocks of adapters and the adapter of each row; empty for none.
  llvm::SmallVector<const HostTensor *, 2> adapters;
  /// The only dynamic dimension, if there is one.
  std::optional<int64_t> rows;
  size_t outputSize;
  /// Of the executor; 0 calls without one.
  int64_t threads;
  /// Whether each buffer ends where memory does, or else starts there.
  bool atEnd;
};

/// The output of a run, or why there is none.
struct NativeResult {
  std::string output;
  std::string error;
};

/// Writes a file.
llvm::Error writeBytes(const llvm::Twine &path, llvm::StringRef bytes);

/// Links all programs with driver.c. Files go to `folder`.
llvm::Error linkPrograms(const Machine &machine,
                         llvm::ArrayRef<NativeProgram> programs,
                         llvm::StringRef folder);

/// Makes the runs in a process of what was linked in `folder`, where every
/// buffer lies between pages that must not be touched. A run that ends the
/// process has an error, and the next ones are made in a new process.
llvm::Expected<std::vector<NativeResult>>
runPrograms(const Machine &machine, llvm::ArrayRef<NativeRun> runs,
            llvm::StringRef folder);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_NATIVERUNS_H
