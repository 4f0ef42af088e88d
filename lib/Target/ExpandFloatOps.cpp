//===- ExpandFloatOps.cpp - Float operations without instructions ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatPatterns.h"

#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"
#include <cmath>

using namespace mlir;
using namespace quantc;

namespace quantc {
#define GEN_PASS_DEF_EXPANDFLOATOPSPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

Type quantc::withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

Value quantc::getFloat(ImplicitLocOpBuilder &b, Type type, double value) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, attr);
}

Value quantc::getInteger(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(b, attr);
}

/// `sum`, which is `lhs + rhs` rounded to f64, rounded to odd instead: where
/// the addition was not exact and the last bit is 0, the neighbour in the
/// direction of the error.
static Value roundToOdd(ImplicitLocOpBuilder &b, Value sum, Value lhs,
                        Value rhs) {
  Type f64 = sum.getType();
  Type i64 = withElement(f64, b.getI64Type());
  auto getInt = [&](int64_t value) { return getInteger(b, i64, value); };
  Value zero = getFloat(b, f64, 0.0);
  Value back = arith::SubFOp::create(b, sum, lhs);
  Value error = arith::AddFOp::create(
      b, arith::SubFOp::create(b, lhs, arith::SubFOp::create(b, sum, back)),
      arith::SubFOp::create(b, rhs, back));

  // Ordered, so that an infinite sum, whose error is NaN, stays.
  Value inexact =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, error, zero);
  Value bits = arith::BitcastOp::create(b, i64, sum);
  Value even = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     arith::AndIOp::create(b, bits, getInt(1)),
                                     getInt(0));
  // Away from zero is up in the bits, whatever the sign.
  Value away = arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq,
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, error, zero),
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, sum, zero));
  Value neighbour = arith::AddIOp::create(
      b, bits, arith::SelectOp::create(b, away, getInt(1), getInt(-1)));
  Value odd = arith::SelectOp::create(
      b, arith::AndIOp::create(b, inexact, even), neighbour, bits);
  return arith::BitcastOp::create(b, f64, odd);
}

namespace {
/// math.fma of f32 in f64. See Passes.td.
struct ExpandFma : public OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "f64 cannot hold the product");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type f64 = withElement(op.getType(), b.getF64Type());
    auto extend = [&](Value value) -> Value {
      return arith::ExtFOp::create(b, f64, value);
    };
    Value product =
        arith::MulFOp::create(b, extend(op.getA()), extend(op.getB()));
    Value addend = extend(op.getC());
    Value sum = arith::AddFOp::create(b, product, addend);
    Value odd = roundToOdd(b, sum, product, addend);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), odd);
    return success();
  }
};

/// Adding 2^23 to a smaller f32 leaves no bit for a fraction, so the addition
/// rounds, half to even; larger values are integral. The sign is put back
/// because -0.25 rounds to -0.
struct ExpandRoundEven : public OpRewritePattern<math::RoundEvenOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::RoundEvenOp op,
                                PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "neither f32 nor f64");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    int fractionBits = cast<FloatType>(element).getFPMantissaWidth() - 1;
    Value limit = getFloat(b, op.getType(), std::ldexp(1.0, fractionBits));
    Value magnitude = math::AbsFOp::create(b, x);
    Value rounded = arith::SubFOp::create(
        b, arith::AddFOp::create(b, magnitude, limit), limit);
    Value isSmall =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, magnitude, limit);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(
        op, isSmall, math::CopySignOp::create(b, rounded, x), x);
    return success();
  }
};

/// floor(x) = r > x ? r - 1 : r with r = roundeven(x).
struct ExpandFloor : public OpRewritePattern<math::FloorOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FloorOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Value rounded = math::RoundEvenOp::create(b, x);
    Value isAbove =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, rounded, x);
    Value below =
        arith::SubFOp::create(b, rounded, getFloat(b, op.getType(), 1.0));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isAbove, below, rounded);
    return success();
  }
};

/// ceil(x) = -floor(-x), which gives -0 for -0.25 as it should.
struct ExpandCeil : public OpRewritePattern<math::CeilOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::CeilOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value negated = arith::NegFOp::create(b, op.getOperand());
    Value floor = math::FloorOp::create(b, negated);
    rewriter.replaceOpWithNewOp<arith::NegFOp>(op, floor);
    return success();
  }
};

/// trunc(x) = copysign(floor(|x|), x).
struct ExpandTrunc : public OpRewritePattern<math::TruncOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::TruncOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    Value floor = math::FloorOp::create(b, math::AbsFOp::create(b, x));
    rewriter.replaceOpWithNewOp<math::CopySignOp>(op, floor, x);
    return success();
  }
};

struct ExpandFloatOps
    : public quantc::impl::ExpandFloatOpsPassBase<ExpandFloatOps> {
  void runOnOperation() override {
    quantc::TargetSpec target = quantc::getTarget(getOperation());
    RewritePatternSet patterns(&getContext());
    if (!target.hasFusedMultiplyAdd())
      patterns.add<ExpandFma>(&getContext());
    if (!target.hasRounding())
      patterns.add<ExpandRoundEven, ExpandFloor, ExpandCeil, ExpandTrunc>(
          &getContext());
    quantc::populateHalfFloatPatterns(
        patterns, /*expandsFloat16=*/!target.hasFloat16Conversion());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
