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

void quantc::buildQatForwardPipeline(OpPassManager &pm,
                                     const TrainingOptions &options) {
  addSelection(pm, options);
  pm.addPass(createExtractParameters());
  addForwardPasses(pm, options);
  addCleanup(pm);
}

void quantc::buildTrainStepPipeline(OpPassManager &pm,
                                    const TrainingOptions &options) {
  addSelection(pm, options);
  pm.addPass(createExtractParameters());
  // Learned scales have left the ranges behind.
  if (options.parameters == ParameterSource::Inputs || options.warmUp)
    pm.addPass(createInsertMovingAverages());
  if (!options.warmUp)
    addForwardPasses(pm, options);
  addCleanup(pm);

  AttachLossOptions loss;
  loss.loss = options.loss;
  pm.addPass(createAttachLoss(loss));
  DifferentiateOptions gradients;
  gradients.learnedStepSize = options.parameters == ParameterSource::Learned;
  pm.addPass(createDifferentiate(gradients));
  InsertOptimizerOptions optimizer;
  optimizer.optimizer = options.optimizer;
  pm.addPass(createInsertOptimizer(optimizer));
  addCleanup(pm);
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
}
