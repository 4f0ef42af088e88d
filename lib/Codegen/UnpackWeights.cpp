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

#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Epilogues.h"

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

/// The zero points of the weights, [NB, (G), NR].
Value LinearPacker::createZeroPoints() {
  return packParameter(op.getWeightZeroPoint(), layout.groups, groupDim());
}

/// The multipliers as i8, [NB, (G), NR]. Constant ones of several groups share
/// bytes. Taken apart by an operation of its own, so that it is done for NR
/// columns and not for each element of a step; once for a panel, and as i32,
/// where sums are multiplied by what is in memory.
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
  bool isPerPanel = form == WeightForm::Panel && scalesSums;
  Type element = isPerPanel ? rewriter.getI32Type() : i8;
  Value init = tensor::EmptyOp::create(
      rewriter, loc, {numPanels, layout.groups, layout.panel}, element);
  Value result = createGeneric(
      loops, pairs, init,
      {loops.map({nb, g.floorDiv(2), n}), loops.map({nb, g, n})},
      [&](Emit &, ValueRange elements) -> SmallVector<Value> {
        Value mask = arith::ConstantIntOp::create(rewriter, loc, 15, 8);
        Value m = arith::ShRUIOp::create(rewriter, loc, elements[0],
                                         createNibbleShift(g));
        m = arith::AndIOp::create(rewriter, loc, m, mask);
        if (isPerPanel)
          m = arith::ExtUIOp::create(rewriter, loc, element, m);
        return {m};
      });
  if (isPerPanel)
    result.getDefiningOp()->setAttr(kPerPanelAttr, rewriter.getUnitAttr());
  return result;
}

/// The stored nibbles, two to a byte, [NB, (G), steps / 2, NR, (depth)].
Value LinearPacker::createNibblePairs() {
  return packed(rewriter.getI8Type(),
                {layout.numPanels(), groupDim(), layout.steps() / 2,
                 layout.panel, partDim(), depthDim()},
                layout.packNibbles(*constantWeight));
}

/// The weights of 4 bits as i8, [NB, (G), steps / 2, 2, NR, (depth)]: with
/// their zero point or multiplier applied, or as they are stored. u * m stays
/// below 256, so that
///
///   m q = m (u - 8) = u m - 8 m
///
/// needs no more than bytes without sign. Where they are to be wide, that is
/// extended to i16, [NB, (G), steps / 2, 2, (parts), NR, depth].
Value LinearPacker::createUnpack() {
  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel();
  AffineExpr g = hasGroups() ? loops.parallel(1) : AffineExpr();
  AffineExpr k = loops.parallel(1), h = loops.parallel(1);
  AffineExpr e = partDim() ? loops.parallel() : AffineExpr();
  AffineExpr n = loops.parallel();
  AffineExpr d = isInteger() ? loops.parallel() : AffineExpr();

  SmallVector<Value> inputs = {nibbles};
  SmallVector<AffineMap> maps = {loops.map({nb, g, k, n, e, d})};
  bool hasZeroPoint = form != WeightForm::Nibbles && op.getWeightZeroPoint();
  bool hasMultiplier =
      op.getGroupMultiplier() && !hasMultiplierSums() && !hasFloatMultiplier();
  if (hasZeroPoint || hasMultiplier) {
    inputs.push_back(hasZeroPoint ? createZeroPoints() : createMultipliers());
    maps.push_back(loops.map({nb, g, n}));
  }
  maps.push_back(loops.map({nb, g, k, h, e, n, d}));

  SmallVector<int64_t> shape;
  for (int64_t size : {layout.numPanels(), groupDim(), layout.steps() / 2,
                       int64_t(2), partDim(), layout.panel, depthDim()})
    if (size)
      shape.push_back(size);
  Type element = rewriter.getIntegerType(isWide() ? 16 : 8);
  Value init = tensor::EmptyOp::create(rewriter, loc, shape, element);
  auto finish = [&](Value value) -> SmallVector<Value> {
    if (isWide())
      value = arith::ExtSIOp::create(rewriter, loc, element, value);
    return {value};
  };
  Value result = createGeneric(
      loops, inputs, init, maps,
      [&](Emit &, ValueRange elements) -> SmallVector<Value> {
        auto constant = [&](int64_t value) -> Value {
          return arith::ConstantIntOp::create(rewriter, loc, value, 8);
        };
        Value down = arith::ShRUIOp::create(rewriter, loc, elements[0],
                                            createNibbleShift(h));
        Value u = arith::AndIOp::create(rewriter, loc, down, constant(15));
        // Floats that are decoded into memory lose the offset with their
        // multiplier: a constant less for the loops beside them.
        if (form == WeightForm::Nibbles ||
            (isDecoded() && hasFloatMultiplier()))
          return {u};
        if (hasMultiplier) {
          Value m =
              arith::AndIOp::create(rewriter, loc, elements[1], constant(15));
          Value product = arith::MulIOp::create(rewriter, loc, u, m);
          Value offset =
              arith::MulIOp::create(rewriter, loc, m, constant(kNibbleOffset));
          return finish(arith::SubIOp::create(rewriter, loc, product, offset));
        }
        Value offset = constant(kNibbleOffset);
        if (hasZeroPoint)
          offset = arith::AddIOp::create(rewriter, loc, elements[1], offset);
        return finish(arith::SubIOp::create(rewriter, loc, u, offset));
      });
  if (form == WeightForm::Panel || isWide())
    result.getDefiningOp()->setAttr(kPerPanelAttr, rewriter.getUnitAttr());
  return result;
}

