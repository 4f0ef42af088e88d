//===- SinkReshapes.cpp - Reshapes behind elementwise ops -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_SINKRESHAPES
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Whether `operand` of an elementwise operation is the expanded result of a
/// structured one, which then comes to stand right before it.
static bool joinsStructuredOps(OpOperand *operand) {
  auto expand = operand->get().getDefiningOp<tensor::ExpandShapeOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  return expand && consumer && expand->hasOneUse() &&
         consumer.getNumParallelLoops() == consumer.getNumLoops() &&
         expand.getSrc().getDefiningOp<linalg::LinalgOp>();
}

namespace {
/// dim(expand(x; sizes)) -> one of the sizes, so that the reshape has no other
/// use than what works on its elements.
struct DimOfExpand : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::DimOp op,
                                PatternRewriter &rewriter) const override {
    auto expand = op.getSource().getDefiningOp<tensor::ExpandShapeOp>();
    std::optional<int64_t> index = op.getConstantIndex();
    if (!expand || !index)
      return rewriter.notifyMatchFailure(op, "not a known size of a reshape");
    OpFoldResult size = expand.getMixedOutputShape()[*index];
    rewriter.replaceOp(
        op, getValueOrCreateConstantIndexOp(rewriter, op.getLoc(), size));
    return success();
  }
};
} // namespace

void quantc::populateSinkReshapesPatterns(RewritePatternSet &patterns) {
  linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns,
                                                     joinsStructuredOps);
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                       patterns.getContext());
  tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns,
                                                     patterns.getContext());
  tensor::populateFoldTensorEmptyPatterns(patterns);
  // Before the folder of upstream, which reads the size of `x`.
  patterns.add<DimOfExpand>(patterns.getContext(), /*benefit=*/2);
}

namespace {
struct SinkReshapes : quantc::impl::SinkReshapesBase<SinkReshapes> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateSinkReshapesPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
