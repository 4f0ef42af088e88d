//===- SymbolicShape.h - Sizes known up to named dimensions -----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A size is an affine expression over symbols, one symbol for each dynamic
// dimension of the model's inputs (symbols, not dimensions, because products of
// two of them occur between the layers). A shape is a list of sizes.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_SYMBOLICSHAPE_H
#define QUANTC_LIB_IMPORT_SYMBOLICSHAPE_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace quantc::onnx {

using Shape = llvm::SmallVector<mlir::AffineExpr, 4>;

/// No tensor may have more elements than this for dynamic sizes of 1: it keeps
/// all arithmetic on sizes far from overflow.
inline constexpr int64_t kMaxElements = int64_t(1) << 40;
/// Bounds on what a hostile model can make of shapes.
inline constexpr size_t kMaxRank = 32;
inline constexpr unsigned kMaxExpressionDepth = 32;

/// The size when it is constant.
std::optional<int64_t> getConstant(mlir::AffineExpr size);
bool isConstant(mlir::AffineExpr size, int64_t value);

/// The static sizes, ShapedType::kDynamic for the others.
llvm::SmallVector<int64_t>
getStaticShape(llvm::ArrayRef<mlir::AffineExpr> shape);

/// Whether `shape` has a supported rank, no negative size, at most kMaxElements
/// elements and simple expressions.
bool isReasonable(llvm::ArrayRef<mlir::AffineExpr> shape);

/// Whether no path in `expr` is longer than kMaxExpressionDepth.
bool isShallow(mlir::AffineExpr expr, unsigned depth = 0);

/// `shape` as text, "4x?x2" with names of symbols in place of the question
/// mark.
std::string toString(llvm::ArrayRef<mlir::AffineExpr> shape,
                     llvm::ArrayRef<std::string> symbols);

/// A product of sizes: a constant times factors that are no products.
class Product {
public:
  Product() = default;
  explicit Product(llvm::ArrayRef<mlir::AffineExpr> sizes);

  void multiply(mlir::AffineExpr size);
  /// Cancels the factors of `divisor`. Returns nothing if one is missing here
  /// or the constants do not divide.
  std::optional<Product> divide(const Product &divisor) const;
  bool operator==(const Product &other) const;

  mlir::AffineExpr getExpr(mlir::MLIRContext *context) const;
  int64_t getCoefficient() const { return coefficient; }
  bool isConstant() const { return factors.empty(); }

private:
  int64_t coefficient = 1;
  llvm::SmallVector<mlir::AffineExpr> factors;
};

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_SYMBOLICSHAPE_H
