//===- PackLora.cpp - Tiles for the deltas of adapters --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adapters are not known at compile time, so nothing is packed: A and B are
// transposed already and are read along the rank and along N. This chooses the
// tiles of both products.
//
//===----------------------------------------------------------------------===//

#include "PackPatterns.h"
#include "PackedBuilder.h"

#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/Lora.h"

using namespace mlir;
using namespace quantc;

/// The largest divisor of `size` that is at most `limit`: there are no masks
/// for columns that are left over.
static int64_t getLargestDivisor(int64_t size, int64_t limit) {
  int64_t divisor = std::min(size, limit);
  while (size % divisor != 0)
    --divisor;
  return divisor;
}

static void setTileSizes(Operation *op, ArrayRef<int64_t> sizes) {
  op->setAttr(kTileSizesAttr, DenseI64ArrayAttr::get(op->getContext(), sizes));
}

void quantc::setLoraTileSizes(LoraOp op, const LoraContractions &contractions,
                              bool inPanels, const VectorUnit &unit) {
  auto getBlock = [&](int64_t numColumns) {
    return chooseBlock(numColumns, unit.accumulators);
  };
  int64_t rank = op.getUp().getType().getDimSize(1);
  int64_t numColumns = op.getType().getDimSize(1);
  setTileSizes(contractions.down, {getBlock(rank).rows, 0, 1});
  setTileSizes(contractions.downZeros, {0, 0});
  // Each tile of the second product needs whole rows of the first.
  contractions.down->setAttr(kTileRootAttr, UnitAttr::get(op.getContext()));
  if (inPanels) {
    setTileSizes(contractions.finish, {0, 0, 0});
    setTileSizes(contractions.up, {0, 0, 0, 1});
    setTileSizes(contractions.upZeros, {0, 0, 0});
    return;
  }
  RegisterBlock block = getBlock(numColumns);
  setTileSizes(contractions.finish,
               {block.rows, getLargestDivisor(numColumns, block.columns)});
  setTileSizes(contractions.up, {0, 0, 1});
  setTileSizes(contractions.upZeros, {0, 0});
}

namespace {
struct PackLora : OpRewritePattern<LoraOp> {
  PackLora(MLIRContext *context, const VectorUnit &unit)
      : OpRewritePattern(context), unit(unit) {}

  LogicalResult matchAndRewrite(LoraOp op,
                                PatternRewriter &rewriter) const override {
    if (op->use_empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    LoraContractions contractions;
    Value delta = lowerLora(rewriter, op, LoraOp::Adaptor(op), &contractions);
    setLoraTileSizes(op, contractions, /*inPanels=*/false, unit);
    rewriter.replaceOp(op, delta);
    return success();
  }

private:
  const VectorUnit &unit;
};
} // namespace

void quantc::populatePackLoraPatterns(RewritePatternSet &patterns,
                                      const VectorUnit &unit) {
  patterns.add<PackLora>(patterns.getContext(), unit);
}
