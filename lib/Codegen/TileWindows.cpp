//===- TileWindows.cpp - Sums over windows in registers -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"

namespace quantc {
#define GEN_PASS_DEF_TILEWINDOWSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Places side by side that share what is loaded of the weights.
static constexpr int64_t kPlaces = 4;
/// Registers of channels of a place.
static constexpr int64_t kRegisters = 2;

/// Whether `op` computes each element from several elements of one tensor, at
/// the same distances everywhere.
static bool readsWindows(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumResults() != 1 ||
      op.getNumLoops() < 2 || op.getNumParallelLoops() != op.getNumLoops() ||
      op.hasIndexSemantics() || op->hasAttr(kTileSizesAttr) ||
      !op.getIndexingMapsArray().back().isIdentity())
    return false;
  llvm::SmallDenseSet<Value, 4> sources;
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto slice = input->get().getDefiningOp<tensor::ExtractSliceOp>();
    if (slice && op.getRank(input) > 1 &&
        !sources.insert(slice.getSource()).second)
      return true;
  }
  return false;
}

/// The multiply-accumulates of a tile of `sizes`: one for each slice and
/// element.
static int64_t countProducts(linalg::GenericOp op, ArrayRef<int64_t> sizes) {
  int64_t count = 0;
  for (OpOperand *input : op.getDpsInputOperands())
    count += op.getRank(input) > 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

namespace {
struct TileWindows : quantc::impl::TileWindowsPassBase<TileWindows> {
  void runOnOperation() override {
    auto module = getOperation()->getParentOfType<ModuleOp>();
    int64_t lanes = selectVectorUnit(getTarget(module)).accumulators.columns;
    getOperation().walk([&](linalg::GenericOp op) {
      if (!readsWindows(op))
        return;
      SmallVector<int64_t> ranges = op.getStaticLoopRanges();
      if (ShapedType::isDynamic(ranges.back()))
        return;
      SmallVector<int64_t> sizes(ranges.size(), 1);
      sizes.back() = std::min(ranges.back(), kRegisters * lanes);
      // Every tile has a known size.
      if (int64_t places = ranges[ranges.size() - 2];
          !ShapedType::isDynamic(places))
        sizes[sizes.size() - 2] = std::min(places, kPlaces);
      Builder b(op.getContext());
      op->setAttr(kTileSizesAttr, b.getDenseI64ArrayAttr(sizes));
      op->setAttr(kTileRootAttr, b.getUnitAttr());
      op->setAttr(kWorkAttr, b.getI64IntegerAttr(countProducts(op, sizes)));
    });
  }
};
} // namespace
