//===- DecomposePads.cpp - Padding around slices of tensors ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_DECOMPOSEPADSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Whether what computes `value` writes to a destination, which may be
/// anywhere.
static bool isComputedInPlace(Value value) {
  return isa_and_nonnull<DestinationStyleOpInterface, LoopLikeOpInterface>(
      value.getDefiningOp());
}

namespace {
/// transpose(pad(x)) -> pad(transpose(x)), for the transposition to write into
/// what is padded.
struct PadTransposed : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<tensor::PadOp>();
    if (!pad || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "transposes nothing padded");
    Value padding = pad.getConstantPaddingValue();
    if (!padding || !pad->hasOneUse())
      return rewriter.notifyMatchFailure(
          op, "is padded by several values, or for others as well");
    Location loc = op.getLoc();
    ArrayRef<int64_t> permutation = op.getPermutation();
    auto permute = [&](SmallVector<OpFoldResult> values) {
      return applyPermutation(values, permutation);
    };
    Value empty = tensor::EmptyOp::create(
        rewriter, loc,
        permute(tensor::getMixedSizes(rewriter, loc, pad.getSource())),
        pad.getSourceType().getElementType());
    Value transposed = linalg::TransposeOp::create(
                           rewriter, loc, pad.getSource(), empty, permutation)
                           ->getResult(0);
    rewriter.replaceOpWithNewOp<tensor::PadOp>(
        op, op->getResult(0).getType(), transposed,
        permute(pad.getMixedLowPad()), permute(pad.getMixedHighPad()), padding);
    return success();
  }
};

/// pad(collapse_shape(x)) -> collapse_shape(pad(x)), where only dimensions that
/// are none of several are padded, for what computes `x` to write there.
struct PadCollapsed : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::PadOp pad,
                                PatternRewriter &rewriter) const override {
    auto collapse = pad.getSource().getDefiningOp<tensor::CollapseShapeOp>();
    if (!collapse || !collapse->hasOneUse() ||
        !isComputedInPlace(collapse.getSrc()))
      return rewriter.notifyMatchFailure(pad, "pads nothing collapsed, or what "
                                              "is read from elsewhere");
    Value padding = pad.getConstantPaddingValue();
    if (!padding || !pad.getType().hasStaticShape() || !pad.getLow().empty() ||
        !pad.getHigh().empty())
      return rewriter.notifyMatchFailure(
          pad, "is padded by several values, or has an unknown size");
    SmallVector<int64_t> shape, low, high;
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    for (auto [dim, group] : llvm::enumerate(groups)) {
      int64_t before = pad.getStaticLow()[dim];
      int64_t behind = pad.getStaticHigh()[dim];
      if (group.size() != 1 && (before != 0 || behind != 0))
        return rewriter.notifyMatchFailure(pad, "pads several dimensions as "
                                                "one");
      for (int64_t inner : group) {
        low.push_back(before);
        high.push_back(behind);
        shape.push_back(collapse.getSrcType().getDimSize(inner) + before +
                        behind);
      }
    }
    Value padded = tensor::PadOp::create(
        rewriter, pad.getLoc(), collapse.getSrcType().clone(shape),
        collapse.getSrc(), getAsIndexOpFoldResult(rewriter.getContext(), low),
        getAsIndexOpFoldResult(rewriter.getContext(), high), padding);
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(pad, pad.getType(),
                                                         padded, groups);
    return success();
  }
};

/// insert_slice(x, fill(c)) -> fills of what is around x in insert_slice(x,
/// empty).
struct FillBorders : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::InsertSliceOp insert,
                                PatternRewriter &rewriter) const override {
    auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
    auto empty =
        fill ? fill.getOutputs().front().getDefiningOp<tensor::EmptyOp>()
             : nullptr;
    if (!empty || !insert.hasUnitStride() ||
        insert.getSourceType().getRank() != insert.getDestType().getRank())
      return rewriter.notifyMatchFailure(insert, "fills no tensor around a "
                                                 "slice");
    SmallVector<int64_t> ends;
    if (failed(getEnds(insert, empty, ends)))
      return rewriter.notifyMatchFailure(insert, "unknown borders");
    Location loc = insert.getLoc();
    Value result = createDestination(rewriter, insert, empty);
    result = tensor::InsertSliceOp::create(
        rewriter, loc, insert.getSource(), result, insert.getMixedOffsets(),
        insert.getMixedSizes(), insert.getMixedStrides());
    result = fillAround(rewriter, insert, empty.getMixedSizes(), ends,
                        fill.getInputs().front(), result);
    rewriter.replaceOp(insert, result);
    return success();
  }

