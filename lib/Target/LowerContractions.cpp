//===- LowerContractions.cpp - Contractions to dot instructions -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AccumulatorTiles.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Target/DotForms.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_LOWERCONTRACTIONSPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The loops that `map` reads, in order, without those of a single iteration.
static SmallVector<unsigned> getLoops(AffineMap map, ArrayRef<int64_t> bounds) {
  SmallVector<unsigned> loops;
  for (AffineExpr expr : map.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (bounds[loop] != 1)
      loops.push_back(loop);
  }
  return loops;
}

/// Whether `op` is acc[m, n] += lhs[m, s, k] * rhs[s, n, k] but for unit
/// dimensions, in any number of loops s over steps.
static bool isPackedMatmul(vector::ContractionOp op) {
  SmallVector<int64_t> bounds;
  op.getIterationBounds(bounds);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<unsigned> lhs = getLoops(maps[0], bounds);
  SmallVector<unsigned> rhs = getLoops(maps[1], bounds);
  SmallVector<unsigned> acc = getLoops(maps[2], bounds);
  auto isReduction = [&](unsigned loop) {
    return vector::isReductionIterator(op.getIteratorTypes()[loop]);
  };
  SmallVector<unsigned> rows, columns;
  llvm::copy_if(lhs, std::back_inserter(rows), std::not_fn(isReduction));
  llvm::copy_if(rhs, std::back_inserter(columns), std::not_fn(isReduction));
  SmallVector<unsigned> steps(llvm::drop_begin(lhs, rows.size()));
  SmallVector<unsigned> depth;
  if (!steps.empty())
    depth.push_back(steps.pop_back_val());
  auto join = [](std::initializer_list<ArrayRef<unsigned>> parts) {
    SmallVector<unsigned> all;
    for (ArrayRef<unsigned> part : parts)
      llvm::append_range(all, part);
    return all;
  };
  return rows.size() <= 1 && columns.size() <= 1 &&
         lhs == join({rows, steps, depth}) &&
         rhs == join({steps, columns, depth}) && acc == join({rows, columns});
}

static Value reshape(OpBuilder &builder, Location loc, Value value,
                     ArrayRef<int64_t> shape) {
  auto type = cast<VectorType>(value.getType());
  return builder.createOrFold<vector::ShapeCastOp>(
      loc, VectorType::get(shape, type.getElementType()), value);
}

/// Elements [offset, offset + size) of a vector of rank 1.
static Value slice(OpBuilder &builder, Location loc, Value value,
                   int64_t offset, int64_t size) {
  return builder.createOrFold<vector::ExtractStridedSliceOp>(
      loc, value, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{size},
      ArrayRef<int64_t>{1});
}

/// The dimensions of a part of `size` elements that are side by side in
/// `shape`; empty if there is none.
static SmallVector<int64_t> getPartShape(ArrayRef<int64_t> shape,
                                         int64_t size) {
  SmallVector<int64_t> part;
  for (int64_t dim : llvm::reverse(shape)) {
    if (size == 1 && !part.empty())
      break;
    int64_t count = std::min(dim, size);
    if (dim % count != 0 || size % count != 0)
      return {};
    part.push_back(count);
    size /= count;
  }
  std::reverse(part.begin(), part.end());
  return size == 1 ? part : SmallVector<int64_t>();
}

/// Elements [offset, offset + size) of `value` in the order of memory, where
/// `offset` is a multiple of `size`. What is read from a tensor is read part by
/// part, where it is used: no register is to be taken apart.
static Value getPart(OpBuilder &builder, Location loc, Value value,
                     int64_t offset, int64_t size) {
  auto type = cast<VectorType>(value.getType());
  SmallVector<int64_t> part = getPartShape(type.getShape(), size);
  auto read = value.getDefiningOp<vector::TransferReadOp>();
  if (part.empty() || !read ||
      !isa<RankedTensorType>(read.getBase().getType()) || read.getMask() ||
      read.hasOutOfBoundsDim() || !read.getPermutationMap().isMinorIdentity())
    return slice(builder, loc,
                 reshape(builder, loc, value, {type.getNumElements()}), offset,
                 size);
  SmallVector<Value> indices(read.getIndices());
  SmallVector<int64_t> position =
      delinearize(offset, computeStrides(type.getShape()));
  MutableArrayRef<Value> moved(indices);
  for (auto [index, shift] :
       llvm::zip_equal(moved.take_back(position.size()), position))
    index = getValueOrCreateConstantIndexOp(
        builder, loc,
        affine::makeComposedFoldedAffineApply(
            builder, loc, builder.getAffineDimExpr(0) + shift,
            OpFoldResult(index)));
  auto partType = VectorType::get(part, type.getElementType());
  Value result = vector::TransferReadOp::create(
      builder, loc, partType, read.getBase(), indices, read.getPadding(),
      AffineMap::getMinorIdentityMap(indices.size(), part.size(),
                                     builder.getContext()),
      SmallVector<bool>(part.size(), true));
  return reshape(builder, loc, result, {size});
}

