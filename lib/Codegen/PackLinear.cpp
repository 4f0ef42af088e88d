//===- PackLinear.cpp - Layers on packed weights --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Contraction, group sum and epilogue of a packed layer, and the pass. The
// algebra is in LinearPacker.h.
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"
#include "PackPatterns.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/LinearEpilogue.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Epilogues.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_PACKPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

//===----------------------------------------------------------------------===//
// Contraction and sums
//===----------------------------------------------------------------------===//

Value LinearPacker::createContraction(Value input, Value weight, Value init,
                                      int64_t rows) {
  bool perGroup = hasGroupSums || hasMultiplierSums();
  Loops loops(op.getContext());
  AffineExpr m = loops.parallel(rows), nb = loops.parallel();
  AffineExpr g = isFlat() || !hasGroups() ? AffineExpr()
                 : perGroup               ? loops.parallel()
                                          : loops.reduction(1);
  AffineExpr n = loops.parallel();
  int64_t steps = getStepsAtOnce(), shared = layout.packedSteps();
  AffineExpr k = loops.reduction(std::max<int64_t>(steps / shared, 1));
  AffineExpr h = hasSharedElements() && !isFlat()
                     ? loops.reduction(steps > 1 ? shared : 1)
                     : AffineExpr();
  AffineExpr e = partDim() ? loops.reduction(1) : AffineExpr();
  AffineExpr d = isInteger() ? loops.reduction() : AffineExpr();
  SmallVector<Value> inputs = {input, weight};
  SmallVector<AffineMap> maps = {loops.map({m, g, k, h, e, d}),
                                 loops.map({nb, g, k, h, e, n, d})};
  bool hasZeroPoint = hasDecodedZeroPoint() && !isDecoded();
  if (hasZeroPoint) {
    inputs.push_back(createZeroPoints());
    maps.push_back(loops.map({nb, g, n}));
  }
  bool hasMultiplier = hasFloatMultiplier() && !isDecoded();
  if (hasMultiplier) {
    inputs.push_back(createMultipliers());
    maps.push_back(loops.map({nb, g, n}));
  }
  maps.push_back(loops.map({m, nb, perGroup ? g : AffineExpr(), n}));
  Value result = createGeneric(
      loops, inputs, init, maps,
      [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
        Value acc = elements.back();
        if (isDecoded())
          return {numerics::addFloatElement(a, acc, elements[0], elements[1])};
        // Nibbles have no sign: they enter on whichever side takes none.
        Value w = form == WeightForm::Nibbles &&
                          instruction->lhs == DotInstruction::Sign::Unsigned
                      ? arith::ExtUIOp::create(
                            rewriter, loc, rewriter.getI32Type(), elements[1])
                      : a.fromStorage(elements[1]);
        if (!isInteger()) {
          Value zw =
              hasZeroPoint ? a.fromStorage(elements[2]) : a.constantInt(0);
          if (!hasMultiplier)
            return {numerics::addWeightOnlyElement(a, acc, elements[0], w, zw)};
          Value scaled =
              numerics::scaleFloat(a, numerics::decodeWeight(a, w, zw),
                                   a.toFloat(a.fromStorage(elements[2])));
          return {numerics::addFloatElement(a, acc, elements[0], scaled)};
        }
        Value x = isUnsigned() ? arith::ExtUIOp::create(rewriter, loc,
                                                        rewriter.getI32Type(),
                                                        elements[0])
                               : a.fromStorage(elements[0]);
        return {a.addInt(acc, a.mulInt(x, w))};
      });
  Operation *contraction = result.getDefiningOp();
  if (inTiles) {
    contraction->setAttr(kOnMemoryAttr, rewriter.getUnitAttr());
    contraction->setAttr(kTileInstructionAttr,
                         rewriter.getStringAttr(tileInstruction->name));
  } else if (isInteger()) {
    contraction->setAttr(kDotInstructionAttr,
                         rewriter.getStringAttr(getInstruction().name));
    if (steps > 1 && sumsSteps())
      contraction->setAttr(kSummedStepsAttr, rewriter.getI64IntegerAttr(
                                                 std::min(steps, summedSteps)));
  }
  return result;
}

