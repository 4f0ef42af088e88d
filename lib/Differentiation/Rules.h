//===- Rules.h - Rules as functions -----------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_DIFFERENTIATION_RULES_H
#define QUANTC_LIB_DIFFERENTIATION_RULES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Differentiation/DifferentiableOpInterface.h"

namespace quantc {

/// The model of the interface by a function `rule(Op, GradientBuilder &)`,
/// which returns nothing or may fail.
template <auto rule>
struct Rule;
template <class Result, class Op, Result (*rule)(Op, GradientBuilder &)>
struct Rule<rule> : DifferentiableOpInterface::ExternalModel<Rule<rule>, Op> {
  llvm::LogicalResult differentiate(mlir::Operation *op,
                                    GradientBuilder &gradients) const {
    if constexpr (std::is_void_v<Result>) {
      rule(llvm::cast<Op>(op), gradients);
      return llvm::success();
    } else {
      return rule(llvm::cast<Op>(op), gradients);
    }
  }
  static void attach(mlir::MLIRContext *context) {
    Op::template attachInterface<Rule>(*context);
  }
};

/// Gives operations the rules that are written for them.
template <auto... rules>
void attachRules(mlir::MLIRContext *context) {
  (Rule<rules>::attach(context), ...);
}

/// The model of operations whose results count as constants.
template <class Op>
struct ConstantRule
    : DifferentiableOpInterface::ExternalModel<ConstantRule<Op>, Op> {
  llvm::LogicalResult differentiate(mlir::Operation *,
                                    GradientBuilder &) const {
    return llvm::success();
  }
  bool isConstant(mlir::Operation *) const { return true; }
};

template <class... Ops>
void attachConstantRules(mlir::MLIRContext *context) {
  (Ops::template attachInterface<ConstantRule<Ops>>(*context), ...);
}

void addArithRules(mlir::DialectRegistry &registry);
void addQuantRules(mlir::DialectRegistry &registry);
void addStructuredRules(mlir::DialectRegistry &registry);
void addTensorRules(mlir::DialectRegistry &registry);

/// Adds to the cotangent of `table`, from which the body of `op` extracts
/// elements. `term` is what the body computes at each point of its loops, to
/// store or to add it.
llvm::LogicalResult differentiateLookup(mlir::linalg::LinalgOp op,
                                        mlir::Value table, mlir::Value term,
                                        GradientBuilder &gradients);

/// The cotangent of `operand`, a factor of the contraction `op`, as a
/// linalg.matmul or linalg.batch_matmul of the cotangent of the result and of
/// `other`. Null if it is neither.
mlir::Value createMatmul(mlir::linalg::LinalgOp op, mlir::OpOperand &operand,
                         mlir::OpOperand &other, GradientBuilder &b);

/// The cotangent of the input of a maximum or minimum: that of the result, in
/// equal shares to the elements that are equal to it. Fails, with an error,
/// unless `term`, which the body computes, is an element of the input.
mlir::FailureOr<mlir::Value> createShares(mlir::linalg::LinalgOp op,
                                          mlir::Value term, GradientBuilder &b);

/// Fails, with an error, for several groups of features.
llvm::LogicalResult differentiateLinear(LinearOp op, GradientBuilder &b);

/// Fails, with an error, unless there is one adapter, in f32.
llvm::LogicalResult differentiateLora(LoraOp op, GradientBuilder &b);

/// `dq` where rounding `input` to i8 does not clamp it to the bounds, 0
/// elsewhere (ste_a1). The parameters are per tensor.
mlir::Value cutByClamp(GradientBuilder &b, mlir::Value input, mlir::Value scale,
                       mlir::Value zeroPoint, int64_t clampMin,
                       int64_t clampMax, mlir::Value dq);

/// The tensor `storage` as f32.
mlir::Value createDequantize(GradientBuilder &b, mlir::Value storage,
                             mlir::Value scale, mlir::Value zeroPoint,
                             mlir::Value multiplier = {});

/// The loops of a sum into a tensor that is accessed by `map`: those that it
/// does not name are reductions.
llvm::SmallVector<mlir::utils::IteratorType>
getSumIterators(mlir::AffineMap map);

/// The product `Op`, linalg.matmul or linalg.batch_matmul, with the shape of
/// `like`. `maps` are its indexing maps.
template <class Op>
mlir::Value createProduct(GradientBuilder &b, mlir::Value lhs, mlir::Value rhs,
                          mlir::Value like,
                          llvm::ArrayRef<mlir::AffineMap> maps) {
  return createProduct<Op>(b, b.getLoc(), lhs, rhs, b.createZeros(like), maps);
}

/// Erases the operations of `block` that nobody needs.
void eraseUnused(mlir::Block &block);

} // namespace quantc

#endif // QUANTC_LIB_DIFFERENTIATION_RULES_H
