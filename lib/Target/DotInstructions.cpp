//===- DotInstructions.cpp - What multiplies i8 by i8 ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/DotInstructions.h"

#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace quantc;

ArrayRef<DotInstruction> quantc::getDotInstructions() {
  using Sign = DotInstruction::Sign;
  using Weights = DotInstruction::Weights;
  using Form = DotInstruction::Form;
  static constexpr DotInstruction instructions[] = {
#define QUANTC_DOT_INSTRUCTION(                                                \
    NAME, ARCH, FEATURES, ROWS, COLUMNS, DEPTH, BITS, LHS, RHS, WEIGHTS,       \
    STEPS, FORM, INTRINSICS, ACCUMULATORS, DYNAMIC_ACCUMULATORS, PANEL)        \
  {#NAME,                                                                      \
   TargetArch::ARCH,                                                           \
   FEATURES,                                                                   \
   ROWS,                                                                       \
   COLUMNS,                                                                    \
   DEPTH,                                                                      \
   BITS,                                                                       \
   Sign::LHS,                                                                  \
   Sign::RHS,                                                                  \
   Weights::WEIGHTS,                                                           \
   STEPS,                                                                      \
   Form::FORM,                                                                 \
   INTRINSICS,                                                                 \
   {ROWS, COLUMNS, ACCUMULATORS, PANEL},                                       \
   DYNAMIC_ACCUMULATORS},
#include "quantc/Target/DotInstructions.def"
  };
  return instructions;
}

ArrayRef<TileInstruction> quantc::getTileInstructions() {
  using Form = TileInstruction::Form;
  static constexpr TileInstruction instructions[] = {
#define QUANTC_TILE_INSTRUCTION(NAME, ARCH, FEATURES, FORM, ROWS, COLUMNS,     \
                                DEPTH, STEP, INTRINSICS, ACCUMULATORS, PANEL,  \
                                LEAST_ROWS, ROW_BLOCK, DEPTH_BLOCK)            \
  {#NAME,      TargetArch::ARCH, FEATURES, Form::FORM,                         \
   ROWS,       COLUMNS,          DEPTH,    STEP,                               \
   INTRINSICS, ACCUMULATORS,     PANEL,    LEAST_ROWS,                         \
   ROW_BLOCK,  DEPTH_BLOCK},
#include "quantc/Target/DotInstructions.def"
  };
  return instructions;
}

ArrayRef<VectorUnit> quantc::getVectorUnits() {
  static constexpr VectorUnit units[] = {
#define QUANTC_VECTOR_UNIT(NAME, ARCH, FEATURES, LANES, ACCUMULATORS,          \
                           BESIDE_BYTES, BESIDE_NIBBLES, FEW_ROWS, BLOCKS,     \
                           PANEL, CACHE, WORDS, LOOKUP)                        \
  {#NAME,        TargetArch::ARCH,                                             \
   FEATURES,     {1, LANES, ACCUMULATORS, PANEL},                              \
   BESIDE_BYTES, BESIDE_NIBBLES,                                               \
   FEW_ROWS,     BLOCKS,                                                       \
   CACHE * 1024, WORDS,                                                        \
   LOOKUP},
#include "quantc/Target/DotInstructions.def"
  };
  return units;
}

static bool isArch(TargetArch row, llvm::Triple::ArchType arch) {
  switch (row) {
  case TargetArch::Any:
    return true;
  case TargetArch::X86:
    return arch == llvm::Triple::x86_64;
  case TargetArch::AArch64:
    return arch == llvm::Triple::aarch64;
  }
  llvm_unreachable("covered switch");
}

/// Whether `target` is what `row` is for.
template <class Row>
static bool isAvailable(const Row &row, const TargetSpec &target) {
  return isArch(row.arch, llvm::Triple(target.triple).getArch()) &&
         llvm::all_of(llvm::split(row.features, ','), [&](StringRef feature) {
           return feature.empty() || target.hasFeature(feature);
         });
}

int64_t DotInstruction::countSummedSteps(WeightFacts facts) const {
  if (!addsUpSteps())
    return 1;
  // What a step adds to a sum for a weight of 1, at most: two activations
  // without sign, or one with.
  int64_t most = form == Form::UnsignedPair ? 2 * UINT8_MAX : -INT8_MIN;
  int64_t least = arch == TargetArch::X86 ? kLeastSummedSteps : 2;
  int64_t count = steps;
  while (count >= least &&
         !facts.areWithin(static_cast<int32_t>(INT16_MAX / (most * count))))
    count /= 2;
  return count >= least ? count : 1;
}

