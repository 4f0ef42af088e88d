//===- HalfFloats.cpp - Floats of 16 bits without instructions ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatPatterns.h"

#include <cmath>

using namespace mlir;
using namespace quantc;

namespace {
/// Integer arithmetic on the bits of floats, as i32 or a vector of it.
struct Bits {
  ImplicitLocOpBuilder &b;
  Type type;

  Value constant(int64_t value) { return getInteger(b, type, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value bitAnd(Value x, int64_t mask) {
    return arith::AndIOp::create(b, x, constant(mask));
  }
  Value bitOr(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value shiftLeft(Value x, int64_t n) {
    return arith::ShLIOp::create(b, x, constant(n));
  }
  Value shiftRight(Value x, int64_t n) {
    return arith::ShRUIOp::create(b, x, constant(n));
  }
  Value compare(arith::CmpIPredicate predicate, Value x, int64_t y) {
    return arith::CmpIOp::create(b, predicate, x, constant(y));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
};
} // namespace

static bool isHalf(Type type) { return type.isF16() || type.isBF16(); }

/// The value of the bits of a float16. Above the sign, exponent and fraction
/// are at the place of those of an f32 whose exponent is less by 112: one
/// multiplication, which is exact, corrects it, for denormals too.
static Value extendFloat16(ImplicitLocOpBuilder &b, Type f32, Value half) {
  Bits bits{b, half.getType()};
  Value sign = bits.shiftLeft(bits.bitAnd(half, 0x8000), 16);
  Value magnitude = bits.shiftLeft(bits.bitAnd(half, 0x7FFF), 13);
  Value scaled =
      arith::MulFOp::create(b, arith::BitcastOp::create(b, f32, magnitude),
                            getFloat(b, f32, std::ldexp(1.0, 112)));
  Value finite = arith::BitcastOp::create(b, bits.type, scaled);
  // Infinity, and NaN, which becomes quiet.
  constexpr int64_t infinity = 0x7C00 << 13;
  Value special = bits.add(magnitude, bits.constant(0x70000000));
  Value quiet = bits.bitOr(special, bits.constant(0x400000));
  Value isNaN = bits.compare(arith::CmpIPredicate::ugt, magnitude, infinity);
  special = bits.select(isNaN, quiet, special);
  Value isFinite = bits.compare(arith::CmpIPredicate::ult, magnitude, infinity);
  Value result = bits.bitOr(bits.select(isFinite, finite, special), sign);
  return arith::BitcastOp::create(b, f32, result);
}

/// The bits of x rounded to float16. Adding half of the last place less one,
/// and the last bit that stays, rounds half to even; a carry reaches the
/// exponent. Below 2^-14, adding 0.5 leaves multiples of 2^-24 as the fraction.
static Value truncateFloat16(ImplicitLocOpBuilder &b, Type i32, Value x) {
  Bits bits{b, i32};
  Value all = arith::BitcastOp::create(b, i32, x);
  Value sign = bits.shiftRight(bits.bitAnd(all, 0x80000000), 16);
  Value magnitude = bits.bitAnd(all, 0x7FFFFFFF);
  Value last = bits.bitAnd(bits.shiftRight(magnitude, 13), 1);
  Value rounded = bits.add(magnitude, bits.add(last, bits.constant(0xFFF)));
  Value normal =
      bits.shiftRight(bits.sub(rounded, bits.constant(0x38000000)), 13);
  Value half = getFloat(b, x.getType(), 0.5);
  Value sum = arith::AddFOp::create(
      b, arith::BitcastOp::create(b, x.getType(), magnitude), half);
  Value denormal = bits.sub(arith::BitcastOp::create(b, i32, sum),
                            bits.constant(0x3F000000));
  Value nan = bits.bitOr(bits.bitAnd(bits.shiftRight(magnitude, 13), 0x3FF),
                         bits.constant(0x7E00));
  using Predicate = arith::CmpIPredicate;
  Value result = bits.select(
      bits.compare(Predicate::ult, magnitude, 0x38800000), denormal, normal);
  result = bits.select(bits.compare(Predicate::uge, magnitude, 0x477FF000),
                       bits.constant(0x7C00), result);
  result = bits.select(bits.compare(Predicate::ugt, magnitude, 0x7F800000), nan,
                       result);
  return bits.bitOr(result, sign);
}

/// The bits of x rounded to bfloat16, which has the upper half of an f32.
static Value truncateBFloat16(ImplicitLocOpBuilder &b, Type i32, Value x) {
  Bits bits{b, i32};
  Value all = arith::BitcastOp::create(b, i32, x);
  Value last = bits.bitAnd(bits.shiftRight(all, 16), 1);
  Value rounded = bits.add(all, bits.add(last, bits.constant(0x7FFF)));
  Value nan = bits.bitOr(all, bits.constant(0x400000));
  Value isNaN = bits.compare(arith::CmpIPredicate::ugt,
                             bits.bitAnd(all, 0x7FFFFFFF), 0x7F800000);
  return bits.shiftRight(bits.select(isNaN, nan, rounded), 16);
}

/// `x`, an f64, as an f32 that rounds to fewer bits as x itself does: where x
/// lies between two f32, the one whose last bit is 1.
static Value roundToOddSingle(ImplicitLocOpBuilder &b, Type f32, Value x) {
  Bits bits{b, withElement(f32, b.getI32Type())};
  Value nearest = arith::TruncFOp::create(b, f32, x);
  Value back = arith::ExtFOp::create(b, x.getType(), nearest);
  Value all = arith::BitcastOp::create(b, bits.type, nearest);
  Value isInexact =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, back, x);
  Value isEven = bits.compare(arith::CmpIPredicate::eq, bits.bitAnd(all, 1), 0);
  Value isAbove = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                        math::AbsFOp::create(b, back),
                                        math::AbsFOp::create(b, x));
  Value step = bits.select(isAbove, bits.constant(-1), bits.constant(1));
  Value odd = bits.select(arith::AndIOp::create(b, isInexact, isEven),
                          bits.add(all, step), all);
  return arith::BitcastOp::create(b, f32, odd);
}

namespace {
/// arith.extf from 16 bits.
struct ExpandExtend : public OpRewritePattern<arith::ExtFOp> {
  ExpandExtend(MLIRContext *context, bool expandsFloat16)
      : OpRewritePattern(context), expandsFloat16(expandsFloat16) {}

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn().getType());
    if (!isHalf(from))
      return rewriter.notifyMatchFailure(op, "not from 16 bits");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type f32 = withElement(op.getType(), b.getF32Type());
    if (op.getType() != f32) {
      Value single = arith::ExtFOp::create(b, f32, op.getIn());
      rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, op.getType(), single);
      return success();
    }
    if (from.isF16() && !expandsFloat16)
      return rewriter.notifyMatchFailure(op, "is an instruction");
    Type i16 = withElement(f32, b.getI16Type());
    Type i32 = withElement(f32, b.getI32Type());
    Value half = arith::ExtUIOp::create(
        b, i32, arith::BitcastOp::create(b, i16, op.getIn()));
    if (from.isF16()) {
      rewriter.replaceOp(op, extendFloat16(b, f32, half));
      return success();
    }
    Value bits = arith::ShLIOp::create(b, half, getInteger(b, i32, 16));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, f32, bits);
    return success();
  }

