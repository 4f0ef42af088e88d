//===- PanelBlocks.cpp - Decoded weights in the first cache ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers whose activations are floats, with weights that are decoded for all
// rows. A panel of floats is longer than the first cache, so it is made and
// read in blocks along K, the terms of a sum still in their order:
//
//   for each panel nb
//     acc[m, n] = 0                                    one panel wide
//     for each block of K
//       w[k, n] = f32(w[nb, k, n] - zw)                decoded once
//       acc[m, n] = fma(x[m, k], w[k, n], acc[m, n])   for all rows
//     y[m, nb, n] = epilogue(acc[m, n])
//
// The accumulators lie in memory between blocks, which changes no bit of them:
// closely, so that those of many rows fit the second cache. Where a panel is
// one block, they stay in registers until the result.
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Codegen/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace quantc;

/// A part of what operations with tile sizes compute, computed for itself.
static Value computePart(PatternRewriter &rewriter, Location loc, Value tensor,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) {
  auto op = tensor.getDefiningOp<linalg::GenericOp>();
  if (!op || !op->hasAttr(kTileSizesAttr))
    return extractPart(rewriter, loc, tensor, offsets, sizes);
  FailureOr<TilingResult> tile =
      cast<TilingInterface>(op.getOperation())
          .generateResultTileValue(rewriter, /*resultNumber=*/0, offsets,
                                   sizes);
  assert(succeeded(tile) && "is elementwise in the order of its result");
  for (Operation *slice : tile->generatedSlices) {
    auto input = cast<tensor::ExtractSliceOp>(slice);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(input);
    rewriter.replaceOp(input, computePart(rewriter, loc, input.getSource(),
                                          input.getMixedOffsets(),
                                          input.getMixedSizes()));
  }
  return tile->tiledValues.front();
}

/// Erases what computes `tensors` for nobody.
static void eraseUnused(PatternRewriter &rewriter, ValueRange tensors) {
  llvm::SmallSetVector<Operation *, 8> ops;
  auto add = [&](ValueRange values) {
    for (Value value : values)
      if (Operation *op = value.getDefiningOp())
        ops.insert(op);
  };
  add(tensors);
  while (!ops.empty()) {
    Operation *op = ops.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    SmallVector<Value> operands(op->getOperands());
    rewriter.eraseOp(op);
    add(operands);
  }
}

Value quantc::joinDims(OpBuilder &builder, Location loc, Value tensor,
                       int64_t numLast) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  SmallVector<ReassociationIndices> groups = {{0}, {}};
  for (int64_t dim = 1; dim < rank - numLast; ++dim)
    groups[1].push_back(dim);
  for (int64_t dim = rank - numLast; dim < rank; ++dim)
    groups.push_back({dim});
  return groups[1].size() == 1
             ? tensor
             : tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

int64_t LinearPacker::getPanelUnits() const {
  return hasGroups() ? layout.groups : layout.steps() / layout.packedSteps();
}

int64_t LinearPacker::getUnitDepth() const {
  return hasGroups() ? layout.paddedGroupSize() : layout.packedSteps();
}

int64_t LinearPacker::getBlockUnits() const {
  int64_t count = getPanelUnits();
  int64_t bytes = getUnitDepth() * layout.panel * int64_t(sizeof(float));
  int64_t numBlocks =
      llvm::divideCeil(count, std::max<int64_t>(kDecodedBytes / bytes, 1));
  int64_t size = llvm::divideCeil(count, numBlocks);
  // Multipliers of two groups share a byte.
  if (hasGroups() && size > 1)
    size = std::min<int64_t>(llvm::alignTo(size, 2), count);
  return size;
}

/// `sums` of panel `nb`, [M, 1, NR], and the products of `input` and the block
/// that starts with unit `first` of `weight`, in tiles of `rowsInTile`; 0 where
/// what reads the sums has tiles.
Value LinearPacker::addPanelBlock(Value input, Value weight, Value nb,
                                  Value first, Value sums, int64_t rowsInTile) {
  int64_t depth = cast<RankedTensorType>(input.getType()).getDimSize(1);
  int64_t count = getPanelUnits(), size = getBlockUnits();
  int64_t inner = getUnitDepth();

  AffineExpr start = rewriter.getAffineDimExpr(0);
  auto constant = [&](int64_t value) {
    return rewriter.getAffineConstantExpr(value);
  };
  // The last block ends with the panel, and its terms with K.
  auto getLeast = [&](ArrayRef<AffineExpr> exprs) {
    return affine::makeComposedFoldedAffineMin(
        rewriter, loc, AffineMap::get(1, 0, exprs, rewriter.getContext()),
        OpFoldResult(first));
  };
  SmallVector<AffineExpr> units = {constant(size)};
  SmallVector<AffineExpr> terms = {constant(size * inner)};
  if (count % size != 0)
    units.push_back(constant(count) - start);
  if (depth % (size * inner) != 0)
    terms.push_back(constant(depth) - start * inner);
  OpFoldResult numUnits = getLeast(units), numTerms = getLeast(terms);
  OpFoldResult zero = rewriter.getIndexAttr(0);

  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, weight);
  SmallVector<OpFoldResult> offsets(sizes.size(), zero);
  offsets[0] = nb;
  offsets[1] = first;
  sizes[0] = rewriter.getIndexAttr(1);
  sizes[1] = numUnits;
  Value decoded = joinDims(rewriter, loc,
                           computePart(rewriter, loc, weight, offsets, sizes),
                           /*numLast=*/1);
  decoded = extractPart(rewriter, loc, decoded, {zero, zero, zero},
                        {rewriter.getIndexAttr(1), numTerms,
                         rewriter.getIndexAttr(layout.panel)});
  OpFoldResult firstTerm = affine::makeComposedFoldedAffineApply(
      rewriter, loc, start * inner, OpFoldResult(first));
  Value rows = extractPart(rewriter, loc, input, {zero, firstTerm},
                           {getAsOpFoldResult(numRows), numTerms});
  return createContraction(rows, decoded, sums, rowsInTile);
}

