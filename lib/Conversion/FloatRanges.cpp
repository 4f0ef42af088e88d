//===- FloatRanges.cpp - Which numbers a float may be ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatRanges.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Arithmetic.h"
#include "llvm/ADT/TypeSwitch.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace quantc;

using MaybeRange = std::optional<FloatRange>;

static constexpr float kInfinity = HUGE_VALF;

//===----------------------------------------------------------------------===//
// Arithmetic on ranges
//===----------------------------------------------------------------------===//

/// The range of `values`, if none of them is NaN.
static MaybeRange getHull(ArrayRef<float> values) {
  if (values.empty())
    return std::nullopt;
  FloatRange range = {values.front(), values.front()};
  for (float value : values) {
    if (std::isnan(value))
      return std::nullopt;
    range.min = std::min(range.min, value);
    range.max = std::max(range.max, value);
  }
  return range;
}

/// What is in either of both.
static MaybeRange unite(MaybeRange x, MaybeRange y) {
  if (!x || !y)
    return std::nullopt;
  return FloatRange{std::min(x->min, y->min), std::max(x->max, y->max)};
}

static bool isFinite(FloatRange x) {
  return x.min > -kInfinity && x.max < kInfinity;
}
static bool hasZero(FloatRange x) { return x.min <= 0 && x.max >= 0; }

static MaybeRange negate(MaybeRange x) {
  if (!x)
    return std::nullopt;
  return FloatRange{-x->max, -x->min};
}

static MaybeRange add(MaybeRange x, MaybeRange y) {
  if (!x || !y)
    return std::nullopt;
  bool cancels = (x->max == kInfinity && y->min == -kInfinity) ||
                 (x->min == -kInfinity && y->max == kInfinity);
  if (cancels)
    return std::nullopt;
  return FloatRange{numerics::Evaluate::add(x->min, y->min),
                    numerics::Evaluate::add(x->max, y->max)};
}

/// The hull of `f` at the ends of both ranges.
static MaybeRange combine(FloatRange x, FloatRange y,
                          llvm::function_ref<float(float, float)> f) {
  return getHull(
      {f(x.min, y.min), f(x.min, y.max), f(x.max, y.min), f(x.max, y.max)});
}

static MaybeRange multiply(MaybeRange x, MaybeRange y) {
  if (!x || !y || (hasZero(*x) && !isFinite(*y)) ||
      (hasZero(*y) && !isFinite(*x)))
    return std::nullopt;
  return combine(*x, *y, numerics::Evaluate::mul);
}

static MaybeRange divide(MaybeRange x, MaybeRange y) {
  // With a divisor that may be 0 the quotient has no bounds.
  if (!x || !y || hasZero(*y) || (!isFinite(*x) && !isFinite(*y)))
    return std::nullopt;
  return combine(*x, *y, numerics::Evaluate::div);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// The range of f32(value), for an integer of up to 32 bits.
static FloatRange getConverted(Value value, bool isSigned) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    auto number = static_cast<float>(
        isSigned ? constant.getSExtValue()
                 : static_cast<int64_t>(constant.getZExtValue()));
    return {number, number};
  }
  if (auto extended = value.getDefiningOp<arith::ExtSIOp>())
    return getConverted(extended.getIn(), /*isSigned=*/true);
  if (auto extended = value.getDefiningOp<arith::ExtUIOp>())
    return getConverted(extended.getIn(), /*isSigned=*/false);
  unsigned bits = value.getType().getIntOrFloatBitWidth();
  // A conversion to f32 may round up, to a power of two at most.
  float end = std::ldexp(1.0f, static_cast<int>(isSigned ? bits - 1 : bits));
  return {isSigned ? -end : 0.0f, end};
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

MaybeRange FloatRanges::get(Value value) {
  if (!getElementTypeOrSelf(value.getType()).isF32())
    return std::nullopt;
  if (auto known = ranges.find(value); known != ranges.end())
    return known->second;
  MaybeRange range = isa<TensorType>(value.getType()) ? computeTensor(value)
                                                      : computeElement(value);
  ranges[value] = range;
  return range;
}

