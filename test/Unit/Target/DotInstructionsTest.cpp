//===- DotInstructionsTest.cpp - The rows of the table --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/DotInstructions.h"

#include "mlir/IR/MLIRContext.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Regex.h"
#include "gtest/gtest.h"

using namespace quantc;

namespace {

/// The name of the row that is used for `target`.
llvm::StringRef select(llvm::StringRef target, WeightFacts facts = {}) {
  mlir::MLIRContext context;
  auto emitError = [&] {
    return mlir::emitError(mlir::UnknownLoc::get(&context));
  };
  mlir::FailureOr<TargetSpec> spec = parseTarget(target, emitError);
  EXPECT_TRUE(mlir::succeeded(spec)) << target.str();
  return selectDotInstruction(mlir::succeeded(spec) ? *spec : TargetSpec(),
                              facts)
      .name;
}

TEST(DotInstructionsTest, NamesSayWhatTheColumnsSay) {
  llvm::StringSet<> seen;
  for (const DotInstruction &row : getDotInstructions()) {
    EXPECT_TRUE(seen.insert(row.name).second) << row.name.str();
    auto getName = [&](DotInstruction::Sign sign) {
      bool isSigned = sign == DotInstruction::Sign::Signed;
      return (isSigned ? "s" : "u") + std::to_string(row.bits);
    };
    std::string tile =
        llvm::formatv("_{0}x{1}x{2}_i32_{3}_{4}", row.rows, row.columns,
                      row.depth, getName(row.lhs), getName(row.rhs));
    llvm::StringRef isa = row.name;
    EXPECT_TRUE(isa.consume_back(tile)) << row.name.str();
    EXPECT_TRUE(llvm::Regex("^[a-z][a-z0-9]*$").match(isa)) << row.name.str();
  }
}

/// The widest panel has accumulators for at least one row, and registers are
/// left for operands: x86 has 16 or, with AVX-512, 32, AArch64 32.
void expectThatBlocksFit(const Accumulators &accumulators) {
  ASSERT_GT(accumulators.columns, 0);
  EXPECT_GE(accumulators.panel, accumulators.columns);
  EXPECT_EQ(accumulators.panel % accumulators.columns, 0);
  EXPECT_GE(accumulators.count, accumulators.panel / accumulators.columns);
  EXPECT_LE(accumulators.count, 28);
}

TEST(DotInstructionsTest, BlocksFitRegisters) {
  for (const DotInstruction &row : getDotInstructions()) {
    SCOPED_TRACE(row.name.str());
    EXPECT_TRUE(llvm::isPowerOf2_64(row.columns));
    EXPECT_TRUE(llvm::isPowerOf2_64(row.depth));
    EXPECT_EQ(lookupDotInstruction(row.name), &row);
    expectThatBlocksFit(row.accumulators);
    Accumulators ofAnyRows = row.accumulators;
    ofAnyRows.count = row.dynamicAccumulators;
    expectThatBlocksFit(ofAnyRows);
    EXPECT_LE(row.dynamicAccumulators, row.accumulators.count);
  }
  for (const VectorUnit &unit : getVectorUnits()) {
    SCOPED_TRACE(unit.name.str());
    EXPECT_EQ(unit.accumulators.rows, 1);
    expectThatBlocksFit(unit.accumulators);
  }
}

TEST(DotInstructionsTest, TileInstructionsSayWhatTheirColumnsSay) {
  for (const TileInstruction &row : getTileInstructions()) {
    SCOPED_TRACE(row.name.str());
    std::string tile = llvm::formatv("_{0}x{1}x{2}_i32_s8_s8", row.rows,
                                     row.columns, row.depth);
    EXPECT_TRUE(row.name.ends_with(tile));
    EXPECT_EQ(lookupTileInstruction(row.name), &row);
    EXPECT_EQ(row.depth % row.step, 0);
    EXPECT_EQ(row.rowBlock % row.rows, 0);
    EXPECT_EQ(row.depthBlock % row.depth, 0);
    EXPECT_EQ(row.panel % row.columns, 0);
    if (!row.isScalable()) {
      EXPECT_GE(row.accumulators, row.panel / row.columns);
      continue;
    }
    // Of a register, 128 bits have the activations of an iteration, the weights
    // of a step, and four sums.
    EXPECT_EQ(row.depth, 16);
    EXPECT_EQ(row.columns * row.step, 16);
    EXPECT_EQ(row.form == TileInstruction::Form::ScalableRow, row.columns == 4);
    // Across a panel goes at least one register with sums of each row.
    EXPECT_TRUE(llvm::isPowerOf2_64(row.rows));
    EXPECT_GE(row.accumulators, row.rows);
  }
}

/// The tile instruction that layers of many rows take on `target`.
const TileInstruction *selectTile(llvm::StringRef target) {
  mlir::MLIRContext context;
  mlir::FailureOr<TargetSpec> spec = parseTarget(
      target, [&] { return mlir::emitError(mlir::UnknownLoc::get(&context)); });
  EXPECT_TRUE(mlir::succeeded(spec)) << target.str();
  if (mlir::failed(spec))
    return nullptr;
  return selectTileInstruction(*spec, selectDotInstruction(*spec));
}

TEST(DotInstructionsTest, TilesReadWhatIsPackedForTheDotInstruction) {
  const TileInstruction *row = selectTile("x86-64-v4+avx512vnni+amx-int8");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->name, "amxint8_16x16x64_i32_s8_s8");
  EXPECT_EQ(selectTile("x86-64-v4+avx512vnni"), nullptr);
  // Packed in steps of two.
  EXPECT_EQ(selectTile("x86-64-v4+amx-int8"), nullptr);
  for (llvm::StringRef target :
       {"aarch64+sve", "aarch64+sve2", "aarch64+dotprod+sve", "a64fx"}) {
    row = selectTile(target);
    ASSERT_NE(row, nullptr) << target.str();
    EXPECT_EQ(row->name, "sve_4x4x16_i32_s8_s8");
  }
  for (llvm::StringRef target :
       {"aarch64+i8mm+sve", "neoverse-v1", "neoverse-v2"}) {
    row = selectTile(target);
    ASSERT_NE(row, nullptr) << target.str();
    EXPECT_EQ(row->name, "svei8mm_4x2x16_i32_s8_s8");
  }
  EXPECT_EQ(selectTile("aarch64+dotprod"), nullptr);
  EXPECT_EQ(selectTile("aarch64+i8mm"), nullptr);
}

