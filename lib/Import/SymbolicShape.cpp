//===- SymbolicShape.cpp - Sizes known up to named dimensions -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SymbolicShape.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

std::optional<int64_t> onnx::getConstant(AffineExpr size) {
  if (auto constant = dyn_cast<AffineConstantExpr>(size))
    return constant.getValue();
  return std::nullopt;
}

bool onnx::isConstant(AffineExpr size, int64_t value) {
  return getConstant(size) == value;
}

SmallVector<int64_t> onnx::getStaticShape(ArrayRef<AffineExpr> shape) {
  return llvm::map_to_vector(shape, [](AffineExpr size) {
    return getConstant(size).value_or(ShapedType::kDynamic);
  });
}

bool onnx::isShallow(AffineExpr expr, unsigned depth) {
  if (!expr || depth > kMaxExpressionDepth)
    return false;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return !binary || (isShallow(binary.getLHS(), depth + 1) &&
                     isShallow(binary.getRHS(), depth + 1));
}

/// Whether no symbols of at least 0 make `size` negative, seen from its
/// constants.
static bool isNonNegative(AffineExpr size) {
  bool result = true;
  size.walk([&](AffineExpr nested) {
    if (std::optional<int64_t> constant = getConstant(nested))
      result &= *constant >= 0;
  });
  return result;
}

bool onnx::isReasonable(ArrayRef<AffineExpr> shape) {
  if (shape.size() > kMaxRank)
    return false;
  // Of a dynamic size only its constant factor counts, and a size of 0 counts
  // as 1, so that it does not hide an overflow of the others.
  Product product;
  for (AffineExpr size : shape) {
    if (!isShallow(size) || !isNonNegative(size))
      return false;
    if (!isConstant(size, 0))
      product.multiply(size);
  }
  return product.getCoefficient() <= kMaxElements;
}

std::string onnx::toString(ArrayRef<AffineExpr> shape,
                           ArrayRef<std::string> symbols) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os, [&](AffineExpr size) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(size))
      os << symbols[symbol.getPosition()];
    else
      os << size;
  });
  os << "]";
  return text;
}

Product::Product(ArrayRef<AffineExpr> sizes) {
  for (AffineExpr size : sizes)
    multiply(size);
}

void Product::multiply(AffineExpr size) {
  if (auto constant = dyn_cast<AffineConstantExpr>(size)) {
    if (llvm::MulOverflow(coefficient, constant.getValue(), coefficient))
      coefficient = INT64_MAX;
    return;
  }
  if (size.getKind() == AffineExprKind::Mul) {
    auto binary = cast<AffineBinaryOpExpr>(size);
    multiply(binary.getLHS());
    multiply(binary.getRHS());
    return;
  }
  factors.push_back(size);
}

std::optional<Product> Product::divide(const Product &divisor) const {
  Product result = *this;
  for (AffineExpr factor : divisor.factors) {
    auto *found = llvm::find(result.factors, factor);
    if (found == result.factors.end())
      return std::nullopt;
    result.factors.erase(found);
  }
  if (divisor.coefficient == 0 || coefficient % divisor.coefficient != 0)
    return std::nullopt;
  result.coefficient /= divisor.coefficient;
  return result;
}

bool Product::operator==(const Product &other) const {
  if (coefficient != other.coefficient ||
      factors.size() != other.factors.size())
    return false;
  Product ones = *this;
  ones.coefficient = 1;
  Product divisor = other;
  divisor.coefficient = 1;
  return ones.divide(divisor).has_value();
}

AffineExpr Product::getExpr(MLIRContext *context) const {
  AffineExpr expr = getAffineConstantExpr(1, context);
  for (AffineExpr factor : factors)
    expr = expr * factor;
  return expr * coefficient;
}
