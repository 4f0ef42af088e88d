//===- Session.cpp - A context and its errors -----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "mlir/IR/DialectRegistry.h"
#include "quantc/InitAll.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nb = nanobind;
using namespace quantc::python;

std::shared_ptr<mlir::MLIRContext> quantc::python::createContext() {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  return std::make_shared<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
}

void quantc::python::raise(const std::vector<std::string> &messages) {
  nb::object type = nb::module_::import_("quantc.errors").attr("Error");
  nb::list arguments;
  // Damaged files have names that are not UTF-8.
  for (const std::string &message : messages)
    arguments.append(nb::steal(
        PyUnicode_DecodeUTF8(message.data(), message.size(), "replace")));
  nb::object error = type(*nb::tuple(arguments));
  PyErr_SetObject(type.ptr(), error.ptr());
  throw nb::python_error();
}

void quantc::python::raise(const llvm::Twine &message) {
  raise(std::vector<std::string>{message.str()});
}

void quantc::python::writeFile(const std::filesystem::path &path,
                               llvm::StringRef content) {
  llvm::Error error =
      llvm::writeToOutput(path.string(), [&](llvm::raw_ostream &os) {
        os << content;
        return llvm::Error::success();
      });
  if (error)
    raise(path.string() + ": cannot be written: " +
          llvm::errorToErrorCode(std::move(error)).message());
}

void ErrorScope::finish(bool succeeded, const llvm::Twine &fallback) {
  std::vector<std::string> errors = std::move(diagnostics->errors);
  std::vector<std::string> warnings = std::move(diagnostics->warnings);
  diagnostics.reset();
  for (std::string &error : errors)
    if (size_t start = error.find(hiddenPath);
        !hiddenPath.empty() && start != std::string::npos)
      error.replace(start, hiddenPath.size(), shownName);
  if (!succeeded && errors.empty())
    raise(fallback);
  if (!errors.empty())
    raise(errors);
  nb::object category =
      nb::module_::import_("quantc.errors").attr("QuantizationWarning");
  // Level 2 is the caller of the function of the package that called us.
  for (const std::string &warning : warnings)
    if (PyErr_WarnEx(category.ptr(), warning.c_str(), /*stack_level=*/2) != 0)
      throw nb::python_error();
}
