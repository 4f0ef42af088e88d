//===- DotForms.h - How dot instructions are called -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of DotInstructions.def whose instructions are called in the same way
// share a form. With a the activations of one row, repeated for each column,
// and w the weights of all columns:
//
//   Tile        intrinsic(acc, a, w), a of several rows
//   Quad        intrinsic(acc, a, w), or intrinsic(acc, w, a)
//   ScalableQuad  the same on the first 128 bits of registers that have an
//                 unknown number of them
//   Pair        acc + pairs(sext(a), sext(w)): sums of two products of i16
//   SignedPair  acc + pairs(products(|a|, sign(w, a)), 1): sums of two products
//               in i16, then of two of those; |a| * sign(a) * w = a * w
//   UnsignedPair  acc + pairs(sum_i products(a_i, w_i), 1), i steps along K:
//                 sums of two products, of all steps, in i16, then of two of
//                 those
//   Widen       acc + sums(sum_i products(a_i, w_i)): products of steps in i16,
//                 then sums of two
//   Scalar      acc + sext(a) * sext(w)
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_DOTFORMS_H
#define QUANTC_TARGET_DOTFORMS_H

#include "mlir/IR/Builders.h"

namespace quantc {

struct DotInstruction;

/// Builds one instruction:
///
///   result[m * columns + n] = acc[m * columns + n]
///                             + sum_k lhs[m * depth + k] * rhs[n * depth + k]
///
/// acc: vector<rows * columns x i32>, lhs: vector<rows * depth x i8>, rhs:
/// vector<columns * depth x i8>. `areSwapped`: the sides have each other's
/// signs, and each takes the place of the other.
mlir::Value emitDotInstruction(mlir::OpBuilder &builder, mlir::Location loc,
                               const DotInstruction &instruction,
                               mlir::Value acc, mlir::Value lhs,
                               mlir::Value rhs, bool areSwapped = false);

/// The part of such an instruction that stays in i16, of a row that may add up
/// several steps: `sums` and the products of one more, null for the first.
mlir::Value emitSummedStep(mlir::OpBuilder &builder, mlir::Location loc,
                           const DotInstruction &instruction, mlir::Value sums,
                           mlir::Value lhs, mlir::Value rhs,
                           bool areSwapped = false);

/// The rest of it: `acc` and the `sums` of all steps.
mlir::Value emitSummedSteps(mlir::OpBuilder &builder, mlir::Location loc,
                            const DotInstruction &instruction, mlir::Value acc,
                            mlir::Value sums);

} // namespace quantc

#endif // QUANTC_TARGET_DOTFORMS_H
