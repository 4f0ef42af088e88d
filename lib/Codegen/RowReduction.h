//===- RowReduction.h - Reductions taken apart ------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_ROWREDUCTION_H
#define QUANTC_LIB_CODEGEN_ROWREDUCTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace quantc {

/// acc = combine(acc, term) of one result.
struct Accumulator {
  mlir::BlockArgument argument;
  mlir::Value next;
  llvm::SmallVector<mlir::Operation *> combine;
  /// What `combine` takes from the element, computed by `RowReduction::prepare`
  /// or an element itself.
  llvm::SmallSetVector<mlir::Value, 2> terms;
};

/// A reduction whose body is taken apart into what is computed from the
/// elements alone and what is added to each accumulator.
struct RowReduction {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<mlir::Operation *> prepare;
  llvm::SmallVector<Accumulator> accumulators;
  bool isAnyOrder = false;

  mlir::Block *body() { return op.getBody(); }
  unsigned rowLoop() { return op.getNumLoops() - 2; }
  unsigned lastLoop() { return op.getNumLoops() - 1; }
  mlir::AffineMap getMap(mlir::OpOperand &operand) {
    return op.getMatchingIndexingMap(&operand);
  }
  bool isAlongRow(mlir::OpOperand &operand) {
    return getMap(operand).isFunctionOfDim(lastLoop());
  }
};

/// Matches a reduction of rows in memory, or says why not.
mlir::FailureOr<RowReduction> matchReduction(mlir::linalg::GenericOp op,
                                             mlir::PatternRewriter &rewriter);

/// Whether elements that follow each other in the last dimension do so in
/// memory.
bool isContiguous(mlir::Value value);

/// Whether `map` is made of loops and constants, with `loop` at most as its
/// last result.
bool isProjection(mlir::AffineMap map, unsigned loop);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_ROWREDUCTION_H
