//===- ApplyPatterns.h - Patterns alone, without folding --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_APPLYPATTERNS_H
#define QUANTC_LIB_CODEGEN_APPLYPATTERNS_H

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {

/// Applies `patterns` under `root` and folds nothing: what functions give for
/// constants is not for the host's library to say.
inline llvm::LogicalResult
applyPatternsWithoutFolding(mlir::Operation *root,
                            mlir::RewritePatternSet patterns) {
  mlir::GreedyRewriteConfig config;
  config.enableFolding(false);
  return mlir::applyPatternsGreedily(root, std::move(patterns), config);
}

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_APPLYPATTERNS_H
