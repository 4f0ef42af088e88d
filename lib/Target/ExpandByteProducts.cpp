//===- ExpandByteProducts.cpp - Nibbles multiplied two at a time ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_EXPANDBYTEPRODUCTSPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether all elements of `value` are known to be in [0, 15].
static bool isNibble(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<vector::BroadcastOp, vector::ShapeCastOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    if (auto shuffle = dyn_cast<vector::ShuffleOp>(op))
      return isNibble(shuffle.getV1()) &&
             (shuffle.getV1() == shuffle.getV2() || isNibble(shuffle.getV2()));
    APInt mask;
    return isa<arith::AndIOp>(op) &&
           matchPattern(op->getOperand(1), m_ConstantInt(&mask)) &&
           mask.ult(16);
  }
  return false;
}

namespace {
/// See Passes.td.
struct MultiplyPairs : OpRewritePattern<arith::MulIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulIOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || type.getRank() != 1 || type.isScalable() ||
        !type.getElementType().isInteger(8))
      return rewriter.notifyMatchFailure(op, "not on a flat vector of bytes");
    auto factors = op.getRhs().getDefiningOp<vector::ShuffleOp>();
    if (!factors)
      return rewriter.notifyMatchFailure(op, "the factors are not repeated");
    ArrayRef<int64_t> mask = factors.getMask();
    SmallVector<int64_t> pairs;
    for (size_t i = 0, e = mask.size() / 2 * 2; i < e; i += 2)
      if (mask[i] == mask[i + 1])
        pairs.push_back(mask[i]);
    if (pairs.size() * 2 != mask.size())
      return rewriter.notifyMatchFailure(op, "neighbours differ in factors");
    if (!isNibble(op.getLhs()) || !isNibble(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "products may not fit a byte");

    Location loc = op.getLoc();
    auto wide = VectorType::get(static_cast<int64_t>(pairs.size()),
                                rewriter.getI16Type());
    Value factor = vector::ShuffleOp::create(rewriter, loc, factors.getV1(),
                                             factors.getV2(), pairs);
    factor = arith::ExtUIOp::create(rewriter, loc, wide, factor);
    Value elements =
        vector::BitCastOp::create(rewriter, loc, wide, op.getLhs());
    Value products = arith::MulIOp::create(rewriter, loc, elements, factor);
    rewriter.replaceOpWithNewOp<vector::BitCastOp>(op, type, products);
    return success();
  }
};

struct ExpandByteProducts
    : quantc::impl::ExpandByteProductsPassBase<ExpandByteProducts> {
  void runOnOperation() override {
    if (getTarget(getOperation()).hasByteMultiply())
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add<MultiplyPairs>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
