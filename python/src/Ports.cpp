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

/// How DLPack spells the types.
static constexpr TypeRow kTypes[] = {
    {DataType::Bool, nb::dlpack::dtype_code::Bool, 8},
    {DataType::I2, nb::dlpack::dtype_code::Int, 2},
    {DataType::I4, nb::dlpack::dtype_code::Int, 4},
    {DataType::I8, nb::dlpack::dtype_code::Int, 8},
    {DataType::I16, nb::dlpack::dtype_code::Int, 16},
    {DataType::I32, nb::dlpack::dtype_code::Int, 32},
    {DataType::I64, nb::dlpack::dtype_code::Int, 64},
    {DataType::U2, nb::dlpack::dtype_code::UInt, 2},
    {DataType::U4, nb::dlpack::dtype_code::UInt, 4},
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
  const TypeRow &row =
      *find_if(kTypes, [&](const TypeRow &row) { return row.type == type; });
  return {static_cast<uint8_t>(row.code), row.bits, 1};
}

namespace {
/// A type that NumPy has from ml_dtypes only. Neither buffers nor DLPack carry
/// it: such arrays are viewed as those of a type that NumPy has by itself.
struct ExtensionRow {
  DataType type;
  DataType storage;
};
} // namespace

static constexpr ExtensionRow kExtensions[] = {
    {DataType::BF16, DataType::U16}, {DataType::I2, DataType::I8},
    {DataType::I4, DataType::I8},    {DataType::U2, DataType::U8},
    {DataType::U4, DataType::U8},
};

/// The type that holds the elements of `type` in arrays of NumPy.
static DataType getStorage(DataType type) {
  for (const ExtensionRow &row : kExtensions)
    if (row.type == type)
      return row.storage;
  return type;
}

static std::optional<DataType> getDataType(nb::dlpack::dtype type) {
  for (const TypeRow &row : kTypes)
    if (type == getDLPackType(row.type))
      return row.type;
  return std::nullopt;
}

/// The data type of an array for an input of type `expected`. Integers of 2 and
/// 4 bits may come in bytes.
static std::optional<DataType> getDataType(nb::dlpack::dtype type,
                                           DataType expected) {
  bool isByte =
      getByteSize(expected) == 1 && type == getDLPackType(getStorage(expected));
  return isByte ? expected : getDataType(type);
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

/// How DLPack spells the elements of `buffer`; nothing for those of which it
/// does not say the type by one letter, in the order of bytes of this machine.
static std::optional<nb::dlpack::dtype> getType(const Py_buffer &buffer) {
  if (!buffer.format || buffer.format[0] == 0 || buffer.format[1] != 0)
    return std::nullopt;
  auto get = [&](nb::dlpack::dtype_code code) -> nb::dlpack::dtype {
    return {static_cast<uint8_t>(code),
            static_cast<uint8_t>(8 * buffer.itemsize), 1};
  };
  char letter = buffer.format[0];
  if (StringRef("efd").contains(letter))
    return get(nb::dlpack::dtype_code::Float);
  if (StringRef("bhilq").contains(letter))
    return get(nb::dlpack::dtype_code::Int);
  if (StringRef("BHILQ").contains(letter))
    return get(nb::dlpack::dtype_code::UInt);
  if (letter == '?')
    return get(nb::dlpack::dtype_code::Bool);
  return std::nullopt;
}

bool PortArray::readBuffer(nb::handle value, int flags) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(value.ptr(), view.get(),
                         flags | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) != 0) {
    PyErr_Clear();
    return false;
  }
  buffer.reset(view.release());
  std::optional<nb::dlpack::dtype> found = getType(*buffer);
  if (!found)
    return false;
  type = *found;
  pointer = buffer->buf;
  sizes.assign(buffer->shape, buffer->shape + buffer->ndim);
  numElements = buffer->len / buffer->itemsize;
  return true;
}

bool PortArray::readExtension(nb::handle value, int flags) {
  nb::object name =
      nb::getattr(nb::getattr(value, "dtype", nb::none()), "name", nb::none());
  if (!nb::isinstance<nb::str>(name))
    return false;
  StringRef text = nb::borrow<nb::str>(name).c_str();
  for (const ExtensionRow &row : kExtensions)
    if (text == getNumpyName(row.type)) {
      nb::object view =
          value.attr("view")(getNumpyName(row.storage).str().c_str());
      bool isRead = readBuffer(view, flags);
      type = getDLPackType(row.type);
      return isRead;
    }
  return false;
}

template <class DLPackArray>
bool PortArray::readDLPack(nb::handle value, bool convert) {
  DLPackArray found;
  if (!nb::try_cast<DLPackArray>(value, found, convert))
    return false;
  type = found.dtype();
  pointer = const_cast<void *>(static_cast<const void *>(found.data()));
  sizes.assign(found.shape_ptr(), found.shape_ptr() + found.ndim());
  numElements = found.size();
  array = nb::ndarray<nb::ro>(found);
  return true;
}

std::optional<PortArray> PortArray::read(nb::handle value) {
  PortArray result;
  if (result.readBuffer(value, PyBUF_SIMPLE) ||
      result.readExtension(value, PyBUF_SIMPLE) ||
      result.readDLPack<Array>(value, /*convert=*/false))
    return result;
  result.copied = true;
  if (result.readDLPack<Array>(value, /*convert=*/true))
    return result;
  return std::nullopt;
}

