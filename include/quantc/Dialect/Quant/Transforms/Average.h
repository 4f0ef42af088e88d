//===- Average.h - Averages of windows --------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AveragePool and GlobalAveragePool in the float form: the sums of windows, a
// linalg.generic, and their quotients by the number of elements that count.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_AVERAGE_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_AVERAGE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace quantc {

/// The averages of windows of a float tensor.
struct Average {
  /// Adds up the windows of its first operand, from 0 on.
  mlir::linalg::GenericOp sum;
  /// Divides each sum.
  mlir::linalg::LinalgOp quotient;
  /// How many elements a window has, with those of padding.
  int64_t numTerms;
  /// What sums are divided by, integers: of the shape of the sums with 1 in
  /// each dimension along which all are equal.
  llvm::SmallVector<int64_t> countShape;
  std::vector<float> counts;

  mlir::Value getInput() const { return sum->getOperand(0); }
};

/// Matches the sums of averages that nothing else reads.
std::optional<Average> matchAverage(mlir::linalg::GenericOp sum);

/// Calls `visit` for all that reads the elements of `value`, where it is, moved
/// or beside padding with 0, but for what asks for a size. Stops, and returns
/// false, when `visit` does.
bool visitReaders(mlir::Value value,
                  llvm::function_ref<bool(mlir::OpOperand &)> visit);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_AVERAGE_H
