//===- TileLoops.cpp - Loops on tile registers ----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile register has the shape that the configuration of its function says,
// and one function has one: rows that are left over call it again with fewer
// rows in a tile.
//
//===----------------------------------------------------------------------===//

#include "PanelLoops.h"

using namespace mlir;
using namespace quantc;

/// A row of a tile register, in bytes.
static constexpr int64_t kTileRowBytes = 64;

namespace {

/// A block of as many rows as a tile has, in tiles side by side:
///
///   for the first k, as many as a tile takes, for each tile:
///     sums of the block before = tile
///     tile = from
///     tile += lhs[rows, k] * rhs[k, columns]
///   for each further k:
///     each tile += lhs[rows, k] * rhs[k, columns]
///     prefetch some of the next block of weights
///
/// Tiles of the block before are stored one by one between products of this
/// one, so that multiplying does not wait for all of them.
class TileLoops : public PanelLoops {
public:
  TileLoops(ImplicitLocOpBuilder &builder, const TileInstruction &instruction,
            ContractionShape shape)
      : PanelLoops(builder, instruction, shape),
        tile(LLVM::LLVMX86AMXType::get(b.getContext())),
        numTiles(shape.panel / instruction.columns) {}

private:
  SmallVector<Value> emitBlock(const Block &block, ValueRange carried) override;
  SmallVector<Value> startBlocks(Value rows, Value sums,
                                 Value sumsStride) override;
  void finishBlocks(Value rows, Value sumsStride, ValueRange carried) override;

  Value i16(int64_t value) { return integer(value, 16); }
  Value load(Value rows, int64_t bytes, Value base, Value stride) {
    return call(0, tile, {rows, i16(bytes), base, stride});
  }
  Value multiplyAdd(Value rows, Value acc, Value lhs, Value rhs) {
    return call(1, tile, {rows, i16(kTileRowBytes), i16(depth), acc, lhs, rhs});
  }
  void store(Value rows, Value base, Value stride, Value value) {
    call(2, {rows, i16(kTileRowBytes), base, stride, value});
  }
  /// The sums of tile `i` in a row that starts at `base`.
  Value getColumns(Value base, int64_t i) {
    return advance(base, i64(i * kTileRowBytes));
  }

  Type tile;
  int64_t numTiles;
};

} // namespace

/// The first block stores what was there before it.
SmallVector<Value> TileLoops::startBlocks(Value rows, Value sums,
                                          Value sumsStride) {
  SmallVector<Value> carried = {sums};
  for (int64_t i = 0; i < numTiles; ++i)
    carried.push_back(
        load(rows, kTileRowBytes, getColumns(sums, i), sumsStride));
  return carried;
}

void TileLoops::finishBlocks(Value rows, Value sumsStride, ValueRange carried) {
  for (auto [i, value] : llvm::enumerate(carried.drop_front()))
    store(rows, getColumns(carried.front(), i), sumsStride, value);
}

SmallVector<Value> TileLoops::emitBlock(const Block &block,
                                        ValueRange carried) {
  Value rhsStride = i64(shape.panel * instruction.step);
  Value rhsRows = i16(depth / instruction.step);
  auto loadWeights = [&](Value step, int64_t i) {
    return load(rhsRows, kTileRowBytes, getColumns(step, i), rhsStride);
  };

  // Where this block of rows prefetches: the next block of K, or of the next
  // panel, which lies behind this one, in as many parts as there are blocks of
  // rows. What a single block reads in order comes by itself.
  int64_t next =
      shape.rowTiles > 1 ? llvm::divideCeil(shape.panel, shape.rowTiles) : 0;
  Value done = multiply(block.index, index(blockDepth * next));
  Value ahead = advance(
      block.rhs, toI64(add(multiply(block.length, index(shape.panel)), done)));
  auto prefetch = [&](Value k) {
    Value fetched = advance(ahead, multiply(k, i64(next)));
    for (int64_t line = 0; line < next * depth; line += kCacheLineBytes)
      LLVM::Prefetch::create(b, advance(fetched, i64(line)), /*rw=*/0,
                             kSecondCacheLocality, /*cache=*/1);
  };

  SmallVector<Value> tiles;
  Value first = load(block.rows, depth, block.lhs, block.lhsStride);
  prefetch(i64(0));
  for (int64_t i = 0; i < numTiles; ++i) {
    store(block.rows, getColumns(carried.front(), i), block.sumsStride,
          carried[1 + i]);
    Value from = load(block.rows, kTileRowBytes, getColumns(block.from, i),
                      block.fromStride);
    tiles.push_back(
        multiplyAdd(block.rows, from, first, loadWeights(block.rhs, i)));
  }

  scf::ForOp sum = loop(index(depth), block.length, index(depth), tiles);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(sum.getBody());
    Value k = toI64(sum.getInductionVar());
    Value a = load(block.rows, depth, advance(block.lhs, k), block.lhsStride);
    Value step = advance(block.rhs, multiply(k, i64(shape.panel)));
    prefetch(k);
    SmallVector<Value> results;
    for (auto [i, acc] : llvm::enumerate(sum.getRegionIterArgs()))
      results.push_back(multiplyAdd(block.rows, acc, a, loadWeights(step, i)));
    scf::YieldOp::create(b, results);
  }
  SmallVector<Value> result = {block.sums};
  llvm::append_range(result, sum.getResults());
  return result;
}

func::FuncOp quantc::buildTileLoops(ImplicitLocOpBuilder &builder,
                                    const TileInstruction &instruction,
                                    ContractionShape shape, StringRef name) {
  return TileLoops(builder, instruction, shape).build(name);
}
