//===- Training.h - From a model to its training ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PIPELINES_TRAINING_H
#define QUANTC_PIPELINES_TRAINING_H

#include "quantc/Pipelines/Quantization.h"
#include "quantc/Training/TrainingOptions.h"

namespace quantc {

/// How a model is trained. A model with every layer skipped is trained in
/// float.
struct TrainingOptions : QuantizationOptions {
  TrainingOptions() { parameters = ParameterSource::Inputs; }

  Option<Loss> loss{*this, "loss",
                    llvm::cl::desc("How far the output is from the labels"),
                    llvm::cl::init(Loss::CrossEntropy), getLossValues()};
  Option<Optimizer> optimizer{
      *this, "optimizer",
      llvm::cl::desc("How parameters follow their gradients"),
      llvm::cl::init(Optimizer::Adam), getOptimizerValues()};
  Option<bool> warmUp{*this, "warm-up",
                      llvm::cl::desc("Layers stay float, and only the ranges "
                                     "of their inputs are averaged"),
                      llvm::cl::init(false)};
};

/// From the float form to the integer form whose weights are inputs: what the
/// model computes once it is quantized with those weights, to the bit.
void buildQatForwardPipeline(mlir::OpPassManager &pm,
                             const TrainingOptions &options);

/// From the float form to a training step: inputs, labels, parameters, state
/// and hyperparameters in; loss, new parameters and new state out.
void buildTrainStepPipeline(mlir::OpPassManager &pm,
                            const TrainingOptions &options);

/// Registers --quant-qat-forward and --quant-train-step.
void registerTrainingPipelines();

} // namespace quantc

#endif // QUANTC_PIPELINES_TRAINING_H
