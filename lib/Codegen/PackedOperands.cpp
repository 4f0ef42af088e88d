//===- PackedOperands.cpp - What a packed contraction reads ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The weight of a layer and what comes with it, in packed order, and the input
// that meets them.
//
//===----------------------------------------------------------------------===//

#include "FeatureGroups.h"
#include "LinearPacker.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/LinearEpilogue.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Epilogues.h"

using namespace mlir;
using namespace quantc;

/// The input of floats without the zeros that end each row, where they are
/// known as such. A term fma(0, w, p) is p: no sum of products by integers is
/// -0.
Value LinearPacker::getUnpaddedInput() {
  Value input = op.getInput();
  auto padded = input.getDefiningOp<tensor::InsertSliceOp>();
  if (isInteger() || !padded || !padded.hasUnitStride() ||
      !padded.hasZeroOffset())
    return input;
  auto zeros = padded.getDest().getDefiningOp<linalg::FillOp>();
  if (!zeros || !matchPattern(zeros.value(), m_PosZeroFloat()))
    return input;
  auto empty = zeros.output().getDefiningOp<tensor::EmptyOp>();
  RankedTensorType type = padded.getSourceType();
  bool hasAllRows =
      empty && type.getRank() == 2 && !type.isDynamicDim(1) &&
      type.getDimSize(0) == op.getInput().getType().getDimSize(0) &&
      isEqualConstantIntOrValue(empty.getMixedSizes().front(),
                                padded.getMixedSizes().front());
  return hasAllRows ? padded.getSource() : input;
}

/// (a + 128) mod 256, as i8, for each element of `tensor`; or a as i16.
static Value createConverted(OpBuilder &builder, Location loc, Value tensor,
                             bool isWide) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  Type element = builder.getIntegerType(isWide ? 16 : 8);
  return createElementwise(
             builder, loc, tensor, builder.getMultiDimIdentityMap(rank),
             tensor::getMixedSizes(builder, loc, tensor), element,
             [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
               if (isWide)
                 return {arith::ExtSIOp::create(builder, loc, element,
                                                elements[0])};
               return {a.toStorage(
                   a.xorInt(a.fromStorage(elements[0]), a.constantInt(-128)))};
             })
      .front();
}

/// The elements of `type`, one sample of them if their number is not known.
static int64_t countElements(Type type) {
  int64_t count = 1;
  for (int64_t size : cast<RankedTensorType>(type).getShape())
    count *= ShapedType::isDynamic(size) ? 1 : size;
  return count;
}

/// The input of the layer with each element shifted, once before it is copied
/// several times, or extended.
Value LinearPacker::createConvertedInput() {
  std::optional<Patches> patches = Patches::get(op.getInput());
  if (!patches || countElements(patches->getSource().getType()) >=
                      countElements(patches->getType()))
    return createConverted(rewriter, loc, op.getInput(), isWide());
  IRMapping mapping;
  mapping.map(
      patches->getSource(),
      createConverted(rewriter, loc, patches->getSource(), /*isWide=*/false));
  rewriter.clone(*patches->copy, mapping);
  return rewriter.clone(*patches->collapse, mapping)->getResult(0);
}

/// The input as [M, (G), steps, (2 or 8), (parts), (depth)], padded to whole
/// steps, shifted where the instruction takes unsigned values and extended
/// where it takes 16 bits.
Value LinearPacker::createInput() {
  int64_t rows = op.getInput().getType().getDimSize(0);
  // Zeros are put where they are read, not in front of all code for the layer.
  Value input = isUnsigned() || isWide()
                    ? createConvertedInput()
                    : padWithZeros(getUnpaddedInput(), {rows, layout.depthK});

  Type element = getElementTypeOrSelf(input);
  SmallVector<int64_t> shape = {rows, layout.groups, layout.groupSize()};
  SmallVector<ReassociationIndices> splitGroups = {{0}, {1, 2}};
  Value grouped = tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(shape, element), input, splitGroups);
  grouped =
      padWithZeros(grouped, {rows, layout.groups, layout.paddedGroupSize()});

  // [M, G, K'] -> [M, G, steps, (2 or 8), (parts), (depth)] -> without G if
  // there is none.
  SmallVector<int64_t> steps = {layout.steps()};
  if (hasSharedElements())
    steps = {layout.steps() / layout.packedSteps(), layout.packedSteps()};
  for (int64_t size : {partDim(), depthDim()})
    if (size)
      steps.push_back(size);
  SmallVector<int64_t> full = {rows, layout.groups};
  llvm::append_range(full, steps);
  SmallVector<ReassociationIndices> splitSteps = {{0}, {1}, {}};
  for (int64_t dim = 2; dim < static_cast<int64_t>(full.size()); ++dim)
    splitSteps[2].push_back(dim);
  Value stepped = tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(full, element), grouped, splitSteps);
  if (hasGroups())
    return stepped;
  SmallVector<ReassociationIndices> dropGroup = {{0, 1}};
  for (int64_t dim = 2; dim < static_cast<int64_t>(full.size()); ++dim)
    dropGroup.push_back({dim});
  return tensor::CollapseShapeOp::create(rewriter, loc, stepped, dropGroup);
}

