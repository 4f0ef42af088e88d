//===- DotInstructions.h - What multiplies i8 by i8 -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rows of DotInstructions.def, and the block sizes that follow from them.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_DOTINSTRUCTIONS_H
#define QUANTC_TARGET_DOTINSTRUCTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace quantc {

struct TargetSpec;

/// On a contraction: the name of the row that its operands are packed for. One
/// without it is for the row of a target and weights of which nothing is known.
inline constexpr llvm::StringLiteral kDotInstructionAttr =
    "quant.dot_instruction";

/// On a contraction whose instruction adds up products in i16: after how many
/// steps these sums are full, if that is more than one.
inline constexpr llvm::StringLiteral kSummedStepsAttr = "quant.summed_steps";

/// On a contraction that is left whole for tile registers: the name of the row.
inline constexpr llvm::StringLiteral kTileInstructionAttr =
    "quant.tile_instruction";

enum class TargetArch { Any, X86, AArch64 };

/// What accumulates: a block is made of registers of `rows` by `columns` sums
/// each, at most `count` of them and at most `panel` columns wide.
struct Accumulators {
  int64_t rows;
  int64_t columns;
  int64_t count;
  int64_t panel;
};

/// What is known of the weights of a layer when its instruction is chosen: the
/// least and the greatest that enter the contraction.
struct WeightFacts {
  int32_t least = INT8_MIN;
  int32_t most = INT8_MAX;

  bool isNarrowRange() const { return least > INT8_MIN; }
  /// Whether all are within [-limit, limit].
  bool areWithin(int32_t limit) const {
    return -limit <= least && most <= limit;
  }
};

/// The weights whose products by two activations without sign fit i16.
inline constexpr int32_t kHalfRange = 64;

/// Fewer steps than that gain nothing when they are added up in i16 where there
/// are 16 registers, of which their sums take as many again.
inline constexpr int64_t kLeastSummedSteps = 4;

/// A row of the table of dot instructions.
struct DotInstruction {
  enum class Sign { Signed, Unsigned };
  /// What must be proved of the weights.
  enum class Weights { Any, NarrowRange, HalfRange };
  /// How the instruction is called; DotForms.h has the algebra.
  enum class Form {
    Tile,
    Quad,
    ScalableQuad,
    Pair,
    SignedPair,
    UnsignedPair,
    Widen,
    Scalar
  };

  llvm::StringLiteral name;
  TargetArch arch;
  llvm::StringLiteral features;
  int64_t rows;
  int64_t columns;
  int64_t depth;
  int64_t bits;
  Sign lhs;
  Sign rhs;
  Weights weights;
  int64_t steps;
  Form form;
  llvm::StringLiteral intrinsics;
  Accumulators accumulators;
  /// Their number where that of the rows is not known.
  int64_t dynamicAccumulators;

  /// Whether products become i32 by an instruction of their own, before which
  /// those of several steps may be added up in i16.
  bool addsUpSteps() const {
    return form == Form::UnsignedPair || form == Form::Widen;
  }
  /// The steps whose products fit i16 together if weights are as in `facts`: a
  /// power of two, 1 if they are not worth adding up.
  int64_t countSummedSteps(WeightFacts facts) const;
  /// The steps that a contraction by such weights takes at a time.
  int64_t countSteps(WeightFacts facts) const;
};

/// A row of the table of tile instructions.
struct TileInstruction {
  /// What registers are; DotInstructions.def says it.
  enum class Form { Tile, ScalableRow, ScalableTile };

  llvm::StringLiteral name;
  TargetArch arch;
  llvm::StringLiteral features;
  Form form;
  int64_t rows;
  int64_t columns;
  int64_t depth;
  int64_t step;
  llvm::StringLiteral intrinsics;
  int64_t accumulators;
  int64_t panel;
  int64_t leastRows;
  int64_t rowBlock;
  int64_t depthBlock;

  bool isScalable() const { return form != Form::Tile; }
  /// How many k a tile takes of `padded`, a multiple of `step`: as many as fit
  /// and leave no rest.
  int64_t chooseDepth(int64_t padded) const;
  /// K with the padding that it is to be packed with: none where tiles without
  /// rest come close to full ones, else as little as tiles of one depth need.
  int64_t padDepth(int64_t depthK) const;
};

