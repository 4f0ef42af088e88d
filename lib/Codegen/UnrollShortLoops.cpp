//===- UnrollShortLoops.cpp - Loops over nibbles as straight code
//----------===//
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
#define GEN_PASS_DEF_UNROLLSHORTLOOPSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// As many iterations as nibbles in a word of 32 bits.
static constexpr uint64_t kMostIterations = 8;

/// Whether `loop` runs a few times and has no loop inside.
static bool isShortAndInnermost(scf::ForOp loop) {
  std::optional<APInt> count = loop.getStaticTripCount();
  return count && count->ule(kMostIterations) &&
         !loop->hasAttr(kParallelAttr) &&
         !loop.getBody()
              ->walk(
                  [](LoopLikeOpInterface) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

/// Leaves what an iteration of `loop` has to do to the loop around it.
static void passWorkOn(scf::ForOp loop) {
  auto work = loop->getAttrOfType<IntegerAttr>(kWorkAttr);
  auto outer = loop->getParentOfType<scf::ForOp>();
  if (!work || !outer)
    return;
  auto own = outer->getAttrOfType<IntegerAttr>(kWorkAttr);
  int64_t count = loop.getStaticTripCount()->getZExtValue();
  outer->setAttr(kWorkAttr, Builder(loop.getContext())
                                .getI64IntegerAttr((own ? own.getInt() : 0) +
                                                   count * work.getInt()));
}

namespace {
struct UnrollShortLoops
    : quantc::impl::UnrollShortLoopsPassBase<UnrollShortLoops> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (isShortAndInnermost(loop))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops) {
      passWorkOn(loop);
      if (failed(loopUnrollFull(loop))) {
        loop.emitError("cannot unroll a loop");
        return signalPassFailure();
      }
    }
  }
};
} // namespace
