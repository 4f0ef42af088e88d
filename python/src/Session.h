//===- Session.h - A context and its errors ---------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libQuantc reports errors as MLIR diagnostics and throws nothing; Python wants
// exceptions. The two meet here and only here.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_SESSION_H
#define QUANTC_PYTHON_SESSION_H

#include "mlir/IR/MLIRContext.h"
#include "quantc/Support/Diagnostics.h"
#include "llvm/Support/Error.h"
#include <filesystem>
#include <memory>
#include <nanobind/nanobind.h>
#include <optional>

namespace quantc::python {

/// The context of a loaded model and of all that is derived from it. Attributes
/// live as long as their context, so every loaded model has its own: dropping
/// the model frees its weights. It runs on the caller's thread only.
std::shared_ptr<mlir::MLIRContext> createContext();

/// Throws `quantc.Error(*messages)`.
[[noreturn]] void raise(const std::vector<std::string> &messages);
[[noreturn]] void raise(const llvm::Twine &message);

/// The value of `expected`; throws its error as `quantc.Error`.
template <class T>
T unwrap(llvm::Expected<T> expected) {
  if (!expected)
    raise(llvm::toString(expected.takeError()));
  return std::move(*expected);
}

/// Writes `content` to a file beside `path` and renames it, so that nothing
/// half-written is ever seen. Throws `quantc.Error`.
void writeFile(const std::filesystem::path &path, llvm::StringRef content);

/// Collects the diagnostics of one call into the library. Whoever makes one
/// calls `finish` when the call has returned: it throws the errors as
/// `quantc.Error`, or else gives the warnings to Python's `warnings`.
class ErrorScope {
public:
  explicit ErrorScope(mlir::MLIRContext *context) {
    diagnostics.emplace(context);
  }

  /// Lets messages say `name` where they would say `path`, a file that only we
  /// know of.
  void rename(llvm::StringRef path, llvm::StringRef name) {
    hiddenPath = path.str();
    shownName = name.str();
  }

  /// `succeeded` is the answer of the library. A failure without a diagnostic
  /// is reported as `fallback`. The context may be destroyed afterwards.
  void finish(bool succeeded, const llvm::Twine &fallback);

private:
  std::optional<DiagnosticCollector> diagnostics;
  std::string hiddenPath;
  std::string shownName;
};

} // namespace quantc::python

#endif // QUANTC_PYTHON_SESSION_H