Value LinearPacker::createSums() {
  Value input = createInput();
  Value weight = isDecoded()                        ? createDecodedWeight()
                 : isWide() && !hasSharedElements() ? createWideWeight()
                                                    : createWeight();
  bool startsFromZero = !isInteger() || hasMultiplierSums();
  Value start = startsFromZero ? Value() : createStart();
  return createContraction(
      input, weight, createInit(hasGroupSums || hasMultiplierSums(), start));
}

/// sum a for each row, [M], or for each row and group, [M, G].
Value LinearPacker::createRowSums(bool perGroup) {
  Loops loops(op.getContext());
  AffineExpr m = loops.parallel();
  AffineExpr g = perGroup ? loops.parallel() : AffineExpr();
  AffineExpr k = loops.reduction();
  Value input = op.getInput();
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows)};
  if (perGroup) {
    SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
    auto type = RankedTensorType::get({op.getInput().getType().getDimSize(0),
                                       layout.groups, layout.groupSize()},
                                      rewriter.getI8Type());
    input = tensor::ExpandShapeOp::create(rewriter, loc, type, input, split);
    sizes.push_back(rewriter.getIndexAttr(layout.groups));
  }
  Value zeros = createZeros(rewriter, loc, sizes, rewriter.getI32Type());
  return quantc::createGeneric(
             rewriter, loc, input, zeros,
             {loops.map({m, g, k}), loops.map({m, g})}, loops.iterators,
             [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
               return {a.addInt(elements[1], a.fromStorage(elements[0]))};
             })
      .front();
}

Correction LinearPacker::createCorrection() {
  Correction result = correction;
  if (isInteger() && !inputZeroPoint) {
    result.inputZeroPoint = op.getInputZeroPoint();
    SmallVector<ReassociationIndices> flat = {{0, 1}};
    if (op.isDynamic())
      result.inputZeroPoint = tensor::CollapseShapeOp::create(
          rewriter, loc, result.inputZeroPoint, flat);
  }
  // What is multiplied with lies above the weight by its zero point, and where
  // it is stored in nibbles by 8 more.
  bool hasOffset = form == WeightForm::Nibbles ||
                   (!hasNarrowWeight() && op.getWeightZeroPoint());
  if (isInteger() && hasOffset && !hasMultiplierSums()) {
    if (Value zeroPoint = op.getWeightZeroPoint())
      result.weightZeroPoint = packParameter(zeroPoint, numSums(), sumDim());
    result.rowSums = createRowSums(hasGroupSums);
  }
  return result;
}

void LinearPacker::addCorrection(const Loops &loops, AffineExpr m,
                                 AffineExpr nb, AffineExpr g, AffineExpr n,
                                 SmallVector<Value> &inputs,
                                 SmallVector<AffineMap> &maps) {
  auto add = [&](Value tensor, ArrayRef<AffineExpr> exprs) {
    if (!tensor)
      return;
    inputs.push_back(tensor);
    maps.push_back(loops.map(exprs));
  };
  add(correction.inputZeroPoint, {op.isDynamic() ? m : AffineExpr()});
  add(correction.weightSums, {nb, g, n});
  add(correction.weightZeroPoint, {nb, g, n});
  add(correction.rowSums, {m, g});
}

Value LinearPacker::emitCorrection(Emit &a, Value acc, ValueRange elements) {
  unsigned next = 0;
  if (correction.inputZeroPoint) {
    Value za = a.fromStorage(elements[next++]);
    acc = a.subInt(acc, a.mulInt(za, elements[next++]));
  }
  if (correction.rowSums) {
    Value zw = a.constantInt(form == WeightForm::Nibbles ? kNibbleOffset : 0);
    if (correction.weightZeroPoint)
      zw = a.addInt(zw, a.fromStorage(elements[next++]));
    acc = a.subInt(acc, a.mulInt(zw, elements[next++]));
  }
  return acc;
}

