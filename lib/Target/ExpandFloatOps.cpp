//===- ExpandFloatOps.cpp - Float operations without instructions ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_EXPANDFLOATOPSPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

/// `type` with elements of `element` instead.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

/// `sum`, which is `lhs + rhs` rounded to f64, rounded to odd instead: where
/// the addition was not exact and the last bit is 0, the neighbour in the
/// direction of the error.
static Value roundToOdd(ImplicitLocOpBuilder &b, Value sum, Value lhs,
                        Value rhs) {
  Type f64 = sum.getType();
  Type i64 = withElement(f64, b.getI64Type());
  auto getInt = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, isa<VectorType>(i64)
               ? TypedAttr(DenseElementsAttr::get(cast<ShapedType>(i64),
                                                  b.getI64IntegerAttr(value)))
               : b.getI64IntegerAttr(value));
  };
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(f64));
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

struct ExpandFloatOps
    : public quantc::impl::ExpandFloatOpsPassBase<ExpandFloatOps> {
  void runOnOperation() override {
    quantc::TargetSpec target = quantc::getTarget(getOperation());
    RewritePatternSet patterns(&getContext());
    if (!target.hasFusedMultiplyAdd())
      patterns.add<ExpandFma>(&getContext());
    if (!target.hasRounding())
      math::populateExpansionPatterns(patterns,
                                      {"roundeven", "floor", "ceil", "trunc"});
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
