//===- Ports.cpp - Inputs and outputs against arrays ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ports.h"

#include "Session.h"
#include "llvm/ADT/StringExtras.h"
#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace llvm;
using namespace quantc;
using namespace quantc::python;

//===----------------------------------------------------------------------===//
// Data types
//===----------------------------------------------------------------------===//

namespace {
struct TypeRow {
  DataType type;
  nb::dlpack::dtype_code code;
  uint8_t bits;
};
} // namespace

/// How DLPack spells the types. An i4 travels as int8.
static constexpr TypeRow kTypes[] = {
    {DataType::Bool, nb::dlpack::dtype_code::Bool, 8},
    {DataType::I8, nb::dlpack::dtype_code::Int, 8},
    {DataType::I16, nb::dlpack::dtype_code::Int, 16},
    {DataType::I32, nb::dlpack::dtype_code::Int, 32},
    {DataType::I64, nb::dlpack::dtype_code::Int, 64},
    {DataType::U8, nb::dlpack::dtype_code::UInt, 8},
    {DataType::U16, nb::dlpack::dtype_code::UInt, 16},
    {DataType::U32, nb::dlpack::dtype_code::UInt, 32},
    {DataType::U64, nb::dlpack::dtype_code::UInt, 64},
    {DataType::F16, nb::dlpack::dtype_code::Float, 16},
    {DataType::BF16, nb::dlpack::dtype_code::Bfloat, 16},
    {DataType::F32, nb::dlpack::dtype_code::Float, 32},
    {DataType::F64, nb::dlpack::dtype_code::Float, 64},
};

static nb::dlpack::dtype getDLPackType(DataType type) {
  DataType stored = type == DataType::I4 ? DataType::I8 : type;
  const TypeRow &row =
      *find_if(kTypes, [&](const TypeRow &row) { return row.type == stored; });
  return {static_cast<uint8_t>(row.code), row.bits, 1};
}

