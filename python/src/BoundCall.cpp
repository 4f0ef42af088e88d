//===- BoundCall.cpp - A program on arrays chosen once --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BoundCall.h"

#include "Session.h"

namespace nb = nanobind;
using namespace quantc::python;

BoundCall::BoundCall(nb::object owner, nb::handle values, nb::object out,
                     nb::handle adapters)
    : owner(owner), program(nb::cast<PythonProgram &>(owner)),
      choice(program.getAdapters().chooseForCall(adapters)),
      inputs(bindArrays(program.getMetadata(), values, "")), out(out),
      outputs(bindOutputs(program.getMetadata(), out, inputs.dims)) {
  for (auto [port, array] :
       llvm::zip_equal(program.getMetadata().inputs, inputs.arrays)) {
    if (array.isCopy())
      raise("input \"" + port.name +
            "\": expected a contiguous array, which later calls read again");
    inputData.push_back(array.data());
  }
  outputData = getPointers(outputs);
}

nb::object BoundCall::run() {
  program.run(inputData, outputData, inputs.dims, choice);
  return out;
}

void quantc::python::bindBoundCall(nb::module_ &m) {
  nb::class_<BoundCall>(m, "BoundCall",
                        R"(A program on arrays that do not change.

``Program.bind`` makes it. A call runs the program on what the arrays hold by
then and returns the outputs. It saves looking at the arrays, most of the time
of a call of a small program. Calls of one object must not overlap.)")
      .def("__call__", &BoundCall::run,
           "Run the program on the arrays, and return ``out``.");
}
