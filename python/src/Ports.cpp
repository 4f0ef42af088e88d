//===- Ports.cpp - Inputs and outputs against arrays ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ports.h"

#include "Session.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

namespace nb = nanobind;
using namespace mlir;
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
  llvm::StringLiteral name;
};
} // namespace

/// The types that NumPy has. An i4 travels as int8.
static constexpr TypeRow kTypes[] = {
    {DataType::Bool, nb::dlpack::dtype_code::Bool, 8, "bool"},
    {DataType::I8, nb::dlpack::dtype_code::Int, 8, "int8"},
    {DataType::I16, nb::dlpack::dtype_code::Int, 16, "int16"},
    {DataType::I32, nb::dlpack::dtype_code::Int, 32, "int32"},
    {DataType::I64, nb::dlpack::dtype_code::Int, 64, "int64"},
    {DataType::U8, nb::dlpack::dtype_code::UInt, 8, "uint8"},
    {DataType::U16, nb::dlpack::dtype_code::UInt, 16, "uint16"},
    {DataType::U32, nb::dlpack::dtype_code::UInt, 32, "uint32"},
    {DataType::U64, nb::dlpack::dtype_code::UInt, 64, "uint64"},
    {DataType::F16, nb::dlpack::dtype_code::Float, 16, "float16"},
    {DataType::BF16, nb::dlpack::dtype_code::Bfloat, 16, "bfloat16"},
    {DataType::F32, nb::dlpack::dtype_code::Float, 32, "float32"},
    {DataType::F64, nb::dlpack::dtype_code::Float, 64, "float64"},
};

static const TypeRow &getRow(DataType type) {
  if (type == DataType::I4)
    type = DataType::I8;
  return *llvm::find_if(kTypes,
                        [&](const TypeRow &row) { return row.type == type; });
}

StringRef quantc::python::getNumPyName(DataType type) {
  return getRow(type).name;
}

std::optional<DataType> quantc::python::getDataType(nb::dlpack::dtype type) {
  for (const TypeRow &row : kTypes)
    if (static_cast<uint8_t>(row.code) == type.code && row.bits == type.bits &&
        type.lanes == 1)
      return row.type;
  return std::nullopt;
}

static std::string getNumPyName(nb::dlpack::dtype type) {
  if (std::optional<DataType> known = getDataType(type))
    return quantc::python::getNumPyName(*known).str();
  return "a type of " + std::to_string(type.bits) + " bits";
}

//===----------------------------------------------------------------------===//
// Ports
//===----------------------------------------------------------------------===//

static std::string formatTuple(ArrayRef<std::string> sizes) {
  return "(" + llvm::join(sizes, ", ") + (sizes.size() == 1 ? ",)" : ")");
}

std::string PythonPort::formatShape() const {
  SmallVector<std::string> sizes;
  for (const Dimension &dim : shape)
    sizes.push_back(dim.name.empty() ? std::to_string(dim.size) : dim.name);
  return formatTuple(sizes);
}

static std::optional<DataType> getDataType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() == 1)
      return DataType::Bool;
    if (integer.getWidth() == 4)
      return DataType::I4;
    for (const TypeRow &row : kTypes)
      if (row.bits == integer.getWidth() &&
          row.code == (integer.isUnsigned() ? nb::dlpack::dtype_code::UInt
                                            : nb::dlpack::dtype_code::Int))
        return row.type;
  }
  return llvm::TypeSwitch<Type, std::optional<DataType>>(type)
      .Case([](Float16Type) { return DataType::F16; })
      .Case([](BFloat16Type) { return DataType::BF16; })
      .Case([](Float32Type) { return DataType::F32; })
      .Case([](Float64Type) { return DataType::F64; })
      .Default(std::nullopt);
}

/// `expr` with the names of the program's dimensions.
static std::string formatExpr(AffineExpr expr, ArrayRef<std::string> dims) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    expr.print(os);
    return text;
  }
  StringRef op;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    op = " + ";
    break;
  case AffineExprKind::Mul:
    op = " * ";
    break;
  case AffineExprKind::Mod:
    op = " % ";
    break;
  default:
    op = " / ";
  }
  os << "(" << formatExpr(binary.getLHS(), dims) << op
     << formatExpr(binary.getRHS(), dims) << ")";
  return text;
}

