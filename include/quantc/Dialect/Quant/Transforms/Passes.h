//===- Passes.h - Passes on the forms of a program --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Support/HostTensor.h"

namespace quantc {

/// The values of the option of `quant-insert-lora`.
llvm::cl::ValuesClass getAdapterStorageValues();

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"

/// layer * s + t -> layer with another weight and bias.
void populateFoldAffinePatterns(mlir::RewritePatternSet &patterns);

/// quantize(constant) -> integer constant.
void populateFoldWeightsPatterns(mlir::RewritePatternSet &patterns);

/// fake_quant(x) -> dequantize(quantize(x)).
void populateDecomposeFakeQuantPatterns(mlir::RewritePatternSet &patterns);

/// reshape(dequantize(q)) -> dequantize(reshape(q)).
void populateRecognizeLayersPatterns(mlir::RewritePatternSet &patterns);
void populateSimulateIntegerProductsPatterns(mlir::RewritePatternSet &patterns);

/// elementwise(expand(x)) -> expand(elementwise(x)).
void populateSinkReshapesPatterns(mlir::RewritePatternSet &patterns);

/// f(transpose(x)) -> transpose(f(x)), where channels were put first.
void populateSinkTransposesPatterns(mlir::RewritePatternSet &patterns);

/// matmul(dequantize(a), dequantize(w)) + bias -> quant.linear.
void populateConvertToIntegerPatterns(mlir::RewritePatternSet &patterns);

/// product(dequantize(a), dequantize(b)) -> for each of a batch: linear(a, b).
void populateConvertProductsToIntegerPatterns(
    mlir::RewritePatternSet &patterns);

/// lookup(dequantize(q)) -> dequantize(lookup(q)).
void populateLookUpIntegersPatterns(mlir::RewritePatternSet &patterns);

/// quantize(clip(linear)) -> linear with an i8 result, and
/// quantize(clip(dequantize(q))) -> requantize.
void populateFuseRequantizePatterns(mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES_H