MaybeRange FloatRanges::computeTensor(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  unsigned index = cast<OpResult>(value).getResultNumber();
  return TypeSwitch<Operation *, MaybeRange>(op)
      .Case([&](arith::ConstantOp) -> MaybeRange {
        if (auto elements = ConstantElements<float>::get(value))
          return getHull(elements->values());
        return std::nullopt;
      })
      .Case<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
            tensor::ExtractSliceOp>(
          [&](Operation *shape) { return get(shape->getOperand(0)); })
      .Case([&](scf::IfOp choice) {
        return unite(get(choice.thenYield().getOperand(index)),
                     get(choice.elseYield().getOperand(index)));
      })
      .Case([&](linalg::GenericOp generic) -> MaybeRange {
        // Every element is written, and once.
        if (!generic.getIndexingMapMatchingResult(cast<OpResult>(value))
                 .isPermutation())
          return std::nullopt;
        return get(generic.getBody()->getTerminator()->getOperand(index));
      })
      .Default([](Operation *) { return std::nullopt; });
}

MaybeRange FloatRanges::computeElement(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto generic =
        dyn_cast<linalg::GenericOp>(argument.getOwner()->getParentOp());
    if (!generic || argument.getArgNumber() >= generic.getNumDpsInputs())
      return std::nullopt;
    return get(generic.getDpsInputs()[argument.getArgNumber()]);
  }
  return TypeSwitch<Operation *, MaybeRange>(value.getDefiningOp())
      .Case([](arith::ConstantOp op) {
        return getHull(
            cast<FloatAttr>(op.getValue()).getValue().convertToFloat());
      })
      .Case([](arith::SIToFPOp op) {
        return MaybeRange(getConverted(op.getIn(), /*isSigned=*/true));
      })
      .Case([](arith::UIToFPOp op) {
        return MaybeRange(getConverted(op.getIn(), /*isSigned=*/false));
      })
      .Case([&](arith::NegFOp op) { return negate(get(op.getOperand())); })
      .Case([&](arith::AddFOp op) {
        return add(get(op.getLhs()), get(op.getRhs()));
      })
      .Case([&](arith::SubFOp op) {
        return add(get(op.getLhs()), negate(get(op.getRhs())));
      })
      .Case([&](arith::MulFOp op) {
        return multiply(get(op.getLhs()), get(op.getRhs()));
      })
      .Case([&](arith::DivFOp op) {
        return divide(get(op.getLhs()), get(op.getRhs()));
      })
      .Case<arith::MaximumFOp, arith::MinimumFOp>([&](auto op) -> MaybeRange {
        MaybeRange x = get(op.getLhs()), y = get(op.getRhs());
        if (!x || !y)
          return std::nullopt;
        if (isa<arith::MaximumFOp>(op))
          return FloatRange{std::max(x->min, y->min), std::max(x->max, y->max)};
        return FloatRange{std::min(x->min, y->min), std::min(x->max, y->max)};
      })
      .Case([&](arith::SelectOp op) { return computeSelection(op); })
      .Default([](Operation *) { return std::nullopt; });
}

/// `value` is the result of an `arith.select`. Those of `zeroIfNaN` and
/// `clampFloat` (Numerics/Quantize.h) say more than that it is one of both.
MaybeRange FloatRanges::computeSelection(Value value) {
  auto op = value.getDefiningOp<arith::SelectOp>();
  Value whenTrue = op.getTrueValue(), whenFalse = op.getFalseValue();
  MaybeRange united = unite(get(whenTrue), get(whenFalse));
  if (APInt known; matchPattern(op.getCondition(), m_ConstantInt(&known)))
    return get(known.isZero() ? whenFalse : whenTrue);
  auto compare = op.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!compare)
    return united;
  constexpr FloatRange kAll = {-kInfinity, kInfinity};
  Value lhs = compare.getLhs(), rhs = compare.getRhs();
  // x is NaN ? c : x.
  if (compare.getPredicate() == arith::CmpFPredicate::UNO && lhs == rhs &&
      lhs == whenFalse)
    return unite(get(whenFalse).value_or(kAll), get(whenTrue));
  if (compare.getPredicate() != arith::CmpFPredicate::OLT)
    return united;
  // c < x ? x : c, and x < c ? x : c. A NaN gives c.
  FloatRange x = get(whenTrue).value_or(kAll);
  MaybeRange c = get(whenFalse);
  if (!c)
    return std::nullopt;
  if (lhs == whenFalse && rhs == whenTrue)
    return FloatRange{std::max(x.min, c->min), std::max(x.max, c->max)};
  if (lhs == whenTrue && rhs == whenFalse)
    return FloatRange{std::min(x.min, c->min), std::min(x.max, c->max)};
  return united;
}
