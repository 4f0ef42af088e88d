//===- LinearSchedule.cpp - How a packed layer is computed ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is decided before any operation of a packed layer is created: its
// instruction, by what is proved of the weights, the steps along K that are
// taken at a time, and the panel.
//
//===----------------------------------------------------------------------===//

#include "FeatureGroups.h"
#include "LinearPacker.h"

#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

/// Weights of 4 bits enter as q - zw, within [-15, 15], or as m * q.
WeightFacts LinearPacker::proveWeightFacts(bool withMultipliers) {
  if (!constantWeight)
    return {};
  auto [least, most] =
      std::minmax_element(constantWeight->begin(), constantWeight->end());
  WeightFacts facts{*least, *most};
  if (!hasNarrowWeight())
    return facts;
  if (auto zeroPoints = getStorageValues(op.getWeightZeroPoint())) {
    auto [lowest, highest] =
        std::minmax_element(zeroPoints->begin(), zeroPoints->end());
    return {facts.least - *highest, facts.most - *lowest};
  }
  auto multipliers = getStorageValues(op.getGroupMultiplier());
  if (!multipliers || !withMultipliers)
    return facts;
  int32_t largest = *llvm::max_element(*multipliers);
  return {facts.least * largest, facts.most * largest};
}

/// Steps are added up where weights are small. Those of 4 bits in groups are
/// without their multipliers, which each sum of a group takes once, if a group
/// has enough steps.
void LinearPacker::chooseInstruction() {
  WeightFacts facts = proveWeightFacts(/*withMultipliers=*/true);
  instruction = &selectDotInstruction(target, facts);
  if (!isInteger())
    return;
  stepsAtOnce = instruction->countSteps(facts);
  summedSteps = instruction->countSummedSteps(facts);
  int64_t groups = op.getNumMultiplierGroups();
  if (!isNibbles() || groups <= 1 || hasGroupSums)
    return;
  facts = proveWeightFacts(/*withMultipliers=*/false);
  const DotInstruction &row = selectDotInstruction(target, facts);
  int64_t groupSize = op.getWeight().getType().getDimSize(1) / groups;
  int64_t summed = row.countSummedSteps(facts);
  scalesSums =
      summed > summedSteps && groupSize >= kLeastSummedSteps * row.depth;
  if (!scalesSums)
    return;
  instruction = &row;
  stepsAtOnce = row.countSteps(facts);
  summedSteps = summed;
}

/// As many of `stepsAtOnce` as leave no rest, with a little padding if need be.
int64_t LinearPacker::chooseSteps() {
  int64_t steps = layout.steps();
  int64_t padded = llvm::alignTo(steps, stepsAtOnce);
  if (!hasGroups() && 8 * (padded - steps) <= steps) {
    layout.leastDepth = std::max(layout.leastDepth, padded * layout.depth);
    return stepsAtOnce;
  }
  int64_t count = stepsAtOnce;
  while (steps % count != 0 || count % layout.packedSteps() != 0)
    --count;
  return count;
}

/// Nibbles that are looked up are in words.
StepPacking LinearPacker::choosePacking() {
  if (!isNibbles())
    return StepPacking::None;
  return !isInteger() && unit.hasWords ? StepPacking::Word : StepPacking::Byte;
}

bool LinearPacker::hasCrowdedWords() {
  return choosePacking() == StepPacking::Word &&
         (op.getGroupMultiplier() || op.getWeightZeroPoint() ||
          unit.raisesNibbles());
}

/// The most registers in a panel beside which `rows` rows decode weights.
int64_t LinearPacker::getPanelRegisters(int64_t rows,
                                        const Accumulators &beside) {
  if (hasCrowdedWords())
    return rows == 1 ? 2 * kWordRegisters : kWordRegisters;
  int64_t chained = std::min(
      llvm::bit_ceil<uint64_t>(llvm::divideCeil(kSumsInFlight, rows)),
      llvm::bit_floor<uint64_t>(std::max<int64_t>(beside.count / rows, 1)));
  return std::max(chained, beside.panel / beside.columns);
}

/// The rows of a block of `rows` that decode weights.
int64_t LinearPacker::getRowsOfBlock(int64_t rows) {
  if (unit.decodingBlocks == 1 || !isNibbles())
    return rows;
  return llvm::divideCeil(rows, llvm::divideCeil(rows, kRowsOfBlock));
}

