//===- LinearEpilogue.h - What follows a contraction ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of `quant.linear` after its contraction, and its multipliers, which
// are computed on the host from constants, else by the program. Every way to
// lower the contraction ends here, so the order of roundings is the same in all
// of them:
//
//   layer                    accumulator                    scale  inputScale
//   integer result           i32                            m      -
//   static                   i32                            m      -
//   dynamic                  i32                            sw     sa
//   float group scales       f32, `addGroup` of all groups  -      sa
//   float input, one group   f32, p of linear_a7            sw     -
//   float input, groups      f32, y of linear_a7            -      -
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_LINEAREPILOGUE_H
#define QUANTC_CONVERSION_LINEAREPILOGUE_H

#include "quantc/Conversion/Emit.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

namespace quantc {

/// What an epilogue reads beside the accumulator, each null when it reads no
/// such thing: tensors, or the elements that belong to one accumulator (or to a
/// vector of them).
struct EpilogueOperands {
  /// [N], or the weight scale as the layer has it: rank 0 or [N, 1].
  mlir::Value scale;
  /// Rank 0 or [M, 1].
  mlir::Value inputScale;
  /// [N].
  mlir::Value bias;
  /// Rank 0; null where they are constant.
  mlir::Value outputScale;
  mlir::Value outputZeroPoint;
  /// [M, N], not divided by an output scale.
  mlir::Value addend;
};

/// The tensors of the epilogue of `op`. Multipliers and requantized biases are
/// constants where what they are made of is constant.
EpilogueOperands createEpilogueOperands(mlir::OpBuilder &builder, LinearOp op);

/// Emits the epilogue of one accumulator of `op`: the element of the result,
/// f32 or i8. `operands` are elements.
mlir::Value emitEpilogue(Emit &a, LinearOp op, mlir::Value accumulator,
                         const EpilogueOperands &operands);

} // namespace quantc

#endif // QUANTC_CONVERSION_LINEAREPILOGUE_H
