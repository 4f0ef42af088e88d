//===- HostTensor.h - A tensor in memory ------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the interpreter, compiled programs, calibration and the Python module
// pass to each other.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_SUPPORT_HOSTTENSOR_H
#define QUANTC_SUPPORT_HOSTTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

namespace quantc {

enum class DataType {
  Bool,
  I2,
  I4,
  I8,
  I16,
  I32,
  I64,
  U2,
  U4,
  U8,
  U16,
  U32,
  U64,
  F16,
  BF16,
  F32,
  F64
};

/// The bytes that one element takes in memory. Integers of 2 and 4 bits take a
/// whole byte here, sign-extended or, if they are unsigned, zero-extended.
constexpr unsigned getByteSize(DataType type) {
  switch (type) {
  case DataType::Bool:
  case DataType::I2:
  case DataType::I4:
  case DataType::I8:
  case DataType::U2:
  case DataType::U4:
  case DataType::U8:
    return 1;
  case DataType::I16:
  case DataType::U16:
  case DataType::F16:
  case DataType::BF16:
    return 2;
  case DataType::I32:
  case DataType::U32:
  case DataType::F32:
    return 4;
  case DataType::I64:
  case DataType::U64:
  case DataType::F64:
    return 8;
  }
  return 0;
}

/// A dense, row-major tensor that owns its elements.
struct HostTensor {
  DataType type = DataType::F32;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> bytes;

  HostTensor() = default;
  HostTensor(DataType type, llvm::ArrayRef<int64_t> shape)
      : type(type), shape(shape.begin(), shape.end()),
        bytes(getNumElements() * getByteSize(type)) {}

  int64_t getNumElements() const {
    return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                           std::multiplies<int64_t>());
  }

  /// The elements as `T`, whose size is that of the data type.
  template <class T>
  llvm::ArrayRef<T> values() const {
    return {reinterpret_cast<const T *>(bytes.data()),
            static_cast<size_t>(getNumElements())};
  }
  template <class T>
  llvm::MutableArrayRef<T> values() {
    return {reinterpret_cast<T *>(bytes.data()),
            static_cast<size_t>(getNumElements())};
  }
};

} // namespace quantc

#endif // QUANTC_SUPPORT_HOSTTENSOR_H
