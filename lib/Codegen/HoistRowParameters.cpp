//===- HoistRowParameters.cpp - One load of what a row shares -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_HOISTROWPARAMETERSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The rows for which a loop of its own pays.
static constexpr int64_t kShortestRow = 16;

/// Whether `map` reads one value of a tensor for each row of `op`: it depends
/// on outer loops, not on the last one. That of a single row may be read by
/// constants.
static bool isRowParameter(linalg::GenericOp op, AffineMap map) {
  if (map.getNumResults() == 0 || map.isFunctionOfDim(map.getNumDims() - 1))
    return false;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  bool isSingleRow = llvm::all_of(ArrayRef(ranges).drop_back(),
                                  [](int64_t size) { return size == 1; });
  return isSingleRow || !map.isConstant();
}

/// Whether `op` is elementwise with a parameter for each row.
static bool hasRowParameters(linalg::GenericOp op) {
  if (op.getNumLoops() < 2 || op.getNumParallelLoops() != op.getNumLoops() ||
      !op.hasPureTensorSemantics() || op.hasIndexSemantics() ||
      op->hasAttr(kTileSizesAttr))
    return false;
  int64_t row = op.getStaticLoopRanges().back();
  if (ShapedType::isDynamic(row) || row < kShortestRow)
    return false;
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    return isRowParameter(op, op.getMatchingIndexingMap(input));
  });
}

/// Replaces the inputs of `op`, a single row, that have one element by scalars.
static void readScalars(RewriterBase &rewriter, linalg::GenericOp op) {
  rewriter.setInsertionPoint(op);
  Value zero = arith::ConstantIndexOp::create(rewriter, op.getLoc(), 0);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<Value> inputs = op.getDpsInputs();
  for (auto [input, map] : llvm::zip(inputs, maps)) {
    auto type = dyn_cast<RankedTensorType>(input.getType());
    if (!type || !isRowParameter(op, map) || !type.hasStaticShape() ||
        type.getNumElements() != 1)
      continue;
    SmallVector<Value> first(type.getRank(), zero);
    input = tensor::ExtractOp::create(rewriter, op.getLoc(), input, first);
    map = AffineMap::get(op.getNumLoops(), 0, rewriter.getContext());
  }
  auto scalar = linalg::GenericOp::create(
      rewriter, op.getLoc(), op.getResultTypes(), inputs, op.getDpsInits(),
      maps, op.getIteratorTypesArray());
  rewriter.inlineRegionBefore(op.getRegion(), scalar.getRegion(),
                              scalar.getRegion().end());
  rewriter.replaceOp(op, scalar);
}

namespace {
struct HoistRowParameters
    : quantc::impl::HoistRowParametersPassBase<HoistRowParameters> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (hasRowParameters(op))
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops) {
      SmallVector<int64_t> oneRow(op.getNumLoops(), 1);
      oneRow.back() = 0;
      scf::SCFTilingOptions options;
      options.setTileSizes(getAsIndexOpFoldResult(&getContext(), oneRow));
      rewriter.setInsertionPoint(op);
      FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
          rewriter, cast<TilingInterface>(op.getOperation()), options);
      if (failed(tiled)) {
        op.emitError("cannot take an operation apart into rows");
        return signalPassFailure();
      }
      rewriter.replaceOp(op, tiled->replacements);
      for (Operation *row : tiled->tiledOps)
        readScalars(rewriter, cast<linalg::GenericOp>(row));
    }
  }
};
} // namespace