private:
  bool expandsFloat16;
};

/// arith.truncf to 16 bits.
struct ExpandTruncate : public OpRewritePattern<arith::TruncFOp> {
  ExpandTruncate(MLIRContext *context, bool expandsFloat16)
      : OpRewritePattern(context), expandsFloat16(expandsFloat16) {}

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Type to = getElementTypeOrSelf(op.getType());
    if (!isHalf(to))
      return rewriter.notifyMatchFailure(op, "not to 16 bits");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type f32 = withElement(op.getType(), b.getF32Type());
    if (op.getIn().getType() != f32) {
      Value odd = roundToOddSingle(b, f32, op.getIn());
      rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), odd);
      return success();
    }
    if (to.isF16() && !expandsFloat16)
      return rewriter.notifyMatchFailure(op, "is an instruction");
    Type i32 = withElement(f32, b.getI32Type());
    Value bits = to.isF16() ? truncateFloat16(b, i32, op.getIn())
                            : truncateBFloat16(b, i32, op.getIn());
    Value half =
        arith::TruncIOp::create(b, withElement(f32, b.getI16Type()), bits);
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }

private:
  bool expandsFloat16;
};
} // namespace

void quantc::populateHalfFloatPatterns(RewritePatternSet &patterns,
                                       bool expandsFloat16) {
  patterns.add<ExpandExtend, ExpandTruncate>(patterns.getContext(),
                                             expandsFloat16);
}
