//===- FlattenTransfers.cpp - Contiguous tiles as flat vectors ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;
using namespace quantc;

namespace quantc {
#define GEN_PASS_DEF_FLATTENTRANSFERSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

namespace {
struct FlattenTransfers
    : public quantc::impl::FlattenTransfersPassBase<FlattenTransfers> {
  void runOnOperation() override {
    const VectorUnit &unit = selectVectorUnit(getTarget(getOperation()));
    int64_t registerBits = unit.accumulators.columns * 32;
    RewritePatternSet patterns(&getContext());
    vector::populateFlattenVectorTransferPatterns(
        patterns, /*targetVectorBitwidth=*/registerBits - 1);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
