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
// two. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "ApplyPatterns.h"
#include "Epilogue.h"

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

namespace {

struct FuseEpilogue : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp join,
                                PatternRewriter &rewriter) const override {
    auto layer = join.getSrc().getDefiningOp<linalg::GenericOp>();
    if (!layer || !layer->hasAttr(kTileSizesAttr) || !joinsPanels(join) ||
        !isInOrder(layer))
      return rewriter.notifyMatchFailure(join, "no packed layer");
    if (!layer->hasOneUse() || layer->hasAttr(kTileRootAttr) ||
        layer->hasAttr(kOnMemoryAttr))
      return rewriter.notifyMatchFailure(join, "the layer is computed alone");
    linalg::GenericOp epilogue = getEpilogue(join.getResult());
    if (!epilogue)
      return rewriter.notifyMatchFailure(
          join, "nothing elementwise reads it, or not alone");
    rewriter.replaceOp(epilogue, create(rewriter, layer, join, epilogue));
    return success();
  }

private:
  static Value create(PatternRewriter &rewriter, linalg::GenericOp layer,
                      tensor::CollapseShapeOp join, linalg::GenericOp epilogue);
  static void setTileSizes(linalg::GenericOp op, linalg::GenericOp layer);
};

} // namespace

/// Keeps the layer that `value` is the result of out of the tiles of another
/// one, which reads it: it would be computed again for each of them.
static void computeAlone(Value value) {
  auto join = value.getDefiningOp<tensor::CollapseShapeOp>();
  Operation *layer = join ? join.getSrc().getDefiningOp() : nullptr;
  if (layer && layer->hasAttr(kTileSizesAttr))
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

Value FuseEpilogue::create(PatternRewriter &rewriter, linalg::GenericOp layer,
                           tensor::CollapseShapeOp join,
                           linalg::GenericOp epilogue) {
  Location loc = epilogue.getLoc();
  rewriter.setInsertionPoint(epilogue);
  auto layerType = cast<RankedTensorType>(layer.getResult(0).getType());
  auto type = cast<RankedTensorType>(epilogue.getResult(0).getType());
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : epilogue->getOpOperands()) {
    int64_t rank = epilogue.getRank(&operand);
    Value value = operand.get();
    if (value == join.getResult())
      value = layer.getResult(0);
    else if (rank != 0) {
      computeAlone(value);
      value = split(rewriter, loc, value, layerType);
    }
    operands.push_back(value);
    SmallVector<AffineExpr> exprs;
    for (int64_t dim = rank == 2 ? 0 : 1; rank != 0 && dim < 3; ++dim)
      exprs.push_back(rewriter.getAffineDimExpr(dim));
    maps.push_back(AffineMap::get(3, 0, exprs, rewriter.getContext()));
  }
  SmallVector<utils::IteratorType> loops(3, utils::IteratorType::parallel);
  auto tiled = linalg::GenericOp::create(
      rewriter, loc, operands.back().getType(), ArrayRef(operands).drop_back(),
      operands.back(), maps, loops);
  rewriter.inlineRegionBefore(epilogue.getRegion(), tiled.getRegion(),
                              tiled.getRegion().end());
  setTileSizes(tiled, layer);
  SmallVector<ReassociationIndices> dims = join.getReassociationIndices();
  return tensor::CollapseShapeOp::create(rewriter, loc, type,
                                         tiled.getResult(0), dims);
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
