//===- ElementTypes.cpp - ONNX element types ------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementTypes.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
enum class Kind { Float, BFloat, Signed, Unsigned, Bool };

struct Row {
  ElementType type;
  llvm::StringLiteral name;
  Kind kind;
  unsigned bits;
};
} // namespace

static constexpr Row kTypes[] = {
    {ElementType::Float, "FLOAT", Kind::Float, 32},
    {ElementType::Double, "DOUBLE", Kind::Float, 64},
    {ElementType::Float16, "FLOAT16", Kind::Float, 16},
    {ElementType::BFloat16, "BFLOAT16", Kind::BFloat, 16},
    {ElementType::Int8, "INT8", Kind::Signed, 8},
    {ElementType::Int16, "INT16", Kind::Signed, 16},
    {ElementType::Int32, "INT32", Kind::Signed, 32},
    {ElementType::Int64, "INT64", Kind::Signed, 64},
    {ElementType::UInt8, "UINT8", Kind::Unsigned, 8},
    {ElementType::UInt16, "UINT16", Kind::Unsigned, 16},
    {ElementType::UInt32, "UINT32", Kind::Unsigned, 32},
    {ElementType::UInt64, "UINT64", Kind::Unsigned, 64},
    {ElementType::Bool, "BOOL", Kind::Bool, 8},
    {ElementType::Int4, "INT4", Kind::Signed, 4},
    {ElementType::UInt4, "UINT4", Kind::Unsigned, 4},
    {ElementType::Int2, "INT2", Kind::Signed, 2},
    {ElementType::UInt2, "UINT2", Kind::Unsigned, 2},
};

static const Row *getRow(ElementType type) {
  for (const Row &row : kTypes)
    if (row.type == type)
      return &row;
  return nullptr;
}

std::string onnx::getName(ElementType type) {
  if (const Row *row = getRow(type))
    return row->name.str();
  return "number " + std::to_string(static_cast<int>(type));
}

unsigned onnx::getBitWidth(ElementType type) {
  const Row *row = getRow(type);
  return row ? row->bits : 0;
}

bool onnx::isFloat(ElementType type) {
  const Row *row = getRow(type);
  return row && (row->kind == Kind::Float || row->kind == Kind::BFloat);
}

bool onnx::isUnsigned(ElementType type) {
  const Row *row = getRow(type);
  return row && row->kind == Kind::Unsigned;
}

bool onnx::isInteger(ElementType type) {
  const Row *row = getRow(type);
  return row && (row->kind == Kind::Unsigned || row->kind == Kind::Signed);
}

Type onnx::getMlirType(ElementType type, MLIRContext *context) {
  const Row *row = getRow(type);
  if (!row)
    return {};
  switch (row->kind) {
  case Kind::BFloat:
    return BFloat16Type::get(context);
  case Kind::Float:
    if (row->bits == 16)
      return Float16Type::get(context);
    return row->bits == 32 ? Type(Float32Type::get(context))
                           : Type(Float64Type::get(context));
  case Kind::Signed:
  case Kind::Unsigned:
    return IntegerType::get(context, row->bits);
  case Kind::Bool:
    return IntegerType::get(context, 1);
  }
  return {};
}

bool onnx::isHalf(ElementType type) {
  return isFloat(type) && getBitWidth(type) == 16;
}

ElementType onnx::getPortType(ElementType type) {
  if (!isInteger(type) || getBitWidth(type) >= 8)
    return type;
  return isUnsigned(type) ? ElementType::UInt8 : ElementType::Int8;
}

std::optional<DataType> onnx::getCallerType(ElementType type) {
  switch (type) {
  case ElementType::Int2:
    return DataType::I2;
  case ElementType::Int4:
    return DataType::I4;
  case ElementType::UInt2:
    return DataType::U2;
  case ElementType::UInt4:
    return DataType::U4;
  case ElementType::UInt8:
    return DataType::U8;
  case ElementType::UInt16:
    return DataType::U16;
  case ElementType::UInt32:
    return DataType::U32;
  case ElementType::UInt64:
    return DataType::U64;
  default:
    return std::nullopt;
  }
}