TEST(DotInstructionsTest, TilesDivideTheDepthThatIsPacked) {
  for (const TileInstruction &row : getTileInstructions()) {
    SCOPED_TRACE(row.name.str());
    for (int64_t depth = 1; depth <= 2048; ++depth) {
      int64_t padded = row.padDepth(depth);
      int64_t chosen = row.chooseDepth(padded);
      EXPECT_GE(padded, depth);
      EXPECT_EQ(padded % chosen, 0) << depth;
      EXPECT_EQ(chosen % row.step, 0) << depth;
      EXPECT_LE(chosen, row.depth) << depth;
      // At most a quarter more tiles than there must be.
      EXPECT_LE(4 * (padded / chosen), 5 * llvm::divideCeil(depth, row.depth))
          << depth;
    }
  }
  const TileInstruction *row =
      lookupTileInstruction("amxint8_16x16x64_i32_s8_s8");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->padDepth(1024), 1024);
  EXPECT_EQ(row->chooseDepth(1024), 64);
  // 14 tiles of 56 and no padding, where 13 would be of 64 and a rest of 16.
  EXPECT_EQ(row->padDepth(784), 784);
  EXPECT_EQ(row->chooseDepth(784), 56);
  EXPECT_EQ(row->padDepth(65), 72);
}

TEST(DotInstructionsTest, UnknownNamesHaveNoRow) {
  EXPECT_EQ(lookupDotInstruction("avx1024_1x32x4_i32_s8_s8"), nullptr);
}

template <class Row>
void expectThatTheLastRunsEverywhere(llvm::ArrayRef<Row> rows) {
  EXPECT_EQ(rows.back().arch, TargetArch::Any);
  EXPECT_TRUE(rows.back().features.empty());
  for (const Row &row : rows.drop_back()) {
    EXPECT_NE(row.arch, TargetArch::Any) << row.name.str();
    EXPECT_FALSE(row.features.empty()) << row.name.str();
  }
}

TEST(DotInstructionsTest, TheLastRowRunsEverywhere) {
  expectThatTheLastRunsEverywhere(getDotInstructions());
  expectThatTheLastRunsEverywhere(getVectorUnits());
  EXPECT_EQ(getDotInstructions().back().weights, DotInstruction::Weights::Any);
}

TEST(DotInstructionsTest, TheFirstAvailableRowIsUsed) {
  EXPECT_EQ(select("x86-64"), "generic_1x1x1_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v2"), "sse41_1x4x2_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v3"), "avx2_1x8x2_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v3+avxvnni"), "avxvnni_1x8x4_i32_u8_s8");
  EXPECT_EQ(select("x86-64-v3+avxvnniint8"), "avxvnniint8_1x8x4_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v4"), "avx512bw_1x16x2_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v4+avx512vnni"), "avx512vnni_1x16x4_i32_u8_s8");
  EXPECT_EQ(select("aarch64"), "neon_1x4x2_i32_s8_s8");
  EXPECT_EQ(select("aarch64+i8mm"), "i8mm_2x2x8_i32_s8_s8");
  EXPECT_EQ(select("aarch64+dotprod"), "dotprod_1x4x4_i32_s8_s8");
  EXPECT_EQ(select("aarch64+sve"), "sve_1x4x4_i32_s8_s8");
  EXPECT_EQ(select("aarch64+dotprod+sve2"), "dotprod_1x4x4_i32_s8_s8");
  EXPECT_EQ(select("aarch64+i8mm+sve"), "i8mm_2x2x8_i32_s8_s8");
}

