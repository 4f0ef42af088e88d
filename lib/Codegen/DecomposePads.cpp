//===- DecomposePads.cpp - Padding as a slice of a filled tensor ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_DECOMPOSEPADSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
/// transpose(pad(x)) -> pad(transpose(x)), for the transposition to write into
/// what is padded.
struct PadTransposed : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<tensor::PadOp>();
    if (!pad || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "transposes nothing padded");
    Value padding = pad.getConstantPaddingValue();
    if (!padding || !pad->hasOneUse())
      return rewriter.notifyMatchFailure(
          op, "is padded by several values, or for others as well");
    Location loc = op.getLoc();
    ArrayRef<int64_t> permutation = op.getPermutation();
    auto permute = [&](SmallVector<OpFoldResult> values) {
      return applyPermutation(values, permutation);
    };
    Value empty = tensor::EmptyOp::create(
        rewriter, loc,
        permute(tensor::getMixedSizes(rewriter, loc, pad.getSource())),
        pad.getSourceType().getElementType());
    Value transposed = linalg::TransposeOp::create(
                           rewriter, loc, pad.getSource(), empty, permutation)
                           ->getResult(0);
    rewriter.replaceOpWithNewOp<tensor::PadOp>(
        op, op->getResult(0).getType(), transposed,
        permute(pad.getMixedLowPad()), permute(pad.getMixedHighPad()), padding);
    return success();
  }
};

struct DecomposePads : quantc::impl::DecomposePadsPassBase<DecomposePads> {
  void runOnOperation() override {
    RewritePatternSet swaps(&getContext());
    swaps.add<PadTransposed>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(swaps));
    getOperation().walk([](tensor::PadOp pad) {
      if (pad->use_empty())
        pad->erase();
    });
    RewritePatternSet patterns(&getContext());
    linalg::populateDecomposePadPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
