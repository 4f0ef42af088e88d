//===- ExpandRemainder.cpp - Remainders of floats by integers -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace quantc;

namespace {
/// The formula for one format, in i64.
struct Remainder {
  ImplicitLocOpBuilder &b;
  FloatType type;
  unsigned fractionBits = type.getFPMantissaWidth() - 1;

  Value getLong(int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }
  Value getFloat(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  }

  /// The bits of |x|.
  Value getMagnitude(Value x) {
    Value bits = arith::BitcastOp::create(b, b.getIntegerType(type.getWidth()),
                                          math::AbsFOp::create(b, x));
    return type.isF64() ? bits
                        : arith::ExtUIOp::create(b, b.getI64Type(), bits);
  }

  /// |x| = significand * 2^(exponent - c) with exponents from 1 on.
  std::pair<Value, Value> split(Value magnitude) {
    Value shift = getLong(fractionBits);
    Value stored = arith::ShRUIOp::create(b, magnitude, shift);
    Value exponent = arith::MaxUIOp::create(b, stored, getLong(1));
    Value fraction = arith::AndIOp::create(
        b, magnitude, getLong((int64_t(1) << fractionBits) - 1));
    Value isNormal =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, stored, getLong(0));
    Value withOne =
        arith::OrIOp::create(b, fraction, getLong(int64_t(1) << fractionBits));
    return {arith::SelectOp::create(b, isNormal, withOne, fraction), exponent};
  }

  /// significand * 2^distance mod divisor: as many bits at a time as i64 has
  /// room for.
  Value reduce(Value significand, Value distance, Value divisor) {
    Value room = getLong(63 - fractionBits);
    Value zero = getLong(0);
    Value first = arith::RemUIOp::create(b, significand, divisor);
    auto loop = scf::WhileOp::create(
        b, TypeRange{b.getI64Type(), b.getI64Type()},
        ValueRange{first, distance},
        [&](OpBuilder &builder, Location loc, ValueRange values) {
          Value isMore = arith::CmpIOp::create(
              builder, loc, arith::CmpIPredicate::sgt, values[1], zero);
          scf::ConditionOp::create(builder, loc, isMore, values);
        },
        [&](OpBuilder &builder, Location loc, ValueRange values) {
          Value step = arith::MinUIOp::create(builder, loc, values[1], room);
          Value shifted = arith::ShLIOp::create(builder, loc, values[0], step);
          Value rest = arith::RemUIOp::create(builder, loc, shifted, divisor);
          Value left = arith::SubIOp::create(builder, loc, values[1], step);
          scf::YieldOp::create(builder, loc, ValueRange{rest, left});
        });
    return loop.getResult(0);
  }

  /// significand * 2^(exponent - c), which is a number of the type: each factor
  /// and the product are exact.
  Value join(Value significand, Value exponent) {
    Value number = arith::UIToFPOp::create(b, type, significand);
    Value fraction = arith::MulFOp::create(
        b, number, getFloat(std::ldexp(1.0, -int(fractionBits))));
    Value bits = arith::ShLIOp::create(b, exponent, getLong(fractionBits));
    if (!type.isF64())
      bits = arith::TruncIOp::create(b, b.getI32Type(), bits);
    return arith::MulFOp::create(b, fraction,
                                 arith::BitcastOp::create(b, type, bits));
  }

  Value compute(Value x, Value y) {
    Value magnitudeX = getMagnitude(x), magnitudeY = getMagnitude(y);
    auto [significandX, exponentX] = split(magnitudeX);
    auto [significandY, exponentY] = split(magnitudeY);
    // 0 is no divisor; the result for it is chosen below.
    Value divisor = arith::MaxUIOp::create(b, significandY, getLong(1));
    Value isSmaller = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                            magnitudeX, magnitudeY);
    Value distance = arith::SubIOp::create(b, exponentX, exponentY);
    Value rest = reduce(significandX, distance, divisor);
    Value result = math::CopySignOp::create(b, join(rest, exponentY), x);
    result = arith::SelectOp::create(b, isSmaller, x, result);

    Value infinity = getFloat(std::numeric_limits<double>::infinity());
    Value zero = getFloat(0);
    // Ordered, so false for a NaN.
    Value isFinite = arith::CmpFOp::create(
        b, arith::CmpFPredicate::OLT, math::AbsFOp::create(b, x), infinity);
    Value isDivisor =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, y, zero);
    Value isValid = arith::AndIOp::create(b, isFinite, isDivisor);
    Value invalid = getFloat(std::numeric_limits<double>::quiet_NaN());
    return arith::SelectOp::create(b, isValid, result, invalid);
  }
};

/// arith.remf of scalars.
struct ExpandRemF : OpRewritePattern<arith::RemFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::RemFOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32() && !op.getType().isF64())
      return rewriter.notifyMatchFailure(op, "neither f32 nor f64");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Remainder remainder{b, cast<FloatType>(op.getType())};
    rewriter.replaceOp(op, remainder.compute(op.getLhs(), op.getRhs()));
    return success();
  }
};
} // namespace

void quantc::populateExpandRemainderPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandRemF>(patterns.getContext());
}