/// The sums of panel `nb`, [M, 1, NR]: from zeros in registers if it is one
/// block, in memory of its own otherwise.
Value LinearPacker::createPanelSums(Value input, Value weight, Value nb) {
  Loops loops(op.getContext());
  bool isOneBlock = getBlockUnits() == getPanelUnits();
  AffineExpr row = loops.parallel(isOneBlock ? 0 : 1);
  AffineExpr panel = loops.parallel(isOneBlock ? 0 : 1);
  AffineExpr column = loops.parallel();
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     rewriter.getIndexAttr(1),
                                     rewriter.getIndexAttr(layout.panel)};
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
  Value zeros = createGeneric(loops, {}, empty, loops.map({row, panel, column}),
                              [&](Emit &a, ValueRange) -> SmallVector<Value> {
                                return {a.constant(0.0f)};
                              });
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  if (isOneBlock)
    return addPanelBlock(input, weight, nb, index(0), zeros, /*rowsInTile=*/0);
  auto blocks = scf::ForOp::create(
      rewriter, loc, index(0), index(getPanelUnits()), index(getBlockUnits()),
      zeros, [&](OpBuilder &, Location, Value first, ValueRange carried) {
        scf::YieldOp::create(rewriter, loc,
                             addPanelBlock(input, weight, nb, first,
                                           carried.front(), getRowsInTile()));
      });
  return blocks.getResult(0);
}

/// Zeros at the end of all rows are not read.
Value LinearPacker::getTermsInput() {
  bool hasPaddedGroups =
      hasGroups() && layout.paddedGroupSize() != layout.groupSize();
  return hasPaddedGroups ? joinDims(rewriter, loc, createInput(), /*numLast=*/0)
                         : getUnpaddedInput();
}

Value LinearPacker::createPanels() {
  Value input = getTermsInput();
  Value weight = createDecodedWeight();
  // Its sums are put in for each panel.
  Value sums = createDestination(rewriter.getF32Type());
  Value whole = createEpilogue(sums);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  auto panels = scf::ForOp::create(
      rewriter, loc, index(0), index(layout.numPanels()), index(1), destination,
      [&](OpBuilder &, Location, Value nb, ValueRange carried) {
        OpFoldResult zero = rewriter.getIndexAttr(0);
        SmallVector<OpFoldResult> offsets = {zero, nb, zero};
        SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                           rewriter.getIndexAttr(1),
                                           rewriter.getIndexAttr(layout.panel)};
        SmallVector<OpFoldResult> strides(3, rewriter.getIndexAttr(1));
        Value panelSums = createPanelSums(input, weight, nb);
        FailureOr<TilingResult> tile =
            cast<TilingInterface>(whole.getDefiningOp())
                .generateResultTileValue(rewriter, /*resultNumber=*/0, offsets,
                                         sizes);
        assert(succeeded(tile) && "is elementwise in the order of its result");
        Value results = carried.front();
        for (Operation *op : tile->generatedSlices) {
          auto input = cast<tensor::ExtractSliceOp>(op);
          if (input.getSource() == sums)
            rewriter.replaceOp(input, panelSums);
          else if (input.getSource() == destination)
            rewriter.modifyOpInPlace(
                input, [&] { input.getSourceMutable().assign(results); });
        }
        Value next = tensor::InsertSliceOp::create(
            rewriter, loc, tile->tiledValues.front(), results, offsets, sizes,
            strides);
        scf::YieldOp::create(rewriter, loc, next);
      });
  panels->setAttr(kParallelAttr, rewriter.getUnitAttr());
  // Only parts of them were wanted.
  eraseUnused(rewriter, {whole, weight});
  return panels.getResult(0);
}