std::vector<PythonPort>
quantc::python::getPythonPorts(const ProgramInterface &interface,
                               ArrayRef<Port> ports) {
  std::vector<PythonPort> result;
  for (const Port &port : ports) {
    std::optional<DataType> type = ::getDataType(port.type.getElementType());
    if (!type)
      raise("'" + port.name + "' has an element type that NumPy has not");
    PythonPort &added = result.emplace_back();
    added.name = port.name;
    added.type = *type;
    for (AffineExpr expr : port.shape.getResults()) {
      if (auto constant = dyn_cast<AffineConstantExpr>(expr))
        added.shape.push_back({constant.getValue(), ""});
      else
        added.shape.push_back({0, formatExpr(expr, interface.dims)});
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// Checks `array` against `port`. `sizes` holds the sizes of the dimensions
/// seen so far.
static void checkArray(const PythonPort &port, const Array &array,
                       llvm::StringMap<int64_t> &sizes, const Twine &where) {
  DataType expected = port.type == DataType::I4 ? DataType::I8 : port.type;
  if (quantc::python::getDataType(array.dtype()) != expected)
    raise(where + "input '" + port.name + "' is " +
          getNumPyName(array.dtype()) + "; it must be " +
          quantc::python::getNumPyName(port.type));

  bool matches = array.ndim() == port.shape.size();
  for (size_t i = 0; matches && i < array.ndim(); ++i) {
    const Dimension &dim = port.shape[i];
    int64_t size = array.shape(i);
    if (dim.name.empty())
      matches = size == dim.size;
    else
      matches = sizes.try_emplace(dim.name, size).first->second == size;
  }
  if (matches)
    return;
  SmallVector<std::string> shape;
  for (size_t i = 0; i < array.ndim(); ++i)
    shape.push_back(std::to_string(array.shape(i)));
  raise(where + "input '" + port.name + "' has shape " + formatTuple(shape) +
        "; it must be " + port.formatShape());
}

static Array getArray(const PythonPort &port, nb::handle value,
                      const Twine &where) {
  Array array;
  if (!nb::try_cast<Array>(value, array))
    raise(where + "input '" + port.name + "' is a " +
          nb::type_name(value.type()).c_str() + "; it must be an array of " +
          getNumPyName(port.type) + " (NumPy, or DLPack on the CPU)");
  return array;
}

/// The entry of `values` for each port.
static std::vector<nb::object> pickByName(ArrayRef<PythonPort> ports,
                                          nb::dict values, const Twine &where) {
  SmallVector<std::string> names;
  for (const PythonPort &port : ports)
    names.push_back("'" + port.name + "'");
  std::string expected = "; the inputs are " + llvm::join(names, ", ");

  for (auto [key, value] : values)
    if (!nb::isinstance<nb::str>(key) ||
        llvm::none_of(ports, [&, key = key](const PythonPort &port) {
          return port.name == nb::cast<std::string_view>(key);
        }))
      raise(where + "there is no input " + nb::repr(key).c_str() + expected);

  std::vector<nb::object> picked;
  for (const PythonPort &port : ports) {
    nb::str name(port.name.c_str(), port.name.size());
    if (!values.contains(name))
      raise(where + "input '" + port.name + "' is missing" + expected);
    picked.push_back(values[name]);
  }
  return picked;
}

std::vector<Array> quantc::python::bindArrays(ArrayRef<PythonPort> ports,
                                              nb::handle value,
                                              const Twine &where) {
  std::vector<nb::object> values;
  if (nb::isinstance<nb::dict>(value)) {
    values = pickByName(ports, nb::cast<nb::dict>(value), where);
  } else if (nb::isinstance<nb::tuple>(value) ||
             nb::isinstance<nb::list>(value)) {
    for (nb::handle item : nb::cast<nb::sequence>(value))
      values.push_back(nb::borrow(item));
  } else {
    values.push_back(nb::borrow(value));
  }
  if (values.size() != ports.size())
    raise(where + "got " + Twine(values.size()) + " arrays for " +
          Twine(ports.size()) + " inputs");

  std::vector<Array> arrays;
  llvm::StringMap<int64_t> sizes;
  for (auto [port, item] : llvm::zip_equal(ports, values)) {
    arrays.push_back(getArray(port, item, where));
    checkArray(port, arrays.back(), sizes, where);
  }
  return arrays;
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
  const TypeRow &row = getRow(tensor.type);
  SmallVector<size_t> shape(tensor.shape.begin(), tensor.shape.end());
  auto *owned = new HostTensor(std::move(tensor));
  nb::capsule owner(owned, [](void *pointer) noexcept {
    delete static_cast<HostTensor *>(pointer);
  });
  nb::dlpack::dtype type{static_cast<uint8_t>(row.code), row.bits, 1};
  return nb::cast(nb::ndarray<nb::numpy>(owned->bytes.data(), shape.size(),
                                         shape.data(), owner,
                                         /*strides=*/nullptr, type));
}

nb::object quantc::python::toNumPy(ArrayRef<PythonPort> ports,
                                   std::vector<HostTensor> tensors) {
  if (tensors.size() == 1)
    return toNumPy(std::move(tensors.front()));
  nb::dict result;
  for (auto [port, tensor] : llvm::zip_equal(ports, tensors))
    result[port.name.c_str()] = toNumPy(std::move(tensor));
  return result;
}
