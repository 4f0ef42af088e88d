//===- Vectorize.cpp - Tiles to vectors -----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Vectorizes what quant-tile-linear tiled and hoists the accumulators. See
// Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_VECTORIZEPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether `op` adds one term to each sum, so that it has no reduction but for
/// its loops: all sums do but those of products of bytes, extended or not,
/// whose steps are what an instruction takes.
static bool addsOneTerm(linalg::GenericOp op) {
  auto isNarrow = [](Value input) {
    Type type = getElementTypeOrSelf(input);
    return type.isInteger(8) || type.isInteger(16);
  };
  return op.getNumReductionLoops() != 0 &&
         !llvm::all_of(op.getDpsInputs(), isNarrow);
}

/// An operand that several iterations share, by g in (g floordiv 2), was cut to
/// the one element that they share in this tile: its index is 0.
static void indexSharedElementsByZero(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (AffineMap &map : maps) {
    SmallVector<AffineExpr> exprs(map.getResults());
    for (AffineExpr &expr : exprs)
      if (isa<AffineBinaryOpExpr>(expr))
        expr = getAffineConstantExpr(0, op.getContext());
    map = AffineMap::get(map.getNumDims(), 0, exprs, op.getContext());
  }
  op.setIndexingMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
}

/// What `op` says of the instruction that its operands are packed for.
static DictionaryAttr getPackedAttrs(Operation *op) {
  NamedAttrList attrs;
  for (StringRef name : {kDotInstructionAttr, kSummedStepsAttr})
    if (Attribute attr = op->getAttr(name))
      attrs.append(name, attr);
  return attrs.getDictionary(op->getContext());
}

static void setPackedAttrs(Operation *op, DictionaryAttr attrs) {
  for (NamedAttribute attr : attrs)
    op->setAttr(attr.getName(), attr.getValue());
}

/// Vectorizes `op`. The reduction dimensions of one term have size 1 and are
/// dropped first: what is left is elementwise.
static LogicalResult vectorizeTile(RewriterBase &rewriter,
                                   linalg::GenericOp op) {
  rewriter.setInsertionPoint(op);
  indexSharedElementsByZero(op);
  if (addsOneTerm(op)) {
    linalg::ControlDropUnitDims control;
    control.rankReductionStrategy =
        linalg::ControlDropUnitDims::RankReductionStrategy::ExtractInsertSlice;
    // Only those: the accumulator keeps its shape, and with it its place in the
    // loop.
    control.controlFn = [](Operation *op) {
      SmallVector<unsigned> loops;
      cast<linalg::GenericOp>(op).getReductionDims(loops);
      return loops;
    };
    FailureOr<linalg::DropUnitDimsResult> dropped =
        linalg::dropUnitDims(rewriter, op, control);
    if (failed(dropped))
      return op.emitError("cannot drop the unit dimensions of a tile");
    rewriter.replaceOp(op, dropped->replacements);
    op = cast<linalg::GenericOp>(dropped->resultOp.getOperation());
    rewriter.setInsertionPoint(op);
  }
  // What the contraction is packed for goes with it.
  DictionaryAttr packed = getPackedAttrs(op);
  Operation *before = op->getPrevNode();
  FailureOr<linalg::VectorizationResult> result = linalg::vectorize(
      rewriter, op, /*inputVectorSizes=*/{}, /*inputScalableVecDims=*/{},
      /*vectorizeNDExtract=*/false, /*flatten1DDepthwiseConv=*/false,
      /*assumeDynamicDimsMatchVecSizes=*/false,
      /*createNamedContraction=*/true);
  if (failed(result))
    return op.emitError("cannot vectorize a tile");
  for (Operation *made = op->getPrevNode(); made != before;
       made = made->getPrevNode())
    if (isa<vector::MultiDimReductionOp>(made))
      setPackedAttrs(made, packed);
  rewriter.replaceOp(op, result->replacements);
  return success();
}

namespace {
/// transpose(broadcast(v)) -> broadcast(shape_cast(v)) when the transposition
/// leaves the dimensions of v in order: the cast puts them where they belong.
/// Besides, upstream folds shape_cast(broadcast(v)) to a broadcast that lines
/// up other dimensions when their sizes are equal, so that a block of 8 rows
/// and 8 columns would exchange them.
struct AlignTransposedBroadcast : OpRewritePattern<vector::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto broadcast = op.getVector().getDefiningOp<vector::BroadcastOp>();
    if (!broadcast)
      return rewriter.notifyMatchFailure(op, "no broadcast");
    auto source = dyn_cast<VectorType>(broadcast.getSourceType());
    if (!source || source.isScalable())
      return rewriter.notifyMatchFailure(op, "no fixed vector is broadcast");
    ArrayRef<int64_t> permutation = op.getPermutation();
    int64_t leading = permutation.size() - source.getRank(), last = -1;
    SmallVector<int64_t> shape(permutation.size(), 1);
    for (auto [dim, from] : llvm::enumerate(permutation)) {
      int64_t sourceDim = from - leading;
      if (sourceDim < 0 || source.getDimSize(sourceDim) == 1)
        continue;
      if (sourceDim < last)
        return rewriter.notifyMatchFailure(op, "dimensions change places");
      last = sourceDim;
      shape[dim] = source.getDimSize(sourceDim);
    }
    Value aligned = vector::ShapeCastOp::create(
        rewriter, op.getLoc(), VectorType::get(shape, source.getElementType()),
        broadcast.getSource());
    rewriter.replaceOpWithNewOp<vector::BroadcastOp>(op, op.getType(), aligned);
    return success();
  }
};

