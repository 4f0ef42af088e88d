//===- Emulated.h - Many programs in one emulated process -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_EMULATED_H
#define QUANTC_TEST_INTEGRATION_SWEEP_EMULATED_H

#include "quantc/Support/HostTensor.h"
#include "llvm/Support/Error.h"
#include <string>

namespace quantc::sweep {

/// An AArch64 object that exports `<name>_run`, with what to run it on.
struct EmulatedProgram {
  std::string name;
  std::string object;
  HostTensor input;
  /// The bytes of the only output.
  size_t outputSize;
};

/// Writes a file.
llvm::Error writeBytes(const llvm::Twine &path, llvm::StringRef bytes);

/// Whether there is a cross compiler and an emulator.
bool canEmulate();

/// Links all programs with one C driver. Files go to `folder`.
llvm::Error linkEmulated(llvm::ArrayRef<EmulatedProgram> programs,
                         llvm::StringRef folder);

/// Runs what was linked in `folder` on `cpu`, an emulated one with its
/// properties, and returns the output of each program.
llvm::Expected<std::vector<std::string>>
runEmulated(llvm::ArrayRef<EmulatedProgram> programs, llvm::StringRef folder,
            llvm::StringRef cpu);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_EMULATED_H
