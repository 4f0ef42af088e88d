//===- Ports.h - Inputs and outputs against arrays --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_PORTS_H
#define QUANTC_PYTHON_PORTS_H

#include "quantc/Support/HostTensor.h"
#include "quantc/Target/ProgramMetadata.h"
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace quantc::python {

/// An array of NumPy, or of whoever speaks DLPack, on the CPU and row-major.
using Array =
    nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

/// An input or output as Python sees it.
struct PythonPort {
  std::string name;
  std::string type;
  /// Sizes, or texts for those that are only known when a program runs.
  nanobind::tuple shape;
};

std::vector<PythonPort> getPorts(const ProgramMetadata &metadata,
                                 llvm::ArrayRef<PortMetadata> ports);

/// Arrays for the inputs of a program, and what they mean.
struct BoundArrays {
  std::vector<Array> arrays;
  llvm::SmallVector<int64_t> dims;
};

/// Takes `value` apart into one array for each input: an array when there is
/// one input, a sequence in the order of the inputs, or a dict by name. Throws
/// `quantc.Error` on unknown and missing names and on wrong shapes and types;
/// `where` opens the message (`batch 3: `).
BoundArrays bindArrays(const ProgramMetadata &metadata, nanobind::handle value,
                       const llvm::Twine &where);

/// Where the results of a program go: the elements of an array when there is
/// one output, or of a dict of arrays by name. Throws `quantc.Error` on missing
/// names, on wrong shapes and types and on arrays that may not be written to.
llvm::SmallVector<void *> bindOutputs(const ProgramMetadata &metadata,
                                      nanobind::handle value,
                                      llvm::ArrayRef<int64_t> dims);

HostTensor toHostTensor(const Array &array, DataType type);

/// A NumPy array that owns `tensor`.
nanobind::object toNumPy(HostTensor tensor);

/// A single array, or a dict by name when there are several outputs.
nanobind::object toNumPy(llvm::ArrayRef<PortMetadata> ports,
                         std::vector<HostTensor> tensors);

void bindPort(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_PORTS_H
