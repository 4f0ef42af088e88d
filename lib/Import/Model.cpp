//===- Model.cpp - What an ONNX file says ---------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "WireFormat.h"

using namespace llvm;
using namespace quantc::onnx;

// Field numbers of onnx.proto.
namespace {
namespace fields {
enum Model : uint32_t { kIrVersion = 1, kGraph = 7, kOpsetImport = 8 };
enum OperatorSetId : uint32_t { kDomain = 1, kVersion = 2 };
enum Graph : uint32_t {
  kNode = 1,
  kInitializer = 5,
  kGraphInput = 11,
  kGraphOutput = 12,
  kSparseInitializer = 15,
};
enum Node : uint32_t {
  kNodeInput = 1,
  kNodeOutput = 2,
  kNodeName = 3,
  kOpType = 4,
  kAttribute = 5,
  kNodeDomain = 7,
};
enum Attribute : uint32_t {
  kAttributeName = 1,
  kF = 2,
  kI = 3,
  kS = 4,
  kT = 5,
  kG = 6,
  kFloats = 7,
  kInts = 8,
  kStrings = 9,
};
enum Tensor : uint32_t {
  kDims = 1,
  kDataType = 2,
  kFloatData = 4,
  kInt32Data = 5,
  kInt64Data = 7,
  kTensorName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUInt64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};
enum ValueInfo : uint32_t { kValueName = 1, kValueType = 2 };
enum Type : uint32_t { kTensorType = 1 };
enum TypeTensor : uint32_t { kElemType = 1, kShape = 2 };
enum TensorShape : uint32_t { kDim = 1 };
enum Dim : uint32_t { kDimValue = 1, kDimParam = 2 };
enum StringStringEntry : uint32_t { kKey = 1, kValue = 2 };
} // namespace fields
} // namespace

/// Calls `read` for each field of `message`. Returns false when the message is
/// damaged or `read` returns false.
static bool readFields(StringRef message,
                       function_ref<bool(const Field &)> read) {
  FieldReader reader(message);
  Field field;
  while (reader.next(field))
    if (!read(field))
      return false;
  return !reader.isDamaged();
}

/// The same for the message in `message`.
static bool readMessage(const Field &message,
                        function_ref<bool(const Field &)> read) {
  return message.type == WireType::Bytes && readFields(message.bytes, read);
}

static bool readString(const Field &field, StringRef &value) {
  value = field.bytes;
  return field.type == WireType::Bytes;
}

static bool readInt(const Field &field, int64_t &value) {
  value = field.asInt();
  return field.type == WireType::Varint;
}

static bool readElementType(const Field &field, ElementType &type) {
  // A number outside the enumeration is kept, and refused by its user.
  type = static_cast<ElementType>(static_cast<int32_t>(field.bits));
  return field.type == WireType::Varint;
}

static bool readEntry(const Field &message,
                      std::pair<StringRef, StringRef> &entry) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kKey:
      return readString(field, entry.first);
    case fields::kValue:
      return readString(field, entry.second);
    default:
      return true;
    }
  });
}

static bool readTensor(const Field &message, TensorProto &tensor) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kDims:
      return appendVarints(field, tensor.dims);
    case fields::kDataType:
      return readElementType(field, tensor.type);
    case fields::kFloatData:
      return appendFixed32(field, tensor.floatBytes);
    case fields::kDoubleData:
      return appendFixed64(field, tensor.floatBytes);
    case fields::kInt32Data:
    case fields::kInt64Data:
    case fields::kUInt64Data:
      return appendVarints(field, tensor.integers);
    case fields::kTensorName:
      return readString(field, tensor.name);
    case fields::kRawData:
      return readString(field, tensor.rawData.emplace());
    case fields::kExternalData:
      return readEntry(field, tensor.externalData.emplace_back());
    case fields::kDataLocation:
      tensor.isExternal = field.bits == 1;
      return field.type == WireType::Varint;
    default:
      return true;
    }
  });
}

