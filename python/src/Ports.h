//===- Ports.h - Inputs and outputs against arrays --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_PORTS_H
#define QUANTC_PYTHON_PORTS_H

#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Support/HostTensor.h"
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <optional>

namespace quantc::python {

/// An array of NumPy, or of whoever speaks DLPack, on the CPU and row-major.
using Array =
    nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

/// One dimension: a size, or a name that stands for one.
struct Dimension {
  int64_t size = 0;
  std::string name;
};

/// An input or output as Python sees it.
struct PythonPort {
  std::string name;
  DataType type = DataType::F32;
  std::vector<Dimension> shape;

  /// `(batch, 784)`
  std::string formatShape() const;
};

std::vector<PythonPort> getPythonPorts(const ProgramInterface &interface,
                                       llvm::ArrayRef<Port> ports);

/// The name that NumPy has for `type`.
llvm::StringRef getNumPyName(DataType type);

/// The data type of an array, if the compiler has it.
std::optional<DataType> getDataType(nanobind::dlpack::dtype type);

/// Takes `value` apart into one array for each of `ports`: an array when there
/// is one input, otherwise a sequence in the order of the inputs, or a dict by
/// name. Throws `quantc.Error` on unknown and missing names, on a wrong shape
/// or type and on dimensions of one name with two sizes; `where` opens the
/// message (`sample 3: `).
std::vector<Array> bindArrays(llvm::ArrayRef<PythonPort> ports,
                              nanobind::handle value, const llvm::Twine &where);

HostTensor toHostTensor(const Array &array, DataType type);

/// A NumPy array that owns `tensor`.
nanobind::object toNumPy(HostTensor tensor);

/// A single array, or a dict by name when there are several outputs.
nanobind::object toNumPy(llvm::ArrayRef<PythonPort> ports,
                         std::vector<HostTensor> tensors);

} // namespace quantc::python

#endif // QUANTC_PYTHON_PORTS_H
