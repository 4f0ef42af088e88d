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

#include "mlir/IR/Builders.h"
#include "llvm/ADT/ArrayRef.h"

namespace quantc {

struct TargetSpec;

/// A row of the table.
struct DotInstruction {
  enum class Arch { Any, X86, AArch64 };
  enum class Lhs { Signed, Unsigned };

  llvm::StringLiteral name;
  Arch arch;
  llvm::StringLiteral features;
  int64_t columns;
  int64_t depth;
  Lhs lhs;
  int64_t accumulators;
  int64_t panel;

  /// Builds one instruction:
  ///
  ///   result[n] = acc[n] + sum_k lhs[k] * rhs[n * depth + k]
  ///
  /// acc: vector<columns x i32>, lhs: vector<depth x i8>, rhs:
  /// vector<columns * depth x i8>. Where the row is Unsigned, `isRhsUnsigned`
  /// says that the side without sign is rhs, and lhs has one.
  mlir::Value (*emit)(mlir::OpBuilder &builder, mlir::Location loc,
                      const DotInstruction &instruction, mlir::Value acc,
                      mlir::Value lhs, mlir::Value rhs, bool isRhsUnsigned);
};

/// All rows, in the order of the table.
llvm::ArrayRef<DotInstruction> getDotInstructions();

/// The first row whose architecture and features `target` has.
const DotInstruction &selectDotInstruction(const TargetSpec &target);

/// The part of a layer's result that is computed in registers: `rows` by
/// `columns` accumulators.
struct RegisterBlock {
  int64_t rows;
  int64_t columns;
};

/// The block for `numColumns` weight columns on registers of `lanes` columns,
/// `accumulators` of which may accumulate, at most `panel` columns wide.
///
/// A step along K costs, for each row, one instruction for each register and
/// one to broadcast the activation; ragged columns are computed in full. The
/// panel with the lowest cost over all panels wins, the widest among equals.
RegisterBlock chooseBlock(int64_t numColumns, int64_t lanes,
                          int64_t accumulators, int64_t panel);

} // namespace quantc

#endif // QUANTC_TARGET_DOTINSTRUCTIONS_H
