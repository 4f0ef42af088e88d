//===- DecomposeFakeQuant.cpp - Fake quantization in two steps ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_DECOMPOSEFAKEQUANT
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
/// fake_quant(x) -> dequantize(quantize(x)).
struct Decompose : OpRewritePattern<FakeQuantOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(FakeQuantOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    Value storage = QuantizeOp::create(
        rewriter, op.getLoc(),
        type.clone(rewriter.getIntegerType(op.getBits())), op.getInput(),
        op.getScale(), op.getZeroPoint(), op.getMultiplier());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, type, storage, op.getScale(),
                                              op.getZeroPoint(),
                                              op.getMultiplier());
    return success();
  }
};

struct DecomposeFakeQuant
    : quantc::impl::DecomposeFakeQuantBase<DecomposeFakeQuant> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateDecomposeFakeQuantPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateDecomposeFakeQuantPatterns(RewritePatternSet &patterns) {
  patterns.add<Decompose>(patterns.getContext());
}
