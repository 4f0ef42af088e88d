//===- Quantization.h - From a model to quantized forms ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pipelines that quant-opt, the Python module and C++ run alike.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PIPELINES_QUANTIZATION_H
#define QUANTC_PIPELINES_QUANTIZATION_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"

namespace quantc {

/// How a model is quantized.
struct QuantizationOptions
    : public mlir::PassPipelineOptions<QuantizationOptions> {
  Option<int64_t> weightBits{*this, "weight-bits",
                             llvm::cl::desc("Bits of a stored weight: 4 or 8"),
                             llvm::cl::init(8)};
  Option<int64_t> activationBits{
      *this, "activation-bits",
      llvm::cl::desc("Bits of an activation: 8, or 32 for weight-only"),
      llvm::cl::init(8)};
  Option<WeightFormat> weightFormat{
      *this, "weight-format", llvm::cl::desc("What a stored weight is"),
      llvm::cl::init(WeightFormat::Integer), getWeightFormatValues()};
  Option<Mode> mode{
      *this, "mode",
      llvm::cl::desc("Where the parameters of activations come from"),
      llvm::cl::init(Mode::Static), getModeValues()};
  Option<Granularity> granularity{
      *this, "granularity", llvm::cl::desc("How many weights share a scale"),
      llvm::cl::init(Granularity::PerChannel), getGranularityValues()};
  Option<int64_t> groupSize{
      *this, "group-size", llvm::cl::desc("Elements of K in a group, 8 to 256"),
      llvm::cl::init(32)};
  Option<bool> symmetricWeights{*this, "symmetric-weights",
                                llvm::cl::desc("Weights have no zero points"),
                                llvm::cl::init(true)};
  Option<Symmetry> symmetricActivations{
      *this,
      "symmetric-activations",
      llvm::cl::desc("Activations have no zero points"),
      llvm::cl::init(Symmetry::Automatic),
      getSymmetryValues(),
      llvm::cl::ValueOptional};
  ListOption<std::string> skip{
      *this, "skip",
      llvm::cl::desc(
          "Regular expressions of the names of layers that stay float")};
  Option<bool> skipFirst{*this, "skip-first",
                         llvm::cl::desc("The first linear layer stays float"),
                         llvm::cl::init(false)};
  Option<bool> skipLast{*this, "skip-last",
                        llvm::cl::desc("The last linear layer stays float"),
                        llvm::cl::init(false)};
  Option<bool> skipEmbedding{
      *this, "skip-embedding",
      llvm::cl::desc("Embedding tables stay float by choice"),
      llvm::cl::init(false)};
  Option<bool> skipOutput{
      *this, "skip-output",
      llvm::cl::desc("Layers stay float when no other layer is between them "
                     "and an output"),
      llvm::cl::init(false)};
  Option<std::string> calibration{
      *this, "calibration",
      llvm::cl::desc("The calibration table, a JSON file, of mode static"),
      llvm::cl::init("")};
  Option<RangeMethod> calibrationMethod{
      *this, "calibration-method",
      llvm::cl::desc("How a range follows from the statistics"),
      llvm::cl::init(RangeMethod::MinMax), getRangeMethodValues()};
  Option<double> percentile{
      *this, "percentile",
      llvm::cl::desc("The percentage of elements within the range, 50 to 100"),
      llvm::cl::init(99.99)};
  Option<ParameterSource> parameters{
      *this, "parameters",
      llvm::cl::desc("Where the parameters of simulated layers come from"),
      llvm::cl::init(ParameterSource::Observed), getParameterSourceValues()};
};

/// Decides how each layer is quantized, the first pass of all pipelines. In
/// training embedding tables stay float.
void addSelection(mlir::OpPassManager &pm, const QuantizationOptions &options,
                  bool isTraining = false);

/// From the float to the integer form: quantization after training.
void buildPtqPipeline(mlir::OpPassManager &pm,
                      const QuantizationOptions &options);

/// The same for a model that was trained so: what is between its layers stays
/// as it was then, and so do its embedding tables.
void buildTrainedPipeline(mlir::OpPassManager &pm,
                          const QuantizationOptions &options);

/// From a simulated form that was imported, with its parameters, to the integer
/// form.
void buildSimulatedPipeline(mlir::OpPassManager &pm);

/// From the float to the simulated form of quantization-aware training. Unless
/// parameters are observed, weights become inputs of the program.
void buildQatPipeline(mlir::OpPassManager &pm,
                      const QuantizationOptions &options);

/// From the float form to a program whose outputs are the statistics that
/// `options` need.
void buildCalibrationPipeline(mlir::OpPassManager &pm,
                              const QuantizationOptions &options);

/// Merges the adapters that are attached to layers (`LayerAdapter.h`) of a
/// program in the float or the integer form.
void buildMergePipeline(mlir::OpPassManager &pm, bool keepBase);

/// Undoes that, with `keepBase`.
void buildUnmergePipeline(mlir::OpPassManager &pm);

/// Registers --quant-ptq, --quant-simulated, --quant-qat and --quant-calibrate.
void registerQuantizationPipelines();

} // namespace quantc

#endif // QUANTC_PIPELINES_QUANTIZATION_H
