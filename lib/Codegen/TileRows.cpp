//===- TileRows.cpp - Chains of row operations in blocks of rows ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_TILEROWSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Rows of a block: as many as the sums of rows take side by side.
static constexpr int64_t kRowsInBlock = 16;

namespace {
/// An elementwise operation, the root, and what it is computed from row by row.
struct Chain {
  linalg::GenericOp root;
  llvm::SmallSetVector<Operation *, 8> producers;

  /// The loops over rows: all but the last one.
  unsigned numRowLoops() { return root.getNumLoops() - 1; }
  /// Whether `map` goes through rows in the order of the row loops.
  bool keepsRows(AffineMap map) {
    if (map.getNumResults() < numRowLoops())
      return false;
    for (unsigned loop = 0; loop < numRowLoops(); ++loop)
      if (map.getResult(loop) != getAffineDimExpr(loop, map.getContext()))
        return false;
    return true;
  }
};
} // namespace

/// Whether `op` may be taken apart into rows.
static bool isRowOperation(linalg::LinalgOp op) {
  return op && op.hasPureTensorSemantics() && op->getNumResults() == 1 &&
         !op->hasAttr(kTileSizesAttr) && !op.hasIndexSemantics();
}

/// Adds what `op`, of `chain`, reads row by row.
static void addProducers(Chain &chain, linalg::LinalgOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto producer = operand.get().getDefiningOp<linalg::LinalgOp>();
    if (!isRowOperation(producer) ||
        !chain.keepsRows(op.getMatchingIndexingMap(&operand)) ||
        !chain.keepsRows(producer.getIndexingMapsArray().back()) ||
        chain.producers.contains(producer))
      continue;
    chain.producers.insert(producer);
    addProducers(chain, producer);
  }
}

/// Takes out of `chain` what something else reads as well: it would be computed
/// twice.
static void removeShared(Chain &chain) {
  auto isShared = [&](Operation *op) {
    return llvm::any_of(op->getUsers(), [&](Operation *user) {
      return user != chain.root && !chain.producers.contains(user);
    });
  };
  while (chain.producers.remove_if(isShared)) {
  }
}

/// The chain that ends in `root`, if blocks of its rows are worth a loop: its
/// tensors are read several times, because rows are reduced, and are larger
/// than a share of the second cache.
static std::optional<Chain> findChain(linalg::GenericOp root,
                                      const VectorUnit &unit) {
  int64_t numLoops = root.getNumLoops();
  if (!isRowOperation(root) || numLoops < 2 ||
      root.getNumParallelLoops() != root.getNumLoops() ||
      !root.getIndexingMapsArray().back().isIdentity())
    return std::nullopt;
  auto type = cast<RankedTensorType>(root.getResult(0).getType());
  if (!type.hasStaticShape() || type.getDimSize(numLoops - 2) <= kRowsInBlock ||
      type.getNumElements() * type.getElementTypeBitWidth() / 8 <=
          unit.cache / 4)
    return std::nullopt;
  Chain chain{root, {}};
  addProducers(chain, root);
  removeShared(chain);
  bool isReduced = llvm::any_of(chain.producers, [](Operation *op) {
    return cast<linalg::LinalgOp>(op).getNumReductionLoops() != 0;
  });
  return isReduced ? std::optional(chain) : std::nullopt;
}

/// One loop over blocks of rows for all of `chain`.
static LogicalResult tileChain(RewriterBase &rewriter, Chain &chain) {
  SmallVector<int64_t> sizes(chain.root.getNumLoops(), 1);
  sizes[sizes.size() - 2] = kRowsInBlock;
  sizes.back() = 0;
  scf::SCFTilingOptions tiling;
  tiling.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), sizes));
  scf::SCFTileAndFuseOptions options;
  options.setTilingOptions(tiling);
  options.setFusionControlFn(
      [&](tensor::ExtractSliceOp, OpResult producer,
          bool) -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
        if (!chain.producers.contains(producer.getOwner()))
          return std::nullopt;
        return scf::SCFTileAndFuseOptions::ControlFnResult{};
      });
  rewriter.setInsertionPoint(chain.root);
  FailureOr<scf::SCFTileAndFuseResult> tiled =
      scf::tileConsumerAndFuseProducersUsingSCF(
          rewriter, cast<TilingInterface>(chain.root.getOperation()), options);
  if (failed(tiled))
    return chain.root.emitError("cannot take an operation apart into rows");
  rewriter.replaceOp(chain.root,
                     tiled->replacements.lookup(chain.root->getResult(0)));
  for (LoopLikeOpInterface loop : llvm::reverse(tiled->loops)) {
    scf::ForOp leftover;
    (void)scf::peelForLoopAndSimplifyBounds(
        rewriter, cast<scf::ForOp>(loop.getOperation()), leftover);
  }
  return success();
}

namespace {
struct TileRows : quantc::impl::TileRowsPassBase<TileRows> {
  void runOnOperation() override {
    auto module = getOperation()->getParentOfType<ModuleOp>();
    const VectorUnit &unit = selectVectorUnit(getTarget(module));
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    llvm::SmallPtrSet<Operation *, 16> taken;
    // The last operation of a chain comes before the others.
    for (linalg::GenericOp op : llvm::reverse(ops)) {
      if (taken.contains(op))
        continue;
      std::optional<Chain> chain = findChain(op, unit);
      if (!chain)
        continue;
      taken.insert_range(chain->producers);
      if (failed(tileChain(rewriter, *chain)))
        return signalPassFailure();
    }
  }
};
} // namespace
