//===- PanelLoops.h - Functions that multiply rows by a panel ---*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops of a contraction that is left in memory. Those over blocks are the
// same for all tile instructions; what a block is differs in their forms.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_PANELLOOPS_H
#define QUANTC_LIB_TARGET_PANELLOOPS_H

#include "TileContraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Target/DotInstructions.h"

namespace quantc {

/// Builds a function that multiplies `blocks` blocks of `rows` rows each by a
/// panel:
///
///   for each block of K that stays in cache with its weights:
///     for each block of rows:
///       sums[rows, panel] = (start or the sums so far)
///                           + lhs[rows, K block] * rhs[K block, panel]
///
/// Its arguments are lhs and the distance of its rows, rhs, start and the
/// distance of its rows, sums, `rows` and `blocks`; distances in bytes.
class PanelLoops {
public:
  PanelLoops(mlir::ImplicitLocOpBuilder &builder,
             const TileInstruction &instruction, ContractionShape shape);
  virtual ~PanelLoops() = default;

  mlir::func::FuncOp build(llvm::StringRef name);

protected:
  /// What the innermost block is built from.
  struct Block {
    mlir::Value rows;   ///< their number, i16
    mlir::Value index;  ///< which block of rows
    mlir::Value length; ///< how many k
    mlir::Value lhs;    ///< the first k of the first of its rows
    mlir::Value lhsStride;
    mlir::Value rhs; ///< the first k of the panel
    mlir::Value from;
    mlir::Value fromStride;
    mlir::Value sums;
    mlir::Value sumsStride;
  };
  /// sums = from + lhs * rhs. `carried` is what the block before returned; they
  /// follow each other through the rows of all blocks of K.
  virtual llvm::SmallVector<mlir::Value>
  emitBlock(const Block &block, mlir::ValueRange carried) = 0;
  /// What the first block is given, whose sums are at `sums`, and what becomes
  /// of what the last one returns. Nothing is carried unless a form overrides
  /// both.
  virtual llvm::SmallVector<mlir::Value>
  startBlocks(mlir::Value rows, mlir::Value sums, mlir::Value sumsStride) {
    return {};
  }
  virtual void finishBlocks(mlir::Value rows, mlir::Value sumsStride,
                            mlir::ValueRange carried) {}

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value integer(int64_t value, unsigned width) {
    return mlir::arith::ConstantIntOp::create(b, value, width);
  }
  mlir::Value i64(int64_t value) { return integer(value, 64); }
  mlir::Value toI64(mlir::Value value) {
    return mlir::arith::IndexCastOp::create(b, b.getI64Type(), value);
  }
  mlir::Value add(mlir::Value lhs, mlir::Value rhs) {
    return mlir::arith::AddIOp::create(b, lhs, rhs);
  }
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs) {
    return mlir::arith::SubIOp::create(b, lhs, rhs);
  }
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs) {
    return mlir::arith::MulIOp::create(b, lhs, rhs);
  }
  /// `base` and `bytes`, an i64.
  mlir::Value advance(mlir::Value base, mlir::Value bytes) {
    return mlir::LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                                     llvm::ArrayRef<mlir::LLVM::GEPArg>{bytes});
  }
  mlir::scf::ForOp loop(mlir::Value from, mlir::Value to, mlir::Value step,
                        mlir::ValueRange inits = {}) {
    return mlir::scf::ForOp::create(b, from, to, step, inits);
  }
  /// Calls an intrinsic of the row of the table, with a result or without.
  mlir::Value call(unsigned intrinsic, mlir::Type result,
                   mlir::ValueRange operands);
  void call(unsigned intrinsic, mlir::ValueRange operands);

  mlir::ImplicitLocOpBuilder &b;
  const TileInstruction &instruction;
  ContractionShape shape;
  /// K of one instruction.
  int64_t depth;
  /// K of a block.
  int64_t blockDepth;
  mlir::Type pointer;

private:
  llvm::SmallVector<llvm::StringRef> intrinsics;
};

/// The loops on tile registers, for any number of rows in a tile.
mlir::func::FuncOp buildTileLoops(mlir::ImplicitLocOpBuilder &builder,
                                  const TileInstruction &instruction,
                                  ContractionShape shape, llvm::StringRef name);

/// The loops on scalable registers, for blocks of `rows` rows.
mlir::func::FuncOp buildScalableLoops(mlir::ImplicitLocOpBuilder &builder,
                                      const TileInstruction &instruction,
                                      ContractionShape shape, int64_t rows,
                                      llvm::StringRef name);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_PANELLOOPS_H
