//===- Constants.cpp - Elements of constants ------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Support/Permute.h"

using namespace mlir;
using namespace quantc;

static bool hasElements(Type elementType, float) { return elementType.isF32(); }
static bool hasElements(Type elementType, int8_t) {
  return elementType.isInteger(8) || elementType.isInteger(4);
}

/// The bytes of `attr`: all elements, or one for a splat. Empty if they are
/// not there.
static ArrayRef<char> getBytes(ElementsAttr attr) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return dense.getRawData();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

/// `elements`, of `shape`, in the order `permutation` of their dimensions.
template <class T>
static std::vector<T> permute(ArrayRef<T> elements, ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> permutation) {
  if (permutation == ArrayRef<int64_t>{1, 0})
    return transpose(elements, shape[0], shape[1]);
  ArrayRef<char> source(reinterpret_cast<const char *>(elements.data()),
                        elements.size() * sizeof(T));
  std::vector<char> bytes =
      permuteElements(source, sizeof(T), shape, permutation);
  std::vector<T> result(elements.size());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

template <class T>
std::optional<ConstantElements<T>> ConstantElements<T>::get(Value value) {
  if (auto op = value.getDefiningOp<linalg::TransposeOp>()) {
    std::optional<ConstantElements> elements = get(op.getInput());
    if (!elements)
      return std::nullopt;
    elements->owned = permute(elements->values(), elements->type.getShape(),
                              op.getPermutation());
    elements->type = cast<RankedTensorType>(value.getType());
    return elements;
  }
  if (Operation *op = value.getDefiningOp();
      isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
    std::optional<ConstantElements> elements = get(op->getOperand(0));
    if (elements)
      elements->type = cast<RankedTensorType>(value.getType());
    return elements;
  }
  ElementsAttr attr;
  ConstantElements result;
  result.type = dyn_cast<RankedTensorType>(value.getType());
  if (!result.type || !hasElements(result.type.getElementType(), T()) ||
      !matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  ArrayRef<char> bytes = getBytes(attr);
  size_t count = result.type.getNumElements();
  auto *first = reinterpret_cast<const T *>(bytes.data());
  bool isSplat = attr.isSplat() && bytes.size() == sizeof(T);
  if (!isSplat && bytes.size() != count * sizeof(T))
    return std::nullopt;
  if (reinterpret_cast<uintptr_t>(first) % alignof(T) != 0)
    return std::nullopt;
  result.borrowed = ArrayRef<T>(first, isSplat ? 1 : count);
  if (isSplat)
    result.owned.assign(count, *first);
  // The upper half of the byte that holds an i4 is not defined.
  if constexpr (std::is_same_v<T, int8_t>)
    if (result.type.getElementType().isInteger(4)) {
      result.owned = result.values().vec();
      for (int8_t &element : result.owned)
        element = static_cast<int8_t>(element << 4) >> 4;
    }
  return result;
}

template class quantc::ConstantElements<float>;
template class quantc::ConstantElements<int8_t>;

std::optional<float> quantc::getSplat(Value value) {
  FloatAttr scalar;
  if (matchPattern(value, m_Constant(&scalar)) && scalar.getType().isF32())
    return scalar.getValue().convertToFloat();
  auto elements = ConstantElements<float>::get(value);
  if (!elements || elements->values().empty())
    return std::nullopt;
  float first = elements->values().front();
  if (llvm::any_of(elements->values(), [&](float v) { return v != first; }))
    return std::nullopt;
  return first;
}

template <class T>
static Value createDense(OpBuilder &builder, Location loc, Type elementType,
                         ArrayRef<int64_t> shape, ArrayRef<T> values) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(T));
  auto type = RankedTensorType::get(shape, elementType);
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::getFromRawBuffer(type, bytes));
}

Value quantc::createConstant(OpBuilder &builder, Location loc,
                             ArrayRef<int64_t> shape, ArrayRef<float> values) {
  return createDense(builder, loc, builder.getF32Type(), shape, values);
}

Value quantc::createConstant(OpBuilder &builder, Location loc,
                             ArrayRef<int64_t> shape, ArrayRef<int8_t> values) {
  return createDense(builder, loc, builder.getI8Type(), shape, values);
}

Value quantc::createUnpacked(OpBuilder &builder, Location loc, Type elementType,
                             ArrayRef<int64_t> shape, ArrayRef<int8_t> values) {
  int64_t cols = shape.back();
  int64_t rows = cols ? values.size() / cols : 0;
  SmallVector<int64_t> packedShape(shape);
  packedShape.back() = (cols + 1) / 2;
  Value bytes = createConstant(builder, loc, packedShape,
                               ArrayRef(packNibbles(values, rows, cols)));
  return UnpackOp::create(builder, loc,
                          RankedTensorType::get(shape, elementType), bytes);
}

std::vector<int8_t> quantc::packNibbles(ArrayRef<int8_t> values, int64_t rows,
                                        int64_t cols) {
  int64_t bytesPerRow = (cols + 1) / 2;
  std::vector<int8_t> bytes(rows * bytesPerRow);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col) {
      int8_t nibble = values[row * cols + col] & 15;
      bytes[row * bytesPerRow + col / 2] |= nibble << (col % 2 * 4);
    }
  return bytes;
}

std::vector<int8_t> quantc::unpackNibbles(ArrayRef<int8_t> bytes, int64_t rows,
                                          int64_t cols, bool isSigned) {
  int64_t bytesPerRow = (cols + 1) / 2;
  std::vector<int8_t> values(rows * cols);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col) {
      int8_t byte = bytes[row * bytesPerRow + col / 2];
      int8_t value = static_cast<int8_t>(col % 2 ? byte : byte << 4) >> 4;
      values[row * cols + col] = isSigned ? value : value & 15;
    }
  return values;
}

Value quantc::createStorage(OpBuilder &builder, Location loc,
                            ArrayRef<int64_t> shape, unsigned bits,
                            ArrayRef<int8_t> values) {
  if (bits == 8)
    return createConstant(builder, loc, shape, values);
  return createUnpacked(builder, loc, builder.getIntegerType(bits), shape,
                        values);
}

std::optional<std::vector<int8_t>> quantc::getStorageValues(Value value) {
  if (!value)
    return std::nullopt;
  auto unpack = value.getDefiningOp<UnpackOp>();
  auto elements =
      ConstantElements<int8_t>::get(unpack ? unpack.getInput() : value);
  if (!elements)
    return std::nullopt;
  if (!unpack)
    return elements->values().vec();
  int64_t cols = unpack.getType().getShape().back();
  int64_t rows = cols ? unpack.getType().getNumElements() / cols : 0;
  return unpackNibbles(elements->values(), rows, cols,
                       unpack.getType().getElementType().isInteger(4));
}

std::optional<std::vector<float>> quantc::getFloatValues(Value value) {
  if (!value)
    return std::nullopt;
  auto elements = ConstantElements<float>::get(value);
  if (!elements)
    return std::nullopt;
  return elements->values().vec();
}
