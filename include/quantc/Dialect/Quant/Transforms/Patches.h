//===- Patches.h - Rows that are copied from windows ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_PATCHES_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_PATCHES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {

/// The input [M, K] of a layer, copied from windows of a source: the result of
/// `copy` has dimensions for the rows, those of a sample one after the other,
/// then for the columns.
///
///   patches[b, places..., terms...] = source[b, at(places, terms)...]   copy
///   rows[M, K]                      = patches, collapsed              collapse
struct Patches {
  mlir::tensor::CollapseShapeOp collapse;
  mlir::linalg::GenericOp copy;

  static std::optional<Patches> match(mlir::Value rows);
  /// The same if nothing else reads the copies.
  static std::optional<Patches> get(mlir::Value rows);

  mlir::RankedTensorType getType() {
    return mlir::cast<mlir::RankedTensorType>(copy.getResult(0).getType());
  }
  int64_t getNumRowDims() {
    return collapse.getReassociationIndices()[0].size();
  }
  mlir::Value getSource() { return copy->getOperand(0); }
  /// Where in the source the copies are from.
  mlir::AffineMap getMap() { return copy.getIndexingMapsArray().front(); }
};

/// Matches `rows`, if windows have several elements of two dimensions or more
/// that they move along (convolution_a1).
std::optional<Patches> matchWindows(mlir::Value rows);

/// `source` as [B, elements of a sample].
mlir::Value createSamples(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value source);

/// The [B, 1] `values`, of samples, for the rows [M, 1] of `patches`: a
/// broadcast over the places, collapsed.
mlir::Value createRowsOfSamples(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value values, Patches patches);

/// Matches what `createRowsOfSamples` creates for `patches` and returns the
/// values of samples.
mlir::Value matchRowsOfSamples(mlir::Value rows, Patches patches);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_PATCHES_H
