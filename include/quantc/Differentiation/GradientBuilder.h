//===- GradientBuilder.h - Cotangents of values -----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reverse mode: the cotangent of a value is the derivative of the loss by each
// of its elements. It has the type of the value, except that the cotangent of
// an i8 or i4 value is that of the f32 value which it stands for, and f32.
//
// The same builder serves a function on tensors and the body of a structured
// operation on scalars.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIFFERENTIATION_GRADIENTBUILDER_H
#define QUANTC_DIFFERENTIATION_GRADIENTBUILDER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseSet.h"

namespace quantc {

struct GradientOptions {
  /// Whether scales get gradients, by which they learn (lsq_a1).
  bool learnedStepSize = false;
};

class GradientBuilder : public mlir::ImplicitLocOpBuilder {
public:
  GradientBuilder(const mlir::OpBuilder &builder, mlir::Location loc,
                  const GradientOptions &options)
      : ImplicitLocOpBuilder(loc, builder), options(options) {}

  const GradientOptions &getOptions() const { return options; }

  /// Asks for the cotangent of `value`.
  void activate(mlir::Value value) { active.insert(value); }
  /// Whether the cotangent of `value` is asked for, or leads to one that is.
  bool isActive(mlir::Value value) const { return active.contains(value); }

  /// Differentiates `operations`, the last one first: from the cotangents that
  /// are known to those that are asked for. `seed` is called before, when it is
  /// known which results are active. Fails, with an error at the operation,
  /// where there is no rule.
  llvm::LogicalResult
  differentiate(llvm::ArrayRef<mlir::Operation *> operations,
                llvm::function_ref<void()> seed);

  /// The cotangent of `value` as far as it is known; null where it is 0.
  mlir::Value getCotangent(mlir::Value value) const {
    return cotangents.lookup(value);
  }
  /// Adds what `build` returns, if it is not null, to the cotangent of `value`,
  /// if that is active. Terms are added in the order of the calls.
  void accumulate(mlir::Value value, llvm::function_ref<mlir::Value()> build);
  void accumulate(mlir::Value value, mlir::Value cotangent) {
    accumulate(value, [&] { return cotangent; });
  }

  /// `number` as a value of the type, and of the sizes, of `like`, a float or a
  /// tensor of floats.
  mlir::Value createConstant(mlir::Value like, double number);
  /// Zeros of the type that the cotangent of the tensor `value` has.
  mlir::Value createZeros(mlir::Value value);

private:
  GradientOptions options;
  llvm::DenseSet<mlir::Value> active;
  llvm::DenseMap<mlir::Value, mlir::Value> cotangents;
};

/// Whether values of `type` have cotangents: floats, and the storage types.
bool hasCotangent(mlir::Type type);

/// The operands of `op` and what its regions use from outside.
llvm::SetVector<mlir::Value> getReadValues(mlir::Operation *op);

} // namespace quantc

#endif // QUANTC_DIFFERENTIATION_GRADIENTBUILDER_H
