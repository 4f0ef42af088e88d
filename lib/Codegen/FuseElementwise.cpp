//===- FuseElementwise.cpp - Elementwise operations without buffers -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApplyPatterns.h"
#include "Epilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
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

/// Whether computing `op` again costs less than a buffer: it reads no more than
/// that would give, beside what is broadcast. In a chain of sums, each of which
/// others read as well, the last one would read all terms.
static bool isCheap(linalg::GenericOp op) {
  auto operations = op.getBody()->without_terminator();
  int64_t numWhole =
      llvm::count_if(op.getDpsInputOperands(), [&](OpOperand *input) {
        return op.getMatchingIndexingMap(input).isIdentity();
      });
  return numWhole <= 1 && op.getNumDpsInputs() <= kMostOperations &&
         llvm::range_size(operations) <= kMostOperations &&
         llvm::all_of(operations, [](Operation &inner) {
           return isa<arith::AddFOp, arith::ConstantOp, arith::MaximumFOp,
                      arith::MinimumFOp, arith::MulFOp, arith::SubFOp>(inner);
         });
}

namespace {
struct FuseProducer : OpRewritePattern<linalg::GenericOp> {
  FuseProducer(MLIRContext *context, bool elementwiseOnly)
      : OpRewritePattern(context), elementwiseOnly(elementwiseOnly) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (op->hasAttr(kTileSizesAttr))
      return rewriter.notifyMatchFailure(op, "a part of a packed layer");
    if (elementwiseOnly && op.getNumReductionLoops() != 0)
      return rewriter.notifyMatchFailure(op, "a reduction");
    for (OpOperand *input : op.getDpsInputOperands())
      if (isFusable(*input)) {
        fuse(*input, rewriter);
        return success();
      }
    return rewriter.notifyMatchFailure(op, "reads no elementwise result");
  }

private:
  bool elementwiseOnly;

  /// Whether `input` is computed element by element in the loops that read it.
  static bool isInLoops(OpOperand &input) {
    auto op = dyn_cast<linalg::GenericOp>(input.getOwner());
    auto producer = input.get().getDefiningOp<linalg::GenericOp>();
    return op && producer && isElementwise(producer) &&
           !op->hasAttr(kTileSizesAttr) && !op.isDpsInit(&input) &&
           op.getMatchingIndexingMap(&input).isIdentity() &&
           linalg::areElementwiseOpsFusable(&input);
  }

  /// Whether `input` can be computed where it is read, for its reader alone, or
  /// cheaply for all of its readers: if one of them needs the buffer, the
  /// others may read it as well.
  static bool isFusable(OpOperand &input) {
    if (!isInLoops(input))
      return false;
    return input.get().hasOneUse() ||
           (isCheap(input.get().getDefiningOp<linalg::GenericOp>()) &&
            llvm::all_of(input.get().getUses(), [](OpOperand &use) {
              return isa<tensor::DimOp>(use.getOwner()) || isInLoops(use);
            }));
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
  using FuseElementwisePassBase::FuseElementwisePassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseProducer>(&getContext(), elementwiseOnly);
    if (failed(
            applyPatternsWithoutFolding(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
