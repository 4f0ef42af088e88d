//===- SinkDequantize.h - Dequantize after elements moved -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_SINKDEQUANTIZE_H
#define QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_SINKDEQUANTIZE_H

#include "mlir/IR/PatternMatch.h"

namespace quantc {

/// move(dequantize(q)) -> dequantize(move(q)).
void populateSinkDequantizePatterns(mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_SINKDEQUANTIZE_H