int64_t DotInstruction::countSteps(WeightFacts facts) const {
  return form == Form::UnsignedPair ? countSummedSteps(facts) : steps;
}

static bool isProved(DotInstruction::Weights weights, WeightFacts facts) {
  switch (weights) {
  case DotInstruction::Weights::Any:
    return true;
  case DotInstruction::Weights::NarrowRange:
    return facts.isNarrowRange();
  case DotInstruction::Weights::HalfRange:
    return facts.areWithin(kHalfRange);
  }
  llvm_unreachable("covered switch");
}

const DotInstruction &quantc::selectDotInstruction(const TargetSpec &target,
                                                   WeightFacts facts) {
  return *llvm::find_if(getDotInstructions(), [&](const DotInstruction &row) {
    return row.bits == 8 && isAvailable(row, target) &&
           isProved(row.weights, facts);
  });
}

const DotInstruction *
quantc::selectWideInstruction(const TargetSpec &target,
                              const DotInstruction &instruction) {
  for (const DotInstruction &row : getDotInstructions()) {
    if (&row == &instruction)
      return nullptr;
    if (row.bits == 16 && isAvailable(row, target) &&
        row.columns == instruction.columns)
      return &row;
  }
  llvm_unreachable("is a row of the table");
}

template <class Row>
static const Row *lookup(ArrayRef<Row> rows, StringRef name) {
  const auto *row =
      llvm::find_if(rows, [&](const Row &row) { return row.name == name; });
  return row == rows.end() ? nullptr : row;
}

const DotInstruction *quantc::lookupDotInstruction(StringRef name) {
  return lookup(getDotInstructions(), name);
}

const TileInstruction *quantc::lookupTileInstruction(StringRef name) {
  return lookup(getTileInstructions(), name);
}

const TileInstruction *
quantc::selectTileInstruction(const TargetSpec &target,
                              const DotInstruction &instruction) {
  for (const TileInstruction &row : getTileInstructions())
    if (isAvailable(row, target) && row.step == instruction.depth &&
        row.columns == instruction.columns)
      return &row;
  return nullptr;
}

int64_t TileInstruction::chooseDepth(int64_t padded) const {
  int64_t chosen = depth;
  while (padded % chosen != 0)
    chosen -= step;
  return chosen;
}

int64_t TileInstruction::padDepth(int64_t depthK) const {
  int64_t tiles = llvm::divideCeil(depthK, depth);
  if (depthK % step == 0 && 4 * (depthK / chooseDepth(depthK)) <= 5 * tiles)
    return depthK;
  return tiles * llvm::alignTo(llvm::divideCeil(depthK, tiles), step);
}

const VectorUnit &quantc::selectVectorUnit(const TargetSpec &target) {
  return *llvm::find_if(getVectorUnits(), [&](const VectorUnit &unit) {
    return isAvailable(unit, target);
  });
}

RegisterBlock quantc::chooseBlock(int64_t numColumns,
                                  const Accumulators &accumulators,
                                  int64_t numRows) {
  auto [rows, lanes, count, panel] = accumulators;
  // More than 8 rows gain nothing where weights are near: they are loaded often
  // enough.
  int64_t mostLines = std::max<int64_t>(kMostRowsInBlock / rows, 1);
  int64_t widest = panel;
  if (int64_t lines = llvm::divideCeil(numRows, rows);
      lines != 0 && 2 * lines <= count) {
    mostLines = std::max(mostLines, lines);
    widest = std::min<int64_t>(
        panel, llvm::bit_floor(static_cast<uint64_t>(count / lines)) * lanes);
  }
  RegisterBlock best{rows, lanes};
  int64_t lowest = INT64_MAX;
  for (int64_t columns = widest; columns >= lanes; columns /= 2) {
    int64_t registers = columns / lanes;
    int64_t cost = llvm::divideCeil(numColumns, columns) * (registers + 1);
    if (cost >= lowest)
      continue;
    lowest = cost;
    int64_t lines = std::clamp<int64_t>(count / registers, 1, mostLines);
    best = {lines * rows, columns};
  }
  return best;
}

int64_t quantc::chooseDepthBlock(int64_t depth, const VectorUnit &unit) {
  int64_t panelRow = unit.accumulators.panel * sizeof(float);
  int64_t longest = unit.cache / 4 / panelRow;
  if (depth <= longest)
    return 0;
  for (int64_t block = longest; block >= longest / 4; --block)
    if (depth % block == 0)
      return block;
  return 0;
}
