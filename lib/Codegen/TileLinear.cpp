//===- TileLinear.cpp - Tile packed linear layers -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the packed form of a layer on whole tensors to loops over tiles. The
// order of the steps is in Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_TILELINEARPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The tile sizes of `op`, empty if it has none.
static ArrayRef<int64_t> getTileSizes(Operation *op) {
  auto sizes = op->getAttrOfType<DenseI64ArrayAttr>(kTileSizesAttr);
  return sizes ? sizes.asArrayRef() : ArrayRef<int64_t>();
}

/// Marks `op` as tiled.
static void finish(Operation *op) {
  op->removeAttr(kTileSizesAttr);
  op->removeAttr(kTileRootAttr);
  op->setAttr(kTiledAttr, UnitAttr::get(op->getContext()));
}

/// Splits the tile sizes of `op`: those of its parallel loops are returned,
/// those of its reductions kept for later; without any it is tiled when the
/// rest is.
static SmallVector<int64_t> takeParallelSizes(linalg::LinalgOp op) {
  SmallVector<int64_t> parallel(getTileSizes(op)), reduction(parallel);
  for (auto [loop, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
    (linalg::isReductionIterator(iterator) ? parallel : reduction)[loop] = 0;
  op->setAttr(kTileSizesAttr,
              DenseI64ArrayAttr::get(op->getContext(), reduction));
  return parallel;
}

/// Tiles `op` by `sizes` with what belongs to the layer fused into the tile:
/// producers with tile sizes of their own. The start of a sum stays outside of
/// the loop over its terms, and panels outside of all loops but those over
/// columns.
static FailureOr<scf::SCFTileAndFuseResult>
tileAndFuse(RewriterBase &rewriter, linalg::LinalgOp op,
            ArrayRef<int64_t> sizes, ArrayRef<int64_t> interchange = {}) {
  bool isOverTerms = llvm::any_of(
      llvm::zip_equal(sizes, op.getIteratorTypesArray()), [](auto loop) {
        auto [size, iterator] = loop;
        return size != 0 && linalg::isReductionIterator(iterator);
      });
  bool isOverColumns = !isOverTerms && sizes[1] != 0;
  Operation *start =
      isOverTerms ? op.getDpsInits().front().getDefiningOp() : nullptr;
  auto fuseLayer =
      [=](tensor::ExtractSliceOp, OpResult producer,
          bool) -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
    Operation *op = producer.getOwner();
    if (getTileSizes(op).empty() || op->hasAttr(kTileRootAttr) || op == start ||
        (!isOverColumns && op->hasAttr(kPerPanelAttr)))
      return std::nullopt;
    return scf::SCFTileAndFuseOptions::ControlFnResult{};
  };
  scf::SCFTilingOptions tiling;
  tiling.setTileSizes(getAsIndexOpFoldResult(op->getContext(), sizes));
  tiling.setInterchange(interchange);
  scf::SCFTileAndFuseOptions options;
  options.setTilingOptions(tiling);
  options.setFusionControlFn(fuseLayer);
  rewriter.setInsertionPoint(op);
  FailureOr<scf::SCFTileAndFuseResult> result =
      scf::tileConsumerAndFuseProducersUsingSCF(
          rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(result))
    return op.emitError("cannot tile an operation of a packed layer");
  for (OpResult value : op->getResults())
    rewriter.replaceAllUsesWith(value, result->replacements.lookup(value));
  rewriter.eraseOp(op);
  return result;
}

/// Moves what is prepared once for a panel out of `rows`.
static void hoistPanels(scf::ForOp rows) {
  moveLoopInvariantCode(
      rows.getLoopRegions(),
      [&](Value value, Region *) { return rows.isDefinedOutsideOfLoop(value); },
      [&](Operation *op, Region *) {
        return isMemoryEffectFree(op) && isSpeculatable(op) &&
               (op->hasAttr(kPerPanelAttr) || getTileSizes(op).empty());
      },
      [&](Operation *op, Region *) { rows.moveOutOfLoop(op); });
}

/// Sizes min(step, bound - i) of tiles in `loop`, all of which are whole tiles:
/// the step. `bound` is that of the loop with the last tile. Upstream finds
/// those that name it; here it has become part of their maps.
static void setWholeTileSizes(RewriterBase &rewriter, scf::ForOp loop,
                              Value bound) {
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (!step)
    return;
  AffineExpr first = rewriter.getAffineDimExpr(0),
             second = rewriter.getAffineDimExpr(1);
  Value index = loop.getInductionVar();
  ValueBoundsConstraintSet::Variable rest(AffineMap::get(2, 0, first - second),
                                          ArrayRef<Value>{bound, index});
  SmallVector<affine::AffineMinOp> sizes;
  loop.getBody()->walk(
      [&](affine::AffineMinOp size) { sizes.push_back(size); });
  for (affine::AffineMinOp size : sizes) {
    AffineMap map = size.getAffineMap();
    bool isOfTile = llvm::all_of(map.getResults(), [&](AffineExpr expr) {
      if (auto constant = dyn_cast<AffineConstantExpr>(expr))
        return constant.getValue() == *step;
      ValueBoundsConstraintSet::Variable result(
          AffineMap::get(map.getNumDims(), map.getNumSymbols(), expr),
          SmallVector<Value>(size.getOperands()));
      FailureOr<bool> isRest = ValueBoundsConstraintSet::areEqual(result, rest);
      return succeeded(isRest) && *isRest;
    });
    if (!isOfTile)
      continue;
    rewriter.setInsertionPoint(size);
    rewriter.replaceOpWithNewOp<arith::ConstantIndexOp>(size, *step);
  }
}

/// Peels `loop`, so that its body has static sizes. What is left over is too
/// little for several threads.
static void peel(RewriterBase &rewriter, scf::ForOp loop) {
  Value bound = loop.getUpperBound();
  scf::ForOp leftover;
  if (failed(scf::peelForLoopAndSimplifyBounds(rewriter, loop, leftover)))
    return;
  leftover->removeAttr(kParallelAttr);
  setWholeTileSizes(rewriter, loop, bound);
}

/// The multiply-accumulates of `op`, which is one step of a sum. Sizes that are
/// not known belong to what is left over.
static int64_t countTerms(linalg::LinalgOp op) {
  int64_t count = 1;
  for (int64_t range : op.getStaticLoopRanges())
    count *= ShapedType::isDynamic(range) ? 1 : range;
  return count;
}

/// Takes the tile sizes of operations that stay as they are now.
static void leaveOnMemory(scf::SCFTileAndFuseResult &tiled) {
  for (Operation *op : tiled.tiledAndFusedOps)
    if (op->hasAttr(kOnMemoryAttr))
      op->removeAttr(kTileSizesAttr);
}

/// Says what contractions that stay as they are have to do, each in a loop over
/// blocks of rows.
static void markWorkOnMemory(func::FuncOp func) {
  func.walk([](linalg::LinalgOp op) {
    auto loop = op->getParentOfType<scf::ForOp>();
    if (!loop || !op->hasAttr(kOnMemoryAttr) || op.getNumReductionLoops() == 0)
      return;
    auto work = loop->getAttrOfType<IntegerAttr>(kWorkAttr);
    loop->setAttr(kWorkAttr, Builder(loop.getContext())
                                 .getI64IntegerAttr((work ? work.getInt() : 0) +
                                                    countTerms(op)));
  });
}

/// Whether a consumer of `op` is tiled with `op` fused into it.
static bool hasTiledConsumer(Operation *op) {
  return !op->hasAttr(kTileRootAttr) &&
         llvm::any_of(op->getUsers(), [](Operation *user) {
           return !getTileSizes(user).empty();
         });
}

/// The last operations of the layers in `func` that have tile sizes, in program
/// order.
static SmallVector<linalg::LinalgOp> collectRoots(func::FuncOp func) {
  SmallVector<linalg::LinalgOp> roots;
  func.walk([&](linalg::LinalgOp op) {
    if (!getTileSizes(op).empty() && !hasTiledConsumer(op))
      roots.push_back(op);
  });
  return roots;
}

/// Whether `op`, or what is fused into it, adds up products of floats by
/// weights as they are stored: what decodes them takes more time than the sums.
static bool hasFloatSums(Operation *op) {
  auto generic = dyn_cast_if_present<linalg::GenericOp>(op);
  if (!generic || getTileSizes(op).empty())
    return false;
  auto isFused = [](Value operand) {
    Operation *producer = operand.getDefiningOp();
    return producer && !getTileSizes(producer).empty();
  };
  if (generic.getNumReductionLoops() != 0)
    return getElementTypeOrSelf(generic.getResultTypes().front()).isF32() &&
           llvm::none_of(generic.getDpsInputs(), isFused);
  return llvm::any_of(generic.getDpsInputs(), [](Value operand) {
    return hasFloatSums(operand.getDefiningOp());
  });
}

static RankedTensorType getResultType(linalg::LinalgOp op) {
  return cast<RankedTensorType>(op->getResultTypes().front());
}

/// The tile sizes of a layer of floats for few rows, as many as there are, or
/// one if their number is not known; none if they are `sizes`. Each register of
/// a panel waits for one multiply-add after the other, so that several panels
/// are computed at a time.
static SmallVector<int64_t> getSizesOfFewRows(linalg::LinalgOp op,
                                              ArrayRef<int64_t> sizes,
                                              const TargetSpec &target) {
  RankedTensorType type = getResultType(op);
  if (type.getRank() != 3 || type.isDynamicDim(1) || type.isDynamicDim(2) ||
      sizes[1] != 1 || !target.hasFusedMultiplyAdd() || !hasFloatSums(op))
    return {};
  int64_t rows = type.isDynamicDim(0) ? 1 : type.getDimSize(0);
  int64_t sums =
      rows * llvm::divideCeil(type.getDimSize(2),
                              selectVectorUnit(target).accumulators.columns);
  int64_t panels = std::min(kSumsInFlight / sums, type.getDimSize(1));
  if (rows > sizes[0] || panels <= 1)
    return {};
  SmallVector<int64_t> result(sizes);
  result[0] = rows;
  result[1] = panels;
  return result;
}

/// Puts `op` into both branches of an `scf.if` that asks whether there is one
/// row: itself where there is, and the result where there are others.
static linalg::LinalgOp cloneForSeveralRows(RewriterBase &rewriter,
                                            linalg::LinalgOp &op) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Value rows =
      tensor::DimOp::create(rewriter, loc, op.getDpsInits().front(), 0);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  Value isOne =
      arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, rows, one);
  SmallVector<linalg::LinalgOp, 2> clones;
  auto build = [&](OpBuilder &builder, Location) {
    Operation *clone = builder.clone(*op);
    clones.push_back(cast<linalg::LinalgOp>(clone));
    scf::YieldOp::create(builder, loc, clone->getResults());
  };
  auto branches = scf::IfOp::create(rewriter, loc, isOne, build, build);
  rewriter.replaceOp(op, branches.getResults());
  op = clones[0];
  return clones[1];
}

