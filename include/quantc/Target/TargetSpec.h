//===- TargetSpec.h - The machine to compile for ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The target is an attribute of the module, so that passes need no option for
// it and every stage of a compilation can be printed and continued:
//
//   module attributes {llvm.target = #llvm.target<
//       triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3",
//       features = <["+avx", "+avx2", "+fma"]>>}
//
// The features are complete: what is not listed must not be used.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_TARGETSPEC_H
#define QUANTC_TARGET_TARGETSPEC_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include <string>
#include <vector>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace quantc {

/// A CPU by the names that LLVM uses.
struct TargetSpec {
  std::string triple;
  std::string cpu;
  /// The features that matter to our code, sorted: "+name" for each that the
  /// machine has, "-name" for each that `cpu` implies and the machine lacks.
  std::vector<std::string> features;

  bool operator==(const TargetSpec &other) const {
    return triple == other.triple && cpu == other.cpu &&
           features == other.features;
  }

  /// Whether the machine has `feature`, for example "avx512vnni".
  bool hasFeature(llvm::StringRef feature) const;

  /// The features as LLVM takes them, separated by commas.
  std::string getFeatureString() const;

  /// The target for people, such as "x86-64-v3+avxvnni" or "sapphirerapids
  /// without amx-int8".
  std::string str() const;

  /// Whether `math.fma` is one instruction.
  bool hasFusedMultiplyAdd() const;

  /// Whether rounding to an integral float is one instruction.
  bool hasRounding() const;

  /// Whether f16 is converted from and to f32 by one instruction.
  bool hasFloat16Conversion() const;

  /// Whether vectors of bytes are multiplied by one instruction.
  bool hasByteMultiply() const;
};

using EmitErrorFn = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// Reads `base[+feature...]`, where the base is `native`, `aarch64`, `x86-64`,
/// `x86-64-v2`, `x86-64-v3`, `x86-64-v4` or the name of any 64-bit x86 or ARM
/// CPU that LLVM knows. `+notiles` at the end takes away what the system may
/// refuse, on any architecture, so that one code is enough. The system is
/// Linux.
mlir::FailureOr<TargetSpec> parseTarget(llvm::StringRef text,
                                        EmitErrorFn emitError);

/// `target` without what the system has to be asked for and may refuse: AMX.
/// The same target if it has none of that.
TargetSpec getFallback(const TargetSpec &target);

/// Puts the fallback of each target behind it, unless it is there.
void addFallbacks(std::vector<TargetSpec> &targets);

/// Reads a list of targets for one object, separated by commas and best first,
/// or `x86-64-multi`, `aarch64-multi` or `multi`, which is that of this
/// machine's architecture. Each target that may be refused is followed by its
/// fallback, so that the list may be longer than what was asked for. All are of
/// one architecture.
mlir::FailureOr<std::vector<TargetSpec>> parseTargets(llvm::StringRef text,
                                                      EmitErrorFn emitError);

/// Makes a target of what `--mtriple`, `--mcpu` and `--mattr` say; an empty
/// triple is that of this machine, an empty CPU the oldest of its architecture.
mlir::FailureOr<TargetSpec> makeTarget(llvm::StringRef triple,
                                       llvm::StringRef cpu,
                                       llvm::StringRef features,
                                       EmitErrorFn emitError);

/// Reads and writes the attribute. A module without one is for this machine's
/// architecture with no optional feature.
TargetSpec getTarget(mlir::ModuleOp module);
void setTarget(mlir::ModuleOp module, const TargetSpec &target);

/// LLVM's description of `target`: position-independent code, full
/// optimization, and no fused operation that is not in the program.
std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const TargetSpec &target);

/// The features of `required` (as in TargetSpec) that this machine lacks.
std::vector<std::string>
getMissingHostFeatures(llvm::ArrayRef<std::string> required);

} // namespace quantc

#endif // QUANTC_TARGET_TARGETSPEC_H