int64_t LinearPacker::partDim() {
  bool isInParts = wideInstruction && wideInstruction->depth < layout.depth;
  return isInParts ? layout.depth / wideInstruction->depth : 0;
}

int64_t LinearPacker::depthDim() {
  return isInteger() ? layout.depth / std::max<int64_t>(partDim(), 1) : 0;
}

/// The weights of 8 bits extended to 16, [NB, (G), steps, (parts), NR, depth]:
/// once for a panel.
Value LinearPacker::createWideWeight() {
  Value stored = createWeight();
  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel();
  AffineExpr g = hasGroups() ? loops.parallel(1) : AffineExpr();
  AffineExpr k = loops.parallel(1);
  AffineExpr e = partDim() ? loops.parallel() : AffineExpr();
  AffineExpr n = loops.parallel(), d = loops.parallel();
  SmallVector<int64_t> shape;
  for (int64_t size : {layout.numPanels(), groupDim(), layout.steps(),
                       partDim(), layout.panel, depthDim()})
    if (size)
      shape.push_back(size);
  Type i16 = rewriter.getI16Type();
  Value init = tensor::EmptyOp::create(rewriter, loc, shape, i16);
  Value result = createGeneric(
      loops, stored, init,
      {loops.map({nb, g, k, n, e, d}), loops.map({nb, g, k, e, n, d})},
      [&](Emit &, ValueRange elements) -> SmallVector<Value> {
        return {arith::ExtSIOp::create(rewriter, loc, i16, elements[0])};
      });
  result.getDefiningOp()->setAttr(kPerPanelAttr, rewriter.getUnitAttr());
  return result;
}

Value LinearPacker::createWeight() {
  if (!constantWeight)
    return createPackedWeight();
  if (hasSharedElements())
    return createUnpack();
  return packed(rewriter.getI8Type(),
                {layout.numPanels(), groupDim(), layout.steps(), layout.panel,
                 partDim(), depthDim()},
                layout.pack<int8_t>(*constantWeight));
}

/// The weights as the floats that they stand for, f32(w - zw), in packed order.
/// Done once for a panel, of which a tile of rows would do it each time.
Value LinearPacker::createDecodedWeight() {
  if (isWords())
    return createLookup();
  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel();
  AffineExpr g = hasGroups() ? loops.parallel(1) : AffineExpr();
  AffineExpr k = loops.parallel(1);
  AffineExpr h = hasSharedElements() ? loops.parallel(1) : AffineExpr();
  AffineExpr n = loops.parallel();
  SmallVector<Value> inputs = {createWeight()};
  SmallVector<AffineMap> maps = {loops.map({nb, g, k, h, n})};
  if (hasDecodedZeroPoint()) {
    inputs.push_back(createZeroPoints());
    maps.push_back(loops.map({nb, g, n}));
  }
  if (hasFloatMultiplier()) {
    inputs.push_back(createMultipliers());
    maps.push_back(loops.map({nb, g, n}));
  }
  maps.push_back(maps.front());
  auto shape = cast<RankedTensorType>(inputs.front().getType()).getShape();
  Value init =
      tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getF32Type());
  Value result =
      createGeneric(loops, inputs, init, maps,
                    [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                      Value w = a.fromStorage(elements[0]);
                      if (hasFloatMultiplier())
                        return {numerics::scaleRaisedFloat(
                            a, a.toFloat(w), kNibbleOffset,
                            a.toFloat(a.fromStorage(elements[1])))};
                      Value zw = hasDecodedZeroPoint()
                                     ? a.fromStorage(elements[1])
                                     : a.constantInt(0);
                      return {numerics::decodeWeight(a, w, zw)};
                    });
  result.getDefiningOp()->setAttr(kPerPanelAttr, rewriter.getUnitAttr());
  return result;
}