/// The data type of an array for an input of type `expected`.
static std::optional<DataType> getDataType(nb::dlpack::dtype type,
                                           DataType expected) {
  if (type == getDLPackType(expected))
    return expected;
  for (const TypeRow &row : kTypes)
    if (type == getDLPackType(row.type))
      return row.type;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Ports
//===----------------------------------------------------------------------===//

std::vector<PythonPort>
quantc::python::getPorts(const ProgramMetadata &metadata,
                         ArrayRef<PortMetadata> ports) {
  std::vector<PythonPort> result;
  for (const PortMetadata &port : ports) {
    nb::list shape;
    for (const SizeExpr &size : port.shape) {
      if (std::optional<int64_t> constant = size.getConstant())
        shape.append(*constant);
      else
        shape.append(nb::str(size.str(metadata.dims).c_str()));
    }
    result.push_back(
        {port.name, getNumpyName(port.type).str(), nb::tuple(shape)});
  }
  return result;
}

void quantc::python::bindPort(nb::module_ &m) {
  nb::class_<PythonPort>(m, "Port",
                         "One input or output of a model or of a program.")
      .def_ro("name", &PythonPort::name, "Its name in the model.")
      .def_ro("dtype", &PythonPort::type,
              "The NumPy name of the element type, such as ``float32``.")
      .def_ro("shape", &PythonPort::shape,
              nb::sig("def shape(self) -> tuple[int | str, ...]"),
              "Sizes in elements; one that is only known when the program runs "
              "is a name, such as ``batch``.")
      .def("__repr__", [](const PythonPort &port) {
        std::string sizes = nb::str(port.shape).c_str();
        erase(sizes, '\'');
        return "Port('" + port.name + "', " + port.type + sizes + ")";
      });
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// The names of the inputs, for errors.
static std::string formatNames(ArrayRef<PortMetadata> ports) {
  return "; the inputs are " + join(map_range(ports,
                                              [](const PortMetadata &port) {
                                                return "\"" + port.name + "\"";
                                              }),
                                    ", ");
}

/// The entry of `values` for each port.
static std::vector<nb::object> pickByName(ArrayRef<PortMetadata> ports,
                                          nb::dict values, const Twine &where) {
  for (auto [key, value] : values) {
    std::string name = nb::str(key).c_str();
    if (none_of(ports,
                [&](const PortMetadata &port) { return port.name == name; }))
      raise(where + "there is no input \"" + name + "\"" + formatNames(ports));
  }
  std::vector<nb::object> picked;
  for (const PortMetadata &port : ports) {
    nb::str name(port.name.c_str(), port.name.size());
    if (!values.contains(name))
      raise(where + "input \"" + port.name + "\" is missing" +
            formatNames(ports));
    picked.push_back(values[name]);
  }
  return picked;
}

/// One value for each port.
static std::vector<nb::object>
pickValues(ArrayRef<PortMetadata> ports, nb::handle value, const Twine &where) {
  if (nb::isinstance<nb::dict>(value))
    return pickByName(ports, nb::borrow<nb::dict>(value), where);
  std::vector<nb::object> values;
  if (!nb::isinstance<nb::tuple>(value) && !nb::isinstance<nb::list>(value))
    values.push_back(nb::borrow(value));
  else
    for (nb::handle item : value)
      values.push_back(nb::borrow(item));
  if (values.size() != ports.size())
    raise(where + "expected " + Twine(ports.size()) + " inputs, got " +
          Twine(values.size()));
  return values;
}

/// `value` as an array that may be an input of type `port`.
static Array getArray(const PortMetadata &port, nb::handle value,
                      const Twine &where) {
  Array array;
  if (!nb::try_cast<Array>(value, array))
    raise(where + "input \"" + port.name + "\": expected an array of " +
          getNumpyName(port.type) + " (NumPy, or DLPack on the CPU), got " +
          nb::type_name(value.type()).c_str());
  if (!getDataType(array.dtype(), port.type))
    raise(where + "input \"" + port.name + "\": expected " +
          getNumpyName(port.type) + ", got a type of " +
          Twine(unsigned(array.dtype().bits)) + " bits that is not supported");
  return array;
}

BoundArrays quantc::python::bindArrays(const ProgramMetadata &metadata,
                                       nb::handle value, const Twine &where) {
  BoundArrays bound;
  std::vector<nb::object> values = pickValues(metadata.inputs, value, where);
  SmallVector<TensorView> views;
  for (auto [port, item] : zip_equal(metadata.inputs, values)) {
    Array array = getArray(port, item, where);
    views.push_back({*getDataType(array.dtype(), port.type),
                     ArrayRef(array.shape_ptr(), array.ndim()), array.data()});
    // The shape stays where it is: the handle is what moves.
    bound.arrays.push_back(std::move(array));
  }
  Expected<SmallVector<int64_t>> dims = metadata.getDims(views);
  if (!dims)
    raise(where + toString(dims.takeError()));
  bound.dims = std::move(*dims);
  return bound;
}

SmallVector<void *> quantc::python::bindOutputs(const ProgramMetadata &metadata,
                                                nb::handle value,
                                                ArrayRef<int64_t> dims) {
  using OutputArray = nb::ndarray<nb::c_contig, nb::device::cpu>;
  bool isDict = nb::isinstance<nb::dict>(value);
  if (!isDict && metadata.outputs.size() != 1)
    raise("out: the program has " + Twine(metadata.outputs.size()) +
          " outputs; pass a dict of arrays by their names");
  SmallVector<void *> pointers;
  for (auto [index, port] : enumerate(metadata.outputs)) {
    auto where = "out: \"" + port.name + "\": ";
    nb::object item = nb::borrow(value);
    if (isDict) {
      nb::str name(port.name.c_str(), port.name.size());
      nb::dict values = nb::borrow<nb::dict>(value);
      if (!values.contains(name))
        raise(where + "is missing");
      item = values[name];
    }
    OutputArray array;
    if (!nb::try_cast<OutputArray>(item, array) ||
        array.dtype() != getDLPackType(port.type))
      raise(where + "expected a contiguous array of " +
            getNumpyName(port.type) + " that may be written to");
    SmallVector<int64_t> shape = metadata.getOutputShape(index, dims);
    if (!equal(shape, ArrayRef(array.shape_ptr(), array.ndim())))
      raise(where + "expected the shape [" +
            join(map_range(shape,
                           [](int64_t size) { return std::to_string(size); }),
                 ", ") +
            "]");
    pointers.push_back(array.data());
  }
  return pointers;
}

HostTensor quantc::python::toHostTensor(const Array &array, DataType type) {
  SmallVector<int64_t> shape;
  for (size_t i = 0; i < array.ndim(); ++i)
    shape.push_back(array.shape(i));
  HostTensor tensor(type, shape);
  if (!tensor.bytes.empty())
    std::memcpy(tensor.bytes.data(), array.data(), tensor.bytes.size());
  return tensor;
}

nb::object quantc::python::toNumPy(HostTensor tensor) {
  SmallVector<size_t> shape(tensor.shape.begin(), tensor.shape.end());
  auto *owned = new HostTensor(std::move(tensor));
  nb::capsule owner(owned, [](void *pointer) noexcept {
    delete static_cast<HostTensor *>(pointer);
  });
  nb::dlpack::dtype type = getDLPackType(owned->type);
  return nb::cast(nb::ndarray<nb::numpy>(owned->bytes.data(), shape.size(),
                                         shape.data(), owner,
                                         /*strides=*/nullptr, type));
}

nb::object quantc::python::toNumPy(ArrayRef<PortMetadata> ports,
                                   std::vector<HostTensor> tensors) {
  if (tensors.size() == 1)
    return toNumPy(std::move(tensors.front()));
  nb::dict result;
  for (auto [port, tensor] : llvm::zip_equal(ports, tensors))
    result[port.name.c_str()] = toNumPy(std::move(tensor));
  return result;
}
