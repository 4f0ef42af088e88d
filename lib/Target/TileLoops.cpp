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

/// A block of as many rows as a tile has:
///
///   tiles = from
///   for each k, as many as a tile takes:
///     tiles += lhs[rows, k] * rhs[k, columns]
///     prefetch some of the next block of weights
///   sums = tiles
class TileLoops : public PanelLoops {
public:
  TileLoops(ImplicitLocOpBuilder &builder, const TileInstruction &instruction,
            ContractionShape shape)
      : PanelLoops(builder, instruction, shape),
        tile(LLVM::LLVMX86AMXType::get(b.getContext())) {}

private:
  void emitBlock(const Block &block) override;

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

  Type tile;
};

} // namespace

void TileLoops::emitBlock(const Block &block) {
  int64_t numTiles = shape.panel / instruction.columns;
  Value rhsStride = i64(shape.panel * instruction.step);
  Value rhsRows = i16(depth / instruction.step);
  SmallVector<Value> starts;
  for (int64_t i = 0; i < numTiles; ++i)
    starts.push_back(load(block.rows, kTileRowBytes,
                          advance(block.from, i64(i * kTileRowBytes)),
                          block.fromStride));

  // Where this block of rows prefetches: the next block of K, or of the next
  // panel, which lies behind this one, in as many parts as there are blocks of
  // rows. What a single block reads in order comes by itself.
  int64_t next =
      shape.rowTiles > 1 ? llvm::divideCeil(shape.panel, shape.rowTiles) : 0;
  Value done = multiply(block.index, index(blockDepth * next));
  Value ahead = advance(
      block.rhs, toI64(add(multiply(block.length, index(shape.panel)), done)));

  scf::ForOp sum = loop(index(0), block.length, index(depth), starts);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(sum.getBody());
    Value k = toI64(sum.getInductionVar());
    Value a = load(block.rows, depth, advance(block.lhs, k), block.lhsStride);
    Value step = advance(block.rhs, multiply(k, i64(shape.panel)));
    Value fetched = advance(ahead, multiply(k, i64(next)));
    for (int64_t line = 0; line < next * depth; line += kCacheLineBytes)
      LLVM::Prefetch::create(b, advance(fetched, i64(line)), /*rw=*/0,
                             kSecondCacheLocality, /*cache=*/1);
    SmallVector<Value> results;
    for (auto [i, acc] : llvm::enumerate(sum.getRegionIterArgs())) {
      Value w = load(rhsRows, kTileRowBytes,
                     advance(step, i64(i * kTileRowBytes)), rhsStride);
      results.push_back(multiplyAdd(block.rows, acc, a, w));
    }
    scf::YieldOp::create(b, results);
  }
  for (auto [i, value] : llvm::enumerate(sum.getResults()))
    store(block.rows, advance(block.sums, i64(i * kTileRowBytes)),
          block.sumsStride, value);
}

func::FuncOp quantc::buildTileLoops(ImplicitLocOpBuilder &builder,
                                    const TileInstruction &instruction,
                                    ContractionShape shape, StringRef name) {
  return TileLoops(builder, instruction, shape).build(name);
}
