//===- SampleRows.h - Operations on a batch, sample by sample ---*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor that has values for each sample of a batch has so many rows for
// each, one after the other: sample i is rows i * r to (i + 1) * r of its first
// dimension. What joins this dimension with others multiplies the rows of a
// sample, what splits it divides them.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_SAMPLEROWS_H
#define QUANTC_LIB_CODEGEN_SAMPLEROWS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/BitVector.h"
#include <optional>

namespace quantc {

/// The operands of `op` that it goes through row by row: the values of a sample
/// in its results come from those of the sample in them,
/// and from all of the other operands. None if anything else does, or if the
/// operation is not known.
std::optional<llvm::BitVector> getRowOperands(mlir::Operation *op);

/// The rows of a sample in the results of `op`, if its row operands have
/// `rowsBefore`; none if that is not the same number for each sample. Either is
/// dynamic if the program decides it when it runs. The samples are those of the
/// first dimension of `batch`.
std::optional<int64_t> getResultRows(mlir::Operation *op, int64_t rowsBefore,
                                     mlir::Value batch);

/// `op` on `operands` in place of its own, of which the row operands have the
/// rows of some samples, so that the results have `resultRows`.
mlir::Operation *cloneForRows(mlir::OpBuilder &builder, mlir::Operation *op,
                              llvm::ArrayRef<mlir::Value> operands,
                              mlir::OpFoldResult resultRows);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_SAMPLEROWS_H