/// read(write(v)) -> shape_cast(v) where the read leaves out dimensions of one
/// element: upstream forwards a vector only as it was written.
struct ForwardWithoutUnitDims : OpRewritePattern<vector::TransferReadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::TransferReadOp op,
                                PatternRewriter &rewriter) const override {
    auto write = op.getBase().getDefiningOp<vector::TransferWriteOp>();
    if (!write || op.getIndices() != write.getIndices())
      return rewriter.notifyMatchFailure(op, "reads nothing just written");
    VectorType written = write.getVectorType(), read = op.getVectorType();
    if (op.getMask() || write.getMask() || op.hasOutOfBoundsDim() ||
        write.hasOutOfBoundsDim() || written.isScalable() ||
        !write.getPermutationMap().isIdentity())
      return rewriter.notifyMatchFailure(op, "not all of both is in memory");
    SmallVector<int64_t> shape(written.getRank(), 1);
    int64_t last = -1;
    for (auto [expr, size] : llvm::zip_equal(
             op.getPermutationMap().getResults(), read.getShape())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || static_cast<int64_t>(dim.getPosition()) <= last)
        return rewriter.notifyMatchFailure(op, "dimensions change places");
      last = dim.getPosition();
      shape[last] = size;
    }
    if (ArrayRef(shape) != written.getShape())
      return rewriter.notifyMatchFailure(op, "reads another part");
    rewriter.replaceOpWithNewOp<vector::ShapeCastOp>(op, read,
                                                     write.getVector());
    return success();
  }
};
} // namespace

namespace {
/// Keeps the name of the instruction on what becomes of a sum: upstream's
/// patterns make contractions of it.
struct KeepDotInstruction : RewriterBase::Listener {
  void notifyOperationReplaced(Operation *op, ValueRange values) override {
    if (!op->hasAttr(kDotInstructionAttr))
      return;
    if (auto contraction =
            values.front().getDefiningOp<vector::ContractionOp>())
      setPackedAttrs(contraction, getPackedAttrs(op));
  }
};
} // namespace

/// Folds reads of what was just written, so that values stay vectors.
static LogicalResult simplify(func::FuncOp func) {
  MLIRContext *context = func.getContext();
  RewritePatternSet patterns(context);
  patterns.add<AlignTransposedBroadcast, ForwardWithoutUnitDims>(context);
  vector::populateVectorReductionToContractPatterns(patterns);
  vector::populateSinkVectorOpsPatterns(patterns);
  vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
  vector::TransferReadOp::getCanonicalizationPatterns(patterns, context);
  vector::TransferWriteOp::getCanonicalizationPatterns(patterns, context);
  tensor::populateFoldTensorSubsetIntoVectorTransferPatterns(patterns);
  for (RegisteredOperationName op : context->getRegisteredOperations())
    if (isa<tensor::TensorDialect, scf::SCFDialect, vector::VectorDialect>(
            op.getDialect()))
      op.getCanonicalizationPatterns(patterns, context);
  KeepDotInstruction listener;
  return applyPatternsGreedily(func, std::move(patterns),
                               GreedyRewriteConfig().setListener(&listener));
}

namespace {
struct Vectorize : quantc::impl::VectorizePassBase<Vectorize> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> tiles;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kTiledAttr))
        tiles.push_back(op);
    });
    for (linalg::GenericOp op : tiles)
      if (failed(vectorizeTile(rewriter, op)))
        return signalPassFailure();
    if (failed(simplify(getOperation())))
      return signalPassFailure();
    hoistAccumulators(rewriter);
    if (failed(simplify(getOperation())))
      signalPassFailure();
  }

  /// The K loops are innermost; their accumulator is the subset that each
  /// iteration reads and writes.
  void hoistAccumulators(RewriterBase &rewriter) {
    SmallVector<LoopLikeOpInterface> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (LoopLikeOpInterface loop : loops) {
      moveLoopInvariantCode(
          loop.getLoopRegions(),
          [&](Value value, Region *) {
            return loop.isDefinedOutsideOfLoop(value);
          },
          [&](Operation *op, Region *) {
            // Each iteration sets its accumulators in memory again.
            return isMemoryEffectFree(op) && isSpeculatable(op) &&
                   !op->hasAttr(kOnMemoryAttr);
          },
          [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
      (void)hoistLoopInvariantSubsets(rewriter, loop);
    }
  }
};
} // namespace
