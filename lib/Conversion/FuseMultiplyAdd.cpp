//===- FuseMultiplyAdd.cpp - Float contractions by fma --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FUSEMULTIPLYADD
#include "quantc/Conversion/Passes.h.inc"
} // namespace quantc

using namespace quantc;

namespace {

/// out + x * y -> fma(x, y, out), in a linalg.generic.
struct FuseContraction : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!getFloatContractionBody(op))
      return rewriter.notifyMatchFailure(op, "not a contraction of f32");
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (!generic) {
      FailureOr<linalg::GenericOp> generalized =
          linalg::generalizeNamedOp(rewriter, op);
      if (failed(generalized))
        return rewriter.notifyMatchFailure(op, "has no generic form");
      generic = *generalized;
    }
    arith::AddFOp add = getFloatContractionBody(generic);
    Block *body = generic.getBody();
    rewriter.setInsertionPoint(add);
    rewriter.replaceOpWithNewOp<math::FmaOp>(
        add, body->getArgument(0), body->getArgument(1), body->getArgument(2));
    rewriter.eraseOp(&body->front());
    return success();
  }
};

struct FuseMultiplyAdd : quantc::impl::FuseMultiplyAddBase<FuseMultiplyAdd> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseContraction>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
