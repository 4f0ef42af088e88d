//===- TileContraction.h - Contractions that are left in memory -*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a tile instruction computes: a block of rows by a panel of packed
// weights, whole and on buffers.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_TILECONTRACTION_H
#define QUANTC_LIB_TARGET_TILECONTRACTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace quantc {

/// What the loops of a contraction depend on; sizes in elements.
struct ContractionShape {
  int64_t depth;     ///< K
  int64_t panel;     ///< NR
  int64_t accStride; ///< from one row of accumulators to the next
  /// Tiles of rows that meet the panel, at least 1; 0 if it does not matter.
  int64_t rowTiles = 0;

  bool operator==(const ContractionShape &other) const {
    return depth == other.depth && panel == other.panel &&
           accStride == other.accStride && rowTiles == other.rowTiles;
  }
};

/// acc[m, n] = start[n] + sum_k lhs[m, k] * rhs[k / 4, n, k % 4].
struct TileContraction {
  mlir::linalg::GenericOp op;
  /// What sets the accumulators before; null if they are added to.
  mlir::linalg::GenericOp init;
  ContractionShape shape;

  mlir::TypedValue<mlir::MemRefType> getLhs() const {
    return getMemRef(mlir::linalg::GenericOp(op).getDpsInputOperand(0));
  }
  mlir::TypedValue<mlir::MemRefType> getRhs() const {
    return getMemRef(mlir::linalg::GenericOp(op).getDpsInputOperand(1));
  }
  mlir::TypedValue<mlir::MemRefType> getAcc() const {
    return getMemRef(mlir::linalg::GenericOp(op).getDpsInitOperand(0));
  }
  static mlir::TypedValue<mlir::MemRefType>
  getMemRef(mlir::OpOperand *operand) {
    return mlir::cast<mlir::TypedValue<mlir::MemRefType>>(operand->get());
  }
};

/// Matches `op`, or reports why it is no such contraction.
mlir::FailureOr<TileContraction>
matchTileContraction(mlir::linalg::GenericOp op);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_TILECONTRACTION_H
