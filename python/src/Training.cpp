//===- Training.cpp - Trained models and training programs ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Training.h"

#include "Calibration.h"
#include "Model.h"
#include "Session.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Pipelines/Training.h"
#include "quantc/Support/TensorAttribute.h"
#include "quantc/Training/Passes.h"
#include "quantc/Training/TrainableParameters.h"
#include "llvm/ADT/StringExtras.h"
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using namespace quantc;
using namespace quantc::python;

//===----------------------------------------------------------------------===//
// Parameters of layers
//===----------------------------------------------------------------------===//

static Layer findLayer(ArrayRef<Layer> layers, StringRef name,
                       const std::string &path) {
  auto getLayerName = [](const Layer &layer) {
    return quantc::getName(layer.op->getLoc());
  };
  for (const Layer &layer : layers)
    if (getLayerName(layer) == name)
      return layer;
  raise(path + ": there is no layer '" + name + "'; the layers are " +
        llvm::join(llvm::map_range(layers,
                                   [&](const Layer &layer) {
                                     return "'" + getLayerName(layer).str() +
                                            "'";
                                   }),
                   ", "));
}

/// Gives `op` the attribute `name`, a tensor, unless `value` is None.
static void setTensor(Operation *op, StringRef name, nb::handle value,
                      DataType type) {
  if (value.is_none())
    return;
  op->setAttr(name,
              getElementsAttr(op->getContext(),
                              toHostTensor(nb::cast<Array>(value), type)));
}

/// Gives `op` what a `LayerParameters` of the package holds.
static void setParameters(Operation *op, nb::handle parameters) {
  Builder builder(op->getContext());
  if (nb::object range = parameters.attr("input_range"); !range.is_none())
    op->setAttr(kInputRangeAttr,
                builder.getDenseF32ArrayAttr(
                    {nb::cast<float>(range[0]), nb::cast<float>(range[1])}));
  if (nb::object scale = parameters.attr("input_scale"); !scale.is_none())
    op->setAttr(
        kInputParametersAttr,
        builder.getDictionaryAttr(
            {builder.getNamedAttr(
                 "scale", builder.getF32FloatAttr(nb::cast<float>(scale))),
             builder.getNamedAttr("zero_point",
                                  builder.getI64IntegerAttr(nb::cast<int64_t>(
                                      parameters.attr("input_zero_point"))))}));
  if (nb::cast<bool>(parameters.attr("float_result")))
    op->setAttr(kFloatResultAttr, builder.getUnitAttr());
  setTensor(op, kWeightScaleAttr, parameters.attr("weight_scale"),
            DataType::F32);
  setTensor(op, kWeightZeroPointAttr, parameters.attr("weight_zero_point"),
            DataType::I8);
  setTensor(op, kWeightMultiplierAttr, parameters.attr("weight_multiplier"),
            DataType::I8);
  setTensor(op, kWeightMagnitudeAttr, parameters.attr("weight_magnitude"),
            DataType::I8);
  setTensor(op, kMagnitudeScaleAttr, parameters.attr("weight_magnitude_scale"),
            DataType::F32);
  setTensor(op, kMagnitudeMeanAttr, parameters.attr("weight_magnitude_mean"),
            DataType::F32);
}

static Model quantizeTrained(const Model &model, nb::handle config,
                             nb::dict parameters) {
  QuantizationOptions options;
  readConfig(options, config);
  OwningOpRef<ModuleOp> quantized(model.getModule().clone());
  SmallVector<Layer> layers = findLayers(*quantized);
  nameLayers(layers);
  for (auto [name, value] : parameters)
    setParameters(findLayer(layers, nb::cast<std::string>(name), model.path).op,
                  value);

  ErrorScope scope(model.getContext());
  PassManager pm(model.getContext());
  buildTrainedPipeline(pm, options);
  LogicalResult result = pm.run(*quantized);
  scope.finish(succeeded(result), model.path + ": cannot be quantized");
  return Model(model.getSharedContext(), std::move(quantized), model.path);
}

//===----------------------------------------------------------------------===//
// Parameters of models
//===----------------------------------------------------------------------===//

/// The elements of a constant.
static HostTensor getTensor(Value constant, const std::string &path) {
  ElementsAttr attr;
  FailureOr<HostTensor> tensor = failure();
  if (matchPattern(constant, m_Constant(&attr)))
    tensor = getHostTensor(attr);
  if (failed(tensor))
    raise(path + ": the elements of a constant are missing");
  return std::move(*tensor);
}

nb::dict quantc::python::getParameters(const Model &model) {
  // Finding them gives every layer a name.
  OwningOpRef<ModuleOp> copy(model.getModule().clone());
  nb::dict result;
  for (const TrainableParameter &parameter : findTrainableParameters(*copy))
    result[parameter.name.c_str()] =
        toNumPy(getTensor(parameter.value, model.path));
  return result;
}