static bool readAttribute(const Field &message, AttributeProto &attribute) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kAttributeName:
      return readString(field, attribute.name);
    case fields::kF:
      attribute.f = field.asFloat();
      return field.type == WireType::Fixed32;
    case fields::kI:
      return readInt(field, attribute.i.emplace());
    case fields::kS:
      return readString(field, attribute.s.emplace());
    case fields::kT:
      return readTensor(field, attribute.t.emplace());
    case fields::kFloats:
      return appendFixed32(field, attribute.floatBytes);
    case fields::kG:
      return readString(field, attribute.graph.emplace());
    case fields::kInts:
      return appendVarints(field, attribute.ints);
    case fields::kStrings:
      return readString(field, attribute.strings.emplace_back());
    default:
      return true;
    }
  });
}

static bool readNode(const Field &message, NodeProto &node) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kNodeInput:
      return readString(field, node.inputs.emplace_back());
    case fields::kNodeOutput:
      return readString(field, node.outputs.emplace_back());
    case fields::kNodeName:
      return readString(field, node.name);
    case fields::kOpType:
      return readString(field, node.opType);
    case fields::kNodeDomain:
      return readString(field, node.domain);
    case fields::kAttribute:
      return readAttribute(field, node.attributes.emplace_back());
    default:
      return true;
    }
  });
}

static bool readDimension(const Field &message, Dimension &dim) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kDimValue:
      return readInt(field, dim.size.emplace());
    case fields::kDimParam:
      return readString(field, dim.param);
    default:
      return true;
    }
  });
}

static bool readShape(const Field &message, SmallVectorImpl<Dimension> &shape) {
  return readMessage(message, [&](const Field &field) {
    return field.number != fields::kDim ||
           readDimension(field, shape.emplace_back());
  });
}

static bool readTensorType(const Field &message, ValueInfoProto &value) {
  value.isTensor = true;
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kElemType:
      return readElementType(field, value.type);
    case fields::kShape:
      return readShape(field, value.shape.emplace());
    default:
      return true;
    }
  });
}

static bool readType(const Field &message, ValueInfoProto &value) {
  return readMessage(message, [&](const Field &field) {
    return field.number != fields::kTensorType || readTensorType(field, value);
  });
}

static bool readValueInfo(const Field &message, ValueInfoProto &value) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kValueName:
      return readString(field, value.name);
    case fields::kValueType:
      return readType(field, value);
    default:
      return true;
    }
  });
}

static bool readGraph(StringRef bytes, GraphProto &graph) {
  return readFields(bytes, [&](const Field &field) {
    switch (field.number) {
    case fields::kNode:
      return readNode(field, graph.nodes.emplace_back());
    case fields::kInitializer:
      return readTensor(field, graph.initializers.emplace_back());
    case fields::kGraphInput:
      return readValueInfo(field, graph.inputs.emplace_back());
    case fields::kGraphOutput:
      return readValueInfo(field, graph.outputs.emplace_back());
    case fields::kSparseInitializer:
      graph.hasSparseInitializer = true;
      return true;
    default:
      return true;
    }
  });
}

static bool readOpset(const Field &message,
                      std::pair<StringRef, int64_t> &opset) {
  return readMessage(message, [&](const Field &field) {
    switch (field.number) {
    case fields::kDomain:
      return readString(field, opset.first);
    case fields::kVersion:
      return readInt(field, opset.second);
    default:
      return true;
    }
  });
}

StringRef NodeProto::getLayerName() const {
  if (!name.empty())
    return name;
  return outputs.empty() ? opType : outputs.front();
}

std::optional<ModelProto> quantc::onnx::parseModel(StringRef bytes) {
  ModelProto model;
  bool read = readFields(bytes, [&](const Field &field) {
    switch (field.number) {
    case fields::kIrVersion:
      return readInt(field, model.irVersion);
    case fields::kOpsetImport:
      return readOpset(field, model.opsets.emplace_back());
    case fields::kGraph:
      return field.type == WireType::Bytes &&
             readGraph(field.bytes, model.graph.emplace());
    default:
      return true;
    }
  });
  if (!read)
    return std::nullopt;
  return model;
}

std::optional<GraphProto> quantc::onnx::parseGraph(StringRef bytes) {
  GraphProto graph;
  if (!readGraph(bytes, graph))
    return std::nullopt;
  return graph;
}
