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

/// A tensor and the map from the loops to its element.
struct Operand {
  mlir::Value value;
  mlir::AffineMap map;
};

/// A linalg.generic that computes each element of a tensor of `type` and
/// `shape` from those of `operands`.
mlir::Value createGeneric(NodeImporter &node, ElementType type,
                          llvm::ArrayRef<mlir::AffineExpr> shape,
                          llvm::ArrayRef<Operand> operands, ElementBody body);

/// The same for `tensors`, which are broadcast. A constant with a single
/// element becomes a scalar.
mlir::Value createElementwise(NodeImporter &node, ElementType type,
                              llvm::ArrayRef<mlir::AffineExpr> shape,
                              llvm::ArrayRef<Tensor *> tensors,
                              ElementBody body);

/// The dimensions in [0, rank) that are not in `axes`, which are sorted.
llvm::SmallVector<int64_t> getOtherAxes(llvm::ArrayRef<int64_t> axes,
                                        int64_t rank);

/// The shape of `tensor` without `axes`.
Shape getReducedShape(const Tensor &tensor, llvm::ArrayRef<int64_t> axes);

/// The map from all dimensions to those outside of `axes`.
mlir::AffineMap getReducedMap(NodeImporter &node, llvm::ArrayRef<int64_t> axes,
                              int64_t rank);

/// A linalg.generic that combines the elements along `axes` by `body`, which
/// gets the element and what was combined so far, starting with `identity`.
/// The result has no dimensions for `axes`.
mlir::Value createReduction(NodeImporter &node, Tensor &tensor,
                            llvm::ArrayRef<int64_t> axes, mlir::Value identity,
                            ElementBody body);

/// The same for elements of several operands, which loops of sizes as many as
/// the maps have dimensions combine into `init`, a tensor without `axes`.
mlir::Value createReduction(NodeImporter &node, mlir::Value init,
                            llvm::ArrayRef<int64_t> axes,
                            llvm::ArrayRef<Operand> operands, ElementBody body);

/// The sum along `axes`.
mlir::Value createSum(NodeImporter &node, Tensor &tensor,
                      llvm::ArrayRef<int64_t> axes);

/// The mean along `axes`; in Normalization.cpp.
mlir::Value createMean(NodeImporter &node, Tensor &tensor,
                       llvm::ArrayRef<int64_t> axes);

/// `tensor` with the shape `to`, which has as many elements; stays constant.
Tensor reshapeTensor(NodeImporter &node, Tensor &tensor,
                     llvm::ArrayRef<mlir::AffineExpr> to);

/// The index of loop `loop` around an element, as a number of type INT64.
mlir::Value createIndex(mlir::ImplicitLocOpBuilder &b, int64_t loop);

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

/// `[M, K] * [K, N]`, or `[M, K] * [N, K]^T`, as a linalg.matmul of `shape`,
/// `[M, N]`; in Linear.cpp.
mlir::Value createMatmul(NodeImporter &node, ElementType type, mlir::Value lhs,
                         mlir::Value rhs,
                         llvm::ArrayRef<mlir::AffineExpr> shape,
                         bool isRhsTransposed);

/// Rows of `table` along `axis` by their `numbers`, which becomes a tensor of
/// `shape`: a generic over the result that extracts from the table. Negative
/// numbers count from the end; others outside of the table, which ONNX does not
/// allow, are clamped to it. In Indexing.cpp.
mlir::Value createLookup(NodeImporter &node, Tensor &table, Tensor &numbers,
                         int64_t axis, llvm::ArrayRef<mlir::AffineExpr> shape);

/// softmax(x) along the last dimension, where a row of -inf is 0 and every step
/// is rounded to `step`, a float type. DOUBLE has powers as exact as FLOAT. In
/// Normalization.cpp.
mlir::Value createMaskedSoftmax(NodeImporter &node, Tensor &input,
                                ElementType step);

/// A FLOAT rounded to `type`, a float type; others stay as they are.
mlir::Value roundFloat(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                       ElementType type);

/// The elements `offset`, `offset + step`, ... of `input` along `axis`, `size`
/// of them.
Tensor extractPart(NodeImporter &node, Tensor &input, int64_t axis,
                   int64_t offset, int64_t size, int64_t step = 1);

/// The tensor that `value` holds.
Tensor makeTensor(ElementType type, llvm::ArrayRef<mlir::AffineExpr> shape,
                  mlir::Value value);

/// The larger and the smaller of two elements, of which true is the larger
/// BOOL; NaN if one is NaN.
mlir::Value createMax(mlir::ImplicitLocOpBuilder &b, ElementType type,
                      mlir::Value lhs, mlir::Value rhs);
mlir::Value createMin(mlir::ImplicitLocOpBuilder &b, ElementType type,
                      mlir::Value lhs, mlir::Value rhs);

/// lhs > rhs; false if one is NaN.
mlir::Value createGreater(mlir::ImplicitLocOpBuilder &b, ElementType type,
                          mlir::Value lhs, mlir::Value rhs);

/// A number converted as Cast does: floats to integers towards zero and
/// saturating, NaN to the lowest one; those of less than a byte and integers
/// wrap.
mlir::Value createCast(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                       ElementType from, ElementType to);

/// The same for each element of `input`; constant floats stay constant.
Tensor castTensor(NodeImporter &node, Tensor &input, ElementType to);

/// a + b, a * b in the arithmetic of `type`.
mlir::Value createAdd(mlir::ImplicitLocOpBuilder &b, ElementType type,
                      mlir::Value lhs, mlir::Value rhs);
mlir::Value createMul(mlir::ImplicitLocOpBuilder &b, ElementType type,
                      mlir::Value lhs, mlir::Value rhs);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_BUILDERS_H