std::optional<PortArray> PortArray::write(nb::handle value) {
  using Writable = nb::ndarray<nb::c_contig, nb::device::cpu>;
  PortArray result;
  if (result.readBuffer(value, PyBUF_WRITABLE) ||
      result.readExtension(value, PyBUF_WRITABLE) ||
      result.readDLPack<Writable>(value, /*convert=*/false))
    return result;
  return std::nullopt;
}

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
static PortArray getArray(const PortMetadata &port, nb::handle value,
                          const Twine &where) {
  std::optional<PortArray> array = PortArray::read(value);
  if (!array)
    raise(where + "input \"" + port.name + "\": expected an array of " +
          getNumpyName(port.type) + " (NumPy, or DLPack on the CPU), got " +
          nb::type_name(value.type()).c_str());
  if (!getDataType(array->dtype(), port.type))
    raise(where + "input \"" + port.name + "\": expected " +
          getNumpyName(port.type) + ", got a type of " +
          Twine(unsigned(array->dtype().bits)) + " bits that is not supported");
  return std::move(*array);
}

BoundArrays quantc::python::bindArrays(const ProgramMetadata &metadata,
                                       nb::handle value, const Twine &where) {
  BoundArrays bound;
  std::vector<nb::object> values = pickValues(metadata.inputs, value, where);
  SmallVector<TensorView> views;
  for (auto [port, item] : zip_equal(metadata.inputs, values))
    bound.arrays.push_back(getArray(port, item, where));
  for (auto [port, array] : zip_equal(metadata.inputs, bound.arrays))
    views.push_back(
        {*getDataType(array.dtype(), port.type), array.shape(), array.data()});
  Expected<SmallVector<int64_t>> dims = metadata.getDims(views);
  if (!dims)
    raise(where + toString(dims.takeError()));
  bound.dims = std::move(*dims);
  return bound;
}

std::vector<PortArray>
quantc::python::bindOutputs(const ProgramMetadata &metadata, nb::handle value,
                            ArrayRef<int64_t> dims) {
  bool isDict = nb::isinstance<nb::dict>(value);
  if (!isDict && metadata.outputs.size() != 1)
    raise("out: the program has " + Twine(metadata.outputs.size()) +
          " outputs; pass a dict of arrays by their names");
  std::vector<PortArray> arrays;
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
    std::optional<PortArray> array = PortArray::write(item);
    if (!array || array->dtype() != getDLPackType(port.type))
      raise(where + "expected a contiguous array of " +
            getNumpyName(port.type) + " that may be written to");
    SmallVector<int64_t> shape = metadata.getOutputShape(index, dims);
    if (ArrayRef(shape) != array->shape())
      raise(where + "expected the shape [" +
            join(map_range(shape,
                           [](int64_t size) { return std::to_string(size); }),
                 ", ") +
            "]");
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

SmallVector<void *> quantc::python::getPointers(ArrayRef<PortArray> arrays) {
  return map_to_vector(arrays,
                       [](const PortArray &array) { return array.data(); });
}

static HostTensor copyElements(const void *data, ArrayRef<int64_t> shape,
                               DataType type) {
  HostTensor tensor(type, shape);
  if (!tensor.bytes.empty())
    std::memcpy(tensor.bytes.data(), data, tensor.bytes.size());
  return tensor;
}

HostTensor quantc::python::toHostTensor(nb::handle value, const Twine &where) {
  std::optional<PortArray> array = PortArray::read(value);
  if (!array)
    raise(where + "expected an array (NumPy, or DLPack on the CPU), got " +
          nb::type_name(value.type()).c_str());
  std::optional<DataType> type = getDataType(array->dtype());
  if (!type)
    raise(where + "got a type of " + Twine(unsigned(array->dtype().bits)) +
          " bits that is not supported");
  return toHostTensor(*array, *type);
}

HostTensor quantc::python::toHostTensor(const Array &array, DataType type) {
  return copyElements(array.data(), ArrayRef(array.shape_ptr(), array.ndim()),
                      type);
}

HostTensor quantc::python::toHostTensor(const PortArray &array, DataType type) {
  return copyElements(array.data(), array.shape(), type);
}

nb::object quantc::python::toNumPy(HostTensor tensor) {
  SmallVector<size_t> shape(tensor.shape.begin(), tensor.shape.end());
  auto *owned = new HostTensor(std::move(tensor));
  nb::capsule owner(owned, [](void *pointer) noexcept {
    delete static_cast<HostTensor *>(pointer);
  });
  nb::dlpack::dtype type = getDLPackType(getStorage(owned->type));
  return nb::cast(nb::ndarray<nb::numpy>(owned->bytes.data(), shape.size(),
                                         shape.data(), owner,
                                         /*strides=*/nullptr, type));
}

/// An array of the type that `port` says.
static nb::object toNumPy(const PortMetadata &port, HostTensor tensor) {
  nb::object array = toNumPy(std::move(tensor));
  if (getStorage(port.type) == port.type)
    return array;
  std::string name = getNumpyName(port.type).str();
  try {
    nb::object types = nb::module_::import_("ml_dtypes");
    return array.attr("view")(types.attr(name.c_str()));
  } catch (nb::python_error &) {
    raise("output \"" + port.name + "\" is " + name +
          ", which NumPy has from ml_dtypes 0.5 or later; install it");
  }
}

nb::object quantc::python::toNumPy(ArrayRef<PortMetadata> ports,
                                   std::vector<HostTensor> tensors) {
  if (tensors.size() == 1)
    return ::toNumPy(ports.front(), std::move(tensors.front()));
  nb::dict result;
  for (auto [port, tensor] : llvm::zip_equal(ports, tensors))
    result[port.name.c_str()] = ::toNumPy(port, std::move(tensor));
  return result;
}
