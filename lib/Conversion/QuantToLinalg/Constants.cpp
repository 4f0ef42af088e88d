//===- Constants.cpp - The values of constant operands --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Constants.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

using namespace mlir;

std::optional<std::vector<float>> quantc::getFloatValues(Value value) {
  DenseFPElementsAttr attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  return std::vector<float>(attr.value_begin<float>(), attr.value_end<float>());
}

/// The nibbles of rows of `bytes`, `numCols` in each.
static std::vector<int8_t> unpack(ArrayRef<int8_t> bytes, int64_t numCols) {
  std::vector<int8_t> result;
  result.reserve(bytes.size() * 2);
  int64_t numBytes = (numCols + 1) / 2;
  for (; !bytes.empty(); bytes = bytes.drop_front(numBytes))
    for (int64_t col = 0; col < numCols; ++col) {
      int8_t byte = bytes[col / 2];
      int8_t low = static_cast<int8_t>(static_cast<uint8_t>(byte) << 4);
      result.push_back((col % 2 == 0 ? low : byte) >> 4);
    }
  return result;
}

std::optional<std::vector<int8_t>> quantc::getStorageValues(Value value) {
  if (!value)
    return std::nullopt;
  if (auto packed = value.getDefiningOp<UnpackOp>()) {
    std::optional<std::vector<int8_t>> bytes =
        getStorageValues(packed.getInput());
    if (!bytes)
      return std::nullopt;
    return unpack(*bytes, packed.getType().getShape().back());
  }
  DenseIntElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  if (attr.getElementType().isInteger(8))
    return std::vector<int8_t>(attr.value_begin<int8_t>(),
                               attr.value_end<int8_t>());
  std::vector<int8_t> result;
  result.reserve(attr.size());
  for (const APInt &element : attr.getValues<APInt>())
    result.push_back(static_cast<int8_t>(element.getSExtValue()));
  return result;
}
