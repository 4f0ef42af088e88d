//===- Shapes.cpp - Elements and shapes of the interpreter ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/IR/Diagnostics.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

/// The most bytes that one tensor may take.
static constexpr int64_t kMaxTensorBytes = int64_t(1) << 33;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static const llvm::fltSemantics &getSemantics(DataType type) {
  return type == DataType::F16 ? APFloat::IEEEhalf() : APFloat::BFloat();
}

/// The bits of a NaN of 16 bits at their place in an f32, and back. Moving an
/// element does not make it quiet, as a conversion would.
static float extendNaN(uint16_t bits, DataType type) {
  uint32_t wide =
      type == DataType::BF16
          ? uint32_t(bits) << 16
          : (bits & 0x8000u) << 16 | 0x7F800000u | (bits & 0x3FFu) << 13;
  return llvm::bit_cast<float>(wide);
}

static uint16_t truncateNaN(float number, DataType type) {
  auto bits = llvm::bit_cast<uint32_t>(number);
  if (type == DataType::BF16)
    return bits >> 16;
  return (bits >> 16 & 0x8000u) | 0x7C00u | (bits >> 13 & 0x3FFu);
}

/// A 16-bit float is exact in f32, and what is stored as one has been rounded
/// to it, so both conversions are exact.
static float extendHalf(uint16_t bits, DataType type) {
  APFloat value(getSemantics(type), APInt(16, bits));
  if (value.isNaN())
    return extendNaN(bits, type);
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToFloat();
}

static uint16_t truncateHalf(float number, DataType type) {
  if (std::isnan(number))
    return truncateNaN(number, type);
  APFloat value(number);
  bool losesInfo;
  value.convert(getSemantics(type), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.bitcastToAPInt().getZExtValue();
}

template <class T>
static T read(const HostTensor &tensor, int64_t index) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
static void write(HostTensor &tensor, int64_t index, T value) {
  std::memcpy(tensor.bytes.data() + index * sizeof(T), &value, sizeof(T));
}

Scalar reference::load(const HostTensor &tensor, int64_t index) {
  Scalar value{};
  switch (tensor.type) {
  case DataType::F32:
    value.f32 = read<float>(tensor, index);
    break;
  case DataType::F64:
    value.f64 = read<double>(tensor, index);
    break;
  case DataType::F16:
  case DataType::BF16:
    value.f32 = extendHalf(read<uint16_t>(tensor, index), tensor.type);
    break;
  case DataType::Bool:
    value.integer = read<int8_t>(tensor, index) ? -1 : 0;
    break;
  case DataType::I2:
  case DataType::I4:
  case DataType::I8:
  case DataType::U2:
  case DataType::U4:
  case DataType::U8:
    value.integer = read<int8_t>(tensor, index);
    break;
  case DataType::I16:
  case DataType::U16:
    value.integer = read<int16_t>(tensor, index);
    break;
  case DataType::I32:
  case DataType::U32:
    value.integer = read<int32_t>(tensor, index);
    break;
  case DataType::I64:
  case DataType::U64:
    value.integer = read<int64_t>(tensor, index);
    break;
  }
  return value;
}

void reference::store(HostTensor &tensor, int64_t index, Scalar value) {
  switch (tensor.type) {
  case DataType::F32:
    return write(tensor, index, value.f32);
  case DataType::F64:
    return write(tensor, index, value.f64);
  case DataType::F16:
  case DataType::BF16:
    return write(tensor, index, truncateHalf(value.f32, tensor.type));
  case DataType::Bool:
    return write<int8_t>(tensor, index, value.integer & 1);
  case DataType::I2:
  case DataType::I4:
  case DataType::I8:
  case DataType::U2:
  case DataType::U4:
  case DataType::U8:
    return write<int8_t>(tensor, index, value.integer);
  case DataType::I16:
  case DataType::U16:
    return write<int16_t>(tensor, index, value.integer);
  case DataType::I32:
  case DataType::U32:
    return write<int32_t>(tensor, index, value.integer);
  case DataType::I64:
  case DataType::U64:
    return write<int64_t>(tensor, index, value.integer);
  }
}

static unsigned getBitWidth(DataType type) {
  switch (type) {
  case DataType::Bool:
    return 1;
  case DataType::I2:
  case DataType::U2:
    return 2;
  case DataType::I4:
  case DataType::U4:
    return 4;
  default:
    return 8 * getByteSize(type);
  }
}

int64_t reference::wrapInteger(uint64_t value, DataType type) {
  return llvm::SignExtend64(value, getBitWidth(type));
}

uint64_t reference::zeroExtend(int64_t value, DataType type) {
  return static_cast<uint64_t>(value) &
         llvm::maskTrailingOnes<uint64_t>(getBitWidth(type));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

FailureOr<HostTensor> reference::makeTensor(Operation *op, Type elementType,
                                            ArrayRef<int64_t> shape) {
  std::optional<DataType> type = getDataType(elementType);
  if (!type)
    return op->emitError("the interpreter has no tensors of ") << elementType;
  int64_t bytes = getByteSize(*type);
  for (int64_t size : shape) {
    if (size < 0)
      return op->emitError("expects sizes that are not negative, got ") << size;
    if (llvm::MulOverflow(bytes, size, bytes) || bytes > kMaxTensorBytes)
      return op->emitError("expects tensors of at most ")
             << kMaxTensorBytes << " bytes";
  }
  return HostTensor(*type, shape);
}

SmallVector<int64_t> reference::fillDynamic(RankedTensorType type,
                                            ArrayRef<int64_t> dynamic) {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size)) {
      size = dynamic.front();
      dynamic = dynamic.drop_front();
    }
  return shape;
}

int64_t reference::getPosition(ArrayRef<int64_t> point,
                               ArrayRef<int64_t> shape) {
  int64_t position = 0;
  for (auto [index, size] : llvm::zip_equal(point, shape))
    position = position * size + index;
  return position;
}

bool reference::isInside(ArrayRef<int64_t> point, ArrayRef<int64_t> shape) {
  return llvm::all_of(llvm::zip_equal(point, shape), [](auto pair) {
    auto [index, size] = pair;
    return index >= 0 && index < size;
  });
}

LogicalResult reference::forEachPoint(
    ArrayRef<int64_t> sizes,
    llvm::function_ref<LogicalResult(ArrayRef<int64_t>)> body) {
  if (llvm::is_contained(sizes, 0))
    return success();
  SmallVector<int64_t> point(sizes.size(), 0);
  while (true) {
    if (failed(body(point)))
      return failure();
    int64_t dim = static_cast<int64_t>(sizes.size()) - 1;
    for (; dim >= 0 && ++point[dim] == sizes[dim]; --dim)
      point[dim] = 0;
    if (dim < 0)
      return success();
  }
}

void reference::copyElement(HostTensor &to, int64_t toIndex,
                            const HostTensor &from, int64_t fromIndex) {
  size_t size = getByteSize(to.type);
  std::memcpy(to.bytes.data() + toIndex * size,
              from.bytes.data() + fromIndex * size, size);
}
