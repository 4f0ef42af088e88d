//===- Vectorize.cpp - Tiles to vectors -----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Vectorizes what quant-tile-linear tiled and hoists the accumulators. See
// Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_VECTORIZEPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether `op` is a contraction in floats, whose steps along K are 1.
static bool isFloatContraction(linalg::GenericOp op) {
  return op.getNumReductionLoops() != 0 &&
         isa<FloatType>(getElementTypeOrSelf(op.getResultTypes().front()));
}

/// Vectorizes `op`. A float contraction has only unit reduction dimensions,
/// which are dropped first: what is left is elementwise.
static LogicalResult vectorizeTile(RewriterBase &rewriter,
                                   linalg::GenericOp op) {
  rewriter.setInsertionPoint(op);
  if (isFloatContraction(op)) {
    linalg::ControlDropUnitDims control;
    control.rankReductionStrategy =
        linalg::ControlDropUnitDims::RankReductionStrategy::ExtractInsertSlice;
    // Only those: the accumulator keeps its shape, and with it its place in the
    // loop.
    control.controlFn = [](Operation *op) {
      SmallVector<unsigned> loops;
      cast<linalg::GenericOp>(op).getReductionDims(loops);
      return loops;
    };
    FailureOr<linalg::DropUnitDimsResult> dropped =
        linalg::dropUnitDims(rewriter, op, control);
    if (failed(dropped))
      return op.emitError("cannot drop the unit dimensions of a tile");
    rewriter.replaceOp(op, dropped->replacements);
    op = cast<linalg::GenericOp>(dropped->resultOp.getOperation());
    rewriter.setInsertionPoint(op);
  }
  FailureOr<linalg::VectorizationResult> result = linalg::vectorize(
      rewriter, op, /*inputVectorSizes=*/{}, /*inputScalableVecDims=*/{},
      /*vectorizeNDExtract=*/false, /*flatten1DDepthwiseConv=*/false,
      /*assumeDynamicDimsMatchVecSizes=*/false,
      /*createNamedContraction=*/true);
  if (failed(result))
    return op.emitError("cannot vectorize a tile");
  rewriter.replaceOp(op, result->replacements);
  return success();
}

/// Folds reads of what was just written, so that values stay vectors.
static LogicalResult simplify(func::FuncOp func) {
  MLIRContext *context = func.getContext();
  RewritePatternSet patterns(context);
  vector::populateVectorReductionToContractPatterns(patterns);
  vector::populateSinkVectorOpsPatterns(patterns);
  vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
  vector::TransferReadOp::getCanonicalizationPatterns(patterns, context);
  vector::TransferWriteOp::getCanonicalizationPatterns(patterns, context);
  tensor::populateFoldTensorSubsetIntoVectorTransferPatterns(patterns);
  for (RegisteredOperationName op : context->getRegisteredOperations())
    if (isa<tensor::TensorDialect, scf::SCFDialect, vector::VectorDialect>(
            op.getDialect()))
      op.getCanonicalizationPatterns(patterns, context);
  return applyPatternsGreedily(func, std::move(patterns));
}

namespace {
struct Vectorize : quantc::impl::VectorizePassBase<Vectorize> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> tiles;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kTiledAttr))
        tiles.push_back(op);
    });
    for (linalg::GenericOp op : tiles)
      if (failed(vectorizeTile(rewriter, op)))
        return signalPassFailure();
    if (failed(simplify(getOperation())))
      return signalPassFailure();
    hoistAccumulators(rewriter);
    if (failed(simplify(getOperation())))
      signalPassFailure();
  }

  /// The K loops are innermost; their accumulator is the subset that each
  /// iteration reads and writes.
  void hoistAccumulators(RewriterBase &rewriter) {
    SmallVector<LoopLikeOpInterface> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (LoopLikeOpInterface loop : loops) {
      moveLoopInvariantCode(loop);
      (void)hoistLoopInvariantSubsets(rewriter, loop);
    }
  }
};
} // namespace