constexpr WeightFacts kNarrow{-127, 127};
constexpr WeightFacts kHalf{-64, 64};

/// The row of 16 bits that many rows take on `target`; empty for none.
llvm::StringRef selectWide(llvm::StringRef target, WeightFacts facts = {}) {
  mlir::MLIRContext context;
  mlir::FailureOr<TargetSpec> spec = parseTarget(
      target, [&] { return mlir::emitError(mlir::UnknownLoc::get(&context)); });
  EXPECT_TRUE(mlir::succeeded(spec)) << target.str();
  if (mlir::failed(spec))
    return {};
  const DotInstruction *row =
      selectWideInstruction(*spec, selectDotInstruction(*spec, facts));
  return row ? llvm::StringRef(row->name) : llvm::StringRef();
}

TEST(DotInstructionsTest, WideRowsStandBeforeThoseThatTheyAreFasterThan) {
  for (WeightFacts facts : {WeightFacts(), kNarrow}) {
    EXPECT_EQ(selectWide("x86-64-v2", facts), "sse41_1x4x2_i32_s16_s16");
    EXPECT_EQ(selectWide("x86-64-v3", facts), "avx2_1x8x2_i32_s16_s16");
    EXPECT_EQ(selectWide("x86-64-v4", facts), "avx512bw_1x16x2_i32_s16_s16");
  }
  for (llvm::StringRef target : {"x86-64", "x86-64-v3+avxvnni", "aarch64",
                                 "x86-64-v4+avx512vnni", "aarch64+sve"})
    EXPECT_EQ(selectWide(target), "") << target.str();
  // Both read the same panels, and a step of one is several of the other.
  for (const DotInstruction &row : getDotInstructions())
    EXPECT_TRUE(row.bits == 8 || row.bits == 16) << row.name.str();
}

TEST(DotInstructionsTest, ObjectsForSeveralTargetsHaveEveryRow) {
  mlir::MLIRContext context;
  auto emitError = [&] {
    return mlir::emitError(mlir::UnknownLoc::get(&context));
  };
  llvm::StringSet<> used;
  for (llvm::StringRef list : {"x86-64-multi", "aarch64-multi"}) {
    std::vector<TargetSpec> targets = *parseTargets(list, emitError);
    for (const TargetSpec &target : targets)
      for (WeightFacts facts : {WeightFacts(), kNarrow, kHalf}) {
        const DotInstruction &row = selectDotInstruction(target, facts);
        used.insert(row.name);
        if (const DotInstruction *wide = selectWideInstruction(target, row))
          used.insert(wide->name);
      }
  }
  // Machines without SSE4.1 have to be asked for, and so do those with SVE that
  // have neither i8mm nor dotprod: the only core is a64fx.
  for (const DotInstruction &row : getDotInstructions().drop_back())
    EXPECT_NE(used.contains(row.name), row.features == "sve") << row.name.str();
}

TEST(DotInstructionsTest, ProofsOpenRows) {
  EXPECT_EQ(select("x86-64-v3", kNarrow), "avx2_1x8x4_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v2", kNarrow), "sse41_1x4x2_i32_s8_s8");
  EXPECT_EQ(select("x86-64-v3+avxvnni", kNarrow), "avxvnni_1x8x4_i32_u8_s8");
  EXPECT_EQ(select("x86-64-v3", kHalf), "avx2_1x8x4_i32_u8_s8");
  EXPECT_EQ(select("x86-64-v3", {-65, 64}), "avx2_1x8x4_i32_s8_s8");
  EXPECT_EQ(selectWide("x86-64-v3", kHalf), "");
  EXPECT_EQ(select("x86-64-v2", kHalf), "sse41_1x4x4_i32_u8_s8");
  EXPECT_EQ(selectWide("x86-64-v2", kHalf), "");
}

