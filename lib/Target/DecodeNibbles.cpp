//===- DecodeNibbles.cpp - Floats of nibbles ------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_DECODENIBBLESPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

using namespace quantc;

static constexpr int64_t kNibbleValues = 16;

/// What is constant and the same in all lanes of `value`.
static std::optional<int64_t> getSplat(Value value) {
  APInt splat;
  if (!matchPattern(value, m_ConstantInt(&splat)))
    return std::nullopt;
  return splat.getSExtValue();
}

namespace {
/// A nibble with sign: bits [shift, shift + 4) of `word`.
struct Nibble {
  Value word;
  int64_t shift;
};
} // namespace

/// Matches (word << (28 - shift)) >> 28.
static std::optional<Nibble> matchNibble(Value value) {
  auto extended = value.getDefiningOp<arith::ShRSIOp>();
  if (!extended || getSplat(extended.getRhs()) != 28)
    return std::nullopt;
  auto raised = extended.getLhs().getDefiningOp<arith::ShLIOp>();
  if (!raised)
    return Nibble{extended.getLhs(), 28};
  std::optional<int64_t> above = getSplat(raised.getRhs());
  if (!above || *above < 0 || *above > 28)
    return std::nullopt;
  return Nibble{raised.getLhs(), 28 - *above};
}

/// The nibble with sign that `value` is the float of, in vectors.
static std::optional<Nibble> matchNibbleAsFloat(Value value) {
  auto converted = value.getDefiningOp<arith::SIToFPOp>();
  if (!converted)
    return std::nullopt;
  auto type = dyn_cast<VectorType>(converted.getType());
  if (!type || !type.getElementType().isF32() ||
      !getElementTypeOrSelf(converted.getIn()).isInteger(32))
    return std::nullopt;
  return matchNibble(converted.getIn());
}

/// What comes before `value` that has the same elements or repeats them.
static Value skipReshaping(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<vector::BroadcastOp, vector::ShapeCastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// A bound of the magnitude of elements of `value`, floats that are integers;
/// none if that is not known.
static std::optional<int64_t> getIntegerBound(Value value) {
  auto converted = skipReshaping(value).getDefiningOp<arith::SIToFPOp>();
  if (!converted)
    return std::nullopt;
  auto extended =
      skipReshaping(converted.getIn()).getDefiningOp<arith::ExtSIOp>();
  if (!extended)
    return std::nullopt;
  Value narrow = skipReshaping(extended.getIn());
  unsigned width = getElementTypeOrSelf(narrow).getIntOrFloatBitWidth();
  if (width > 8)
    return std::nullopt;
  if (auto masked = narrow.getDefiningOp<arith::AndIOp>())
    if (std::optional<int64_t> mask = getSplat(masked.getRhs());
        mask && *mask >= 0)
      return mask;
  return int64_t(1) << (width - 1);
}

namespace {
/// f32(q) + offset, made of the bits of a nibble q.
struct RaisedNibble {
  Value value;
  float offset;
};
} // namespace

static constexpr int64_t kMantissaBits = 23;
static constexpr int64_t kExponentBias = 127;

/// The nibble as a float that has it in its mantissa, where its lowest bit
/// counts 1: the exponent is that of 2^(23 - r) for a nibble r bits up. The
/// offset is that, and 8 from the sign, which is flipped and counts as the
/// other bits do. Both nibbles of a byte are moved down by one shift.
static RaisedNibble raiseNibble(PatternRewriter &rewriter, Location loc,
                                VectorType type, const Nibble &nibble) {
  auto wordType = cast<VectorType>(nibble.word.getType());
  auto splat = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(wordType, APInt(32, value)));
  };
  Value word = nibble.word;
  int64_t position = nibble.shift % 8;
  if (nibble.shift != position)
    word = arith::ShRUIOp::create(rewriter, loc, word,
                                  splat(nibble.shift - position));
  int64_t exponent = kMantissaBits - position;
  int64_t sign = int64_t(8) << position;
  Value bits = arith::AndIOp::create(rewriter, loc, word,
                                     splat(int64_t(15) << position));
  bits = arith::XOrIOp::create(
      rewriter, loc, bits,
      splat((exponent + kExponentBias) << kMantissaBits | sign));
  Value value = arith::BitcastOp::create(rewriter, loc, type, bits);
  return {value, static_cast<float>((int64_t(1) << exponent) + 8)};
}

static Value splatFloat(OpBuilder &builder, Location loc, VectorType type,
                        float value) {
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, value));
}

namespace {
/// f32(q) m -> fma(q + o, m, -o m). All is exact: o = 8 (2^(20 - r) + 1) has 21
/// bits that matter, and m four.
struct ScaleRaisedNibble : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Nibble> nibble = matchNibbleAsFloat(op.getLhs());
    if (!nibble)
      return rewriter.notifyMatchFailure(op, "not of a nibble with sign");
    std::optional<int64_t> bound = getIntegerBound(op.getRhs());
    if (!bound || *bound > 15)
      return rewriter.notifyMatchFailure(op, "not by an integer of 4 bits");
    auto type = cast<VectorType>(op.getType());
    RaisedNibble raised = raiseNibble(rewriter, op.getLoc(), type, *nibble);
    Value offset = arith::MulFOp::create(
        rewriter, op.getLoc(), op.getRhs(),
        splatFloat(rewriter, op.getLoc(), type, -raised.offset));
    rewriter.replaceOpWithNewOp<math::FmaOp>(op, raised.value, op.getRhs(),
                                             offset);
    return success();
  }
};

