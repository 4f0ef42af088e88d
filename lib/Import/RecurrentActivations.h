//===- RecurrentActivations.h - Functions of gates --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_RECURRENTACTIVATIONS_H
#define QUANTC_LIB_IMPORT_RECURRENTACTIVATIONS_H

#include "NodeImporter.h"

namespace quantc::onnx {

/// A function of the attribute "activations", with its parameters.
struct Activation {
  using Function = mlir::Value (*)(mlir::ImplicitLocOpBuilder &b,
                                   mlir::Value value, float alpha, float beta);
  Function function;
  float alpha, beta;

  mlir::Value create(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const {
    return function(b, value, alpha, beta);
  }
};

/// Reads the activations of a node, direction by direction. Functions that have
/// parameters take them from "activation_alpha" and "activation_beta" in this
/// order.
class ActivationReader {
public:
  /// `defaults` are those of one direction.
  ActivationReader(NodeImporter &node, llvm::ArrayRef<llvm::StringRef> defaults,
                   size_t numDirections);

  /// Appends those of the next direction.
  mlir::LogicalResult read(llvm::SmallVectorImpl<Activation> &activations);

private:
  /// The next of `values`, or what the function has without.
  static float takeParameter(llvm::ArrayRef<float> &values,
                             std::optional<float> fallback);

  NodeImporter &node;
  size_t numFunctions;
  size_t numDirections;
  llvm::SmallVector<llvm::StringRef> names;
  llvm::SmallVector<float> alphaValues, betaValues;
  llvm::ArrayRef<float> alphas, betas;
  size_t next = 0;
};

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_RECURRENTACTIVATIONS_H
