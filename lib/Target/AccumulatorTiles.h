//===- AccumulatorTiles.h - Accumulators in tiles ---------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instruction that takes several rows keeps a tile of the result in one
// register, which is no row of the accumulator:
//
//   acc [rows, columns]  <->  tile (i, j): acc[i * R + r, j * C + c]
//
// as vectors of R * C, tiles of the same rows next to each other. Taking them
// apart in each step along K would cost as much as multiplying. So contractions
// first say only what becomes what, loops then carry tiles, and what is left
// around the loops is lowered.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_ACCUMULATORTILES_H
#define QUANTC_LIB_TARGET_ACCUMULATORTILES_H

#include "mlir/IR/PatternMatch.h"

namespace quantc {

/// How an accumulator is cut into tiles. Rows that do not fill a tile are 0.
struct TileShape {
  int64_t rows, columns;         ///< of the accumulator
  int64_t tileRows, tileColumns; ///< of a tile
};

/// The tiles of `acc`, a vector of rows * columns elements.
mlir::ValueRange splitIntoTiles(mlir::OpBuilder &builder, mlir::Location loc,
                                const TileShape &shape, mlir::Value acc);

/// The vector of type `type` that has `tiles`.
mlir::Value joinTiles(mlir::OpBuilder &builder, mlir::Location loc,
                      const TileShape &shape, mlir::VectorType type,
                      mlir::ValueRange tiles);

/// Adds the pattern by which loops carry tiles.
void populateCarryTilesPatterns(mlir::RewritePatternSet &patterns);

/// Adds the patterns that take vectors apart and put them together.
void populateLowerTilesPatterns(mlir::RewritePatternSet &patterns);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_ACCUMULATORTILES_H
