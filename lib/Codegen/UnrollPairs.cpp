//===- UnrollPairs.cpp - Loops of two iterations as straight code ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_UNROLLPAIRSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

/// Whether `loop` runs twice and has no loop inside.
static bool isInnermostPair(scf::ForOp loop) {
  std::optional<APInt> count = loop.getStaticTripCount();
  return count && *count == 2 &&
         !loop.getBody()
              ->walk(
                  [](LoopLikeOpInterface) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

namespace {
struct UnrollPairs : quantc::impl::UnrollPairsPassBase<UnrollPairs> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> pairs;
    getOperation().walk([&](scf::ForOp loop) {
      if (isInnermostPair(loop))
        pairs.push_back(loop);
    });
    for (scf::ForOp loop : pairs)
      if (failed(loopUnrollFull(loop))) {
        loop.emitError("cannot unroll a loop");
        return signalPassFailure();
      }
  }
};
} // namespace