private:
  static LogicalResult getEnds(tensor::InsertSliceOp insert,
                               tensor::EmptyOp empty,
                               SmallVector<int64_t> &ends);
  static Value createDestination(PatternRewriter &rewriter,
                                 tensor::InsertSliceOp insert,
                                 tensor::EmptyOp empty);
  static Value fillAround(PatternRewriter &rewriter,
                          tensor::InsertSliceOp insert,
                          ArrayRef<OpFoldResult> shape, ArrayRef<int64_t> ends,
                          Value padding, Value tensor);
};
} // namespace

/// Where `insert` ends in each dimension of `empty`: -1 where that is the end
/// of a dimension of unknown size, of which it takes all.
LogicalResult FillBorders::getEnds(tensor::InsertSliceOp insert,
                                   tensor::EmptyOp empty,
                                   SmallVector<int64_t> &ends) {
  SmallVector<OpFoldResult> offsets = insert.getMixedOffsets();
  SmallVector<OpFoldResult> sizes = insert.getMixedSizes();
  for (auto [dim, whole] : llvm::enumerate(empty.getMixedSizes())) {
    std::optional<int64_t> offset = getConstantIntValue(offsets[dim]);
    std::optional<int64_t> size = getConstantIntValue(sizes[dim]);
    bool isWhole = offset == 0 && isEqualConstantIntOrValue(sizes[dim], whole);
    if (offset && size && getConstantIntValue(whole))
      ends.push_back(*offset + *size);
    else if (isWhole)
      ends.push_back(-1);
    else
      return failure();
  }
  return success();
}

/// An empty tensor like `empty`, in front of what computes the source of
/// `insert`, if that may be computed there.
Value FillBorders::createDestination(PatternRewriter &rewriter,
                                     tensor::InsertSliceOp insert,
                                     tensor::EmptyOp empty) {
  OpBuilder::InsertionGuard guard(rewriter);
  Operation *source = insert.getSource().getDefiningOp();
  if (source && isComputedInPlace(insert.getSource()) &&
      source->getBlock() == insert->getBlock() &&
      empty.getType().hasStaticShape())
    rewriter.setInsertionPoint(source);
  return tensor::EmptyOp::create(rewriter, empty.getLoc(),
                                 empty.getMixedSizes(),
                                 empty.getType().getElementType());
}

/// Fills what is in `tensor`, of sizes `shape`, before and behind the slice of
/// `insert` in each dimension: all of the dimensions after it, and of those
/// before it what the slice takes.
Value FillBorders::fillAround(PatternRewriter &rewriter,
                              tensor::InsertSliceOp insert,
                              ArrayRef<OpFoldResult> shape,
                              ArrayRef<int64_t> ends, Value padding,
                              Value tensor) {
  Location loc = insert.getLoc();
  SmallVector<OpFoldResult> offsets(shape.size(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes(shape);
  SmallVector<OpFoldResult> strides(shape.size(), rewriter.getIndexAttr(1));
  auto fill = [&](int64_t dim, int64_t start, int64_t size) {
    if (size == 0)
      return;
    SmallVector<OpFoldResult> starts = offsets, counts = sizes;
    starts[dim] = rewriter.getIndexAttr(start);
    counts[dim] = rewriter.getIndexAttr(size);
    Value border = tensor::ExtractSliceOp::create(rewriter, loc, tensor, starts,
                                                  counts, strides);
    border =
        linalg::FillOp::create(rewriter, loc, padding, border).getResult(0);
    tensor = tensor::InsertSliceOp::create(rewriter, loc, border, tensor,
                                           starts, counts, strides);
  };
  for (auto [dim, end] : llvm::enumerate(ends)) {
    if (end >= 0) {
      int64_t start = *getConstantIntValue(insert.getMixedOffsets()[dim]);
      fill(dim, 0, start);
      fill(dim, end, *getConstantIntValue(shape[dim]) - end);
    }
    offsets[dim] = insert.getMixedOffsets()[dim];
    sizes[dim] = insert.getMixedSizes()[dim];
  }
  return tensor;
}

/// Applies `Patterns` once to everything in `op`.
template <class... Patterns>
static void applyOnce(Operation *op) {
  RewritePatternSet patterns(op->getContext());
  patterns.add<Patterns...>(op->getContext());
  walkAndApplyPatterns(op, std::move(patterns));
}

namespace {
struct DecomposePads : quantc::impl::DecomposePadsPassBase<DecomposePads> {
  void runOnOperation() override {
    Operation *module = getOperation();
    applyOnce<PadTransposed>(module);
    module->walk([](tensor::PadOp pad) {
      if (pad->use_empty())
        pad->erase();
    });
    applyOnce<PadCollapsed>(module);
    RewritePatternSet patterns(&getContext());
    linalg::populateDecomposePadPatterns(patterns);
    walkAndApplyPatterns(module, std::move(patterns));
    applyOnce<FillBorders>(module);
    module->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isa<linalg::FillOp, tensor::EmptyOp, tensor::CollapseShapeOp>(op) &&
          isOpTriviallyDead(op))
        op->erase();
    });
  }
};
} // namespace