/// A row of the table of vector units.
struct VectorUnit {
  llvm::StringLiteral name;
  TargetArch arch;
  llvm::StringLiteral features;
  Accumulators accumulators;
  /// Registers for accumulators beside weights of 8 or 4 bits that are decoded.
  int64_t besideBytes;
  int64_t besideNibbles;
  /// Most rows of an unknown number that decode in registers.
  int64_t fewRows;
  /// Most blocks of a known number that decode bytes in registers.
  int64_t decodingBlocks;
  /// Bytes of the second cache.
  int64_t cache;
  /// Whether nibbles that become floats are eight to a word.
  bool hasWords;
  /// What looks up nibbles; empty without.
  llvm::StringLiteral lookup;

  /// Whether nibbles become floats by their mantissas.
  bool raisesNibbles() const { return hasWords && lookup.empty(); }
};

/// All rows, in the order of the tables.
llvm::ArrayRef<DotInstruction> getDotInstructions();
llvm::ArrayRef<TileInstruction> getTileInstructions();
llvm::ArrayRef<VectorUnit> getVectorUnits();

/// The first row of 8 bits whose architecture and features `target` has and
/// whose precondition follows from `facts`.
const DotInstruction &selectDotInstruction(const TargetSpec &target,
                                           WeightFacts facts = {});

/// The first row of 16 bits that `target` has and that is faster for many rows
/// than `instruction`, for which their weights are packed; null if there is
/// none.
const DotInstruction *selectWideInstruction(const TargetSpec &target,
                                            const DotInstruction &instruction);

/// The row called `name`; null if there is none.
const DotInstruction *lookupDotInstruction(llvm::StringRef name);
const TileInstruction *lookupTileInstruction(llvm::StringRef name);

/// The first row that `target` has and that reads what is packed for
/// `instruction`; null if there is none.
const TileInstruction *selectTileInstruction(const TargetSpec &target,
                                             const DotInstruction &instruction);

/// The first row whose architecture and features `target` has.
const VectorUnit &selectVectorUnit(const TargetSpec &target);

/// What a prefetch brings, on every machine that we compile for.
inline constexpr int64_t kCacheLineBytes = 64;

/// The localities, as `llvm.prefetch` has them, that mean the first cache, for
/// what is used at once, and the second.
inline constexpr uint32_t kFirstCacheLocality = 3;
inline constexpr uint32_t kSecondCacheLocality = 2;

/// The first cache that every machine has.
inline constexpr int64_t kFirstCacheBytes = 32 * 1024;

/// The bytes of a block of weights that are decoded to floats: what the first
/// cache holds beside the rows that meet it.
inline constexpr int64_t kDecodedBytes = 28 * 1024;

/// More rows than that in a block gain nothing: the weights are loaded often
/// enough.
inline constexpr int64_t kMostRowsInBlock = 8;

/// Sums that multiply-adds of floats must alternate between so that none waits
/// for another: two units, each with a latency of four.
inline constexpr int64_t kSumsInFlight = 8;

/// The part of a layer's result that is computed in registers: `rows` by
/// `columns` accumulators.
struct RegisterBlock {
  int64_t rows;
  int64_t columns;
};

/// The block for `numColumns` weight columns. `numRows` are rows that are to
/// share one reading of the weights, 0 if there is no need or their number is
/// not known: then the block has all of them, if two registers for each fit.
///
/// A step along K costs, for each row, one instruction for each register and
/// one to broadcast the activation; ragged columns are computed in full. The
/// panel with the lowest cost over all panels wins, the widest among equals. It
/// is a power of two of registers wide: LLVM takes vectors of other lengths
/// apart to elements where they pass from one iteration to the next.
RegisterBlock chooseBlock(int64_t numColumns, const Accumulators &accumulators,
                          int64_t numRows = 0);

/// The parts that the terms of an f32 sum, `depth` of them, are cut into, so
/// that a panel takes a quarter of the second cache of `unit`: the next panel
/// and the rows that meet them lie beside it. A divisor of `depth`; 0 for one
/// part, also where the only divisors are so small that taking accumulators out
/// of registers would cost more.
int64_t chooseDepthBlock(int64_t depth, const VectorUnit &unit);

} // namespace quantc

#endif // QUANTC_TARGET_DOTINSTRUCTIONS_H
