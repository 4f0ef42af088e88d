//===- ExpandLoopResults.cpp - Loops over tensors of panels ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop that joins dimensions of each part of its result joins them once,
// behind the loop. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_EXPANDLOOPRESULTSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether all of `arg`'s dimensions that are joined are in `insertion`.
static bool takesJoinedDims(tensor::InsertSliceOp insertion,
                            ArrayRef<ReassociationIndices> groups) {
  ArrayRef<int64_t> shape = insertion.getDestType().getShape();
  if (insertion.getSourceType().getRank() != insertion.getDestType().getRank())
    return false;
  for (auto [dim, group] : llvm::enumerate(groups))
    if (group.size() != 1 && (ShapedType::isDynamic(shape[dim]) ||
                              insertion.getStaticSize(dim) != shape[dim]))
      return false;
  return insertion.hasUnitStride();
}

/// The shape [..., s, ...] with each s whose group is of several dimensions as
/// those that `joined` has.
static RankedTensorType getExpandedType(RankedTensorType type,
                                        tensor::CollapseShapeOp joined) {
  SmallVector<int64_t> shape;
  for (auto [dim, group] : llvm::enumerate(joined.getReassociationIndices()))
    if (group.size() == 1)
      shape.push_back(type.getDimSize(dim));
    else
      for (int64_t from : group)
        shape.push_back(joined.getSrcType().getDimSize(from));
  return type.clone(shape);
}

namespace {
struct ExpandResult : OpRewritePattern<scf::ForOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(scf::ForOp loop,
                                PatternRewriter &rewriter) const override {
    for (unsigned index = 0; index < loop.getNumResults(); ++index)
      if (tensor::CollapseShapeOp join = getJoin(loop, index)) {
        expand(loop, index, join, rewriter);
        return success();
      }
    return rewriter.notifyMatchFailure(loop, "joins no dimensions of a result");
  }

private:
  static tensor::CollapseShapeOp getJoin(scf::ForOp loop, unsigned index);
  static void expand(scf::ForOp loop, unsigned index,
                     tensor::CollapseShapeOp join, PatternRewriter &rewriter);
};
} // namespace

/// What joins dimensions of result `index` in each iteration; null if nothing
/// does, or if the iteration needs the result as it is.
tensor::CollapseShapeOp ExpandResult::getJoin(scf::ForOp loop, unsigned index) {
  BlockArgument arg = loop.getRegionIterArg(index);
  Value yielded = loop.getYieldedValues()[index];
  if (auto insertion = yielded.getDefiningOp<tensor::InsertSliceOp>()) {
    auto join = insertion.getSource().getDefiningOp<tensor::CollapseShapeOp>();
    bool isPart = join && insertion.getDest() == arg &&
                  getOnlyReader(arg) == insertion &&
                  takesJoinedDims(insertion, join.getReassociationIndices());
    return isPart ? join : tensor::CollapseShapeOp();
  }
  // An inner loop that was expanded.
  auto join = yielded.getDefiningOp<tensor::CollapseShapeOp>();
  if (!join)
    return {};
  auto split = dyn_cast_or_null<tensor::ExpandShapeOp>(getOnlyReader(arg));
  bool isUndone =
      split && split.getResultType() == join.getSrcType() &&
      split.getReassociationIndices() == join.getReassociationIndices();
  return isUndone ? join : tensor::CollapseShapeOp();
}

/// `init` as `type`; a tensor without values is made in that shape.
static Value expandInit(PatternRewriter &rewriter, Location loc, Value init,
                        RankedTensorType type,
                        ArrayRef<ReassociationIndices> groups) {
  auto empty = init.getDefiningOp<tensor::EmptyOp>();
  if (!empty)
    return tensor::ExpandShapeOp::create(rewriter, loc, type, init, groups);
  // What is unknown is not expanded.
  return tensor::EmptyOp::create(rewriter, loc, type, empty.getDynamicSizes());
}

void ExpandResult::expand(scf::ForOp loop, unsigned index,
                          tensor::CollapseShapeOp join,
                          PatternRewriter &rewriter) {
  Location loc = loop.getLoc();
  SmallVector<ReassociationIndices> groups = join.getReassociationIndices();
  auto type = cast<RankedTensorType>(loop.getResult(index).getType());
  RankedTensorType expanded = getExpandedType(type, join);
  SmallVector<Value> inits(loop.getInitArgs());
  inits[index] = expandInit(rewriter, loc, inits[index], expanded, groups);
  auto wide = scf::ForOp::create(rewriter, loc, loop.getLowerBound(),
                                 loop.getUpperBound(), loop.getStep(), inits);
  wide->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block *body = wide.getBody();
  if (!body->empty())
    rewriter.eraseOp(body->getTerminator());
  rewriter.setInsertionPointToStart(body);
  SmallVector<Value> args(body->getArguments());
  BlockArgument arg = wide.getRegionIterArg(index);
  args[index + 1] =
      tensor::CollapseShapeOp::create(rewriter, loc, type, arg, groups);
  Value yielded = join.getSrc();
  auto insertion =
      loop.getYieldedValues()[index].getDefiningOp<tensor::InsertSliceOp>();
  rewriter.mergeBlocks(loop.getBody(), body, args);
  auto yield = cast<scf::YieldOp>(body->getTerminator());
  if (insertion) {
    rewriter.setInsertionPoint(insertion);
    SmallVector<OpFoldResult> offsets, sizes;
    for (auto [dim, group] : llvm::enumerate(groups))
      for (int64_t from : group) {
        bool isAlone = group.size() == 1;
        offsets.push_back(isAlone ? insertion.getMixedOffsets()[dim]
                                  : rewriter.getIndexAttr(0));
        sizes.push_back(isAlone ? insertion.getMixedSizes()[dim]
                                : rewriter.getIndexAttr(
                                      join.getSrcType().getDimSize(from)));
      }
    SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
    yielded = tensor::InsertSliceOp::create(rewriter, loc, yielded, arg,
                                            offsets, sizes, strides);
  }
  rewriter.modifyOpInPlace(yield, [&] { yield.setOperand(index, yielded); });
  rewriter.setInsertionPointAfter(wide);
  SmallVector<Value> results(wide.getResults());
  results[index] = tensor::CollapseShapeOp::create(rewriter, loc, type,
                                                   results[index], groups);
  rewriter.replaceOp(loop, results);
}

namespace {
struct ExpandLoopResults
    : quantc::impl::ExpandLoopResultsPassBase<ExpandLoopResults> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandResult>(&getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