/// What accumulates: where few rows are known, in a panel so narrow that they
/// fit one block and a weight is unpacked once, and in one so wide that their
/// sums suffice. Registers are left to what decodes floats, if it does so
/// beside the sums, and a third of those that may accumulate to multipliers of
/// nibbles.
Accumulators LinearPacker::chooseAccumulators() {
  Accumulators result =
      isInteger() ? instruction->accumulators : unit.accumulators;
  if (tileInstruction)
    result.panel = tileInstruction->panel;
  if (isWalked())
    return result;
  int64_t rows = op.getInput().getType().getDimSize(0);
  if (isInteger() && sumsSteps()) {
    // Each has another one, of i16, for which 32 registers have more room.
    result.count = instruction->arch == TargetArch::X86 ? result.count / 2
                                                        : result.count * 2 / 3;
    return result;
  }
  if (isInteger() && ShapedType::isDynamic(rows))
    result.count = instruction->dynamicAccumulators;
  if (!isInteger()) {
    if (ShapedType::isDynamic(rows) || rows > kRegisterRows)
      return result;
    rows = getRowsOfBlock(rows);
    Accumulators beside = result;
    beside.count = isNibbles() ? unit.besideNibbles : unit.besideBytes;
    beside.panel = getPanelRegisters(rows, beside) * beside.columns;
    bool isOneBlock =
        chooseBlock(op.getWeight().getType().getDimSize(0), beside, rows)
            .rows >= rows;
    return isOneBlock ? beside : result;
  }
  if (!isNibbles() || ShapedType::isDynamic(rows) || rows <= kNibbleRows ||
      rows > kRegisterRows)
    return result;
  result.count = std::max<int64_t>(result.count * 2 / 3, 1);
  int64_t blockRows =
      llvm::divideCeil(rows, llvm::divideCeil(rows, kMostRowsInBlock));
  int64_t registers =
      llvm::bit_floor<uint64_t>(std::max<int64_t>(result.count / blockRows, 1));
  result.panel = std::min(result.panel, registers * result.columns);
  return result;
}

/// The rows that are to share one reading of the weights: those of layers whose
/// weights come from far, and few rows of floats, which share what it costs to
/// decode a weight.
int64_t LinearPacker::chooseRowsAtOnce() {
  int64_t rows = op.getInput().getType().getDimSize(0);
  if (isWalked())
    return 0;
  if (!isInteger() && rows <= kRegisterRows)
    return rows > 0 ? getRowsOfBlock(rows) : 0;
  RankedTensorType type = op.getWeight().getType();
  int64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  return getRowsAtOnce(rows, bits / 8, unit);
}

LogicalResult LinearPacker::prepare() {
  RankedTensorType type = op.getWeight().getType();
  if (type.getNumElements() == 0)
    return rewriter.notifyMatchFailure(op, "the weight is empty");
  auto isKnown = [](Value parameter) {
    return !parameter || getStorageValues(parameter);
  };
  if (isKnown(op.getWeightZeroPoint()) && isKnown(op.getGroupMultiplier()))
    constantWeight = getStorageValues(op.getWeight());
  chooseInstruction();
  tileInstruction = chooseTileInstruction();
  // Other weights are packed for each call, not for each panel; and an unknown
  // number of rows would need code for few rows beside that for many.
  // Patches would take twice the room of the caches.
  if (isInteger() && constantWeight && !Patches::get(op.getInput()) &&
      op.getInput().getType().getDimSize(0) >= kWideRows)
    wideInstruction = selectWideInstruction(target, *instruction);
  setLayout(type.getDimSize(0), type.getDimSize(1),
            isInteger() ? instruction->depth : 1, chooseAccumulators(),
            chooseRowsAtOnce(), choosePacking());
  layout.groups = std::max(op.getNumScaleGroups(), op.getNumMultiplierGroups());
  if (tileInstruction && !hasGroups())
    layout.leastDepth = tileInstruction->padDepth(layout.depthK);
  if (stepsAtOnce > 1)
    stepsAtOnce = chooseSteps();
  if (isInteger() && !op.isDynamic())
    if (auto constant = getStorageValues(op.getInputZeroPoint()))
      inputZeroPoint = constant->front();
  return success();
}

int64_t LinearPacker::getLeastTileRows(const TileInstruction &row) {
  return isNibbles() ? std::max(row.leastRows, kNibbleRows + 1) : row.leastRows;
}

const TileInstruction *LinearPacker::chooseTileInstruction() {
  if (!isInteger() || hasGroupSums)
    return nullptr;
  const TileInstruction *row = selectTileInstruction(target, *instruction);
  int64_t numRows = op.getInput().getType().getDimSize(0);
  bool isForFew = row && !ShapedType::isDynamic(numRows) &&
                  numRows < getLeastTileRows(*row);
  return isForFew ? nullptr : row;
}
