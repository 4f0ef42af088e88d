//===- HoistQuantize.h - Quantize before elements move ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_HOISTQUANTIZE_H
#define QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_HOISTQUANTIZE_H

#include "quantc/Dialect/Quant/IR/QuantOps.h"

namespace quantc {

/// Whether `op` quantizes a whole tensor to i8 with one scale.
bool isPerTensor(QuantizeOp op);

/// Whether all uses of `value` are in one operation, beside those that observe
/// it in training.
bool hasOnlyUser(mlir::Value value);

/// The zero point of an operation, a constant 0 if it has none (null).
mlir::Value getZeroPoint(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value zeroPoint);

/// quantize(move(x)) -> move(quantize(x)).
void populateHoistQuantizePatterns(mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_HOISTQUANTIZE_H
