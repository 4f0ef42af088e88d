//===- Windows.h - Rows that are patches of samples -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_WINDOWS_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_WINDOWS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {

/// The input [M, K] of a convolution: the patches of a window, of which each
/// sample has as many as there are places.
///
///   patches[b, places..., terms...] = source[b, at(places, terms)...]   copy
///   rows[M, K]                      = patches, collapsed              collapse
struct Windows {
  mlir::tensor::CollapseShapeOp collapse;
  mlir::linalg::GenericOp copy;

  /// [B, ...], what the window moves over.
  mlir::Value getSource() { return copy.getDpsInputs()[0]; }
  /// How many dimensions of the patches are in M, the samples among them.
  unsigned getNumRowDims() {
    return collapse.getReassociationIndices()[0].size();
  }
};

/// Matches `rows`, if windows have several elements of two dimensions or more
/// that they move along (convolution_a1).
std::optional<Windows> matchWindows(mlir::Value rows);

/// `source` as [B, elements of a sample].
mlir::Value createSamples(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value source);

/// The [B, 1] `values`, of samples, for the rows [M, 1] of `windows`: a
/// broadcast over the places, collapsed.
mlir::Value createRowsOfSamples(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value values, Windows windows);

/// Matches what `createRowsOfSamples` creates for `windows` and returns the
/// values of samples.
mlir::Value matchRowsOfSamples(mlir::Value rows, Windows windows);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_WINDOWS_H
