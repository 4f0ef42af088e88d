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
  Option<int64_t> adapterRank{
      *this, "adapter-rank",
      llvm::cl::desc("Train adapters of this rank inside of the weights of "
                     "quantized layers, and nothing else; 0: train the model"),
      llvm::cl::init(0)};
  Option<float> adapterScale{
      *this, "adapter-scale",
      llvm::cl::desc("What the product of an adapter's matrices is multiplied "
                     "by"),
      llvm::cl::init(1.0f)};
  Option<bool> warmUp{*this, "warm-up",
                      llvm::cl::desc("Layers stay float, and only the ranges "
                                     "of their inputs are averaged"),
                      llvm::cl::init(false)};
};

/// How an adapter of a quantized program is trained.
struct AdapterTrainingOptions
    : mlir::PassPipelineOptions<AdapterTrainingOptions> {
  ListOption<std::string> layers{
      *this, "layers",
      llvm::cl::desc("Regular expressions of the names of layers; all without "
                     "any")};
  Option<int64_t> rank{*this, "rank", llvm::cl::desc("The rank of the adapter"),
                       llvm::cl::init(8)};
  Option<float> scale{
      *this, "scale",
      llvm::cl::desc("What the product of its matrices is multiplied by"),
      llvm::cl::init(1.0f)};
  Option<Loss> loss{*this, "loss",
                    llvm::cl::desc("How far the output is from the labels"),
                    llvm::cl::init(Loss::CrossEntropy), getLossValues()};
  Option<Optimizer> optimizer{
      *this, "optimizer",
      llvm::cl::desc("How parameters follow their gradients"),
      llvm::cl::init(Optimizer::Adam), getOptimizerValues()};
};

/// From the float form to the integer form whose weights are inputs: what the
/// model computes once it is quantized with those weights, to the bit.
void buildQatForwardPipeline(mlir::OpPassManager &pm,
                             const TrainingOptions &options);

/// From the float form to a training step: inputs, labels, parameters, state
/// and hyperparameters in; loss, new parameters and new state out.
void buildTrainStepPipeline(mlir::OpPassManager &pm,
                            const TrainingOptions &options);

/// From the integer form to one with an adapter whose matrices are inputs.
void buildAdapterForwardPipeline(mlir::OpPassManager &pm,
                                 const AdapterTrainingOptions &options);

/// From the integer form to a training step of an adapter; the base is frozen.
void buildAdapterStepPipeline(mlir::OpPassManager &pm,
                              const AdapterTrainingOptions &options);

/// Registers --quant-qat-forward, --quant-train-step, --quant-adapter-forward
/// and --quant-adapter-step.
void registerTrainingPipelines();

} // namespace quantc

#endif // QUANTC_PIPELINES_TRAINING_H
