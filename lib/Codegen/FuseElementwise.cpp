//===- FuseElementwise.cpp - Elementwise operations without buffers -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// What is computed again for each consumer has at most that many operations
/// and inputs.
static constexpr unsigned kMostOperations = 2;

/// Whether `op` is one elementwise result in the order of its loops, and no
/// part of a packed layer.
static bool isElementwise(linalg::GenericOp op) {
  return op.getNumResults() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.hasPureTensorSemantics() && !op.hasIndexSemantics() &&
         !op->hasAttr(kTileSizesAttr) && op.getNumDpsInputs() != 0 &&
         op.getIndexingMapsArray().back().isIdentity() &&
         !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0));
}

/// Whether computing `op` again costs less than a buffer.
static bool isCheap(linalg::GenericOp op) {
  auto operations = op.getBody()->without_terminator();
  return op.getNumDpsInputs() <= kMostOperations &&
         llvm::range_size(operations) <= kMostOperations &&
         llvm::all_of(operations, [](Operation &inner) {
           return isa<arith::AddFOp, arith::ConstantOp, arith::MaximumFOp,
                      arith::MinimumFOp, arith::MulFOp, arith::SubFOp>(inner);
         });
}

namespace {
struct FuseProducer : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (op->hasAttr(kTileSizesAttr))
      return rewriter.notifyMatchFailure(op, "a part of a packed layer");
    for (OpOperand *input : op.getDpsInputOperands())
      if (isFusable(*input)) {
        fuse(*input, rewriter);
        return success();
      }
    return rewriter.notifyMatchFailure(op, "reads no elementwise result");
  }

private:
  /// Whether `input` is computed element by element in the loops that read it,
  /// for them alone or cheaply.
  static bool isFusable(OpOperand &input) {
    auto op = cast<linalg::GenericOp>(input.getOwner());
    auto producer = input.get().getDefiningOp<linalg::GenericOp>();
    return producer && isElementwise(producer) &&
           op.getMatchingIndexingMap(&input).isIdentity() &&
           (input.get().hasOneUse() || isCheap(producer)) &&
           linalg::areElementwiseOpsFusable(&input);
  }

  static void fuse(OpOperand &input, PatternRewriter &rewriter) {
    auto op = cast<linalg::GenericOp>(input.getOwner());
    if (!input.get().hasOneUse()) {
      // Fused with all its users, the operation would give its result to one
      // of them and keep the buffer for the others.
      rewriter.setInsertionPoint(op);
      Operation *copy = rewriter.clone(*input.get().getDefiningOp());
      rewriter.modifyOpInPlace(op, [&] { input.set(copy->getResult(0)); });
    }
    auto attributes = llvm::to_vector(op->getDiscardableAttrs());
    Operation *producer = input.get().getDefiningOp();
    FailureOr<linalg::ElementwiseOpFusionResult> fused =
        linalg::fuseElementwiseOps(rewriter, &input);
    assert(succeeded(fused) && "was checked to be fusable");
    for (NamedAttribute attribute : attributes)
      fused->fusedOp->setAttr(attribute.getName(), attribute.getValue());
    rewriter.replaceOp(
        op, fused->fusedOp->getResults().take_back(op->getNumResults()));
    if (producer->use_empty())
      rewriter.eraseOp(producer);
  }
};

struct FuseElementwise
    : quantc::impl::FuseElementwisePassBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseProducer>(&getContext());
    GreedyRewriteConfig config;
    // Folding functions of constants is not for the host's library.
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
