//===- Builders.h - What several operators are built from -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_BUILDERS_H
#define QUANTC_LIB_IMPORT_BUILDERS_H

#include "NodeImporter.h"

namespace quantc::onnx {

/// The shape that the inputs of an elementwise operator broadcast to, or an
/// error at the node.
mlir::FailureOr<Shape> getBroadcastShape(NodeImporter &node,
                                         llvm::ArrayRef<Tensor *> tensors);

/// The map from the loops over `result` to an element of a tensor of `shape`
/// that is broadcast to it.
mlir::AffineMap getBroadcastMap(NodeImporter &node,
                                llvm::ArrayRef<mlir::AffineExpr> shape,
                                llvm::ArrayRef<mlir::AffineExpr> result);

using ElementBody = llvm::function_ref<mlir::Value(
    mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::Value> elements)>;

/// A linalg.generic that computes each element of a tensor of `type` and
/// `shape` from those of `tensors`, which are broadcast. A constant with a
/// single element becomes a scalar.
mlir::Value createElementwise(NodeImporter &node, ElementType type,
                              llvm::ArrayRef<mlir::AffineExpr> shape,
                              llvm::ArrayRef<Tensor *> tensors,
                              ElementBody body);

/// The tensor that broadcasting `tensors` and applying `body` gives becomes
/// output 0.
mlir::LogicalResult setElementwiseOutput(NodeImporter &node, ElementType type,
                                         llvm::ArrayRef<Tensor *> tensors,
                                         ElementBody body);

/// `value` of shape `from` with the shape `to`, which has as many elements, in
/// the fewest tensor.collapse_shape and tensor.expand_shape.
mlir::Value createReshape(NodeImporter &node, mlir::Value value,
                          ElementType type,
                          llvm::ArrayRef<mlir::AffineExpr> from,
                          llvm::ArrayRef<mlir::AffineExpr> to);

/// The dimensions of `value` in the order `permutation`.
mlir::Value createTranspose(NodeImporter &node, mlir::Value value,
                            ElementType type,
                            llvm::ArrayRef<mlir::AffineExpr> shape,
                            llvm::ArrayRef<int64_t> permutation);

/// The tensor that `value` holds.
Tensor makeTensor(ElementType type, llvm::ArrayRef<mlir::AffineExpr> shape,
                  mlir::Value value);

/// a + b, a * b in the arithmetic of `type`.
mlir::Value createAdd(mlir::ImplicitLocOpBuilder &b, ElementType type,
                      mlir::Value lhs, mlir::Value rhs);
mlir::Value createMul(mlir::ImplicitLocOpBuilder &b, ElementType type,
                      mlir::Value lhs, mlir::Value rhs);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_BUILDERS_H
