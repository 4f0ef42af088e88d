//===- LinearPacker.h - The operations of a packed layer --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowers quant.linear to the operations of a packed layer, in loops m (row), nb
// (panel), g (group), n (column in the panel), k (step), h (half of a byte) and
// d (element in the step):
//
//   unpack        w[nb, g, k, h, n, d]   from nibbles, only with constant
//                                        4-bit weights
//   contraction   acc[m, nb, n]          or acc[m, nb, g, n] with float groups
//                                        or multipliers of nibbles
//   group sum     sum[m, nb, n]          only then
//   epilogue      y[m, nb, n]
//
// Zero points are taken out of the contraction. With u = 128 where the
// instruction takes a + 128 (else 0), K' the size of a group, all sums over k:
//
//   sum (a - za)(w - zw) = sum (a + u) w
//                          - (u + za) sum w + K' za zw      known: acc starts
//                          there
//                          - zw sum a                       row sums, if zw !=
//                          0
//
// and with za known only at run time
//
//                        = sum (a + u) w - u sum w - za sum (w - zw) - zw sum a
//
// Weights of 4 bits are unpacked in one of two ways. For many rows, a panel at
// a time becomes bytes that all rows read, with zw and the group multiplier
// applied: both w - zw and m * w fit i8. A few rows multiply with the nibbles
// as they are stored, u = w + 8, in the registers that they were read into:
//
//   sum_k (w - zw) a          = sum_k u a - (zw + 8) sum_k a
//   sum_g m_g sum_k w a       = sum_g m_g (sum_k u a - 8 sum_k a)
//
// so that a weight costs no more than to be taken out of its byte.
//
// Where the instruction adds up the products of several steps in i16, bytes
// have to be small: multipliers are left to the sums of groups in any case,
//
//   sum_k m w (a + u)         = sum_g m_g sum_k w (a + u)
//
// and nothing is to be undone for each group, since the start has what u adds.
//
// Constants are packed on the host. What is known only at run time, such as the
// weights of a layer in training, is packed by operations of the program, once
// for each call: PackedOperands.cpp says both, side by side.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_LINEARPACKER_H
#define QUANTC_LIB_CODEGEN_LINEARPACKER_H

#include "PackedBuilder.h"

#include "quantc/Conversion/Lora.h"

namespace quantc {

/// What an unsigned lhs is shifted by.
inline constexpr int32_t kUnsignedOffset = 128;

/// What a contraction multiplies with.
enum class WeightForm {
  /// The nibbles that are stored for weights of 4 bits.
  Nibbles,
  /// Values, unpacked in registers if the weight has 4 bits; nibbles that are
  /// looked up are floats then.
  Bytes,
  /// Values that were unpacked into memory, once for a panel.
  Panel,
  /// The same extended to 16 bits, as their instruction takes them.
  Wide,
  /// Floats that were decoded into memory, once for a panel: with sums of
  /// groups.
  Floats,
  /// The same in blocks of K that stay in the first cache.
  FloatBlocks,
  /// Floats that were decoded as a whole, before a loop that the layer is in.
  FloatsAhead,
};

/// Most rows that multiply with nibbles. Each of them takes as many registers
/// again for the sum of a group, and work at the end of each group.
inline constexpr int64_t kNibbleRows = 3;

/// Most rows that unpack in registers: two blocks unpack twice, but read half
/// as many bytes. Where several steps are added up in i16, blocks are smaller,
/// and one of them is enough rows to unpack into memory for the others.
inline constexpr int64_t kRegisterRows = 12;

/// Fewest rows that gain more from operands of 16 bits than it costs to extend
/// them.
inline constexpr int64_t kWideRows = 40;

/// The registers of a panel, or the rows beside a wider one, where nibbles of
/// words meet parameters: each register of a panel takes three more for these
/// (quant-decode-nibbles). Without a lookup, eight steps of more would be taken
/// apart at once.
inline constexpr int64_t kWordRegisters = 2;

/// Most rows of a block that decodes for itself, if there may be several.
inline constexpr int64_t kRowsOfBlock = 6;

/// The values that undo zero points which are not known when the accumulator
/// starts; each null without.
struct Correction {
  mlir::Value inputZeroPoint;  // za [M], or rank 0
  mlir::Value weightSums;      // sum (w - zw) [NB, (G), NR]
  mlir::Value weightZeroPoint; // zw [NB, (G), NR]; 0 if null
  mlir::Value rowSums;         // sum a [M, (G)]
};

/// The weights that are decoded before loops.
class DecodedAhead {
public:
  /// The loop around `op` before which its weight is to be decoded, to that
  /// many bytes: the outermost one that leaves room in a cache of that size;
  /// null for none.
  mlir::Operation *choose(mlir::Operation *op, int64_t bytes, int64_t cache);

private:
  llvm::DenseMap<mlir::Operation *, int64_t> bytesBefore;
};

class LinearPacker : public PackedBuilder {
public:
  LinearPacker(LinearOp op, const TargetSpec &target,
               DecodedAhead &decodedAhead, mlir::PatternRewriter &rewriter)
      : PackedBuilder(rewriter, op.getLoc()), op(op), target(target),
        decodedAhead(decodedAhead), unit(selectVectorUnit(target)),
        hasGroupSums(op.getNumScaleGroups() > 1) {}

