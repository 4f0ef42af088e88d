//===- PackedOperands.cpp - What a packed contraction reads ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constants of a layer, in packed order, and the input that meets them.
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"

#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/LinearEpilogue.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

LogicalResult LinearPacker::prepare() {
  std::optional<std::vector<int8_t>> storage = getStorageValues(op.getWeight());
  if (!storage)
    return rewriter.notifyMatchFailure(op, "the weight is not constant");
  weight = std::move(*storage);
  RankedTensorType type = op.getWeight().getType();
  setLayout(type.getDimSize(0), type.getDimSize(1),
            isInteger() ? instruction.depth : 1, instruction);
  layout.groups = std::max(op.getNumScaleGroups(), op.getNumMultiplierGroups());
  layout.nibbles = type.getElementType().isInteger(4);

  auto read = [&](Value value, std::vector<int8_t> &values) {
    if (!value)
      return true;
    std::optional<std::vector<int8_t>> constant = getStorageValues(value);
    if (!constant)
      return false;
    values = expandParameter(*constant, layout.numColumns, layout.groups);
    return true;
  };
  if (!read(op.getWeightZeroPoint(), zeroPoints) ||
      !read(op.getGroupMultiplier(), multipliers))
    return rewriter.notifyMatchFailure(op, "weight parameters not constant");
  if (isInteger() && !op.isDynamic()) {
    auto constant = getStorageValues(op.getInputZeroPoint());
    if (!constant)
      return rewriter.notifyMatchFailure(op, "input zero point not constant");
    inputZeroPoint = constant->front();
  }
  if (!getFloatValues(op.getWeightScale()) ||
      (op.getBias() && !getFloatValues(op.getBias())))
    return rewriter.notifyMatchFailure(op, "scale or bias not constant");
  return checkEpilogueConstants(op);
}

//===----------------------------------------------------------------------===//
// Operands of the contraction
//===----------------------------------------------------------------------===//

/// The input as [M, (G), steps, (2), (depth)], padded to whole steps, shifted
/// where the instruction takes unsigned values.
Value LinearPacker::createInput() {
  Value input = op.getInput();
  RankedTensorType type = op.getInput().getType();
  int64_t rows = type.getDimSize(0);
  if (isUnsigned())
    input =
        createElementwise(
            rewriter, loc, input, rewriter.getMultiDimIdentityMap(2),
            tensor::getMixedSizes(rewriter, loc, input), rewriter.getI8Type(),
            [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
              // (a + 128) mod 256, as i8.
              return {a.toStorage(
                  a.xorInt(a.fromStorage(elements[0]), a.constantInt(-128)))};
            })
            .front();

  SmallVector<int64_t> shape = {rows, layout.groups, layout.groupSize()};
  SmallVector<ReassociationIndices> splitGroups = {{0}, {1, 2}};
  Value grouped = tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(shape, type.getElementType()), input,
      splitGroups);
  if (layout.paddedGroupSize() != layout.groupSize()) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, grouped);
    SmallVector<OpFoldResult> paddedSizes = sizes;
    paddedSizes[2] = rewriter.getIndexAttr(layout.paddedGroupSize());
    Value zeros =
        createZeros(rewriter, loc, paddedSizes, type.getElementType());
    SmallVector<OpFoldResult> offsets(3, rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(3, rewriter.getIndexAttr(1));
    grouped = tensor::InsertSliceOp::create(rewriter, loc, grouped, zeros,
                                            offsets, sizes, strides);
  }

  // [M, G, K'] -> [M, G, steps, (2), (depth)] -> without G if there is none.
  SmallVector<int64_t> steps = {layout.steps()};
  if (layout.nibbles)
    steps = {layout.steps() / 2, 2};
  if (isInteger())
    steps.push_back(layout.depth);
  SmallVector<int64_t> full = {rows, layout.groups};
  llvm::append_range(full, steps);
  SmallVector<ReassociationIndices> splitSteps = {{0}, {1}, {}};
  for (int64_t dim = 2; dim < static_cast<int64_t>(full.size()); ++dim)
    splitSteps[2].push_back(dim);
  Value stepped = tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(full, type.getElementType()),
      grouped, splitSteps);
  if (hasGroups())
    return stepped;
  SmallVector<ReassociationIndices> dropGroup = {{0, 1}};
  for (int64_t dim = 2; dim < static_cast<int64_t>(full.size()); ++dim)
    dropGroup.push_back({dim});
  return tensor::CollapseShapeOp::create(rewriter, loc, stepped, dropGroup);
}

Value LinearPacker::createWeight() {
  if (layout.nibbles)
    return createUnpack();
  return packed(rewriter.getI8Type(),
                {layout.numPanels(), groupDim(), layout.steps(), layout.panel,
                 isInteger() ? layout.depth : 0},
                layout.pack<int8_t>(weight));
}

