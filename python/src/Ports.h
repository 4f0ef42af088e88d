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
#include <optional>

namespace quantc::python {

/// An array of NumPy, or of whoever speaks DLPack, on the CPU and row-major.
using Array =
    nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

/// The elements of an array of Python, while it is in use. Read through the
/// buffer protocol where the array has it, as NumPy's do: DLPack, by which
/// others are read, takes longer than a small program.
class PortArray {
public:
  /// Nothing if `value` is no array on the CPU. One that is not row-major is
  /// copied.
  static std::optional<PortArray> read(nanobind::handle value);
  /// Nothing if `value` is no row-major array on the CPU that may be written
  /// to.
  static std::optional<PortArray> write(nanobind::handle value);

  void *data() const { return pointer; }
  llvm::ArrayRef<int64_t> shape() const { return sizes; }
  size_t size() const { return numElements; }
  /// Whether the elements were copied, from an array that is not row-major.
  bool isCopy() const { return copied; }
  nanobind::dlpack::dtype dtype() const { return type; }

private:
  struct Release {
    void operator()(Py_buffer *buffer) const {
      PyBuffer_Release(buffer);
      delete buffer;
    }
  };

  bool readBuffer(nanobind::handle value, int flags);
  /// Arrays of types that NumPy has from ml_dtypes.
  bool readExtension(nanobind::handle value, int flags);
  template <class DLPackArray>
  bool readDLPack(nanobind::handle value, bool convert);

  std::unique_ptr<Py_buffer, Release> buffer;
  /// What keeps an array alive that has no buffer.
  nanobind::ndarray<nanobind::ro> array;
  void *pointer = nullptr;
  llvm::SmallVector<int64_t, 4> sizes;
  size_t numElements = 0;
  bool copied = false;
  nanobind::dlpack::dtype type = {};
};

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
  std::vector<PortArray> arrays;
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
std::vector<PortArray> bindOutputs(const ProgramMetadata &metadata,
                                   nanobind::handle value,
                                   llvm::ArrayRef<int64_t> dims);

/// Where the elements of `arrays` are.
llvm::SmallVector<void *> getPointers(llvm::ArrayRef<PortArray> arrays);

/// An array of any type; throws `quantc.Error` for what is none. `where` opens
/// the message.
HostTensor toHostTensor(nanobind::handle value, const llvm::Twine &where);
HostTensor toHostTensor(const Array &array, DataType type);
HostTensor toHostTensor(const PortArray &array, DataType type);

/// A NumPy array that owns `tensor`: one of int8, uint8 or uint16 for elements
/// of a type that NumPy does not have by itself.
nanobind::object toNumPy(HostTensor tensor);

/// A single array, or a dict by name when there are several outputs; of types
/// of ml_dtypes where NumPy does not have that of the output by itself.
nanobind::object toNumPy(llvm::ArrayRef<PortMetadata> ports,
                         std::vector<HostTensor> tensors);

void bindPort(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_PORTS_H