/// A weight of 8 bits as it is; one of 4 bits as i8, with its zero point or
/// multiplier applied. [N, K].
Value LinearPacker::createStored() {
  if (!hasNarrowWeight())
    return op.getWeight();
  Type i8 = rewriter.getI8Type();
  Value values = arith::ExtSIOp::create(
      rewriter, loc, op.getWeight().getType().clone(i8), op.getWeight());
  Value parameter = op.getWeightZeroPoint() ? op.getWeightZeroPoint()
                                            : op.getGroupMultiplier();
  if (!parameter)
    return values;
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  SmallVector<int64_t> shape = {layout.numColumns, layout.groups,
                                layout.groupSize()};
  Value grouped = tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(shape, i8), values, groups);
  Loops loops(op.getContext());
  AffineExpr n = loops.parallel(), g = loops.parallel(), k = loops.parallel();
  Value result =
      createElementwise(
          rewriter, loc, {grouped, parameter},
          {loops.map({n, g, k}), getParameterMap(parameter, /*numLoops=*/3)},
          getAsIndexOpFoldResult(op.getContext(), shape), i8,
          [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
            Value q = a.fromStorage(elements[0]);
            Value p = a.fromStorage(elements[1]);
            return {a.toStorage(op.getWeightZeroPoint() ? a.subInt(q, p)
                                                        : a.mulInt(q, p))};
          })
          .front();
  return tensor::CollapseShapeOp::create(rewriter, loc, result, groups);
}

/// The stored values in packed order, [NB, (G), steps, NR, (depth)].
Value LinearPacker::createPackedWeight() {
  stored = createStored();
  Type i8 = rewriter.getI8Type();
  int64_t numPanels = layout.numPanels(), columns = numPanels * layout.panel;
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  Value grouped = tensor::ExpandShapeOp::create(
      rewriter, loc,
      RankedTensorType::get(
          {layout.numColumns, layout.groups, layout.groupSize()}, i8),
      stored, groups);
  grouped =
      padWithZeros(grouped, {columns, layout.groups, layout.paddedGroupSize()});
  SmallVector<ReassociationIndices> split = {{0, 1}, {2}, {3, 4}};
  Value panels = tensor::ExpandShapeOp::create(
      rewriter, loc,
      RankedTensorType::get({numPanels, layout.panel, layout.groups,
                             layout.steps(), layout.depth},
                            i8),
      grouped, split);

  Loops loops(op.getContext());
  AffineExpr nb = loops.parallel();
  AffineExpr g = hasGroups() ? loops.parallel() : AffineExpr();
  AffineExpr k = loops.parallel(), n = loops.parallel();
  AffineExpr d = isInteger() ? loops.parallel() : AffineExpr();
  AffineExpr zero = rewriter.getAffineConstantExpr(0);
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : {numPanels, groupDim(), layout.steps(), layout.panel,
                       isInteger() ? layout.depth : 0})
    if (size)
      sizes.push_back(rewriter.getIndexAttr(size));
  return createElementwise(
             rewriter, loc, panels,
             loops.map({nb, n, g ? g : zero, k, d ? d : zero}), sizes, i8,
             [](Emit &, ValueRange elements) -> SmallVector<Value> {
               return {elements[0]};
             })
      .front();
}

/// Where sums start: the part of the zero points that is known, [NB, (G), NR].
Value LinearPacker::createStart() {
  return constantWeight ? createKnownStart() : createUnknownStart();
}

/// Accumulators, [M, NB, (G), NR], that start from `start`, or from 0 (null).
Value LinearPacker::createInit(bool perGroup, Value start) {
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     rewriter.getIndexAttr(layout.numPanels())};
  if (perGroup)
    sizes.push_back(rewriter.getIndexAttr(layout.groups));
  sizes.push_back(rewriter.getIndexAttr(layout.panel));
  Loops loops(op.getContext());
  AffineExpr m = loops.parallel(), nb = loops.parallel();
  AffineExpr g = perGroup ? loops.parallel() : AffineExpr();
  AffineExpr n = loops.parallel();
  Type element =
      isInteger() ? Type(rewriter.getI32Type()) : Type(rewriter.getF32Type());
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, element);
  if (!start)
    return createGeneric(loops, {}, empty, loops.map({m, nb, g, n}),
                         [&](Emit &a, ValueRange) -> SmallVector<Value> {
                           return {isInteger() ? a.constantInt(0)
                                               : a.constant(0.0f)};
                         });
  Value result = createGeneric(
      loops, start, empty, {loops.map({nb, g, n}), loops.map({m, nb, g, n})},
      [&](Emit &, ValueRange elements) -> SmallVector<Value> {
        return {elements[0]};
      });
  if (inTiles)
    result.getDefiningOp()->setAttr(kOnMemoryAttr, rewriter.getUnitAttr());
  return result;
}

