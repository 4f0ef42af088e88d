//===- AccumulatorTiles.cpp - Accumulators in tiles -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AccumulatorTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace quantc;

/// On a cast: the shape of what it splits, or joins.
static constexpr StringLiteral kSplitAttr = "quant.split_tiles";
static constexpr StringLiteral kJoinAttr = "quant.join_tiles";

static ValueRange createCast(OpBuilder &builder, Location loc, StringRef attr,
                             const TileShape &shape, TypeRange types,
                             ValueRange values) {
  auto cast = UnrealizedConversionCastOp::create(builder, loc, types, values);
  cast->setAttr(
      attr, builder.getDenseI64ArrayAttr({shape.rows, shape.columns,
                                          shape.tileRows, shape.tileColumns}));
  return cast.getResults();
}

ValueRange quantc::splitIntoTiles(OpBuilder &builder, Location loc,
                                  const TileShape &shape, Value acc) {
  auto tile = VectorType::get({shape.tileRows * shape.tileColumns},
                              cast<VectorType>(acc.getType()).getElementType());
  int64_t count = llvm::divideCeil(shape.rows, shape.tileRows) *
                  (shape.columns / shape.tileColumns);
  SmallVector<Type> types(count, tile);
  return createCast(builder, loc, kSplitAttr, shape, types, acc);
}

Value quantc::joinTiles(OpBuilder &builder, Location loc,
                        const TileShape &shape, VectorType type,
                        ValueRange tiles) {
  return createCast(builder, loc, kJoinAttr, shape, type, tiles).front();
}