/// `value` as an array of type `port.type` and shape `port.shape`.
static HostTensor getFloats(nb::handle value, RankedTensorType type,
                            const Twine &where) {
  Array array;
  if (!nb::try_cast<Array>(value, array) || array.dtype() != nb::dtype<float>())
    raise(where + ": expected an array of float32");
  HostTensor tensor = toHostTensor(array, DataType::F32);
  if (ArrayRef<int64_t>(tensor.shape) != type.getShape())
    raise(
        where + ": expected the shape [" +
        llvm::join(llvm::map_range(type.getShape(),
                                   [](int64_t n) { return std::to_string(n); }),
                   ", ") +
        "]");
  return tensor;
}

Model quantc::python::withParameters(const Model &model, nb::dict parameters) {
  OwningOpRef<ModuleOp> copy(model.getModule().clone());
  SmallVector<TrainableParameter> found = findTrainableParameters(*copy);
  for (auto [key, value] : parameters) {
    auto name = nb::cast<std::string>(key);
    auto it = llvm::find_if(found, [&](const TrainableParameter &parameter) {
      return parameter.name == name;
    });
    if (it == found.end())
      raise(model.path + ": there is no parameter '" + name + "'");
    HostTensor tensor = getFloats(value, it->getType(),
                                  model.path + ": parameter '" + name + "'");
    OpBuilder builder(it->uses.front()->getOwner());
    builder.setInsertionPointAfterValue(it->value);
    it->replaceBy(
        arith::ConstantOp::create(builder, it->value.getLoc(),
                                  getElementsAttr(model.getContext(), tensor)));
  }
  return Model(model.getSharedContext(), std::move(copy), model.path);
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

static void readTraining(TrainingOptions &options, nb::handle config,
                         bool learned, int64_t adapterRank = 0,
                         float adapterScale = 1.0f) {
  options.adapterRank = adapterRank;
  options.adapterScale = adapterScale;
  if (config.is_none())
    options.skip = ArrayRef<std::string>({".*"});
  else
    readConfig(options, config);
  if (learned)
    options.parameters = ParameterSource::Learned;
}

/// Runs passes on a copy of `model`.
template <class Build>
static OwningOpRef<ModuleOp> runPasses(const Model &model, Build build) {
  OwningOpRef<ModuleOp> module(model.getModule().clone());
  ErrorScope scope(model.getContext());
  PassManager pm(model.getContext());
  build(pm);
  LogicalResult result = pm.run(*module);
  scope.finish(succeeded(result), model.path + ": cannot be trained");
  return module;
}

/// What the pipeline that `build` makes for `options` turns `model` into.
template <class Options>
static Model runPipeline(const Model &model,
                         void (*build)(OpPassManager &, const Options &),
                         const Options &options) {
  return Model(model.getSharedContext(),
               runPasses(model, [&](OpPassManager &pm) { build(pm, options); }),
               model.path);
}

static Model createForward(const Model &model, nb::handle config, bool learned,
                           int64_t adapterRank, float adapterScale) {
  TrainingOptions options;
  readTraining(options, config, learned, adapterRank, adapterScale);
  return runPipeline(model, buildQatForwardPipeline, options);
}

static Model createStep(const Model &model, nb::handle config, bool learned,
                        bool warmUp, Loss loss, Optimizer optimizer,
                        int64_t adapterRank, float adapterScale) {
  TrainingOptions options;
  readTraining(options, config, learned, adapterRank, adapterScale);
  options.warmUp = warmUp;
  options.loss = loss;
  options.optimizer = optimizer;
  return runPipeline(model, buildTrainStepPipeline, options);
}

static void readAdapter(AdapterTrainingOptions &options,
                        const std::vector<std::string> &layers, int64_t rank,
                        float scale) {
  options.layers = layers;
  options.rank = rank;
  options.scale = scale;
}

static Model createAdapterForward(const Model &model,
                                  const std::vector<std::string> &layers,
                                  int64_t rank, float scale) {
  AdapterTrainingOptions options;
  readAdapter(options, layers, rank, scale);
  return runPipeline(model, buildAdapterForwardPipeline, options);
}

static Model createAdapterStep(const Model &model,
                               const std::vector<std::string> &layers,
                               int64_t rank, float scale, Loss loss,
                               Optimizer optimizer) {
  AdapterTrainingOptions options;
  readAdapter(options, layers, rank, scale);
  options.loss = loss;
  options.optimizer = optimizer;
  return runPipeline(model, buildAdapterStepPipeline, options);
}

/// Of each layer that is quantized: its name, and the name of its input in mode
/// static, else None.
static nb::list getTrainedLayers(const Model &model, nb::handle config) {
  TrainingOptions options;
  readTraining(options, config, /*learned=*/false);
  OwningOpRef<ModuleOp> module = runPasses(model, [&](OpPassManager &pm) {
    addSelection(pm, options, /*isTraining=*/true);
    pm.addPass(createExtractParameters());
  });
  nb::list result;
  ErrorScope scope(model.getContext());
  FailureOr<SmallVector<ConfiguredLayer>> layers =
      findConfiguredLayers(*module);
  scope.finish(succeeded(layers), model.path + ": cannot be trained");
  for (const auto &[linear, layerConfig] : *layers) {
    std::string name = quantc::getName(linear.op->getLoc()).str();
    nb::object input = nb::none();
    if (layerConfig.mode == Mode::Static)
      input = nb::cast(getInputName({linear.op, linear.getInput()}));
    result.append(nb::make_tuple(name, input));
  }
  return result;
}

/// The parameters that the weights of `model` would be quantized with, under
/// the names of the inputs of training programs.
static nb::dict chooseWeights(const Model &model, nb::handle config) {
  TrainingOptions options;
  readTraining(options, config, /*learned=*/false);
  OwningOpRef<ModuleOp> module = runPasses(model, [&](OpPassManager &pm) {
    addSelection(pm, options, /*isTraining=*/true);
    pm.addPass(createPadGroups());
  });
  ErrorScope scope(model.getContext());
  FailureOr<SmallVector<ConfiguredLayer>> layers = findPaddedLayers(*module);
  scope.finish(succeeded(layers), model.path + ": cannot be quantized");
  nb::dict result;
  for (const auto &[linear, layerConfig] : *layers) {
    OpBuilder builder(linear.op);
    Value weight = createWeight(builder, linear);
    FailureOr<ParameterValues> parameters =
        createWeightParameters(builder, linear.op, weight, layerConfig);
    std::string name = quantc::getName(linear.op->getLoc()).str() + ".weight";
    auto add = [&](const char *suffix, HostTensor tensor) {
      result[(name + suffix).c_str()] = toNumPy(std::move(tensor));
    };
    // Small integers may be packed.
    auto addBytes = [&](const char *suffix, Value value) {
      if (!value)
        return;
      HostTensor tensor(DataType::I8,
                        cast<RankedTensorType>(value.getType()).getShape());
      llvm::copy(*getStorageValues(value), tensor.values<int8_t>().begin());
      add(suffix, std::move(tensor));
    };
    if (failed(parameters))
      raise(model.path + ": cannot be quantized");
    add(".scale", getTensor(parameters->scale, model.path));
    addBytes(".zero_point", parameters->zeroPoint);
    addBytes(".multiplier", parameters->multiplier);
  }
  return result;
}

/// The scale and the zero point of a range of activations.
static std::pair<float, int> chooseInput(float min, float max, bool symmetric) {
  numerics::Evaluate a;
  auto chosen = numerics::chooseParameters(a, min, max, /*bits=*/8, symmetric);
  return {chosen.scale, chosen.zeroPoint};
}

void quantc::python::bindTraining(nb::module_ &m) {
  nb::enum_<Loss>(m, "Loss", "How far an output is from its label.")
      .value("cross_entropy", Loss::CrossEntropy)
      .value("mse", Loss::MeanSquaredError);
  nb::enum_<Optimizer>(m, "Optimizer", "How parameters follow gradients.")
      .value("sgd", Optimizer::SGD)
      .value("momentum", Optimizer::Momentum)
      .value("adam", Optimizer::Adam)
      .value("adamw", Optimizer::AdamW);
  m.def("create_forward", &createForward, nb::arg("model"),
        nb::arg("config").none(), nb::arg("learned"),
        nb::arg("adapter_rank") = 0, nb::arg("adapter_scale") = 1.0f);
  m.def("create_step", &createStep, nb::arg("model"), nb::arg("config").none(),
        nb::arg("learned"), nb::arg("warm_up"), nb::arg("loss"),
        nb::arg("optimizer"), nb::arg("adapter_rank") = 0,
        nb::arg("adapter_scale") = 1.0f);
  m.def("create_adapter_forward", &createAdapterForward, nb::arg("model"),
        nb::arg("layers"), nb::arg("rank"), nb::arg("scale"));
  m.def("create_adapter_step", &createAdapterStep, nb::arg("model"),
        nb::arg("layers"), nb::arg("rank"), nb::arg("scale"), nb::arg("loss"),
        nb::arg("optimizer"));
  m.def("trained_layers", &getTrainedLayers, nb::arg("model"),
        nb::arg("config").none());
  m.def("choose_weights", &chooseWeights, nb::arg("model"),
        nb::arg("config").none());
  m.def("choose_input", &chooseInput, nb::arg("min"), nb::arg("max"),
        nb::arg("symmetric"));
  m.def("quantize_trained", &quantizeTrained, nb::arg("model"),
        nb::arg("config"), nb::arg("layers"));
}
