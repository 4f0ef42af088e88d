//===- PackPatterns.h - The patterns of quant-pack --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_PACKPATTERNS_H
#define QUANTC_LIB_CODEGEN_PACKPATTERNS_H

#include "mlir/IR/PatternMatch.h"
#include "quantc/Conversion/Lora.h"
#include "quantc/Target/DotInstructions.h"

namespace quantc {

/// Adds the pattern that packs f32 matmuls by constant weights, on the host.
void populatePackMatmulPatterns(mlir::RewritePatternSet &patterns,
                                const VectorUnit &unit);

/// Adds the pattern that packs products of f32 matrices at run time.
void populatePackContractionPatterns(mlir::RewritePatternSet &patterns,
                                     const VectorUnit &unit);

/// Gives what computes deltas on `op` its tile sizes. `inPanels`: each tile of
/// the layer computes its own.
void setLoraTileSizes(LoraOp op, const LoraContractions &contractions,
                      bool inPanels, const VectorUnit &unit);

/// Adds the pattern that lowers and tiles the deltas of adapters.
void populatePackLoraPatterns(mlir::RewritePatternSet &patterns,
                              const VectorUnit &unit);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_PACKPATTERNS_H