/// What a cast says by `attr`; none if `op` has no such attribute.
static std::optional<TileShape> getTiles(Operation *op, StringRef attr) {
  auto shape =
      op ? op->getAttrOfType<DenseI64ArrayAttr>(attr) : DenseI64ArrayAttr();
  if (!shape)
    return std::nullopt;
  return TileShape{shape[0], shape[1], shape[2], shape[3]};
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
/// for (acc = init) { tiles = split acc; ...; yield join tiles' } becomes
/// join (for (tiles = split init) { ...; yield tiles' }). The accumulator is
/// left as a value that does not change, which folds.
struct CarryTiles : OpRewritePattern<scf::ForOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(scf::ForOp loop,
                                PatternRewriter &rewriter) const override {
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    for (auto [index, acc, next] :
         llvm::enumerate(loop.getRegionIterArgs(), yield.getOperands())) {
      Operation *join = next.getDefiningOp();
      std::optional<TileShape> shape = getTiles(join, kJoinAttr);
      if (!shape || acc.use_empty() ||
          !llvm::all_of(acc.getUsers(), [](Operation *user) {
            return getTiles(user, kSplitAttr).has_value();
          }))
        continue;
      carry(loop, index, *shape, join->getOperands(), rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(loop, "carries nothing that is split "
                                             "first and joined last");
  }

private:
  static void carry(scf::ForOp loop, unsigned index, const TileShape &shape,
                    ValueRange nextTiles, PatternRewriter &rewriter) {
    Location loc = loop.getLoc();
    Value acc = loop.getRegionIterArg(index);
    auto type = cast<VectorType>(acc.getType());
    SmallVector<Operation *> splits(acc.getUsers());
    rewriter.setInsertionPoint(loop);
    ValueRange starts =
        splitIntoTiles(rewriter, loc, shape, loop.getInitArgs()[index]);
    auto yieldTiles = [&](OpBuilder &, Location, ArrayRef<BlockArgument>) {
      return SmallVector<Value>(nextTiles);
    };
    auto carried = cast<scf::ForOp>(
        loop.replaceWithAdditionalYields(rewriter, starts,
                                         /*replaceInitOperandUsesInLoop=*/false,
                                         yieldTiles)
            ->getOperation());
    for (Operation *split : splits)
      rewriter.replaceOp(split,
                         carried.getRegionIterArgs().take_back(starts.size()));
    Operation *yield = carried.getBody()->getTerminator();
    rewriter.modifyOpInPlace(yield, [&] {
      yield->setOperand(index, carried.getRegionIterArg(index));
    });
    rewriter.setInsertionPointAfter(carried);
    Value whole = joinTiles(rewriter, loc, shape, type,
                            carried.getResults().take_back(starts.size()));
    rewriter.replaceAllUsesWith(carried.getResult(index), whole);
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Around them
//===----------------------------------------------------------------------===//

/// Elements [offset, offset + size) of a vector of rank 1.
static Value slice(OpBuilder &builder, Location loc, Value value,
                   int64_t offset, int64_t size) {
  return builder.createOrFold<vector::ExtractStridedSliceOp>(
      loc, value, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{size},
      ArrayRef<int64_t>{1});
}

static Value insert(OpBuilder &builder, Location loc, Value part, Value value,
                    int64_t offset) {
  return vector::InsertStridedSliceOp::create(builder, loc, part, value,
                                              ArrayRef<int64_t>{offset},
                                              ArrayRef<int64_t>{1});
}

static Value createZeros(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

/// Calls `visit` for each line of a tile that is a row of the accumulator: with
/// the row, the column where the line begins, the tile and the line's offset in
/// it.
static void forEachLine(
    const TileShape &shape,
    llvm::function_ref<void(int64_t, int64_t, int64_t, int64_t)> visit) {
  int64_t tilesAcross = shape.columns / shape.tileColumns;
  for (int64_t row = 0; row < shape.rows; ++row)
    for (int64_t j = 0; j < tilesAcross; ++j)
      visit(row, j * shape.tileColumns, row / shape.tileRows * tilesAcross + j,
            row % shape.tileRows * shape.tileColumns);
}

namespace {
struct LowerTiles : OpRewritePattern<UnrealizedConversionCastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(UnrealizedConversionCastOp op,
                                PatternRewriter &rewriter) const override {
    if (auto shape = getTiles(op, kSplitAttr))
      split(op, *shape, rewriter);
    else if (auto shape = getTiles(op, kJoinAttr))
      join(op, *shape, rewriter);
    else
      return rewriter.notifyMatchFailure(op, "no accumulator in tiles");
    return success();
  }

private:
  static void split(UnrealizedConversionCastOp op, const TileShape &shape,
                    PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    Value whole =
        reshape(rewriter, loc, op.getOperand(0), {shape.rows, shape.columns});
    SmallVector<Value> tiles(
        op.getNumResults(),
        createZeros(rewriter, loc, op.getResult(0).getType()));
    forEachLine(
        shape, [&](int64_t row, int64_t column, int64_t tile, int64_t offset) {
          Value line = vector::ExtractOp::create(rewriter, loc, whole, row);
          Value part = slice(rewriter, loc, line, column, shape.tileColumns);
          tiles[tile] = insert(rewriter, loc, part, tiles[tile], offset);
        });
    rewriter.replaceOp(op, tiles);
  }

  static void join(UnrealizedConversionCastOp op, const TileShape &shape,
                   PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    auto type = cast<VectorType>(op.getResult(0).getType());
    auto line = VectorType::get({shape.columns}, type.getElementType());
    SmallVector<Value> lines(shape.rows, createZeros(rewriter, loc, line));
    forEachLine(shape,
                [&](int64_t row, int64_t column, int64_t tile, int64_t offset) {
                  Value part = slice(rewriter, loc, op.getOperand(tile), offset,
                                     shape.tileColumns);
                  lines[row] = insert(rewriter, loc, part, lines[row], column);
                });
    Value whole = createZeros(
        rewriter, loc,
        VectorType::get({shape.rows, shape.columns}, type.getElementType()));
    for (auto [row, line] : llvm::enumerate(lines))
      whole = vector::InsertOp::create(rewriter, loc, line, whole, row);
    rewriter.replaceOp(op, reshape(rewriter, loc, whole, type.getShape()));
  }

  static Value reshape(OpBuilder &builder, Location loc, Value value,
                       ArrayRef<int64_t> shape) {
    auto type = cast<VectorType>(value.getType());
    return builder.createOrFold<vector::ShapeCastOp>(
        loc, VectorType::get(shape, type.getElementType()), value);
  }
};
} // namespace

void quantc::populateCarryTilesPatterns(RewritePatternSet &patterns) {
  patterns.add<CarryTiles>(patterns.getContext());
  // Take away what loops carry in vain.
  scf::ForOp::getCanonicalizationPatterns(patterns, patterns.getContext());
}

void quantc::populateLowerTilesPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerTiles>(patterns.getContext());
}
