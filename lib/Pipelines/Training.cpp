//===- Training.cpp - From a model to its training ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Pipelines/Training.h"

#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Differentiation/Passes.h"
#include "quantc/Training/Passes.h"

using namespace mlir;
using namespace quantc;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// What is trained becomes inputs: the model, or adapters inside of its
/// weights.
static void addParameters(OpPassManager &pm, const TrainingOptions &options) {
  if (options.adapterRank == 0) {
    pm.addPass(createExtractParameters());
    return;
  }
  InsertMergedLoraOptions lora;
  lora.rank = options.adapterRank;
  lora.scale = options.adapterScale;
  pm.addPass(createInsertMergedLora(lora));
}

/// From selected layers to the integer form, by the passes of --quant-ptq
/// wherever there is one, so that both make the same layers.
static void addForwardPasses(OpPassManager &pm,
                             const TrainingOptions &options) {
  pm.addPass(createPadGroups());
  InsertFakeQuantOptions fakeQuant;
  fakeQuant.parameters = options.parameters;
  pm.addPass(createInsertFakeQuant(fakeQuant));
  pm.addPass(createDecomposeFakeQuant());
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createSinkReshapes());
  pm.addPass(createConvertToInteger());
  pm.addPass(createCSEPass());
  pm.addPass(createFuseRequantize());
  pm.addPass(createCheckRanges());
}

/// From the forward pass to a training step.
static void addStepPasses(OpPassManager &pm, Loss loss, Optimizer optimizer,
                          bool learnedStepSize) {
  AttachLossOptions lossOptions;
  lossOptions.loss = loss;
  pm.addPass(createAttachLoss(lossOptions));
  DifferentiateOptions gradients;
  gradients.learnedStepSize = learnedStepSize;
  pm.addPass(createDifferentiate(gradients));
  InsertOptimizerOptions optimizerOptions;
  optimizerOptions.optimizer = optimizer;
  pm.addPass(createInsertOptimizer(optimizerOptions));
  addCleanup(pm);
}

void quantc::buildQatForwardPipeline(OpPassManager &pm,
                                     const TrainingOptions &options) {
  addSelection(pm, options, /*isTraining=*/true);
  addParameters(pm, options);
  addForwardPasses(pm, options);
  addCleanup(pm);
}

void quantc::buildTrainStepPipeline(OpPassManager &pm,
                                    const TrainingOptions &options) {
  addSelection(pm, options, /*isTraining=*/true);
  addParameters(pm, options);
  // Learned scales have left the ranges behind.
  if (options.parameters == ParameterSource::Inputs || options.warmUp)
    pm.addPass(createInsertMovingAverages());
  if (!options.warmUp)
    addForwardPasses(pm, options);
  addCleanup(pm);

  addStepPasses(pm, options.loss, options.optimizer,
                options.parameters == ParameterSource::Learned);
}

void quantc::buildAdapterForwardPipeline(
    OpPassManager &pm, const AdapterTrainingOptions &options) {
  InsertTrainedLoraOptions lora;
  lora.layers.assign(options.layers.begin(), options.layers.end());
  lora.rank = options.rank;
  lora.scale = options.scale;
  pm.addPass(createInsertTrainedLora(lora));
  addCleanup(pm);
}

void quantc::buildAdapterStepPipeline(OpPassManager &pm,
                                      const AdapterTrainingOptions &options) {
  buildAdapterForwardPipeline(pm, options);
  addStepPasses(pm, options.loss, options.optimizer, /*learnedStepSize=*/false);
}

void quantc::registerTrainingPipelines() {
  PassPipelineRegistration<TrainingOptions>(
      "quant-qat-forward",
      "The forward pass of training: float to integer form, weights as inputs",
      buildQatForwardPipeline);
  PassPipelineRegistration<TrainingOptions>(
      "quant-train-step",
      "A training step: loss, gradients and updated parameters",
      buildTrainStepPipeline);
  PassPipelineRegistration<AdapterTrainingOptions>(
      "quant-adapter-forward",
      "A quantized program with an adapter whose matrices are inputs",
      buildAdapterForwardPipeline);
  PassPipelineRegistration<AdapterTrainingOptions>(
      "quant-adapter-step", "A training step of an adapter on a frozen base",
      buildAdapterStepPipeline);
}
