//===- PanelBlocks.cpp - Decoded weights in the first cache ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers whose activations are floats, with weights that are decoded for all
// rows. A panel of floats is longer than the first cache. Where the rows are so
// few that writing it to the second cache would count, it is made and read in
// blocks along K, the terms of a sum still in their order:
//
//   for each panel nb
//     acc[m, n] = 0
//     for each block of K
//       w[k, n] = f32(w[nb, k, n] - zw)             decoded once
//       acc[m, n] = fma(x[m, k], w[k, n], acc[m, n])   for all rows
//
// The accumulators lie in the result in between, which changes no bit of them.
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Codegen/Passes.h"

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

/// Erases what computes `tensor` for nobody.
static void eraseUnused(PatternRewriter &rewriter, Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op || !isOpTriviallyDead(op))
    return;
  SmallVector<Value> operands(op->getOperands());
  rewriter.eraseOp(op);
  for (Value operand : operands)
    eraseUnused(rewriter, operand);
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

Value LinearPacker::createPanelBlocks() {
  // [M, K] and [NB, groups, steps / 2, 2, NR], or with fewer dimensions. Zeros
  // at the end of all rows are not read.
  bool isWhole = layout.groups * layout.paddedGroupSize() == layout.depthK;
  Value input = isWhole ? getUnpaddedInput()
                        : joinDims(rewriter, loc, createInput(), /*numLast=*/0);
  int64_t depth = cast<RankedTensorType>(input.getType()).getDimSize(1);
  Value weight = createDecodedWeight();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  // What is cut is the dimension after the panel.
  int64_t count = shape[1];
  int64_t inner = ShapedType::getNumElements(shape.drop_front(2).drop_back());
  int64_t bytes = inner * layout.panel * static_cast<int64_t>(sizeof(float));
  int64_t numBlocks =
      llvm::divideCeil(count, std::max<int64_t>(kBlockBytes / bytes, 1));
  int64_t size = llvm::divideCeil(count, numBlocks);
  // Multipliers of two groups share a byte.
  if (hasGroups())
    size = std::min<int64_t>(llvm::alignTo(size, 2), count);

  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  // `sums` and the products of `length` from `offset` on.
  auto addBlock = [&](Value nb, Value offset, int64_t length, Value sums) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, weight);
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
    offsets[0] = nb;
    offsets[1] = offset;
    sizes[0] = rewriter.getIndexAttr(1);
    sizes[1] = rewriter.getIndexAttr(length);
    Value decoded = joinDims(rewriter, loc,
                             computePart(rewriter, loc, weight, offsets, sizes),
                             /*numLast=*/1);
    Value first =
        rewriter.createOrFold<arith::MulIOp>(loc, offset, index(inner));
    int64_t terms = length * inner;
    if (std::optional<int64_t> start = getConstantIntValue(first);
        start && *start + terms > depth) {
      terms = depth - *start;
      OpFoldResult zero = rewriter.getIndexAttr(0);
      decoded =
          extractPart(rewriter, loc, decoded, {zero, zero, zero},
                      {rewriter.getIndexAttr(1), rewriter.getIndexAttr(terms),
                       rewriter.getIndexAttr(layout.panel)});
    }
    Value rows =
        extractPart(rewriter, loc, input, {rewriter.getIndexAttr(0), first},
                    {getAsOpFoldResult(numRows), rewriter.getIndexAttr(terms)});
    return createContraction(rows, decoded, sums, block.rows);
  };
  // `results` with the sums of a panel.
  auto addPanel = [&](Value nb, Value results) -> Value {
    SmallVector<OpFoldResult> offsets = {rewriter.getIndexAttr(0), nb,
                                         rewriter.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                       rewriter.getIndexAttr(1),
                                       rewriter.getIndexAttr(layout.panel)};
    Value part = extractPart(rewriter, loc, results, offsets, sizes);
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getF32FloatAttr(0.0f));
    Value sums = linalg::FillOp::create(rewriter, loc, zero, part).getResult(0);
    int64_t whole = depth / (size * inner);
    int64_t rest = llvm::divideCeil(depth - whole * size * inner, inner);
    auto blocks = scf::ForOp::create(
        rewriter, loc, index(0), index(whole * size), index(size), sums,
        [&](OpBuilder &, Location, Value k, ValueRange carried) {
          scf::YieldOp::create(rewriter, loc,
                               addBlock(nb, k, size, carried.front()));
        });
    sums = blocks.getResult(0);
    if (rest != 0)
      sums = addBlock(nb, index(whole * size), rest, sums);
    SmallVector<OpFoldResult> strides(3, rewriter.getIndexAttr(1));
    return tensor::InsertSliceOp::create(rewriter, loc, sums, results, offsets,
                                         sizes, strides);
  };

  Type f32 = rewriter.getF32Type();
  bool isInResult = accumulatesInResult();
  Value start = isInResult ? destination : createDestination(f32);
  auto panels = scf::ForOp::create(
      rewriter, loc, index(0), index(layout.numPanels()), index(1), start,
      [&](OpBuilder &, Location, Value nb, ValueRange results) {
        scf::YieldOp::create(rewriter, loc, addPanel(nb, results.front()));
      });
  panels->setAttr(kParallelAttr, rewriter.getUnitAttr());
  // Only parts of it were wanted.
  eraseUnused(rewriter, weight);
  return panels.getResult(0);
}