namespace {
struct LowerContraction : OpRewritePattern<vector::ContractionOp> {
  LowerContraction(MLIRContext *context, const DotInstruction &general)
      : OpRewritePattern(context), general(general) {}

  LogicalResult matchAndRewrite(vector::ContractionOp op,
                                PatternRewriter &rewriter) const override {
    auto name = op->getAttrOfType<StringAttr>(kDotInstructionAttr);
    const DotInstruction *row = name ? lookupDotInstruction(name) : &general;
    if (!row)
      return rewriter.notifyMatchFailure(op, "no such instruction");
    const DotInstruction &instruction = *row;
    // Where one side has no sign, either may be that one.
    bool areSwapped = instruction.lhs != instruction.rhs &&
                      !getExtended(op.getLhs(), instruction.lhs);
    Value lhs = getExtended(op.getLhs(),
                            areSwapped ? instruction.rhs : instruction.lhs);
    Value rhs = getExtended(op.getRhs(),
                            areSwapped ? instruction.lhs : instruction.rhs);
    auto accType = dyn_cast<VectorType>(op.getAccType());
    if (!lhs || !rhs || !accType)
      return rewriter.notifyMatchFailure(op, "operands are not extended as the "
                                             "instruction does");
    auto lhsType = cast<VectorType>(lhs.getType());
    auto rhsType = cast<VectorType>(rhs.getType());
    if (!lhsType.getElementType().isInteger(instruction.bits) ||
        !rhsType.getElementType().isInteger(instruction.bits) ||
        !accType.getElementType().isInteger(32) ||
        op.getKind() != vector::CombiningKind::ADD)
      return rewriter.notifyMatchFailure(
          op, "not what the instruction multiplies, into i32");
    if (op.isMasked() || !isPackedMatmul(op))
      return rewriter.notifyMatchFailure(op, "not of the packed form");
    int64_t depth = instruction.depth;
    int64_t steps = countSteps(op, depth);
    int64_t rows = lhsType.getNumElements() / (depth * steps);
    int64_t columns = rhsType.getNumElements() / (depth * steps);
    if (rows * depth * steps != lhsType.getNumElements() ||
        columns * depth * steps != rhsType.getNumElements() ||
        rows * columns != accType.getNumElements() ||
        columns % instruction.columns != 0 || steps > instruction.steps)
      return rewriter.notifyMatchFailure(op, "not a step of the instruction");
    auto summedAttr = op->getAttrOfType<IntegerAttr>(kSummedStepsAttr);
    int64_t summed = summedAttr ? summedAttr.getInt() : 1;
    if (summed < 1)
      return rewriter.notifyMatchFailure(op, "its sums are never full");

    Location loc = op.getLoc();
    TileShape shape{rows, columns, instruction.rows, instruction.columns};
    SmallVector<Value> tiles(splitIntoTiles(rewriter, loc, shape, op.getAcc()));
    if (steps > 1) {
      addSteps(rewriter, loc, instruction, tiles, shape, steps, summed, lhs,
               rhs, areSwapped);
      rewriter.replaceOp(op, joinTiles(rewriter, loc, shape, accType, tiles));
      return success();
    }
    lhs = reshape(rewriter, loc, lhs, {rows, depth});
    rhs = reshape(rewriter, loc, rhs, {columns * depth});
    auto *tile = tiles.begin();
    for (int64_t row = 0; row < rows; row += instruction.rows) {
      Value activations = getRows(rewriter, loc, lhs, instruction, row);
      for (int64_t column = 0; column < columns;
           column += instruction.columns, ++tile) {
        Value weights = slice(rewriter, loc, rhs, column * depth,
                              instruction.columns * depth);
        *tile = emitDotInstruction(rewriter, loc, instruction, *tile,
                                   activations, weights, areSwapped);
      }
    }
    rewriter.replaceOp(op, joinTiles(rewriter, loc, shape, accType, tiles));
    return success();
  }

private:
  /// The steps of `op`, each of `depth` elements of a row.
  static int64_t countSteps(vector::ContractionOp op, int64_t depth) {
    SmallVector<int64_t> bounds;
    op.getIterationBounds(bounds);
    int64_t terms = 1;
    for (auto [bound, iterator] :
         llvm::zip_equal(bounds, op.getIteratorTypes()))
      terms *= vector::isReductionIterator(iterator) ? bound : 1;
    return std::max<int64_t>(terms / depth, 1);
  }

