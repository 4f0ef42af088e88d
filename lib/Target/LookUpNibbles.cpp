//===- LookUpNibbles.cpp - Floats of nibbles from a register --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_LOOKUPNIBBLESPASS
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

namespace {
struct LookUpNibble : OpRewritePattern<arith::SIToFPOp> {
  LookUpNibble(MLIRContext *context, StringRef lookup)
      : OpRewritePattern(context), lookup(lookup) {}

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

struct LookUpNibbles : quantc::impl::LookUpNibblesPassBase<LookUpNibbles> {
  void runOnOperation() override {
    const VectorUnit &unit = selectVectorUnit(getTarget(getOperation()));
    if (unit.lookup.empty())
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add<LookUpNibble>(&getContext(), unit.lookup);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
