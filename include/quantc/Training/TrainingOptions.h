//===- TrainingOptions.h - Losses and optimizers ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TRAINING_TRAININGOPTIONS_H
#define QUANTC_TRAINING_TRAININGOPTIONS_H

#include "llvm/Support/CommandLine.h"

namespace quantc {

/// How far the output of a program is from what it should be.
enum class Loss {
  /// Of scores for each class, and the number of the right class.
  CrossEntropy,
  /// The mean of squared differences.
  MeanSquaredError
};

/// How parameters follow from their gradients.
enum class Optimizer { SGD, Momentum, Adam, AdamW };

/// The values of the options of these types.
llvm::cl::ValuesClass getLossValues();
llvm::cl::ValuesClass getOptimizerValues();

} // namespace quantc

#endif // QUANTC_TRAINING_TRAININGOPTIONS_H
