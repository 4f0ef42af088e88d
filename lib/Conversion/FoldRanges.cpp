//===- FoldRanges.cpp - Comparisons that ranges decide --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Passes.h"

#include "FloatRanges.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FOLDRANGES
#include "quantc/Conversion/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The result of comparing any of `x` with any of `y`, if it is always the
/// same.
static std::optional<bool> compare(arith::CmpFPredicate predicate, FloatRange x,
                                   FloatRange y) {
  auto decide = [](bool isTrue, bool isFalse) -> std::optional<bool> {
    return isTrue || isFalse ? std::optional(isTrue) : std::nullopt;
  };
  switch (predicate) {
  case arith::CmpFPredicate::UNO:
    return false;
  case arith::CmpFPredicate::ORD:
    return true;
  case arith::CmpFPredicate::OLT:
    return decide(x.max < y.min, x.min >= y.max);
  case arith::CmpFPredicate::OLE:
    return decide(x.max <= y.min, x.min > y.max);
  case arith::CmpFPredicate::OGT:
    return decide(x.min > y.max, x.max <= y.min);
  case arith::CmpFPredicate::OGE:
    return decide(x.min >= y.max, x.max < y.min);
  default:
    return std::nullopt;
  }
}

/// Replaces `op` by its result where that is known.
static void fold(arith::CmpFOp op, FloatRanges &ranges) {
  std::optional<FloatRange> lhs = ranges.get(op.getLhs());
  std::optional<FloatRange> rhs = lhs ? ranges.get(op.getRhs()) : std::nullopt;
  if (!lhs || !rhs)
    return;
  std::optional<bool> result = compare(op.getPredicate(), *lhs, *rhs);
  if (!result)
    return;
  OpBuilder builder(op);
  op.replaceAllUsesWith(arith::ConstantOp::create(builder, op.getLoc(),
                                                  builder.getBoolAttr(*result))
                            .getResult());
}

/// c < x ? x : c -> maximum(x, c) and x < c ? x : c -> minimum(x, c), for
/// numbers and a constant: where that is 0, the comparison and the choice are
/// two instructions for some targets.
static void fold(arith::SelectOp op, FloatRanges &ranges) {
  auto compare = op.getCondition().getDefiningOp<arith::CmpFOp>();
  Value x = op.getTrueValue(), c = op.getFalseValue();
  APFloat bound(0.0f);
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::OLT ||
      !matchPattern(c, m_ConstantFloat(&bound)) || !ranges.get(c) ||
      !ranges.get(x))
    return;
  bool isMaximum = compare.getLhs() == c && compare.getRhs() == x;
  bool isMinimum = compare.getLhs() == x && compare.getRhs() == c;
  // A zero of either sign becomes c, which is the maximum of both if it is +0,
  // the minimum if it is -0.
  if (isMaximum == isMinimum ||
      (bound.isZero() && bound.isNegative() == isMaximum))
    return;
  OpBuilder builder(op);
  auto flags = arith::FastMathFlags::nnan;
  Location loc = op.getLoc();
  Value result =
      isMaximum ? Value(arith::MaximumFOp::create(builder, loc, x, c, flags))
                : Value(arith::MinimumFOp::create(builder, loc, x, c, flags));
  op.replaceAllUsesWith(result);
}

/// Says of an extremum that it sees no NaN: then it is one instruction.
template <class Op>
static void exclude(Op op, FloatRanges &ranges) {
  if (ranges.get(op.getLhs()) && ranges.get(op.getRhs()))
    op.setFastmath(op.getFastmath() | arith::FastMathFlags::nnan);
}

namespace {
struct FoldRanges : quantc::impl::FoldRangesBase<FoldRanges> {
  void runOnOperation() override {
    FloatRanges ranges;
    getOperation()->walk([&](linalg::GenericOp generic) {
      for (Operation &op : *generic.getBody()) {
        if (auto comparison = dyn_cast<arith::CmpFOp>(op))
          fold(comparison, ranges);
        else if (auto choice = dyn_cast<arith::SelectOp>(op))
          fold(choice, ranges);
        else if (auto maximum = dyn_cast<arith::MaximumFOp>(op))
          exclude(maximum, ranges);
        else if (auto minimum = dyn_cast<arith::MinimumFOp>(op))
          exclude(minimum, ranges);
      }
    });
    // Ranges are kept by values, so these stay until none is asked for.
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>(
        [](Operation *op) {
          if (isa<arith::CmpFOp, arith::SelectOp>(op) && isOpTriviallyDead(op))
            op->erase();
        });
  }
};
} // namespace
