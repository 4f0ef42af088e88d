//===- FlattenEpilogues.cpp - Epilogues on rows and columns ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApplyPatterns.h"
#include "Epilogue.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FLATTENEPILOGUESPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether `value` is the result of a layer.
static bool isLayerResult(Value value) {
  Operation *op = value.getDefiningOp();
  std::string reason;
  return op && (isa<LinearOp>(op) || succeeded(matchLinearLayer(op, reason)));
}

/// Whether `operand` is the result of a layer in more dimensions, and its
/// operation elementwise.
static bool readsExpandedLayer(OpOperand *operand) {
  auto op = dyn_cast<linalg::GenericOp>(operand->getOwner());
  auto expand = operand->get().getDefiningOp<tensor::ExpandShapeOp>();
  return op && expand && expand->hasOneUse() && isElementwise(op) &&
         isLayerResult(expand.getSrc());
}

namespace {
/// collapse(expand(x)) -> x.
struct FoldCollapse : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    auto expand = op.getSrc().getDefiningOp<tensor::ExpandShapeOp>();
    if (!expand || expand.getSrcType() != op.getResultType() ||
        expand.getReassociationIndices() != op.getReassociationIndices())
      return rewriter.notifyMatchFailure(op, "undoes nothing");
    rewriter.replaceOp(op, expand.getSrc());
    return success();
  }
};

struct FlattenEpilogues
    : quantc::impl::FlattenEpiloguesPassBase<FlattenEpilogues> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns,
                                                       readsExpandedLayer);
    patterns.add<FoldCollapse>(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(
            applyPatternsWithoutFolding(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