  mlir::LogicalResult prepare();
  mlir::Value lower();
  /// The same where `lora` is the addend. A layer without an adapter has no
  /// addend, and the deltas of one for all rows are computed tile by tile.
  mlir::Value lowerWithLora(LoraOp lora);

private:
  bool isInteger() { return op.hasIntegerInput(); }
  bool hasGroups() const { return layout.groups > 1; }
  /// Whether activations are the side without sign, a + 128.
  bool isUnsigned() {
    return isInteger() && !inTiles &&
           instruction->lhs == DotInstruction::Sign::Unsigned &&
           form != WeightForm::Nibbles;
  }
  /// Whether nothing but a sum over groups stands between nibbles and weights.
  bool canContractNibbles() {
    bool hasMultiplier(op.getGroupMultiplier());
    return isInteger() && (!hasMultiplier || (hasGroups() && !hasGroupSums));
  }
  /// Whether multipliers are applied to the sums of groups.
  bool hasMultiplierSums() {
    return op.getGroupMultiplier() &&
           (form == WeightForm::Nibbles || scalesSums);
  }
  /// Whether the products of several steps are added up in i16.
  bool sumsSteps() const { return summedSteps > 1; }
  /// The steps that a contraction takes at a time.
  int64_t getStepsAtOnce() {
    bool isInMemory = form == WeightForm::Panel || !hasSharedElements();
    return isInMemory && !isWide() ? stepsAtOnce : 1;
  }
  int64_t getRegisterRows() const {
    return sumsSteps() ? kNibbleRows : kRegisterRows;
  }
  int64_t getRowsInTile();
  int64_t getDecodingRows();
  /// The most known rows that do so, in several blocks: nibbles cost twice as
  /// much as bytes, and with parameters four times.
  int64_t getRowsInRegisters();
  /// The same where more rows would read what is decoded once.
  int64_t getFewRows();
  Accumulators chooseAccumulators();
  int64_t getPanelRegisters(int64_t rows, const Accumulators &beside);
  int64_t getRowsOfBlock(int64_t rows);
  int64_t chooseRowsAtOnce();
  StepPacking choosePacking();
  /// Whether several weights share an element in memory, and whether that is a
  /// word whose nibbles are looked up.
  bool hasSharedElements() const { return layout.packing != StepPacking::None; }
  /// Whether what is multiplied was extended to 16 bits.
  bool isWide() const { return form == WeightForm::Wide; }
  /// The instruction that the form takes.
  const DotInstruction &getInstruction() const {
    return isWide() ? *wideInstruction : *instruction;
  }
  /// The parts of a step, each of which an instruction of 16 bits takes, where
  /// there are several, else 0; and the elements of a part, 0 of floats.
  int64_t partDim();
  int64_t depthDim();
  bool isWords() const { return layout.packing == StepPacking::Word; }
  /// Whether what decodes them takes so many registers that few are left: they
  /// have zero points or multipliers, or no lookup.
  bool hasCrowdedWords();
  /// Whether multipliers are applied to floats: where bytes have no product.
  bool hasFloatMultiplier();
  /// Whether the contraction multiplies with what `createDecodedWeight` makes.
  bool isDecoded() const {
    return form == WeightForm::Floats || isFlat() || isWords();
  }
  /// Whether a weight of 4 bits is known.
  bool isNibbles() { return constantWeight && hasNarrowWeight(); }
  bool hasNarrowWeight() {
    return op.getWeight().getType().getElementType().isInteger(4);
  }
  /// Whether decoding a weight to a float subtracts a zero point. Weights of 4
  /// bits have lost theirs while they were unpacked.
  bool hasDecodedZeroPoint() {
    return !isInteger() && !hasNarrowWeight() && op.getWeightZeroPoint();
  }
  /// Groups with a sum of their own; 1 without.
  int64_t numSums() const { return hasGroupSums ? layout.groups : 1; }
  int64_t sumDim() const { return hasGroupSums ? layout.groups : 0; }