TEST(DotInstructionsTest, SmallWeightsLetStepsBeAddedUp) {
  for (const DotInstruction &row : getDotInstructions()) {
    SCOPED_TRACE(row.name.str());
    if (row.form != DotInstruction::Form::UnsignedPair)
      EXPECT_EQ(row.countSteps({}), row.steps);
    if (!row.addsUpSteps()) {
      EXPECT_EQ(row.countSummedSteps({0, 0}), 1);
      continue;
    }
    if (row.form == DotInstruction::Form::Widen) {
      EXPECT_EQ(row.countSummedSteps({}), 1);
      EXPECT_EQ(row.countSummedSteps(kNarrow), 2);
      EXPECT_EQ(row.countSummedSteps({-32, 31}), 4);
      EXPECT_EQ(row.countSummedSteps({-31, 31}), 8);
      for (int32_t w = 1; w <= 127; ++w)
        EXPECT_LE(row.countSummedSteps({-w, w}) * 128 * w, INT16_MAX) << w;
      continue;
    }
    EXPECT_EQ(row.countSteps({-8, 7}), 8);
    EXPECT_EQ(row.countSteps({-8, 8}), 8);
    EXPECT_EQ(row.countSteps({-9, 7}), 4);
    EXPECT_EQ(row.countSteps({-15, 15}), 4);
    EXPECT_EQ(row.countSteps({-17, 0}), 1);
    EXPECT_EQ(row.countSteps(kHalf), 1);
    // Half of the activations of a step are added to each sum of i16.
    for (int32_t w = 1; w <= 64; ++w)
      if (int64_t steps = row.countSteps({-w, w}); steps > 1)
        EXPECT_LE(steps * row.depth / 2 * 255 * w, INT16_MAX) << w;
  }
}

/// The instructions that a step along K takes for one row of the result: one
/// for each register and one broadcast for each panel.
int64_t getCost(int64_t numColumns, int64_t lanes, int64_t columns) {
  return llvm::divideCeil(numColumns, columns) * (columns / lanes + 1);
}

TEST(DotInstructionsTest, BlocksHaveTheLowestCost) {
  for (const DotInstruction &row : getDotInstructions())
    for (int64_t n : {1, 10, 16, 64, 80, 128}) {
      SCOPED_TRACE(row.name.str() + ", N = " + std::to_string(n));
      auto [rows, lanes, count, panel] = row.accumulators;
      RegisterBlock block = chooseBlock(n, row.accumulators);
      ASSERT_EQ(block.columns % lanes, 0);
      EXPECT_LE(block.columns, panel);
      EXPECT_GE(block.rows, rows);
      EXPECT_EQ(block.rows % rows, 0);
      EXPECT_LE(block.rows / rows * block.columns / lanes, count);
      int64_t cost = getCost(n, lanes, block.columns);
      for (int64_t columns = lanes; columns <= panel; columns *= 2) {
        EXPECT_LE(cost, getCost(n, lanes, columns)) << columns;
        // The widest among equals.
        if (columns > block.columns)
          EXPECT_LT(cost, getCost(n, lanes, columns)) << columns;
      }
    }
}

TEST(DotInstructionsTest, BlocksOfAvx512) {
  auto expectBlock = [](int64_t numColumns, int64_t rows, int64_t columns,
                        int64_t numRows = 0) {
    RegisterBlock block = chooseBlock(numColumns,
                                      {/*rows=*/1, /*columns=*/16, /*count=*/24,
                                       /*panel=*/64},
                                      numRows);
    EXPECT_EQ(block.rows, rows) << numColumns;
    EXPECT_EQ(block.columns, columns) << numColumns;
  };
  expectBlock(1, 8, 16);
  expectBlock(10, 8, 16);
  expectBlock(16, 8, 16);
  expectBlock(64, 6, 64);
  // Three panels of 32 cost 9 steps; two of 64, with 48 columns in vain, 10.
  expectBlock(80, 8, 32);
  expectBlock(128, 6, 64);
  // Few rows that share one reading of the weights.
  expectBlock(4096, 6, 64, /*numRows=*/1);
  expectBlock(4096, 6, 64, /*numRows=*/6);
  expectBlock(4096, 8, 32, /*numRows=*/8);
  expectBlock(4096, 12, 32, /*numRows=*/12);
  // Two registers for each of more rows do not fit.
  expectBlock(4096, 6, 64, /*numRows=*/13);
}

TEST(DotInstructionsTest, PanelsTakeAQuarterOfTheSecondCache) {
  VectorUnit unit = getVectorUnits().front();
  unit.accumulators.panel = 64;
  unit.cache = 1 << 20;
  EXPECT_EQ(chooseDepthBlock(1024, unit), 0);
  EXPECT_EQ(chooseDepthBlock(4096, unit), 1024);
  EXPECT_EQ(chooseDepthBlock(3000, unit), 1000);
  // No divisor is long enough.
  EXPECT_EQ(chooseDepthBlock(1031, unit), 0);
  // What is dynamic is negative.
  EXPECT_EQ(chooseDepthBlock(INT64_MIN, unit), 0);
}

} // namespace
