//===- FlattenNarrowVectors.cpp - Byte arithmetic on whole registers ------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FLATTENNARROWVECTORSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The type of `type`'s elements in one dimension, null unless `type` is a
/// vector of bytes, or of bytes that were extended to 16 bits, in several
/// dimensions.
static VectorType getFlatType(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || vector.getRank() < 2 || vector.isScalable() ||
      !(vector.getElementType().isInteger(8) ||
        vector.getElementType().isInteger(16)))
    return {};
  return VectorType::get(vector.getNumElements(), vector.getElementType());
}

static Value flatten(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<VectorType>(value.getType());
  return builder.createOrFold<vector::ShapeCastOp>(
      loc, VectorType::get(type.getNumElements(), type.getElementType()),
      value);
}

namespace {

/// op(a, b) : vector<64x4xi8> -> shape_cast(op(shape_cast a, shape_cast b)).
struct FlattenElementwise : RewritePattern {
  explicit FlattenElementwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "not elementwise");
    VectorType flat = getFlatType(op->getResult(0).getType());
    if (!flat || llvm::any_of(op->getOperandTypes(),
                              [](Type type) { return !getFlatType(type); }))
      return rewriter.notifyMatchFailure(op, "not on narrow elements in "
                                             "several dimensions");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(flatten(rewriter, op->getLoc(), operand));
    Operation *result =
        rewriter.create(op->getLoc(), op->getName().getIdentifier(), operands,
                        flat, op->getAttrs());
    rewriter.replaceOpWithNewOp<vector::ShapeCastOp>(
        op, op->getResult(0).getType(), result->getResult(0));
    return success();
  }
};

/// A broadcast along inner dimensions repeats elements in an order that is
/// known: one shuffle.
struct ShuffleRepeatedElements : OpRewritePattern<vector::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    VectorType flat = getFlatType(op.getType());
    auto source = dyn_cast<VectorType>(op.getSourceType());
    if (!flat || !source || op.computeBroadcastedUnitDims().empty())
      return rewriter.notifyMatchFailure(op, "repeats no single bytes");

    // Trailing dimensions of source and result line up.
    ArrayRef<int64_t> shape = op.getType().getShape();
    int64_t leading = shape.size() - source.getRank();
    SmallVector<int64_t> strides = computeStrides(source.getShape());
    SmallVector<int64_t> resultStrides = computeStrides(shape);
    SmallVector<int64_t> mask(flat.getNumElements());
    for (auto [i, from] : llvm::enumerate(mask)) {
      from = 0;
      for (int64_t dim = 0, rank = source.getRank(); dim < rank; ++dim) {
        int64_t position = static_cast<int64_t>(i) /
                           resultStrides[leading + dim] % shape[leading + dim];
        if (source.getDimSize(dim) != 1)
          from += position * strides[dim];
      }
    }
    Value elements = flatten(rewriter, op.getLoc(), op.getSource());
    Value shuffled = vector::ShuffleOp::create(rewriter, op.getLoc(), elements,
                                               elements, mask);
    rewriter.replaceOpWithNewOp<vector::ShapeCastOp>(op, op.getType(),
                                                     shuffled);
    return success();
  }
};

/// A transposition of runs, the last dimension, is one shuffle.
struct ShuffleTransposedRuns : OpRewritePattern<vector::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = op.getResultVectorType();
    VectorType flat = getFlatType(type);
    int64_t rank = type.getRank();
    ArrayRef<int64_t> permutation = op.getPermutation();
    if (!flat || permutation.back() != rank - 1 || type.getShape().back() == 1)
      return rewriter.notifyMatchFailure(op, "moves no runs of bytes");
    SmallVector<int64_t> from =
        computeStrides(op.getSourceVectorType().getShape());
    SmallVector<int64_t> to = computeStrides(type.getShape());
    SmallVector<int64_t> mask(flat.getNumElements());
    for (auto [i, element] : llvm::enumerate(mask)) {
      element = 0;
      for (int64_t dim = 0; dim < rank; ++dim)
        element += static_cast<int64_t>(i) / to[dim] % type.getDimSize(dim) *
                   from[permutation[dim]];
    }
    Value elements = flatten(rewriter, op.getLoc(), op.getVector());
    Value shuffled = vector::ShuffleOp::create(rewriter, op.getLoc(), elements,
                                               elements, mask);
    rewriter.replaceOpWithNewOp<vector::ShapeCastOp>(op, type, shuffled);
    return success();
  }
};

struct FlattenNarrowVectors
    : quantc::impl::FlattenNarrowVectorsPassBase<FlattenNarrowVectors> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<FlattenElementwise, ShuffleRepeatedElements,
                 ShuffleTransposedRuns>(context);
    vector::ShapeCastOp::getCanonicalizationPatterns(patterns, context);
    vector::BroadcastOp::getCanonicalizationPatterns(patterns, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
