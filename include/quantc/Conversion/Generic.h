//===- Generic.h - Builds linalg.generic from formulas ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_GENERIC_H
#define QUANTC_CONVERSION_GENERIC_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Conversion/Emit.h"

namespace quantc {

/// The attribute of reductions whose result does not depend on the order of
/// their terms, though their operations alone do not say so: each accumulator
/// takes one term, of its own type, and may be a term of another.
inline constexpr llvm::StringLiteral kAnyOrderAttr = "quant.any_order";

/// Computes the results of one iteration from the elements of the inputs and
/// then those of the outputs.
using EmitBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    Emit &, mlir::ValueRange)>;

/// Builds a linalg.generic. `maps` are those of the inputs, then of the inits.
llvm::SmallVector<mlir::Value> createGeneric(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange inputs,
    mlir::ValueRange inits, llvm::ArrayRef<mlir::AffineMap> maps,
    llvm::ArrayRef<mlir::utils::IteratorType> iterators, EmitBody body);

/// Builds a linalg.generic without reductions, whose results have the given
/// sizes and element types. `maps` are those of the inputs.
llvm::SmallVector<mlir::Value>
createElementwise(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
                  llvm::ArrayRef<mlir::OpFoldResult> sizes,
                  llvm::ArrayRef<mlir::Type> elementTypes, EmitBody body);

/// A tensor of the given sizes filled with zeros.
mlir::Value createZeros(mlir::OpBuilder &builder, mlir::Location loc,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type elementType);

/// How loops over a tensor reach parameters that cover it in blocks
/// (block_a1). A dimension that is cut into more than one group, each of more
/// than one element, is expanded to [groups, elements], and so are the loops:
///
///   tensor<8x96xf32> with a scale tensor<8x3xf32>
///     loops (d0, d1, d2) over tensor<8x3x32xf32>, the scale by (d0, d1)
class BlockLoops {
public:
  /// Fails when two parameters cut a dimension into different numbers of
  /// groups. A shape in `parameters` is empty or has the rank of the tensor.
  static mlir::FailureOr<BlockLoops>
  get(mlir::RankedTensorType tensor,
      llvm::ArrayRef<llvm::ArrayRef<int64_t>> parameters);

  unsigned getNumLoops() const { return numLoops; }
  /// The map of the expanded tensor.
  mlir::AffineMap getIdentityMap(mlir::MLIRContext *context) const;
  /// The expressions of a parameter of `shape`: 0 where it has one element.
  llvm::SmallVector<mlir::AffineExpr>
  getParameterExprs(mlir::MLIRContext *context,
                    llvm::ArrayRef<int64_t> shape) const;

  /// Expands a tensor of the shape given to `get`, and collapses it again.
  mlir::Value expand(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value tensor) const;
  mlir::Value collapse(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value expanded) const;

private:
  /// The loops of each dimension of the tensor: one, or two for groups.
  llvm::SmallVector<mlir::ReassociationIndices> reassociation;
  llvm::SmallVector<int64_t> expandedShape;
  unsigned numLoops = 0;
};

} // namespace quantc

#endif // QUANTC_CONVERSION_GENERIC_H