/// The stored nibbles, eight to a word, [NB, (G), steps / 8, NR].
Value LinearPacker::createNibbleWords() {
  return packed(rewriter.getI32Type(),
                {layout.numPanels(), groupDim(),
                 layout.steps() / layout.packedSteps(), layout.panel},
                layout.packWords(*constantWeight));
}

/// The weights of 4 bits as the floats that they stand for, [NB, (G), steps /
/// 8, 8, NR]: sign-extended from their nibble of a word, f32(q) - f32(zw) or
/// f32(m) f32(q). What is done to the nibble alone is a function of 4 bits,
/// which quant-decode-nibbles finds.
Value LinearPacker::createLookup() {
  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel();
  AffineExpr g = hasGroups() ? loops.parallel(1) : AffineExpr();
  AffineExpr k = loops.parallel(1), h = loops.parallel(1);
  AffineExpr n = loops.parallel();
  SmallVector<Value> inputs = {nibbles};
  SmallVector<AffineMap> maps = {loops.map({nb, g, k, n})};
  bool hasZeroPoint(op.getWeightZeroPoint());
  bool hasMultiplier(op.getGroupMultiplier());
  if (hasZeroPoint || hasMultiplier) {
    inputs.push_back(hasZeroPoint ? createZeroPoints() : createMultipliers());
    maps.push_back(loops.map({nb, g, n}));
  }
  maps.push_back(loops.map({nb, g, k, h, n}));
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(nibbles.getType()).getShape());
  shape.insert(shape.end() - 1, layout.packedSteps());
  Value init =
      tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getF32Type());
  Value result = createGeneric(
      loops, inputs, init, maps,
      [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
        Value half = arith::IndexCastOp::create(
            rewriter, loc, rewriter.getI32Type(),
            linalg::IndexOp::create(rewriter, loc,
                                    cast<AffineDimExpr>(h).getPosition()));
        Value above =
            a.subInt(a.constantInt(28), a.mulInt(half, a.constantInt(4)));
        Value q = a.ashrInt(a.shlInt(elements[0], above), a.constantInt(28));
        if (!hasZeroPoint && !hasMultiplier)
          return {a.toFloat(q)};
        Value parameter = a.toFloat(a.fromStorage(elements[1]));
        return {hasZeroPoint
                    ? numerics::decodeFloat(a, a.toFloat(q), parameter)
                    : numerics::scaleFloat(a, a.toFloat(q), parameter)};
      });
  if (form != WeightForm::Bytes)
    result.getDefiningOp()->setAttr(kPerPanelAttr, rewriter.getUnitAttr());
  return result;
}

/// sum_g m_g acc_g, or sum_g m_g (acc_g - 8 sum_g a) where the contraction
/// multiplied with what is stored, [M, NB, NR].
Value LinearPacker::createMultiplierSum(Value accumulators) {
  Loops loops(op.getContext());
  AffineExpr m = loops.parallel(), nb = loops.parallel();
  AffineExpr n = loops.parallel();
  AffineExpr g = loops.reduction(1);
  SmallVector<Value> inputs = {accumulators, createMultipliers()};
  SmallVector<AffineMap> maps = {loops.map({m, nb, g, n}),
                                 loops.map({nb, g, n})};
  if (form == WeightForm::Nibbles) {
    inputs.push_back(createRowSums(/*perGroup=*/true));
    maps.push_back(loops.map({m, g}));
  }
  maps.push_back(loops.map({m, nb, n}));
  return createGeneric(
      loops, inputs, createInit(/*perGroup=*/false, createStart()), maps,
      [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
        Value sum = elements[0];
        if (form == WeightForm::Nibbles)
          sum = a.subInt(sum,
                         a.mulInt(elements[2], a.constantInt(kNibbleOffset)));
        Value multiplier = elements[1].getType().isInteger(32)
                               ? elements[1]
                               : a.fromStorage(elements[1]);
        return {a.addInt(elements.back(), a.mulInt(multiplier, sum))};
      });
}
