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
//     acc[m, n] = 0
//     for each block of K
//       w[k, n] = f32(w[nb, k, n] - zw)             decoded once
//       acc[m, n] = fma(x[m, k], w[k, n], acc[m, n])   for all rows
//
// The accumulators lie in the result in between, which changes no bit of them.
// They stay in registers where a panel is one block:
//
//   for each panel nb
//     w[k, n] = f32(w[nb, k, n] - zw)
//     y[m, n] = epilogue(sum_k x[m, k] w[k, n])
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Codegen/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace quantc;

/// The bytes of a block of decoded weights: what the first cache of every
/// processor holds beside the rows that meet it.
static constexpr int64_t kBlockBytes = 28 * 1024;

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

/// `tensor` with its dimensions from the second one to the last but `numLast`
/// joined.
static Value joinDims(OpBuilder &builder, Location loc, Value tensor,
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
      llvm::divideCeil(count, std::max<int64_t>(kBlockBytes / bytes, 1));
  int64_t size = llvm::divideCeil(count, numBlocks);
  // Multipliers of two groups share a byte.
  if (hasGroups() && size > 1)
    size = std::min<int64_t>(llvm::alignTo(size, 2), count);
  return size;
}

namespace {
/// A panel of [M, NB, NR].
struct PanelSlice {
  PanelSlice(OpBuilder &builder, Value nb, Value numRows, int64_t panel)
      : offsets{builder.getIndexAttr(0), nb, builder.getIndexAttr(0)},
        sizes{getAsOpFoldResult(numRows), builder.getIndexAttr(1),
              builder.getIndexAttr(panel)},
        strides(3, builder.getIndexAttr(1)) {}

  SmallVector<OpFoldResult> offsets, sizes, strides;
};
} // namespace

/// `sums` of panel `nb`, [M, 1, NR], and the products of the block that starts
/// with unit `first` of `weight`, in tiles of `rowsInTile`; 0 where what reads
/// the sums has tiles.
Value LinearPacker::addPanelBlock(Value weight, Value nb, Value first,
                                  Value sums, int64_t rowsInTile) {
  // Zeros at the end of all rows are not read.
  bool hasPaddedGroups =
      hasGroups() && layout.paddedGroupSize() != layout.groupSize();
  Value input = hasPaddedGroups
                    ? joinDims(rewriter, loc, createInput(), /*numLast=*/0)
                    : getUnpaddedInput();
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

/// `init` with each panel computed by `body` of its index, in parallel.
Value LinearPacker::createPanelLoop(
    Value init, function_ref<Value(Value nb, Value results)> body) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  auto panels = scf::ForOp::create(
      rewriter, loc, index(0), index(layout.numPanels()), index(1), init,
      [&](OpBuilder &, Location, Value nb, ValueRange results) {
        PanelSlice slice(rewriter, nb, numRows, layout.panel);
        Value panel = body(nb, results.front());
        Value next = tensor::InsertSliceOp::create(
            rewriter, loc, panel, results.front(), slice.offsets, slice.sizes,
            slice.strides);
        scf::YieldOp::create(rewriter, loc, next);
      });
  panels->setAttr(kParallelAttr, rewriter.getUnitAttr());
  return panels.getResult(0);
}

Value LinearPacker::createPanelBlocks() {
  Value weight = createDecodedWeight();
  Value start = accumulatesInResult()
                    ? destination
                    : createDestination(rewriter.getF32Type());
  Value result = createPanelLoop(start, [&](Value nb, Value results) -> Value {
    PanelSlice slice(rewriter, nb, numRows, layout.panel);
    Value part =
        extractPart(rewriter, loc, results, slice.offsets, slice.sizes);
    Loops loops(op.getContext());
    AffineExpr row = loops.parallel(1), panel = loops.parallel(1);
    AffineExpr column = loops.parallel();
    Value sums = createGeneric(loops, {}, part, loops.map({row, panel, column}),
                               [&](Emit &a, ValueRange) -> SmallVector<Value> {
                                 return {a.constant(0.0f)};
                               });
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(rewriter, loc, value);
    };
    auto blocks = scf::ForOp::create(
        rewriter, loc, index(0), index(getPanelUnits()), index(getBlockUnits()),
        sums, [&](OpBuilder &, Location, Value first, ValueRange carried) {
          scf::YieldOp::create(
              rewriter, loc,
              addPanelBlock(weight, nb, first, carried.front(), block.rows));
        });
    return blocks.getResult(0);
  });
  // Only parts of it were wanted.
  eraseUnused(rewriter, weight);
  return result;
}

Value LinearPacker::createWholePanels() {
  Value weight = createDecodedWeight();
  Value zeros = createInit(/*perGroup=*/false, /*start=*/Value());
  // Its sums are put in for each panel.
  Value sums = createDestination(rewriter.getF32Type());
  Value whole = createEpilogue(sums);
  Value result =
      createPanelLoop(destination, [&](Value nb, Value results) -> Value {
        PanelSlice slice(rewriter, nb, numRows, layout.panel);
        Value first = arith::ConstantIndexOp::create(rewriter, loc, 0);
        Value start =
            computePart(rewriter, loc, zeros, slice.offsets, slice.sizes);
        Value panelSums =
            addPanelBlock(weight, nb, first, start, /*rowsInTile=*/0);
        FailureOr<TilingResult> tile =
            cast<TilingInterface>(whole.getDefiningOp())
                .generateResultTileValue(rewriter, /*resultNumber=*/0,
                                         slice.offsets, slice.sizes);
        assert(succeeded(tile) && "is elementwise in the order of its result");
        for (Operation *op : tile->generatedSlices) {
          auto input = cast<tensor::ExtractSliceOp>(op);
          if (input.getSource() == sums)
            rewriter.replaceOp(input, panelSums);
          else if (input.getSource() == destination)
            rewriter.modifyOpInPlace(
                input, [&] { input.getSourceMutable().assign(results); });
        }
        return tile->tiledValues.front();
      });
  // Only parts of them were wanted.
  eraseUnused(rewriter, {whole, weight, zeros});
  return result;
}