Value LinearPacker::createGroupSum(Value accumulators) {
  Loops loops(op.getContext());
  AffineExpr m = loops.parallel(isGroupSumLast() ? getRowsInTile() : 0);
  AffineExpr nb = loops.parallel(isGroupSumLast() ? 1 : 0);
  AffineExpr n = loops.parallel();
  AffineExpr g = loops.reduction(1);
  SmallVector<Value> inputs = {
      accumulators,
      packParameter(op.getWeightScale(), layout.groups, layout.groups)};
  SmallVector<AffineMap> maps = {loops.map({m, nb, g, n}),
                                 loops.map({nb, g, n})};
  if (isInteger())
    addCorrection(loops, m, nb, g, n, inputs, maps);
  maps.push_back(loops.map({m, nb, n}));
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     rewriter.getIndexAttr(layout.numPanels()),
                                     rewriter.getIndexAttr(layout.panel)};
  Loops start(op.getContext());
  AffineExpr startM = start.parallel(), startNb = start.parallel(),
             startN = start.parallel();
  Type f32 = rewriter.getF32Type();
  Value init = isGroupSumLast()
                   ? destination
                   : tensor::EmptyOp::create(rewriter, loc, sizes, f32);
  Value zeros =
      createGeneric(start, {}, init, start.map({startM, startNb, startN}),
                    [&](Emit &a, ValueRange) -> SmallVector<Value> {
                      return {a.constant(0.0f)};
                    });
  return createGeneric(
      loops, inputs, zeros, maps,
      [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
        Value acc = elements[0], scale = elements[1], sum = elements.back();
        if (!isInteger())
          return {numerics::addWeightOnlyGroup(a, sum, acc, scale)};
        acc = emitCorrection(a, acc, elements.drop_front(2));
        return {numerics::addGroup(a, sum, acc, scale)};
      });
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