  /// Whether nothing follows the group sum: an epilogue that only copied would
  /// be folded away, and its tile sizes with it.
  bool isGroupSumLast() {
    return hasGroupSums && !isInteger() && !op.getBias() && !addend;
  }
  int64_t groupDim() const { return hasGroups() ? layout.groups : 0; }

  /// Sets what all code of the layer shares: `numRows` and `destination`.
  void start();
  using Body = llvm::function_ref<mlir::Value()>;
  /// What `body` gives for few rows and for many, chosen at run time if the
  /// number of rows is not known.
  mlir::Value createForRows(Body body);
  mlir::Value stateRows(mlir::Value panels);
  mlir::Value createIf(mlir::Value condition, Body onTrue, Body onFalse);
  /// How the number of rows compares with `count`.
  mlir::Value compareRows(mlir::arith::CmpIPredicate predicate, int64_t count);
  /// Whether there are at most `limit` rows.
  mlir::Value hasAtMostRows(int64_t limit);
  /// The layer with an addend in panels, [M, NB, NR], or with none (null); so
  /// is the result.
  mlir::Value lowerPanels(mlir::Value addendPanels);
  /// The same for activations that are floats, and that are integers.
  mlir::Value lowerFloatPanels();
  mlir::Value lowerIntegerPanels();
  /// The same with the weight in one form.
  mlir::Value lowerForm(WeightForm weightForm);

  /// What is known of the values that the contraction multiplies with, where
  /// multipliers are applied to them or to the sums of groups.
  WeightFacts proveWeightFacts(bool withMultipliers);
  /// Sets `instruction`, `scalesSums`, and the most `stepsAtOnce` and
  /// `summedSteps`.
  void chooseInstruction();
  int64_t chooseSteps();

  /// What computes many rows of this layer; null for nothing.
  const TileInstruction *chooseTileInstruction();
  /// The fewest rows that it computes. Weights of 4 bits are unpacked into
  /// memory for it, which is not worth it for the rows that multiply nibbles.
  int64_t getLeastTileRows(const TileInstruction &row);
  /// Whether blocks of rows walk across a panel, whatever its width.
  bool isWalked() const {
    return tileInstruction && tileInstruction->isScalable();
  }

  mlir::Value getUnpaddedInput();
  mlir::Value createInput();
  mlir::Value createConvertedInput();
  mlir::Value createWeight();
  mlir::Value createWideWeight();
  mlir::Value createDecodedWeight();
  mlir::Value createNibblePairs();
  mlir::Value createNibbleWords();
  mlir::Value createLookup();
  mlir::Value createUnpack();
  mlir::Value createZeroPoints();
  mlir::Value createMultipliers();
  mlir::Value createNibbleShift(mlir::AffineExpr loop);
  mlir::Value createStored();
  mlir::Value createPackedWeight();
  mlir::Value createInit(bool perGroup, mlir::Value start);
  mlir::Value createStart();
  mlir::Value createKnownStart();
  mlir::Value createUnknownStart();
  /// `init` and the products of `input` and `weight`, in tiles of `rows`; 0
  /// where what reads the sums has tiles.
  mlir::Value createContraction(mlir::Value input, mlir::Value weight,
                                mlir::Value init, int64_t rows = 0);
  /// The sums of all products, where each row has one for a column.
  mlir::Value createSums();
  /// The layer with weights decoded block by block; `PanelBlocks.cpp`.
  mlir::Value createPanels();
  mlir::Value createPanelSums(mlir::Value input, mlir::Value weight,
                              mlir::Value nb);
  mlir::Value addPanelBlock(mlir::Value input, mlir::Value weight,
                            mlir::Value nb, mlir::Value first, mlir::Value sums,
                            int64_t rowsInTile);
  /// What is decoded as a whole, groups or what lies in one element of memory:
  /// their number in a panel and in a block, and the terms of one.
  int64_t getPanelUnits() const;
  int64_t getBlockUnits() const;
  int64_t getUnitDepth() const;
  /// Whether weights are decoded in blocks.
  bool isInPanelBlocks() const { return form == WeightForm::FloatBlocks; }
  /// Whether K is a single loop over what was decoded.
  bool isFlat() const {
    return isInPanelBlocks() || form == WeightForm::FloatsAhead;
  }
  /// The input [M, K] beside which K is a single loop.
  mlir::Value getTermsInput();

