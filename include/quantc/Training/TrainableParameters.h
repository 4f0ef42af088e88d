//===- TrainableParameters.h - What training changes ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TRAINING_TRAINABLEPARAMETERS_H
#define QUANTC_TRAINING_TRAINABLEPARAMETERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

namespace quantc {

/// A float constant of a program that training changes, under a name of its
/// own: `<layer>.weight`, `<layer>.bias`.
struct TrainableParameter {
  std::string name;
  /// The constant, f32.
  mlir::Value value;
  /// Where it is used as this parameter.
  llvm::SmallVector<mlir::OpOperand *, 1> uses;

  mlir::RankedTensorType getType() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  /// Makes `replacement` this parameter.
  void replaceBy(mlir::Value replacement) const {
    for (mlir::OpOperand *use : uses)
      use->set(replacement);
  }
};

/// The parameters of `module` in the order of the program: weights of linear
/// layers and convolutions, embedding tables, vectors that are added (biases)
/// and vectors that are multiplied by (gains). Gives every layer a name.
///
/// A constant that is used several times, such as a table that is also the last
/// weight, is one parameter; but a constant of equal elements is as many as it
/// has uses, since biases of zeros start as the same constant.
llvm::SmallVector<TrainableParameter>
findTrainableParameters(mlir::ModuleOp module);

} // namespace quantc

#endif // QUANTC_TRAINING_TRAINABLEPARAMETERS_H
