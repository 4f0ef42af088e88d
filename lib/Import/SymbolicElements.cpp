//===- SymbolicElements.cpp - Arithmetic on shapes ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SymbolicElements.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Whether arithmetic on `expr` cannot overflow: its constants are as small as
/// those of sizes.
static bool isBounded(AffineExpr expr) {
  if (!isShallow(expr))
    return false;
  bool isSmall = true;
  expr.walk([&](AffineExpr nested) {
    if (std::optional<int64_t> constant = getConstant(nested))
      isSmall &= *constant >= -kMaxElements && *constant <= kMaxElements;
  });
  return isSmall;
}

Tensor onnx::makeElements(ElementType type, ArrayRef<AffineExpr> shape,
                          ArrayRef<AffineExpr> elements) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.elements.emplace(elements);
  return tensor;
}

AffineExpr onnx::foldAdd(AffineExpr lhs, AffineExpr rhs) { return lhs + rhs; }

AffineExpr onnx::foldSub(AffineExpr lhs, AffineExpr rhs) { return lhs - rhs; }

AffineExpr onnx::foldMul(AffineExpr lhs, AffineExpr rhs) {
  std::optional<int64_t> left = getConstant(lhs), right = getConstant(rhs);
  if (left && right) {
    int64_t product;
    if (llvm::MulOverflow(*left, *right, product))
      return {};
    return getAffineConstantExpr(product, lhs.getContext());
  }
  // A negative factor makes no size.
  if (left.value_or(0) < 0 || right.value_or(0) < 0)
    return {};
  Product product({lhs, rhs});
  if (product.getCoefficient() > kMaxElements)
    return {};
  return product.getExpr(lhs.getContext());
}

AffineExpr onnx::foldDiv(AffineExpr lhs, AffineExpr rhs) {
  std::optional<int64_t> left = getConstant(lhs), right = getConstant(rhs);
  if (!right || *right <= 0 || left.value_or(0) < 0)
    return {};
  return lhs.floorDiv(rhs);
}

AffineExpr onnx::foldMod(AffineExpr lhs, AffineExpr rhs) {
  std::optional<int64_t> left = getConstant(lhs), right = getConstant(rhs);
  if (!right || *right <= 0 || left.value_or(0) < 0)
    return {};
  return lhs % rhs;
}

std::optional<Tensor> onnx::foldElements(NodeImporter &node, const Tensor &lhs,
                                         const Tensor &rhs, SymbolicFold fold) {
  std::optional<Shape> left = getElements(lhs), right = getElements(rhs);
  if (!left || !right ||
      (left->size() != right->size() && left->size() != 1 &&
       right->size() != 1) ||
      left->empty() || right->empty())
    return std::nullopt;
  Shape elements;
  for (size_t index = 0; index < std::max(left->size(), right->size());
       ++index) {
    AffineExpr l = (*left)[left->size() == 1 ? 0 : index];
    AffineExpr r = (*right)[right->size() == 1 ? 0 : index];
    if (!isBounded(l) || !isBounded(r))
      return std::nullopt;
    AffineExpr folded = fold(l, r);
    if (!folded || !isBounded(folded))
      return std::nullopt;
    elements.push_back(folded);
  }
  Shape shape;
  if (lhs.getRank() || rhs.getRank())
    shape.push_back(node.getConstantSize(elements.size()));
  return makeElements(lhs.type, shape, elements);
}