/// f32(q) - z -> (q + o) - (z + o).
struct SubtractFromRaisedNibble : OpRewritePattern<arith::SubFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SubFOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Nibble> nibble = matchNibbleAsFloat(op.getLhs());
    if (!nibble)
      return rewriter.notifyMatchFailure(op, "not of a nibble with sign");
    if (!getIntegerBound(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "not by an integer of 8 bits");
    auto type = cast<VectorType>(op.getType());
    RaisedNibble raised = raiseNibble(rewriter, op.getLoc(), type, *nibble);
    Value offset = arith::AddFOp::create(
        rewriter, op.getLoc(), op.getRhs(),
        splatFloat(rewriter, op.getLoc(), type, raised.offset));
    rewriter.replaceOpWithNewOp<arith::SubFOp>(op, raised.value, offset);
    return success();
  }
};

/// f32(q) -> (q + o) - o.
struct LowerRaisedNibble : OpRewritePattern<arith::SIToFPOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SIToFPOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Nibble> nibble = matchNibbleAsFloat(op.getOut());
    if (!nibble)
      return rewriter.notifyMatchFailure(op, "not of a nibble with sign");
    auto type = cast<VectorType>(op.getType());
    RaisedNibble raised = raiseNibble(rewriter, op.getLoc(), type, *nibble);
    rewriter.replaceOpWithNewOp<arith::SubFOp>(
        op, raised.value,
        splatFloat(rewriter, op.getLoc(), type, raised.offset));
    return success();
  }
};

struct LookUpNibble : OpRewritePattern<arith::SIToFPOp> {
  LookUpNibble(MLIRContext *context, StringRef lookup)
      : OpRewritePattern(context, /*benefit=*/1), lookup(lookup) {}

  LogicalResult matchAndRewrite(arith::SIToFPOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    auto inType = dyn_cast<VectorType>(op.getIn().getType());
    if (!type || type.isScalable() || !type.getElementType().isF32() ||
        !inType.getElementType().isInteger(32) ||
        type.getNumElements() % kNibbleValues != 0)
      return rewriter.notifyMatchFailure(op, "not from i32 to f32 in whole "
                                             "registers");
    std::optional<Nibble> nibble = matchNibble(op.getIn());
    if (!nibble)
      return rewriter.notifyMatchFailure(op, "not of a nibble with sign");

    Location loc = op.getLoc();
    Value index = nibble->word;
    if (nibble->shift != 0) {
      auto amount = DenseElementsAttr::get(inType, APInt(32, nibble->shift));
      index = arith::ShRUIOp::create(
          rewriter, loc, index,
          arith::ConstantOp::create(rewriter, loc, amount));
    }
    int64_t size = type.getNumElements();
    index = rewriter.createOrFold<vector::ShapeCastOp>(
        loc, VectorType::get(size, inType.getElementType()), index);
    auto flat = VectorType::get(size, type.getElementType());
    auto row = VectorType::get(kNibbleValues, type.getElementType());
    SmallVector<float> values(kNibbleValues);
    for (auto [i, value] : llvm::enumerate(values))
      value = static_cast<float>(static_cast<int64_t>(i) -
                                 (i < 8 ? 0 : kNibbleValues));
    Value table = arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(row, ArrayRef<float>(values)));
    Value result =
        arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(flat));
    for (int64_t at = 0; at < size; at += kNibbleValues) {
      Value part = rewriter.createOrFold<vector::ExtractStridedSliceOp>(
          loc, index, ArrayRef<int64_t>{at}, ArrayRef<int64_t>{kNibbleValues},
          ArrayRef<int64_t>{1});
      Value found = LLVM::CallIntrinsicOp::create(
                        rewriter, loc, row, rewriter.getStringAttr(lookup),
                        ValueRange{table, part})
                        .getResult(0);
      result = rewriter.createOrFold<vector::InsertStridedSliceOp>(
          loc, found, result, ArrayRef<int64_t>{at}, ArrayRef<int64_t>{1});
    }
    rewriter.replaceOp(
        op, rewriter.createOrFold<vector::ShapeCastOp>(loc, type, result));
    return success();
  }

private:
  StringRef lookup;
};

struct DecodeNibbles : quantc::impl::DecodeNibblesPassBase<DecodeNibbles> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    TargetSpec target = getTarget(getOperation());
    const VectorUnit &unit = selectVectorUnit(target);
    if (!unit.hasWords)
      return;
    RewritePatternSet patterns(context);
    // What follows the float is taken in first.
    patterns.add<SubtractFromRaisedNibble>(context, /*benefit=*/2);
    if (target.hasFusedMultiplyAdd())
      patterns.add<ScaleRaisedNibble>(context, /*benefit=*/2);
    if (unit.raisesNibbles())
      patterns.add<LowerRaisedNibble>(context);
    else
      patterns.add<LookUpNibble>(context, unit.lookup);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
