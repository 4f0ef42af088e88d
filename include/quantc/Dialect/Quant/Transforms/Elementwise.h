//===- Elementwise.h - Bias, ReLU and Clip ----------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recognizes what follows a contraction, however it is spelled: named or
// generic, with a maximum or with a comparison and a select.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_ELEMENTWISE_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_ELEMENTWISE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace quantc {

/// The operation that all uses of `value` are in; null if there is none. An
/// elementwise operation may use its operand twice, the second time as the
/// destination that it does not read.
mlir::Operation *getOnlyUser(mlir::Value value);

/// The operation that all uses of `value` are in but those that ask for its
/// shape; null if there is none.
mlir::Operation *getOnlyReader(mlir::Value value);

/// `op` if it is a linalg operation with one result that works element by
/// element on tensors.
mlir::linalg::LinalgOp getElementwise(mlir::Operation *op);

/// If `op` computes `y[m, n] + bias[n]`, returns the bias as a tensor<Nxf32>,
/// which it creates if need be, otherwise null. `y` is [M, N], an operand.
mlir::Value matchBiasAdd(mlir::RewriterBase &rewriter, mlir::Operation *op,
                         mlir::Value y);

/// One step of a clip: the maximum or the minimum with a constant.
struct Bound {
  bool isLower;
  float value;
};

/// If `op` clips one operand by constants, element by element, returns that
/// operand and sets `bounds` in the order in which they apply; otherwise null.
mlir::Value matchClip(mlir::Operation *op,
                      llvm::SmallVectorImpl<Bound> &bounds);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_ELEMENTWISE_H
