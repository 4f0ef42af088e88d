//===- LowerTransposes.cpp - Squares by interleaving rows -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A square of 2^p rows is transposed in p rounds. In each, row i and row
// i + 2^(p-1) are interleaved, and their elements become rows 2i and 2i + 1:
// the position of an element in the whole square, 2p bits, is rotated by one
// bit to the left, and after p rounds row and column have changed places.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace quantc {
#define GEN_PASS_DEF_LOWERTRANSPOSESPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Rows 2i and 2i + 1 of a round: the elements of two rows in turn.
static std::pair<Value, Value> interleave(OpBuilder &builder, Location loc,
                                          Value lhs, Value rhs) {
  int64_t size = cast<VectorType>(lhs.getType()).getNumElements();
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < size; ++i)
    llvm::append_values(mask, i, i + size);
  ArrayRef<int64_t> all(mask);
  Value low =
      vector::ShuffleOp::create(builder, loc, lhs, rhs, all.take_front(size));
  Value high =
      vector::ShuffleOp::create(builder, loc, lhs, rhs, all.take_back(size));
  return {low, high};
}

/// The loops of `type` with more than one iteration.
static SmallVector<int64_t> getLongDims(VectorType type) {
  SmallVector<int64_t> dims;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (size != 1)
      dims.push_back(dim);
  return dims;
}

namespace {
struct InterleaveRows : OpRewritePattern<vector::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = op.getSourceVectorType();
    SmallVector<int64_t> dims = getLongDims(type);
    if (dims.size() != 2 || type.isScalable())
      return rewriter.notifyMatchFailure(op, "not a matrix");
    int64_t size = type.getDimSize(dims[0]);
    if (type.getDimSize(dims[1]) != size || !llvm::isPowerOf2_64(size))
      return rewriter.notifyMatchFailure(op, "not a square of 2^p rows");
    ArrayRef<int64_t> permutation = op.getPermutation();
    if (llvm::find(permutation, dims[0]) < llvm::find(permutation, dims[1]))
      return rewriter.notifyMatchFailure(op, "moves unit dimensions only");

    Location loc = op.getLoc();
    auto square = VectorType::get({size, size}, type.getElementType());
    Value matrix =
        rewriter.createOrFold<vector::ShapeCastOp>(loc, square, op.getVector());
    SmallVector<Value> rows;
    for (int64_t row = 0; row < size; ++row)
      rows.push_back(vector::ExtractOp::create(rewriter, loc, matrix, row));
    for (unsigned round = llvm::Log2_64(size); round > 0; --round) {
      SmallVector<Value> next;
      for (int64_t row = 0; row < size / 2; ++row) {
        auto [low, high] =
            interleave(rewriter, loc, rows[row], rows[row + size / 2]);
        llvm::append_values(next, low, high);
      }
      rows = std::move(next);
    }
    Value result = ub::PoisonOp::create(rewriter, loc, square);
    for (auto [row, value] : llvm::enumerate(rows))
      result = vector::InsertOp::create(rewriter, loc, value, result,
                                        static_cast<int64_t>(row));
    rewriter.replaceOp(op, rewriter.createOrFold<vector::ShapeCastOp>(
                               loc, op.getResultVectorType(), result));
    return success();
  }
};

struct LowerTransposes
    : public quantc::impl::LowerTransposesPassBase<LowerTransposes> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<InterleaveRows>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