  /// Whether the whole weight is decoded before what reads it, with the sums
  /// of a layer of floats; `DecodeAhead.cpp`.
  bool chooseDecodedAhead();
  mlir::Value createWeightAhead();
  mlir::Value createSumsOfDecoded();
  /// Whether sums of rows wait in memory for what follows them.
  bool hasSumsInMemory() const {
    return isInPanelBlocks() && getBlockUnits() != getPanelUnits();
  }
  mlir::Value createRowSums(bool perGroup);
  mlir::Value createMultiplierSum(mlir::Value accumulators);
  Correction createCorrection();
  mlir::Value createGroupSum(mlir::Value accumulators);
  mlir::Value createEpilogue(mlir::Value accumulator);

  /// Adds the tensors of the correction to the inputs of an operation whose
  /// accumulator has loops m, nb, g and n.
  void addCorrection(const Loops &loops, mlir::AffineExpr m,
                     mlir::AffineExpr nb, mlir::AffineExpr g,
                     mlir::AffineExpr n, llvm::SmallVector<mlir::Value> &inputs,
                     llvm::SmallVector<mlir::AffineMap> &maps);
  /// The corrected accumulator; `elements` are those of `addCorrection`.
  mlir::Value emitCorrection(Emit &a, mlir::Value acc,
                             mlir::ValueRange elements);

  LinearOp op;
  const TargetSpec &target;
  DecodedAhead &decodedAhead;
  const VectorUnit &unit;
  /// Chosen by what is proved of the weights.
  const DotInstruction *instruction = nullptr;
  /// What computes many rows; null without.
  const TileInstruction *tileInstruction = nullptr;
  /// What computes all rows, if they are known to be many, in 16 bits; null
  /// without.
  const DotInstruction *wideInstruction = nullptr;
  /// Steps along K that a contraction takes at a time, and of these the ones
  /// whose products are added up in i16.
  int64_t stepsAtOnce = 1, summedSteps = 1;
  /// Whether bytes are left without their multipliers, so small that products
  /// of several steps fit i16.
  bool scalesSums = false;
  /// Whether the code that is built is for many rows.
  bool inTiles = false;
  bool hasGroupSums;
  /// The values of a constant weight, [N, K]; its parameters are constant too.
  std::optional<std::vector<int8_t>> constantWeight;
  /// Of a weight that is not constant: what the contraction multiplies with,
  /// i8 [N, K].
  mlir::Value stored;
  /// The zero point of the input, where it is constant.
  std::optional<int32_t> inputZeroPoint;
  /// The stored nibbles of a constant weight of 4 bits, in bytes or words.
  mlir::Value nibbles;
  /// The loop, or the layer, before which the weight is decoded; null without.
  mlir::Operation *readerOfDecoded = nullptr;
  /// Which code is being created.
  WeightForm form = WeightForm::Bytes;
  Correction correction;
  /// [M, NB, NR]; null without.
  mlir::Value addend;
  /// Where the result goes, [M, NB, NR].
  mlir::Value destination;
};

/// `tensor` with its dimensions from the second one to the last but `numLast`
/// joined.
mlir::Value joinDims(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value tensor, int64_t numLast);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_LINEARPACKER_H