  /// Adds the products of several steps to `tiles`, step by step, so that no
  /// more of the weights is in registers than those of one: first to sums of
  /// i16, which are full after `summed` of them, where the instruction has
  /// such.
  static void addSteps(OpBuilder &builder, Location loc,
                       const DotInstruction &instruction,
                       MutableArrayRef<Value> tiles, const TileShape &shape,
                       int64_t steps, int64_t summed, Value lhs, Value rhs,
                       bool areSwapped) {
    int64_t depth = instruction.depth;
    int64_t tileColumns = instruction.columns;
    // The activations of all steps, of which parts are repeated; on x86 it
    // takes no more to read and repeat a part at once.
    bool isReadInParts = instruction.arch == TargetArch::X86;
    SmallVector<Value> rows;
    for (int64_t row = 0; row < shape.rows && !isReadInParts; ++row)
      rows.push_back(
          getPart(builder, loc, lhs, row * steps * depth, steps * depth));
    auto getActivations = [&](int64_t row, int64_t step) {
      return isReadInParts
                 ? getPart(builder, loc, lhs, (row * steps + step) * depth,
                           depth)
                 : slice(builder, loc, rows[row], step * depth, depth);
    };
    bool areSummed = instruction.addsUpSteps();
    SmallVector<Value> sums(areSummed ? tiles.size() : 0);
    for (int64_t step = 0; step < steps; ++step) {
      SmallVector<Value> weights;
      for (int64_t column = 0; column < shape.columns; column += tileColumns)
        weights.push_back(getPart(builder, loc, rhs,
                                  (step * shape.columns + column) * depth,
                                  tileColumns * depth));
      auto *result = areSummed ? sums.begin() : tiles.begin();
      auto *emit = areSummed ? emitSummedStep : emitDotInstruction;
      for (int64_t row = 0; row < shape.rows; ++row) {
        Value activations = getActivations(row, step);
        for (Value part : weights) {
          *result = emit(builder, loc, instruction, *result, activations, part,
                         areSwapped);
          ++result;
        }
      }
      if ((step + 1) % summed != 0 && step + 1 != steps)
        continue;
      for (auto [tile, sum] : llvm::zip(tiles, sums)) {
        tile = emitSummedSteps(builder, loc, instruction, tile, sum);
        sum = Value();
      }
    }
  }

  /// What one instruction takes of the activations from `row` on, those of one
  /// row behind those of the other; rows that there are not are 0.
  static Value getRows(OpBuilder &builder, Location loc, Value lhs,
                       const DotInstruction &instruction, int64_t row) {
    auto type = cast<VectorType>(lhs.getType());
    if (instruction.rows == 1)
      return vector::ExtractOp::create(builder, loc, lhs, row);
    auto flat = VectorType::get({instruction.rows * instruction.depth},
                                type.getElementType());
    Value rows =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(flat));
    for (int64_t i = 0;
         i < std::min(instruction.rows, type.getDimSize(0) - row); ++i)
      rows = vector::InsertStridedSliceOp::create(
          builder, loc, vector::ExtractOp::create(builder, loc, lhs, row + i),
          rows, ArrayRef<int64_t>{i * instruction.depth}, ArrayRef<int64_t>{1});
    return rows;
  }

  /// The vector that `value` extends as values of that sign.
  static Value getExtended(Value value, DotInstruction::Sign sign) {
    if (sign == DotInstruction::Sign::Unsigned) {
      auto extension = value.getDefiningOp<arith::ExtUIOp>();
      return extension ? extension.getIn() : Value();
    }
    auto extension = value.getDefiningOp<arith::ExtSIOp>();
    return extension ? extension.getIn() : Value();
  }

  const DotInstruction &general;
};

struct LowerContractions
    : quantc::impl::LowerContractionsPassBase<LowerContractions> {
  void runOnOperation() override {
    TargetSpec target = getTarget(getOperation());
    RewritePatternSet patterns(&getContext());
    populateLowerContractionPatterns(patterns, selectDotInstruction(target));
    populateCarryTilesPatterns(patterns);
    RewritePatternSet tilePatterns(&getContext());
    populateLowerTilesPatterns(tilePatterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))) ||
        failed(applyPatternsGreedily(getOperation(), std::move(tilePatterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateLowerContractionPatterns(RewritePatternSet &patterns,
                                              const DotInstruction &general) {
  patterns.add<LowerContraction>(patterns.getContext(), general);
}
