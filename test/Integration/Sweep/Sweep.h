//===- Sweep.h - Random programs on every target ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_SWEEP_H
#define QUANTC_TEST_INTEGRATION_SWEEP_SWEEP_H

#include "NativeRuns.h"
#include "RandomProgram.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallString.h"

namespace quantc::sweep {

/// What programs are compiled for and where they run.
struct SweepTarget {
  /// As `--target` takes it.
  llvm::StringLiteral name;
  /// The emulated CPUs; none for this machine.
  llvm::ArrayRef<llvm::StringLiteral> cpus;
  /// The most threads that programs are at least compiled for.
  int64_t threads = 1;

  std::vector<Machine> getMachines() const;
};

llvm::ArrayRef<SweepTarget> getSweepTargets();

/// Programs with what the interpreter gives for them, the comparison with
/// compiled code, and the count of both.
class Sweep {
public:
  /// Each program goes to one target in `stride`, another one for each seed.
  /// Prints them too if `print` says so.
  Sweep(unsigned stride, bool print);
  ~Sweep();

  /// Interprets `program`, or a float one after it was quantized.
  void add(unsigned seed, RandomProgram program);
  void add(unsigned seed, const FloatProgram &source);
  void runOn(const SweepTarget &target);
  /// Prints `N <what>: ...` and returns the exit status.
  int finish(llvm::StringRef what);

private:
  struct Test {
    unsigned seed;
    RandomProgram program;
    /// The output of each call.
    std::vector<HostTensor> expected;
  };

  /// A run of one call of a test.
  struct Run {
    const Test *test;
    size_t call;
    NativeRun native;
  };

  std::vector<const Test *> selectTests(const SweepTarget &target) const;
  std::string getReasonToSkip(const SweepTarget &target);
  mlir::FailureOr<std::string> compileTest(const Test &test,
                                           const SweepTarget &target,
                                           llvm::StringRef name,
                                           int64_t threads);
  void compare(const SweepTarget &target, const Machine &machine,
               llvm::ArrayRef<Run> runs);
  void printProgram(const RandomProgram &program);
  void fail(unsigned seed, const RandomProgram &program, llvm::StringRef target,
            const llvm::Twine &what);

  std::unique_ptr<mlir::MLIRContext> context;
  llvm::SmallString<128> folder;
  unsigned stride;
  bool print;
  std::vector<Test> tests;
  unsigned numPassed = 0, numFailed = 0, numSkipped = 0;
};

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_SWEEP_H