/// The start of each column (and group) of a constant weight, and the sums that
/// undo an unknown zero point of the input.
Value LinearPacker::createKnownStart() {
  auto read = [&](Value parameter) {
    std::optional<std::vector<int8_t>> values = getStorageValues(parameter);
    return values ? expandParameter(*values, layout.numColumns, layout.groups)
                  : std::vector<int8_t>();
  };
  std::vector<int8_t> zeroPoints = read(op.getWeightZeroPoint());
  std::vector<int8_t> multipliers = read(op.getGroupMultiplier());
  int32_t za = inputZeroPoint.value_or(0);
  int32_t offset = isUnsigned() ? kUnsignedOffset : 0;
  std::vector<int32_t> start(layout.numColumns * numSums());
  std::vector<int32_t> weightSums(start.size());
  for (int64_t i = 0, e = constantWeight->size(); i < e; ++i) {
    int64_t group = i / layout.groupSize();
    int32_t zw = zeroPoints.empty() ? 0 : zeroPoints[group];
    int32_t w = (*constantWeight)[i];
    if (!multipliers.empty())
      w *= multipliers[group];
    // What the contraction multiplies with, and what it stands for.
    int32_t multiplied = hasSharedElements() ? w - zw : w;
    int64_t sum = hasGroupSums ? group : group / layout.groups;
    start[sum] -= offset * multiplied + za * (w - zw);
    weightSums[sum] += w - zw;
  }
  PackedLayout perSum = layout;
  perSum.groups = numSums();
  Type i32 = rewriter.getI32Type();
  SmallVector<int64_t> shape = {layout.numPanels(), sumDim(), layout.panel};
  if (!inputZeroPoint)
    correction.weightSums =
        packed(i32, shape, perSum.packParameter<int32_t>(weightSums));
  return packed(i32, shape, perSum.packParameter<int32_t>(start));
}

/// The same of a weight that is known at run time.
Value LinearPacker::createUnknownStart() {
  // sum w, [N, numSums].
  Loops loops(op.getContext());
  AffineExpr n = loops.parallel(), g = loops.parallel(), k = loops.reduction();
  SmallVector<int64_t> shape = {layout.numColumns, numSums()};
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(op.getContext(), shape);
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  int64_t terms = layout.depthK / numSums();
  Value grouped = tensor::ExpandShapeOp::create(
      rewriter, loc,
      RankedTensorType::get({layout.numColumns, numSums(), terms},
                            rewriter.getI8Type()),
      stored, groups);
  Type i32 = rewriter.getI32Type();
  Value sums =
      quantc::createGeneric(
          rewriter, loc, grouped, createZeros(rewriter, loc, sizes, i32),
          {loops.map({n, g, k}), loops.map({n, g})}, loops.iterators,
          [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
            return {a.addInt(elements[1], a.fromStorage(elements[0]))};
          })
          .front();

  // sum (w - zw): weights of 4 bits are stored without their zero point.
  auto combine = [&](ValueRange inputs, ArrayRef<AffineMap> maps,
                     EmitBody body) {
    return createElementwise(rewriter, loc, inputs, maps, sizes, i32, body)
        .front();
  };
  AffineMap each = rewriter.getMultiDimIdentityMap(2);
  Value differences = sums;
  if (Value zeroPoint = op.getWeightZeroPoint();
      zeroPoint && !hasNarrowWeight())
    differences = combine(
        {sums, zeroPoint}, {each, getParameterMap(zeroPoint)},
        [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
          Value zw = a.fromStorage(elements[1]);
          return {a.subInt(elements[0], a.mulInt(a.constantInt(terms), zw))};
        });
  if (!inputZeroPoint)
    correction.weightSums = packParameter(differences, numSums(), sumDim());
  Value start =
      combine({sums, differences}, {each, each},
              [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                Value offset =
                    a.constantInt(isUnsigned() ? -kUnsignedOffset : 0);
                Value za = a.constantInt(-inputZeroPoint.value_or(0));
                Value shifted = a.mulInt(elements[0], offset);
                return {a.addInt(shifted, a.mulInt(elements[1], za))};
              });
  return packParameter(start, numSums(), sumDim());
}
