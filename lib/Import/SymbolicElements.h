//===- SymbolicElements.h - Arithmetic on shapes ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters compute the target of a Reshape from the shapes of other tensors.
// These functions follow such small integer tensors through arithmetic, so that
// no operation is made for them.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_SYMBOLICELEMENTS_H
#define QUANTC_LIB_IMPORT_SYMBOLICELEMENTS_H

#include "NodeImporter.h"

namespace quantc::onnx {

/// A tensor of rank 0 or 1 whose elements follow from the shapes of the inputs.
Tensor makeElements(ElementType type, llvm::ArrayRef<mlir::AffineExpr> shape,
                    llvm::ArrayRef<mlir::AffineExpr> elements);

/// What an operator does to two elements; null if that is not a simple
/// expression.
using SymbolicFold = mlir::AffineExpr (*)(mlir::AffineExpr, mlir::AffineExpr);
mlir::AffineExpr foldAdd(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr foldSub(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr foldMul(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
/// Division of sizes, which are not negative, by positive constants.
mlir::AffineExpr foldDiv(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr foldMod(mlir::AffineExpr lhs, mlir::AffineExpr rhs);

/// `fold` of two tensors whose elements are known, with broadcasting; nothing
/// when they are not known or one does not fold.
std::optional<Tensor> foldElements(NodeImporter &node, const Tensor &lhs,
                                   const Tensor &rhs, SymbolicFold fold);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_SYMBOLICELEMENTS_H