Value LinearPacker::createEpilogue(Value accumulator) {
  Loops loops(op.getContext());
  // What reads and writes memory gains nothing by several rows.
  AffineExpr m = loops.parallel(hasSumsInMemory() ? 1 : getRowsInTile());
  AffineExpr nb = loops.parallel(1), n = loops.parallel();
  EpilogueOperands tensors = createEpilogueOperands(rewriter, op);
  SmallVector<Value> inputs = {accumulator};
  SmallVector<AffineMap> maps = {loops.map({m, nb, n})};
  auto addChannels = [&](Value tensor) {
    if (!tensor)
      return;
    inputs.push_back(packParameter(tensor, /*groups=*/1, /*groupDim=*/0));
    maps.push_back(loops.map({nb, n}));
  };
  addChannels(tensors.scale);
  if (tensors.inputScale) {
    bool perRow =
        cast<RankedTensorType>(tensors.inputScale.getType()).getRank() != 0;
    SmallVector<ReassociationIndices> flat = {{0, 1}};
    inputs.push_back(perRow ? tensor::CollapseShapeOp::create(
                                  rewriter, loc, tensors.inputScale, flat)
                                  .getResult()
                            : tensors.inputScale);
    maps.push_back(loops.map({perRow ? m : AffineExpr()}));
  }
  addChannels(tensors.bias);
  for (Value scalar : {tensors.outputScale, tensors.outputZeroPoint})
    if (scalar) {
      inputs.push_back(scalar);
      maps.push_back(loops.map({}));
    }
  if (addend) {
    inputs.push_back(addend);
    maps.push_back(loops.map({m, nb, n}));
  }
  unsigned correctionStart = inputs.size();
  if (isInteger() && !hasGroupSums)
    addCorrection(loops, m, nb, AffineExpr(), n, inputs, maps);
  maps.push_back(loops.map({m, nb, n}));

  Value result = createGeneric(
      loops, inputs, destination, maps,
      [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
        unsigned next = 1;
        EpilogueOperands operands;
        operands.scale = tensors.scale ? elements[next++] : Value();
        operands.inputScale = tensors.inputScale ? elements[next++] : Value();
        operands.bias = tensors.bias ? elements[next++] : Value();
        operands.outputScale = tensors.outputScale ? elements[next++] : Value();
        operands.outputZeroPoint =
            tensors.outputZeroPoint ? elements[next++] : Value();
        operands.addend = addend ? elements[next++] : Value();
        Value acc = elements[0];
        if (isInteger() && !hasGroupSums)
          acc = emitCorrection(a, acc, elements.drop_front(correctionStart));
        return {emitEpilogue(a, op, acc, operands)};
      });
  if (inTiles) {
    // What reads and writes memory gains nothing by several rows. A panel for
    // tiles may be wider than what vectors hold of a row.
    RegisterBlock inner =
        layout.panel > instruction->accumulators.panel
            ? chooseBlock(layout.panel, instruction->accumulators)
            : block;
    result.getDefiningOp()->setAttr(
        kInnerTileSizesAttr,
        rewriter.getDenseI64ArrayAttr({1, 1, inner.columns % layout.panel}));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------===//

void LinearPacker::start() {
  numRows = rewriter.createOrFold<tensor::DimOp>(loc, getUnpaddedInput(), 0);
  destination = createDestination(op.getResult().getType().getElementType());
  if (hasSharedElements())
    nibbles = isWords() ? createNibbleWords() : createNibblePairs();
}

/// `panels`, saying how many rows there are. Analyses that ask for it would
/// look into both branches of a choice, and from there into those of the layer
/// before, and so on.
Value LinearPacker::stateRows(Value panels) {
  auto type = cast<RankedTensorType>(panels.getType());
  SmallVector<OpFoldResult> offsets(3, rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(3, rewriter.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     rewriter.getIndexAttr(type.getDimSize(1)),
                                     rewriter.getIndexAttr(type.getDimSize(2))};
  return tensor::ExtractSliceOp::create(rewriter, loc, type, panels, offsets,
                                        sizes, strides);
}

/// Both branches give a slice, even if one of them is a choice again and has
/// made one already: buffers of different types would lose their strides.
Value LinearPacker::createIf(Value condition, Body onTrue, Body onFalse) {
  auto yield = [&](Body body) {
    return [this, body](OpBuilder &, Location) {
      Value value = stateRows(body());
      scf::YieldOp::create(rewriter, loc, value);
    };
  };
  return stateRows(
      scf::IfOp::create(rewriter, loc, condition, yield(onTrue), yield(onFalse))
          .getResult(0));
}

/// Blocks of rows that decode weights of groups with a sum of their own each
/// for itself: writing a panel and reading it again costs as much as that.
static constexpr int64_t kBlocksOfGroupSums = 3;

Value LinearPacker::lowerPanels(Value addendPanels) {
  addend = addendPanels;
  return isInteger() ? lowerIntegerPanels() : lowerFloatPanels();
}

Value LinearPacker::compareRows(arith::CmpIPredicate predicate, int64_t count) {
  Value bound = arith::ConstantIndexOp::create(rewriter, loc, count);
  return arith::CmpIOp::create(rewriter, loc, predicate, numRows, bound);
}

Value LinearPacker::hasAtMostRows(int64_t limit) {
  return compareRows(arith::CmpIPredicate::ule, limit);
}

Value LinearPacker::lowerFloatPanels() {
  if (chooseDecodedAhead())
    return lowerForm(WeightForm::FloatsAhead);
  int64_t rows = op.getInput().getType().getDimSize(0);
  bool isDynamic = ShapedType::isDynamic(rows);
  // With sums of groups, blocks of K would be groups.
  int64_t blocks = hasCrowdedWords() ? 1 : kBlocksOfGroupSums;
  int64_t inRegisters = hasGroupSums ? blocks * block.rows
                        : isDynamic  ? getFewRows()
                                     : getRowsInRegisters();
  WeightForm many = hasGroupSums ? WeightForm::Floats : WeightForm::FloatBlocks;
  if (!isDynamic)
    return lowerForm(rows <= inRegisters ? WeightForm::Bytes : many);
  return createIf(
      hasAtMostRows(inRegisters), [&] { return lowerForm(WeightForm::Bytes); },
      [&] { return lowerForm(many); });
}

Value LinearPacker::lowerIntegerPanels() {
  WeightForm unpacked =
      hasSharedElements() ? WeightForm::Panel : WeightForm::Bytes;
  int64_t rows = op.getInput().getType().getDimSize(0);
  if (inTiles)
    return lowerForm(unpacked);
  if (wideInstruction)
    return lowerForm(WeightForm::Wide);
  if (!hasSharedElements())
    return lowerForm(unpacked);
  if (!ShapedType::isDynamic(rows))
    return lowerForm(rows <= kNibbleRows && canContractNibbles()
                         ? WeightForm::Nibbles
                     : rows <= getRegisterRows() ? WeightForm::Bytes
                                                 : unpacked);
  auto lowerSeveral = [&] {
    // More rows take tiles.
    if (tileInstruction && getLeastTileRows(*tileInstruction) <= kRegisterRows)
      return lowerForm(WeightForm::Bytes);
    return createIf(
        hasAtMostRows(getRegisterRows()),
        [&] { return lowerForm(WeightForm::Bytes); },
        [&] { return lowerForm(unpacked); });
  };
  if (!canContractNibbles())
    return lowerSeveral();
  return createIf(
      hasAtMostRows(1), [&] { return lowerForm(WeightForm::Nibbles); },
      lowerSeveral);
}

/// Rows that are few are cut into blocks of the same size.
int64_t LinearPacker::getRowsInTile() {
  if (inTiles)
    return tileInstruction->rowBlock;
  int64_t rows = op.getInput().getType().getDimSize(0);
  if (ShapedType::isDynamic(rows))
    return form == WeightForm::Nibbles ? 1 : block.rows;
  if (isInteger() && rows > kRegisterRows)
    return block.rows;
  return llvm::divideCeil(rows, llvm::divideCeil(rows, block.rows));
}

bool LinearPacker::hasFloatMultiplier() {
  return !isInteger() && isNibbles() && op.getGroupMultiplier() &&
         !target.hasByteMultiply();
}

/// The rows of a block beside whose sums weights are decoded.
int64_t LinearPacker::getDecodingRows() {
  int64_t registers = block.columns / unit.accumulators.columns;
  int64_t count = isNibbles() ? unit.besideNibbles : unit.besideBytes;
  return std::clamp<int64_t>(count / registers, 1, block.rows);
}

int64_t LinearPacker::getRowsInRegisters() {
  int64_t blocks = unit.decodingBlocks, rows = getDecodingRows();
  if (!isNibbles() || blocks == 1)
    return blocks * rows;
  bool hasParameters = op.getGroupMultiplier() || op.getWeightZeroPoint();
  return hasParameters ? rows * 3 / 2 : rows * blocks / 2;
}

int64_t LinearPacker::getFewRows() {
  int64_t rows = std::min(getDecodingRows(), unit.fewRows);
  return hasCrowdedWords() ? std::min(rows, kWordRegisters) : rows;
}

Value LinearPacker::lowerForm(WeightForm weightForm) {
  form = weightForm;
  correction = {};
  llvm::SaveAndRestore rows(block.rows);
  if (!isInteger() && form == WeightForm::Bytes)
    block.rows = op.getInput().getType().isDynamicDim(0) && !hasGroupSums
                     ? getFewRows()
                     : getDecodingRows();
  if (isInPanelBlocks())
    return createPanels();
  Value accumulator =
      form == WeightForm::FloatsAhead ? createSumsOfDecoded() : createSums();
  if (hasMultiplierSums())
    accumulator = createMultiplierSum(accumulator);
  correction = createCorrection();
  if (hasGroupSums)
    accumulator = createGroupSum(accumulator);
  return isGroupSumLast() ? accumulator : createEpilogue(accumulator);
}

Value LinearPacker::createForRows(Body body) {
  auto build = [&](bool isForMany) {
    inTiles = isForMany;
    return body();
  };
  if (!tileInstruction)
    return build(false);
  int64_t least = getLeastTileRows(*tileInstruction);
  if (!op.getInput().getType().isDynamicDim(0) || least <= 1)
    return build(true);
  Value isMany = compareRows(arith::CmpIPredicate::uge, least);
  return createIf(
      isMany, [&] { return build(true); }, [&] { return build(false); });
}

Value LinearPacker::lower() {
  start();
  Value panels = op.getAddend() ? createBlocked(op.getAddend()) : Value();
  Value result = createForRows([&] { return lowerPanels(panels); });
  return createResult(result, op.getResult().getType());
}

Value LinearPacker::lowerWithLora(LoraOp lora) {
  start();
  auto lowerParts = [&] {
    LoraContractions contractions;
    Value delta =
        lowerLora(rewriter, lora, LoraOp::Adaptor(lora), &contractions);
    setLoraTileSizes(lora, contractions, /*inPanels=*/false, unit);
    return lowerPanels(createBlocked(delta));
  };
  auto lowerOnePart = [&] {
    Value first = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value slot =
        tensor::ExtractOp::create(rewriter, loc, lora.getSlots(), first);
    Value zero = arith::ConstantIntOp::create(rewriter, loc, 0, 32);
    Value isNone = arith::CmpIOp::create(rewriter, loc,
                                         arith::CmpIPredicate::slt, slot, zero);
    auto lowerOneAdapter = [&] {
      // There are no panels for columns that are left over.
      if (layout.numColumns % layout.panel != 0)
        return lowerParts();
      LoraContractions contractions;
      Value index = arith::IndexCastOp::create(rewriter, loc,
                                               rewriter.getIndexType(), slot);
      Value delta =
          lowerLoraOfSlot(rewriter, lora, index, layout.panel, contractions);
      setLoraTileSizes(lora, contractions, /*inPanels=*/true, unit);
      return lowerPanels(delta);
    };
    return createIf(
        isNone, [&] { return lowerPanels(Value()); }, lowerOneAdapter);
  };
  Value numParts = tensor::DimOp::create(rewriter, loc, lora.getSlots(), 0);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  Value isOnePart = arith::CmpIOp::create(
      rewriter, loc, arith::CmpIPredicate::eq, numParts, one);
  Value result = createForRows(
      [&] { return createIf(isOnePart, lowerOnePart, lowerParts); });
  return createResult(result, op.getResult().getType());
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct PackLinear : OpRewritePattern<LinearOp> {
  PackLinear(MLIRContext *context, const TargetSpec &target,
             DecodedAhead &decodedAhead)
      : OpRewritePattern(context), target(target), decodedAhead(decodedAhead) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getFeatureGroups() != 1)
      return rewriter.notifyMatchFailure(op, "has several groups of features");
    LinearPacker packer(op, target, decodedAhead, rewriter);
    if (failed(packer.prepare()))
      return failure();
    auto lora =
        op.getAddend() ? op.getAddend().getDefiningOp<LoraOp>() : LoraOp();
    rewriter.replaceOp(op, lora ? packer.lowerWithLora(lora) : packer.lower());
    return success();
  }

private:
  const TargetSpec &target;
  DecodedAhead &decodedAhead;
};

struct Pack : quantc::impl::PackPassBase<Pack> {
  void runOnOperation() override {
    TargetSpec target = getTarget(getOperation());
    const VectorUnit &unit = selectVectorUnit(target);
    DecodedAhead decodedAhead;
    RewritePatternSet patterns(&getContext());
    patterns.add<PackLinear>(&getContext(), target, decodedAhead);
    populatePackMatmulPatterns(patterns, unit);
    populatePackContractionPatterns(patterns, unit);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    // What is left is no part of a packed layer.
    RewritePatternSet loraPatterns(&getContext());
    populatePackLoraPatterns(loraPatterns, unit);
    walkAndApplyPatterns(getOperation(), std::move(loraPatterns));
  }
};
} // namespace