/// The weights of 4 bits as i8, [NB, (G), steps / 2, 2, NR, (depth)].
Value LinearPacker::createUnpack() {
  int64_t numPanels = layout.numPanels(), steps = layout.steps() / 2;
  int64_t depth = isInteger() ? layout.depth : 0;
  Type i8 = rewriter.getI8Type();
  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel();
  AffineExpr g = hasGroups() ? loops.parallel(1) : AffineExpr();
  AffineExpr k = loops.parallel(1), h = loops.parallel(1);
  unsigned half = loops.iterators.size() - 1;
  AffineExpr n = loops.parallel();
  AffineExpr d = depth ? loops.parallel() : AffineExpr();

  SmallVector<Value> inputs = {
      packed(i8, {numPanels, groupDim(), steps, layout.panel, depth},
             layout.packNibbles(weight))};
  SmallVector<AffineMap> maps = {loops.map({nb, g, k, n, d})};
  for (const std::vector<int8_t> *values : {&zeroPoints, &multipliers})
    if (!values->empty()) {
      inputs.push_back(packed(i8, {numPanels, groupDim(), layout.panel},
                              layout.packParameter<int8_t>(*values)));
      maps.push_back(loops.map({nb, g, n}));
    }
  maps.push_back(loops.map({nb, g, k, h, n, d}));

  SmallVector<int64_t> shape;
  for (int64_t size :
       {numPanels, groupDim(), steps, int64_t(2), layout.panel, depth})
    if (size)
      shape.push_back(size);
  Value init = tensor::EmptyOp::create(rewriter, loc, shape, i8);
  return createGeneric(
      loops, inputs, init, maps,
      [&](Emit &, ValueRange elements) -> SmallVector<Value> {
        // The low nibble of the first half, the high one of the second: shift
        // it to the top, then back with its sign.
        Value index = linalg::IndexOp::create(rewriter, loc, half);
        Value four = arith::ConstantIntOp::create(rewriter, loc, 4, 8);
        Value isHigh = arith::IndexCastOp::create(rewriter, loc, i8, index);
        Value down = arith::MulIOp::create(rewriter, loc, isHigh, four);
        Value up = arith::SubIOp::create(rewriter, loc, four, down);
        Value top = arith::ShLIOp::create(rewriter, loc, elements[0], up);
        Value q = arith::ShRSIOp::create(rewriter, loc, top, four);
        if (!zeroPoints.empty())
          return {arith::SubIOp::create(rewriter, loc, q, elements[1])};
        if (!multipliers.empty())
          return {arith::MulIOp::create(rewriter, loc, q, elements[1])};
        return {q};
      });
}

/// Where accumulators start, [M, NB, (G), NR]: the part of the zero points that
/// is known, or 0.
Value LinearPacker::createInit() {
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     rewriter.getIndexAttr(layout.numPanels())};
  if (hasGroupSums)
    sizes.push_back(rewriter.getIndexAttr(layout.groups));
  sizes.push_back(rewriter.getIndexAttr(layout.panel));
  Loops loops(op.getContext());
  AffineExpr m = loops.parallel(), nb = loops.parallel();
  AffineExpr g = hasGroupSums ? loops.parallel() : AffineExpr();
  AffineExpr n = loops.parallel();
  if (!isInteger()) {
    Value empty =
        tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
    return createGeneric(loops, {}, empty, loops.map({m, nb, g, n}),
                         [&](Emit &a, ValueRange) -> SmallVector<Value> {
                           return {a.constant(0.0f)};
                         });
  }
  int32_t za = inputZeroPoint.value_or(0);
  int32_t offset = isUnsigned() ? kUnsignedOffset : 0;
  int64_t sums = hasGroupSums ? layout.groups : 1;
  std::vector<int32_t> start(layout.numColumns * sums);
  std::vector<int32_t> weightSums(start.size());
  for (int64_t i = 0, e = weight.size(); i < e; ++i) {
    int64_t group = i / layout.groupSize();
    int32_t zw = zeroPoints.empty() ? 0 : zeroPoints[group];
    int32_t w = weight[i];
    if (!multipliers.empty())
      w *= multipliers[group];
    // What the contraction multiplies with, and what it stands for.
    int32_t stored = layout.nibbles ? w - zw : w;
    int64_t sum = hasGroupSums ? group : group / layout.groups;
    start[sum] -= offset * stored + za * (w - zw);
    weightSums[sum] += w - zw;
  }
  PackedLayout perSum = layout;
  perSum.groups = sums;
  Type i32 = rewriter.getI32Type();
  SmallVector<int64_t> shape = {layout.numPanels(),
                                hasGroupSums ? layout.groups : 0, layout.panel};
  if (op.isDynamic())
    correction.weightSums =
        packed(i32, shape, perSum.packParameter<int32_t>(weightSums));
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, i32);
  return createGeneric(loops,
                       packed(i32, shape, perSum.packParameter<int32_t>(start)),
                       empty, {loops.map({nb, g, n}), loops.map({m, nb, g, n})},
                       [&](Emit &, ValueRange elements) -> SmallVector<Value> {
                         return {elements[0]};
                       });
}
