//===- Constants.h - Elements of constants ----------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights are large, so their elements are read where they lie: no APInt, no
// APFloat, and a copy only of splats.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_CONSTANTS_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_CONSTANTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>
#include <vector>

namespace quantc {

/// The elements of a constant tensor: f32 as float, i8 and i4 as int8_t.
template <class T>
class ConstantElements {
public:
  /// The elements of `value`, none unless it is a constant tensor of that
  /// element type (dense, splat, or a resource that is present), perhaps behind
  /// linalg.transpose and reshapes.
  static std::optional<ConstantElements> get(mlir::Value value);

  mlir::RankedTensorType getType() const { return type; }
  llvm::ArrayRef<T> values() const {
    return owned.empty() ? borrowed : llvm::ArrayRef<T>(owned);
  }

private:
  mlir::RankedTensorType type;
  llvm::ArrayRef<T> borrowed;
  std::vector<T> owned;
};

extern template class ConstantElements<float>;
extern template class ConstantElements<int8_t>;

/// Whether `value` is a constant whose elements are all the same, and which.
std::optional<float> getSplat(mlir::Value value);

/// Creates a constant tensor of the given shape, f32 or i8.
mlir::Value createConstant(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<float> values);
mlir::Value createConstant(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<int8_t> values);

/// A [rows, cols] constant of values that fit 4 bits, stored two to a byte
/// behind quant.unpack to `elementType`: i4, or i8 for values from 0 to 15.
mlir::Value createUnpacked(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Type elementType,
                           llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<int8_t> values);

/// The 4-bit values of a [rows, cols] matrix, two to a byte as in quant.unpack.
std::vector<int8_t> packNibbles(llvm::ArrayRef<int8_t> values, int64_t rows,
                                int64_t cols);

/// The reverse: the [rows, cols] matrix of 4-bit values in `bytes`, with sign
/// or from 0 to 15.
std::vector<int8_t> unpackNibbles(llvm::ArrayRef<int8_t> bytes, int64_t rows,
                                  int64_t cols, bool isSigned);

/// Creates a constant of `bits`, 8 or 4, from the values of its elements: for
/// bytes a constant, for nibbles quant.unpack of one.
mlir::Value createStorage(mlir::OpBuilder &builder, mlir::Location loc,
                          llvm::ArrayRef<int64_t> shape, unsigned bits,
                          llvm::ArrayRef<int8_t> values);

/// The values of a constant i8 or i4 tensor, or of quant.unpack of a constant;
/// none of others or of null.
std::optional<std::vector<int8_t>> getStorageValues(mlir::Value value);

/// The values of a constant f32 tensor; none of others or of null.
std::optional<std::vector<float>> getFloatValues(mlir::Value value);

/// The transpose of a row-major [rows, cols] matrix.
template <class T>
std::vector<T> transpose(llvm::ArrayRef<T> values, int64_t rows, int64_t cols) {
  // In squares that fit the cache: a column touches a line for each row.
  constexpr int64_t tile = 32;
  std::vector<T> result(values.size());
  for (int64_t top = 0; top < rows; top += tile)
    for (int64_t left = 0; left < cols; left += tile)
      for (int64_t col = left; col < std::min(left + tile, cols); ++col)
        for (int64_t row = top; row < std::min(top + tile, rows); ++row)
          result[col * rows + row] = values[row * cols + col];
  return result;
}

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_CONSTANTS_H