/// Folds the sizes that tiling and peeling leave as arithmetic, so that tiles
/// have static types.
static LogicalResult simplify(func::FuncOp func) {
  RewritePatternSet patterns(func.getContext());
  linalg::populateLinalgTilingCanonicalizationPatterns(patterns);
  scf::populateSCFForLoopCanonicalizationPatterns(patterns);
  // A panel takes the room of one panel.
  tensor::populateFoldTensorEmptyPatterns(patterns);
  for (Dialect *dialect : func.getContext()->getLoadedDialects())
    dialect->getCanonicalizationPatterns(patterns);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  for (RegisteredOperationName op :
       func.getContext()->getRegisteredOperations())
    if (isa<linalg::LinalgDialect, tensor::TensorDialect, scf::SCFDialect,
            affine::AffineDialect>(op.getDialect()))
      op.getCanonicalizationPatterns(patterns, func.getContext());
  return applyPatternsGreedily(func, std::move(patterns));
}

namespace {
struct TileLinear : quantc::impl::TileLinearPassBase<TileLinear> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    if (failed(tileEpilogues(rewriter)) || failed(simplify(getOperation())))
      return signalPassFailure();
    markWorkOnMemory(getOperation());
    if (failed(tileInside(rewriter)) || failed(simplify(getOperation())) ||
        failed(tileLeftovers(rewriter)) || failed(tileSums(rewriter)) ||
        failed(simplify(getOperation())))
      signalPassFailure();
  }

  /// Blocks of rows inside panels of columns: a panel of weights stays in cache
  /// while all rows pass by.
  LogicalResult tileEpilogues(RewriterBase &rewriter) {
    TargetSpec target = getTarget(getOperation()->getParentOfType<ModuleOp>());
    for (linalg::LinalgOp op : collectRoots(getOperation())) {
      SmallVector<int64_t> sizes = takeParallelSizes(op);
      SmallVector<int64_t> ofFewRows = getSizesOfFewRows(op, sizes, target);
      if (!ofFewRows.empty()) {
        linalg::LinalgOp few = op;
        op = getResultType(op).isDynamicDim(0)
                 ? cloneForSeveralRows(rewriter, few)
                 : linalg::LinalgOp();
        if (failed(tileRoot(rewriter, few, ofFewRows, /*isForFewRows=*/true)))
          return failure();
      }
      if (op && failed(tileRoot(rewriter, op, sizes)))
        return failure();
    }
    return success();
  }

  LogicalResult tileRoot(RewriterBase &rewriter, linalg::LinalgOp op,
                         ArrayRef<int64_t> sizes, bool isForFewRows = false) {
    auto panelsOutside = llvm::to_vector(llvm::seq<int64_t>(sizes.size()));
    std::swap(panelsOutside[0], panelsOutside[1]);
    bool isForPanel = op->hasAttr(kPerPanelAttr);
    auto tiled = tileAndFuse(rewriter, op, sizes, panelsOutside);
    if (failed(tiled))
      return failure();
    if (tiled->loops.empty()) {
      leaveOnMemory(*tiled);
      return success();
    }
    hoistPanels(cast<scf::ForOp>(tiled->loops.back().getOperation()));
    // A panel is prepared by the thread that reads it.
    if (!isForPanel)
      for (LoopLikeOpInterface loop : tiled->loops)
        loop->setAttr(kParallelAttr, rewriter.getUnitAttr());
    // Sums without a loop over terms say what a tile takes themselves.
    if (Attribute work = tiled->tiledAndFusedOps.front()->removeAttr(kWorkAttr))
      tiled->loops.back()->setAttr(kWorkAttr, work);
    leaveOnMemory(*tiled);
    if (isForFewRows)
      finishFewRows(rewriter, *tiled, sizes[0]);
    for (LoopLikeOpInterface loop : llvm::reverse(tiled->loops))
      peel(rewriter, cast<scf::ForOp>(loop.getOperation()));
    return success();
  }

  /// Several panels are one tile of what is fused into it, and the loop over
  /// rows is none.
  static void finishFewRows(RewriterBase &rewriter,
                            scf::SCFTileAndFuseResult &tiled, int64_t count) {
    for (Operation *op : tiled.tiledAndFusedOps)
      if (!getTileSizes(op).empty())
        takeParallelSizes(cast<linalg::LinalgOp>(op));
    auto rows = cast<scf::ForOp>(tiled.loops.back().getOperation());
    rewriter.setInsertionPoint(tiled.loops.front());
    rows.setUpperBound(
        arith::ConstantIndexOp::create(rewriter, rows.getLoc(), count));
  }

  /// What has tiles inside of its tile: blocks of rows that fit registers.
  LogicalResult tileInside(RewriterBase &rewriter) {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op->hasAttr(kInnerTileSizesAttr))
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      auto sizes = cast<DenseI64ArrayAttr>(op->removeAttr(kInnerTileSizesAttr));
      auto tiled = tileAndFuse(rewriter, op, sizes.asArrayRef());
      if (failed(tiled))
        return failure();
      for (LoopLikeOpInterface loop : llvm::reverse(tiled->loops))
        peel(rewriter, cast<scf::ForOp>(loop.getOperation()));
    }
    return success();
  }

  /// Rows and columns that do not fill a block, where their number is not
  /// known: rows by the powers of two below the block, so that 5 rows are 4 and
  /// 1, columns one by one.
  LogicalResult tileLeftovers(RewriterBase &rewriter) {
    for (bool isTiled = true; isTiled;) {
      isTiled = false;
      for (linalg::LinalgOp op : collectRoots(getOperation())) {
        SmallVector<int64_t> sizes = getLeftoverSizes(op);
        if (llvm::all_of(sizes, [](int64_t size) { return size == 0; }))
          continue;
        auto tiled = tileAndFuse(rewriter, op, sizes);
        if (failed(tiled))
          return failure();
        for (LoopLikeOpInterface loop : llvm::reverse(tiled->loops))
          peel(rewriter, cast<scf::ForOp>(loop.getOperation()));
        isTiled = true;
      }
      if (failed(simplify(getOperation())))
        return failure();
    }
    return success();
  }

  /// The largest tiles that unknown numbers of rows and columns may fill.
  static SmallVector<int64_t> getLeftoverSizes(linalg::LinalgOp op) {
    SmallVector<int64_t> sizes(op.getNumLoops(), 0);
    for (auto [size, range, iterator] : llvm::zip_equal(
             sizes, op.getStaticLoopRanges(), op.getIteratorTypesArray()))
      size =
          ShapedType::isDynamic(range) && linalg::isParallelIterator(iterator);
    if (sizes[0] == 0)
      return sizes;
    Value result = op.getDpsInits().front();
    FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
        presburger::BoundType::UB, {result, 0}, /*stopCondition=*/nullptr,
        /*closedUB=*/true);
    if (succeeded(bound) && *bound > 1)
      sizes[0] = llvm::bit_floor(static_cast<uint64_t>(*bound - 1));
    return sizes;
  }

  /// Group sums by one group, contractions by one step along K, each with what
  /// it sums fused into it; panels by what a step of packing takes.
  LogicalResult tileSums(RewriterBase &rewriter) {
    for (SmallVector<linalg::LinalgOp> roots;
         !(roots = collectRoots(getOperation())).empty();)
      for (linalg::LinalgOp op : roots) {
        SmallVector<int64_t> sizes(getTileSizes(op));
        if (llvm::all_of(sizes, [](int64_t size) { return size == 0; })) {
          finish(op);
          continue;
        }
        auto tiled = tileAndFuse(rewriter, op, sizes);
        if (failed(tiled))
          return failure();
        auto step = cast<linalg::LinalgOp>(tiled->tiledAndFusedOps.front());
        finish(step);
        tiled->loops.back()->setAttr(
            kWorkAttr, rewriter.getI64IntegerAttr(countTerms(step)));
        for (LoopLikeOpInterface loop : llvm::reverse(tiled->loops))
          peel(rewriter, cast<scf::ForOp>(loop.getOperation()));
      }
    return success();
  }
};
} // namespace
