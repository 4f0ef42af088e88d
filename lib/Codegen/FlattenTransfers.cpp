//===- FlattenTransfers.cpp - Contiguous tiles as flat vectors ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FLATTENTRANSFERSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

namespace {
struct FlattenTransfers
    : public quantc::impl::FlattenTransfersPassBase<FlattenTransfers> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    vector::populateFlattenVectorTransferPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
