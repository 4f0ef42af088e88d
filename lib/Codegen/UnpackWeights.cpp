//===- UnpackWeights.cpp - Weights of 4 bits to bytes ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The weights and group multipliers that a packed layer stores two to a byte,
// as i8. The order of the halves is in PackedLayout.h.
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"

#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

/// How far down the nibble of a loop's index lies: 0 if it is even, 4 if odd.
Value LinearPacker::createNibbleShift(AffineExpr loop) {
  unsigned position = cast<AffineDimExpr>(loop).getPosition();
  Type i8 = rewriter.getI8Type();
  Value index = linalg::IndexOp::create(rewriter, loc, position);
  Value narrow = arith::IndexCastOp::create(rewriter, loc, i8, index);
  Value one = arith::ConstantIntOp::create(rewriter, loc, 1, 8);
  Value four = arith::ConstantIntOp::create(rewriter, loc, 4, 8);
  Value isOdd = arith::AndIOp::create(rewriter, loc, narrow, one);
  return arith::MulIOp::create(rewriter, loc, isOdd, four);
}

/// The multipliers as i8, [NB, (G), NR]. Constant ones of several groups share
/// bytes. Taken apart by an operation of its own, so that it is done for NR
/// columns and not for each element of a step.
Value LinearPacker::createMultipliers() {
  std::optional<std::vector<int8_t>> multipliers =
      getStorageValues(op.getGroupMultiplier());
  if (!multipliers || !hasGroups())
    return packParameter(op.getGroupMultiplier(), layout.groups, groupDim());
  Type i8 = rewriter.getI8Type();
  int64_t numPanels = layout.numPanels();
  Value pairs = packed(i8, {numPanels, layout.groupPairs(), layout.panel},
                       layout.packMultipliers(expandParameter(
                           *multipliers, layout.numColumns, layout.groups)));
  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel(), g = loops.parallel(1);
  AffineExpr n = loops.parallel();
  Value init = tensor::EmptyOp::create(
      rewriter, loc, {numPanels, layout.groups, layout.panel}, i8);
  return createGeneric(
      loops, pairs, init,
      {loops.map({nb, g.floorDiv(2), n}), loops.map({nb, g, n})},
      [&](Emit &, ValueRange elements) -> SmallVector<Value> {
        Value mask = arith::ConstantIntOp::create(rewriter, loc, 15, 8);
        Value m = arith::ShRUIOp::create(rewriter, loc, elements[0],
                                         createNibbleShift(g));
        return {arith::AndIOp::create(rewriter, loc, m, mask)};
      });
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
  AffineExpr n = loops.parallel();
  AffineExpr d = depth ? loops.parallel() : AffineExpr();

  SmallVector<Value> inputs = {
      packed(i8, {numPanels, groupDim(), steps, layout.panel, depth},
             layout.packNibbles(*constantWeight))};
  SmallVector<AffineMap> maps = {loops.map({nb, g, k, n, d})};
  if (Value parameter = op.getWeightZeroPoint()) {
    inputs.push_back(packParameter(parameter, layout.groups, groupDim()));
    maps.push_back(loops.map({nb, g, n}));
  }
  if (op.getGroupMultiplier()) {
    inputs.push_back(createMultipliers());
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
        Value four = arith::ConstantIntOp::create(rewriter, loc, 4, 8);
        // The low nibble of the first half, the high one of the second: shift
        // it to the top, then back with its sign.
        Value down = createNibbleShift(h);
        Value up = arith::SubIOp::create(rewriter, loc, four, down);
        Value top = arith::ShLIOp::create(rewriter, loc, elements[0], up);
        Value q = arith::ShRSIOp::create(rewriter, loc, top, four);
        if (op.getWeightZeroPoint())
          return {arith::SubIOp::create(rewriter, loc, q, elements[1])};
        if (op.getGroupMultiplier())
          return {arith::MulIOp::create(rewriter, loc, q, elements[1])};
        return {q};
      });
}
