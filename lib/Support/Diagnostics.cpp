//===- Diagnostics.cpp - Errors for people --------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Support/Diagnostics.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

StringRef quantc::getName(Location loc) {
  StringRef name;
  loc->walk([&](Location nested) {
    if (auto named = dyn_cast<NameLoc>(nested)) {
      name = named.getName();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

Location quantc::getNamedLoc(MLIRContext *context, StringRef file,
                             StringRef name) {
  return NameLoc::get(StringAttr::get(context, name),
                      FileLineColLoc::get(context, file, 0, 0));
}

std::string quantc::format(Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream os(text);
  FileLineColLoc file;
  diagnostic.getLocation()->walk([&](Location nested) {
    file = dyn_cast<FileLineColLoc>(nested);
    return file ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (file) {
    os << file.getFilename().getValue();
    if (file.getLine())
      os << ":" << file.getLine() << ":" << file.getColumn();
    os << ": ";
  }
  if (StringRef name = getName(diagnostic.getLocation()); !name.empty())
    os << name << ": ";
  os << diagnostic.str();
  // Names and types can be of any length and form; an error is one line.
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

quantc::DiagnosticCollector::DiagnosticCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
          errors.push_back(format(diagnostic));
        else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
          warnings.push_back(format(diagnostic));
        return success();
      }) {}
