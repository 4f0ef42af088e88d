//===- BoundCall.h - A program on arrays chosen once ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_BOUNDCALL_H
#define QUANTC_PYTHON_BOUNDCALL_H

#include "Program.h"

namespace quantc::python {

/// Calls of one program on the same arrays, which are looked at only once.
class BoundCall {
public:
  /// Throws `quantc.Error` for what a call would throw for, and for an input
  /// that a call would copy.
  BoundCall(nanobind::object program, nanobind::handle inputs,
            nanobind::object out, nanobind::handle adapters);
  BoundCall(BoundCall &&) = default;
  BoundCall(const BoundCall &) = delete;

  /// Runs the program and returns the outputs.
  nanobind::object run();

private:
  nanobind::object owner;
  PythonProgram &program;
  AdapterChoice choice;
  BoundArrays inputs;
  nanobind::object out;
  std::vector<PortArray> outputs;
  llvm::SmallVector<const void *> inputData;
  llvm::SmallVector<void *> outputData;
};

/// Adds the class; the method of programs that makes one is theirs.
void bindBoundCall(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_BOUNDCALL_H
