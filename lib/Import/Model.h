//===- Model.h - What an ONNX file says -------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The messages of onnx.proto, as far as they describe an inference graph. Field
// numbers are those of onnx.proto; the enumerations in Model.cpp name them.
// Strings and raw data point into the file.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_MODEL_H
#define QUANTC_LIB_IMPORT_MODEL_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace quantc::onnx {

/// TensorProto.DataType.
enum class ElementType {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
  UInt4 = 21,
  Int4 = 22,
  UInt2 = 25,
  Int2 = 26,
};

/// TensorProto.
struct TensorProto {
  llvm::StringRef name;
  llvm::SmallVector<int64_t, 4> dims;
  ElementType type = ElementType::Undefined;
  std::optional<llvm::StringRef> rawData;
  /// float_data and double_data as bytes, the integer fields as integers.
  llvm::SmallVector<char, 0> floatBytes;
  llvm::SmallVector<int64_t, 0> integers;
  bool isExternal = false;
  llvm::SmallVector<std::pair<llvm::StringRef, llvm::StringRef>, 0>
      externalData;
};

/// AttributeProto.
struct AttributeProto {
  llvm::StringRef name;
  std::optional<float> f;
  std::optional<int64_t> i;
  std::optional<llvm::StringRef> s;
  std::optional<TensorProto> t;
  llvm::SmallVector<char, 0> floatBytes;
  llvm::SmallVector<int64_t, 0> ints;
  /// The GraphProto of a body, for `parseGraph`.
  std::optional<llvm::StringRef> graph;
  llvm::SmallVector<llvm::StringRef, 0> strings;
};

/// NodeProto.
struct NodeProto {
  llvm::StringRef name;
  llvm::StringRef opType;
  llvm::StringRef domain;
  llvm::SmallVector<llvm::StringRef, 4> inputs;
  llvm::SmallVector<llvm::StringRef, 1> outputs;
  std::vector<AttributeProto> attributes;

  /// The name that layers are called by: the node's, or its first output's.
  llvm::StringRef getLayerName() const;
};

/// TensorShapeProto.Dimension: a size, a name, or neither.
struct Dimension {
  std::optional<int64_t> size;
  llvm::StringRef param;
};

/// ValueInfoProto.
struct ValueInfoProto {
  llvm::StringRef name;
  bool isTensor = false;
  ElementType type = ElementType::Undefined;
  /// Absent when the rank is unknown.
  std::optional<llvm::SmallVector<Dimension, 4>> shape;
};

/// GraphProto.
struct GraphProto {
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfoProto> inputs;
  std::vector<ValueInfoProto> outputs;
  bool hasSparseInitializer = false;
};

/// ModelProto.
struct ModelProto {
  int64_t irVersion = 0;
  llvm::SmallVector<std::pair<llvm::StringRef, int64_t>, 2> opsets;
  std::optional<GraphProto> graph;
};

/// Reads a model whose strings and data stay in `bytes`. Returns nothing when
/// that is truncated or no protobuf of this schema.
std::optional<ModelProto> parseModel(llvm::StringRef bytes);

/// The same for a body. Bodies in it are not read yet.
std::optional<GraphProto> parseGraph(llvm::StringRef bytes);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_MODEL_H
