//===- FuseEpilogues.cpp - Epilogues in the tiles of their layers ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What follows a packed layer moves to the layout in which it is computed:
//
//   e(join(layer), x, b)[m, nb NR + n] -> join(e'(layer, split(x), split(b)))
//
// where layer and e' are [M, NB, NR] and `join` makes one dimension of the last
// two. Where the layer is a choice by the number of rows, it does so in each
// branch. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "ApplyPatterns.h"
#include "Epilogue.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_FUSEEPILOGUESPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether `op` joins the last two of three dimensions.
static bool joinsPanels(tensor::CollapseShapeOp op) {
  SmallVector<ReassociationIndices> join = {{0}, {1, 2}};
  return op.getReassociationIndices() == join;
}

/// Whether the first loops of `layer` are the dimensions of its result.
static bool isInOrder(linalg::GenericOp layer) {
  AffineMap map = layer.getIndexingMapsArray().back();
  return map ==
         AffineMap::getMultiDimIdentityMap(map.getNumDims(), layer.getContext())
             .getMajorSubMap(map.getNumResults());
}

/// `value`, whose last dimension is columns, with panels like those of `layer`.
static Value split(OpBuilder &b, Location loc, Value value,
                   RankedTensorType layer) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape().drop_back());
  llvm::append_range(shape, layer.getShape().take_back(2));
  SmallVector<ReassociationIndices> dims;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    dims.push_back({dim});
  dims.back().push_back(type.getRank());
  return tensor::ExpandShapeOp::create(b, loc, type.clone(shape), value, dims);
}

/// What `value` is a whole slice of, with the same type: quant-pack states the
/// number of rows in this way.
static Value lookThroughStatedRows(Value value) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  return slice && slice.hasZeroOffset() && slice.hasUnitStride() &&
                 slice.getSourceType() == slice.getType()
             ? slice.getSource()
             : value;
}

/// Whether `panels` are those of a packed layer, in all branches of the choices
/// that give them, and nothing else reads them; if not, says why in `reason`.
static bool isFusable(Value panels, StringRef &reason) {
  reason = "no packed layer, or others read it";
  if (!panels.hasOneUse())
    return false;
  if (Value source = lookThroughStatedRows(panels); source != panels)
    return isFusable(source, reason);
  if (auto choice = panels.getDefiningOp<scf::IfOp>())
    return choice.getNumResults() == 1 &&
           isFusable(choice.thenYield().getOperand(0), reason) &&
           isFusable(choice.elseYield().getOperand(0), reason);
  auto layer = panels.getDefiningOp<linalg::GenericOp>();
  if (!layer || !layer->hasAttr(kTileSizesAttr) || !isInOrder(layer))
    return false;
  reason = "the layer is computed alone";
  return !layer->hasAttr(kTileRootAttr) && !layer->hasAttr(kOnMemoryAttr);
}

/// Erases the slice that gave `panels`, if it was one, which nothing reads now.
static void eraseSlice(RewriterBase &rewriter, Value panels) {
  if (auto slice = panels.getDefiningOp<tensor::ExtractSliceOp>())
    rewriter.eraseOp(slice);
}

namespace {

struct FuseEpilogue : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp join,
                                PatternRewriter &rewriter) const override {
    if (!joinsPanels(join))
      return rewriter.notifyMatchFailure(join, "joins no panels");
    StringRef reason;
    if (!isFusable(join.getSrc(), reason))
      return rewriter.notifyMatchFailure(join, reason);
    linalg::GenericOp epilogue = getEpilogue(join.getResult());
    if (!epilogue)
      return rewriter.notifyMatchFailure(
          join, "nothing elementwise reads it, or not alone");
    rewriter.setInsertionPoint(epilogue);
    Value old = join.getSrc();
    SmallVector<Value> operands = splitOperands(rewriter, epilogue, join);
    // What it reads besides may be computed after the choice.
    if (auto choice = lookThroughStatedRows(old).getDefiningOp<scf::IfOp>())
      rewriter.moveOpBefore(choice, epilogue);
    Value panels = fuse(rewriter, old, {epilogue, join.getResult(), operands});
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        epilogue, epilogue.getResult(0).getType(), panels,
        join.getReassociationIndices());
    rewriter.eraseOp(join);
    eraseSlice(rewriter, old);
    return success();
  }

private:
  struct Epilogue {
    linalg::GenericOp op;
    /// What it reads of the layer.
    Value result;
    /// All that it reads and writes, in panels but for `result`.
    SmallVector<Value> operands;
  };

  static SmallVector<Value> splitOperands(PatternRewriter &rewriter,
                                          linalg::GenericOp epilogue,
                                          tensor::CollapseShapeOp join);
  static Value fuse(PatternRewriter &rewriter, Value panels,
                    const Epilogue &epilogue);
  static Value create(PatternRewriter &rewriter, linalg::GenericOp layer,
                      const Epilogue &epilogue);
  static void setTileSizes(linalg::GenericOp op, linalg::GenericOp layer);
};

} // namespace

/// The tiles of the parallel loops of `layer`, [M, NB, NR].
static ArrayRef<int64_t> getParallelTiles(Operation *layer) {
  return layer->getAttrOfType<DenseI64ArrayAttr>(kTileSizesAttr)
      .asArrayRef()
      .take_front(3);
}

