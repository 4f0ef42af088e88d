//===- Patterns.h - Patterns of quant-lower-to-linalg -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CONVERSION_QUANTTOLINALG_PATTERNS_H
#define QUANTC_LIB_CONVERSION_QUANTTOLINALG_PATTERNS_H

#include "mlir/Transforms/DialectConversion.h"

namespace quantc {

/// Integers of 2 and 4 bits, of which tensors hold one to a byte,
/// sign-extended.
bool isNarrowInteger(mlir::Type type);
/// All that has tensors of them.
void populateNarrowIntegerPatterns(const mlir::TypeConverter &converter,
                                   mlir::RewritePatternSet &patterns);

/// quantize, dequantize, fake_quant, requantize, rescale.
void populateElementwisePatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
/// Emits an error when `op` is one of them and cannot be lowered.
mlir::LogicalResult checkElementwise(mlir::Operation *op);

/// observe, histogram, choose_params.
void populateStatisticsPatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
/// unpack.
void populateUnpackPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
/// linear.
void populateLinearPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateLoraPatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns);

/// dequantize_normal_float.
void populateNormalFloatPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_LIB_CONVERSION_QUANTTOLINALG_PATTERNS_H
