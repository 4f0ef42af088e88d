//===- HoistQuantize.h - Quantize before elements move ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_HOISTQUANTIZE_H
#define QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_HOISTQUANTIZE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

namespace quantc {

/// Whether `op` quantizes a whole tensor to i8 with one scale.
bool isPerTensor(QuantizeOp op);

/// Whether all uses of `value` are in one operation, beside those that observe
/// it in training.
bool hasOnlyUser(mlir::Value value);

/// Whether `op` is a transpose or a linalg.generic each element of whose result
/// is one of its only input.
bool isCopy(mlir::linalg::LinalgOp op);

/// What `copy` would copy of `value`, of another element type, in place of its
/// input.
mlir::Value createCopy(mlir::OpBuilder &builder, mlir::linalg::LinalgOp copy,
                       mlir::Value value);

/// Rewrites quantize(f(x)) as f(quantize(x)), on bytes with one scale, where
/// nothing else needs the floats.
class HoistQuantizePattern : public mlir::OpRewritePattern<QuantizeOp> {
public:
  using OpRewritePattern::OpRewritePattern;

  llvm::LogicalResult
  matchAndRewrite(QuantizeOp op, mlir::PatternRewriter &rewriter) const final;

protected:
  /// Fails where the input of `op` is not of the kind f.
  virtual llvm::LogicalResult hoist(QuantizeOp op,
                                    mlir::PatternRewriter &rewriter) const = 0;
};

/// The zero point of an operation, a constant 0 if it has none (null).
mlir::Value getZeroPoint(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value zeroPoint);

/// `value`, quantized as `op` quantizes.
mlir::Value createQuantized(mlir::OpBuilder &builder, QuantizeOp op,
                            mlir::Value value);

/// The same for a number.
mlir::Value createQuantizedScalar(mlir::OpBuilder &builder, QuantizeOp op,
                                  mlir::Value value);

/// quantize(move(x)) -> move(quantize(x)).
void populateHoistQuantizePatterns(mlir::RewritePatternSet &patterns);

/// quantize(max(x...)) -> max(quantize(x)...), where nothing is NaN.
void populateHoistQuantizeOverMaximaPatterns(mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_HOISTQUANTIZE_H