/// Keeps the layer that `value` is the result of out of the tiles of `reader`,
/// another one (null if there are several), unless its own are the same and
/// nothing else reads it: it would be computed again for each of them.
static void computeAlone(Value value, linalg::GenericOp reader) {
  auto join = value.getDefiningOp<tensor::CollapseShapeOp>();
  auto layer =
      join ? join.getSrc().getDefiningOp<linalg::GenericOp>() : nullptr;
  if (!layer || !layer->hasAttr(kTileSizesAttr))
    return;
  auto getShape = [](linalg::GenericOp op) {
    return cast<RankedTensorType>(op.getResult(0).getType()).getShape();
  };
  bool isInTiles = reader && isInOrder(layer) && layer->hasOneUse() &&
                   join->hasOneUse() && !layer->hasAttr(kOnMemoryAttr) &&
                   getShape(layer) == getShape(reader) &&
                   getParallelTiles(layer) == getParallelTiles(reader);
  if (isInTiles)
    layer->removeAttr(kInnerTileSizesAttr);
  else
    layer->setAttr(kTileRootAttr, UnitAttr::get(layer->getContext()));
}

/// Gives `op` the tiles of the parallel loops of `layer`.
void FuseEpilogue::setTileSizes(linalg::GenericOp op, linalg::GenericOp layer) {
  auto sizes = layer->getAttrOfType<DenseI64ArrayAttr>(kTileSizesAttr);
  op->setAttr(kTileSizesAttr,
              DenseI64ArrayAttr::get(op.getContext(),
                                     sizes.asArrayRef().take_front(3)));
  op->setAttr(kTileRootAttr, UnitAttr::get(op.getContext()));
  // The last operation of a layer is the one that is tiled inside.
  if (Attribute inner = layer->removeAttr(kInnerTileSizesAttr))
    op->setAttr(kInnerTileSizesAttr, inner);
}

/// The operands of `epilogue` in the panels of the layer, of type `panels`,
/// that it reads as `result`, which stays as it is.
SmallVector<Value> FuseEpilogue::splitOperands(PatternRewriter &rewriter,
                                               linalg::GenericOp epilogue,
                                               tensor::CollapseShapeOp join) {
  auto layer = join.getSrc().getDefiningOp<linalg::GenericOp>();
  SmallVector<Value> operands;
  for (OpOperand &operand : epilogue->getOpOperands()) {
    Value value = operand.get();
    if (value != join.getResult() && epilogue.getRank(&operand) != 0) {
      computeAlone(value, layer);
      value = split(rewriter, epilogue.getLoc(), value, join.getSrcType());
    }
    operands.push_back(value);
  }
  return operands;
}

/// The epilogue of `layer`.
Value FuseEpilogue::create(PatternRewriter &rewriter, linalg::GenericOp layer,
                           const Epilogue &epilogue) {
  SmallVector<Value> operands = epilogue.operands;
  llvm::replace(operands, epilogue.result, layer.getResult(0));
  linalg::GenericOp op = epilogue.op;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    int64_t rank = op.getRank(&operand);
    SmallVector<AffineExpr> exprs;
    for (int64_t dim = rank == 2 ? 0 : 1; rank != 0 && dim < 3; ++dim)
      exprs.push_back(rewriter.getAffineDimExpr(dim));
    maps.push_back(AffineMap::get(3, 0, exprs, rewriter.getContext()));
  }
  SmallVector<utils::IteratorType> loops(3, utils::IteratorType::parallel);
  auto tiled = linalg::GenericOp::create(
      rewriter, op.getLoc(), operands.back().getType(),
      ArrayRef(operands).drop_back(), operands.back(), maps, loops);
  rewriter.cloneRegionBefore(op.getRegion(), tiled.getRegion(),
                             tiled.getRegion().end());
  setTileSizes(tiled, layer);
  return tiled.getResult(0);
}

/// The panels of `epilogue`, in all branches that give `panels`, those of the
/// layer.
Value FuseEpilogue::fuse(PatternRewriter &rewriter, Value panels,
                         const Epilogue &epilogue) {
  Operation *op = panels.getDefiningOp();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    Value source = fuse(rewriter, slice.getSource(), epilogue);
    return tensor::ExtractSliceOp::create(
        rewriter, slice.getLoc(), cast<RankedTensorType>(source.getType()),
        source, slice.getMixedOffsets(), slice.getMixedSizes(),
        slice.getMixedStrides());
  }
  auto choice = dyn_cast<scf::IfOp>(op);
  if (!choice)
    return create(rewriter, cast<linalg::GenericOp>(op), epilogue);
  OpBuilder::InsertionGuard guard(rewriter);
  for (scf::YieldOp yield : {choice.thenYield(), choice.elseYield()}) {
    rewriter.setInsertionPoint(yield);
    Value old = yield.getOperand(0);
    Value part = fuse(rewriter, old, epilogue);
    rewriter.modifyOpInPlace(yield, [&] { yield.setOperand(0, part); });
    eraseSlice(rewriter, old);
  }
  rewriter.modifyOpInPlace(choice, [&] {
    choice.getResult(0).setType(choice.thenYield().getOperand(0).getType());
  });
  return choice.getResult(0);
}

namespace {
struct FuseEpilogues : quantc::impl::FuseEpiloguesPassBase<FuseEpilogues> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseEpilogue>(&getContext());
    if (failed(
            applyPatternsWithoutFolding(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
