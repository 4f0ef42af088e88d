//===- TensorAttribute.cpp - Host tensors and attributes ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Support/TensorAttribute.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace quantc;

std::optional<DataType> quantc::getDataType(Type type) {
  if (type.isF16())
    return DataType::F16;
  if (type.isBF16())
    return DataType::BF16;
  if (type.isF32())
    return DataType::F32;
  if (type.isF64())
    return DataType::F64;
  if (type.isIndex())
    return DataType::I64;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return DataType::Bool;
  case 2:
    return isUnsigned ? DataType::U2 : DataType::I2;
  case 4:
    return isUnsigned ? DataType::U4 : DataType::I4;
  case 8:
    return isUnsigned ? DataType::U8 : DataType::I8;
  case 16:
    return isUnsigned ? DataType::U16 : DataType::I16;
  case 32:
    return isUnsigned ? DataType::U32 : DataType::I32;
  case 64:
    return isUnsigned ? DataType::U64 : DataType::I64;
  default:
    return std::nullopt;
  }
}

Type quantc::getElementType(MLIRContext *context, DataType type) {
  auto getInteger = [&](unsigned width, bool isUnsigned = false) {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (type) {
  case DataType::Bool:
    return getInteger(1);
  case DataType::I2:
    return getInteger(2);
  case DataType::I4:
    return getInteger(4);
  case DataType::I8:
    return getInteger(8);
  case DataType::I16:
    return getInteger(16);
  case DataType::I32:
    return getInteger(32);
  case DataType::I64:
    return getInteger(64);
  case DataType::U2:
    return getInteger(2, /*isUnsigned=*/true);
  case DataType::U4:
    return getInteger(4, /*isUnsigned=*/true);
  case DataType::U8:
    return getInteger(8, /*isUnsigned=*/true);
  case DataType::U16:
    return getInteger(16, /*isUnsigned=*/true);
  case DataType::U32:
    return getInteger(32, /*isUnsigned=*/true);
  case DataType::U64:
    return getInteger(64, /*isUnsigned=*/true);
  case DataType::F16:
    return Float16Type::get(context);
  case DataType::BF16:
    return BFloat16Type::get(context);
  case DataType::F32:
    return Float32Type::get(context);
  case DataType::F64:
    return Float64Type::get(context);
  }
  llvm_unreachable("all data types are handled");
}

StringRef quantc::getName(DataType type) {
  constexpr StringLiteral names[] = {
      "i1",  "i2",   "i4",   "i8",   "i16", "i32",  "i64", "ui2", "ui4",
      "ui8", "ui16", "ui32", "ui64", "f16", "bf16", "f32", "f64"};
  return names[static_cast<unsigned>(type)];
}

/// Copies `raw`, which is dense or one element that stands for all.
static LogicalResult copyRaw(ArrayRef<char> raw, bool isSplat,
                             HostTensor &tensor) {
  if (!isSplat) {
    if (raw.size() != tensor.bytes.size())
      return failure();
    tensor.bytes.assign(raw.begin(), raw.end());
    return success();
  }
  if (raw.size() != getByteSize(tensor.type))
    return failure();
  for (size_t i = 0; i < tensor.bytes.size(); i += raw.size())
    std::memcpy(&tensor.bytes[i], raw.data(), raw.size());
  return success();
}

/// Attributes pack elements of less than a byte in their own ways.
static bool isSmallerThanByte(DataType type) {
  return llvm::is_contained(
      {DataType::Bool, DataType::I2, DataType::I4, DataType::U2, DataType::U4},
      type);
}

/// Of types smaller than a byte.
static bool isSigned(DataType type) {
  return type == DataType::I2 || type == DataType::I4;
}

FailureOr<HostTensor> quantc::getHostTensor(ElementsAttr attr) {
  std::optional<DataType> type = getDataType(attr.getElementType());
  if (!type)
    return failure();
  bool isSmall = isSmallerThanByte(*type);
  HostTensor tensor(*type, attr.getShapedType().getShape());
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    if (isSmall) {
      for (auto [byte, value] :
           llvm::zip_equal(tensor.bytes, dense.getValues<APInt>()))
        byte = static_cast<char>(isSigned(*type) ? value.getSExtValue()
                                                 : value.getZExtValue());
      return tensor;
    }
    if (failed(copyRaw(dense.getRawData(), dense.isSplat(), tensor)))
      return failure();
    return tensor;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource || isSmall)
    return failure();
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob || failed(copyRaw(blob->getData(), /*isSplat=*/false, tensor)))
    return failure();
  return tensor;
}

DenseElementsAttr quantc::getElementsAttr(MLIRContext *context,
                                          const HostTensor &tensor) {
  auto type =
      RankedTensorType::get(tensor.shape, getElementType(context, tensor.type));
  if (!isSmallerThanByte(tensor.type))
    return DenseElementsAttr::getFromRawBuffer(type, tensor.bytes);
  unsigned width = type.getElementTypeBitWidth();
  SmallVector<APInt> values;
  for (int8_t value : tensor.values<int8_t>())
    values.push_back(APInt(width, static_cast<uint64_t>(value) &
                                      ((uint64_t(1) << width) - 1)));
  return DenseElementsAttr::get(type, values);
}
