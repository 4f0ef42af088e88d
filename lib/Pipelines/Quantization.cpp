//===- Quantization.cpp - From a model to quantized forms -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Pipelines/Quantization.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Training/Passes.h"

using namespace mlir;
using namespace quantc;

void quantc::addSelection(OpPassManager &pm, const QuantizationOptions &options,
                          bool isTraining) {
  pm.addPass(createConvertConvToMatmul());
  // What is trained stays as it is: its values go back into the model.
  if (!isTraining)
    pm.addPass(createFoldAffine());
  pm.addPass(createSinkTransposes());
  SelectLayersOptions selection;
  selection.weightBits = options.weightBits;
  selection.activationBits = options.activationBits;
  selection.weightFormat = options.weightFormat;
  selection.mode = options.mode;
  selection.granularity = options.granularity;
  selection.groupSize = options.groupSize;
  selection.symmetricWeights = options.symmetricWeights;
  selection.symmetricActivations = options.symmetricActivations;
  selection.skip.assign(options.skip.begin(), options.skip.end());
  selection.skipFirst = options.skipFirst;
  selection.skipLast = options.skipLast;
  selection.skipEmbedding = options.skipEmbedding || isTraining;
  selection.skipOutput = options.skipOutput;
  pm.addPass(createSelectLayers(selection));
}

/// From the simulated form, with integer weights [N, K], to the integer form.
/// What is added to convolutions, and averages, is quantized only where nothing
/// has simulated the model without that.
static void addConversion(OpPassManager &pm, bool quantizeBetween = false) {
  // Bias and ReLU are recognized as structured operations right after a layer.
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createSinkReshapes());
  // Sizes of tensors that stay.
  pm.addPass(createLowerAffinePass());
  pm.addPass(createConvertToInteger());
  pm.addPass(createLookUpIntegers());
  // Layers that share an input quantize it alike; once it is one value, it can
  // be the only use of what comes before.
  pm.addPass(createCSEPass());
  if (quantizeBetween) {
    pm.addPass(createQuantizeResiduals());
    pm.addPass(createQuantizeAverages());
  }
  pm.addPass(createFuseRequantize());
  pm.addPass(createCheckRanges());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// From the float form, with selected layers, to the integer form.
static void addQuantization(OpPassManager &pm,
                            const QuantizationOptions &options,
                            bool isTraining = false) {
  // Without a file, ranges may be attached to the layers already.
  if (!options.calibration.empty()) {
    ApplyCalibrationOptions calibration;
    calibration.calibration = options.calibration;
    calibration.method = options.calibrationMethod;
    calibration.percentile = options.percentile;
    pm.addPass(createApplyCalibration(calibration));
  }
  pm.addPass(createPadGroups());
  pm.addPass(createInsertQuantize());
  pm.addPass(createFoldWeights());
  addConversion(pm, /*quantizeBetween=*/!isTraining);
}

void quantc::buildPtqPipeline(OpPassManager &pm,
                              const QuantizationOptions &options) {
  addSelection(pm, options);
  addQuantization(pm, options);
}

void quantc::buildTrainedPipeline(OpPassManager &pm,
                                  const QuantizationOptions &options) {
  addSelection(pm, options, /*isTraining=*/true);
  addQuantization(pm, options, /*isTraining=*/true);
}

void quantc::buildSimulatedPipeline(OpPassManager &pm) {
  // What nobody reads would count as another use.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createSimulateIntegerProducts());
  pm.addPass(createFoldWeights());
  pm.addPass(createRecognizeLayers());
  pm.addPass(createConvertProductsToInteger());
  addConversion(pm);
}

void quantc::buildQatPipeline(OpPassManager &pm,
                              const QuantizationOptions &options) {
  addSelection(pm, options, /*isTraining=*/true);
  if (options.parameters != ParameterSource::Observed)
    pm.addPass(createExtractParameters());
  pm.addPass(createPadGroups());
  InsertFakeQuantOptions fakeQuant;
  fakeQuant.parameters = options.parameters;
  pm.addPass(createInsertFakeQuant(fakeQuant));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void quantc::buildCalibrationPipeline(OpPassManager &pm,
                                      const QuantizationOptions &options) {
  addSelection(pm, options);
  InsertObserversOptions observers;
  observers.histogram = options.calibrationMethod == RangeMethod::Percentile;
  pm.addPass(createInsertObservers(observers));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void quantc::buildMergePipeline(OpPassManager &pm, bool keepBase) {
  // The bias of a float layer is recognized right after it.
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createSinkReshapes());
  MergeLoraOptions options;
  options.keepBase = keepBase;
  pm.addPass(createMergeLora(options));
  pm.addPass(createCheckRanges());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void quantc::buildUnmergePipeline(OpPassManager &pm) {
  pm.addPass(createUnmergeLora());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void quantc::registerQuantizationPipelines() {
  PassPipelineRegistration<QuantizationOptions>(
      "quant-ptq", "Quantize a trained model: float to integer form",
      buildPtqPipeline);
  PassPipelineRegistration<>(
      "quant-simulated",
      "Take over the parameters of a model that is quantized already: "
      "simulated to integer form",
      buildSimulatedPipeline);
  PassPipelineRegistration<QuantizationOptions>(
      "quant-qat",
      "Simulate quantization for training: float to simulated form",
      buildQatPipeline);
  PassPipelineRegistration<QuantizationOptions>(
      "quant-calibrate",
      "Turn a model into one that returns the statistics of "
      "its activations",
      buildCalibrationPipeline);
}
