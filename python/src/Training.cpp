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
#include "mlir/Pass/PassManager.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Pipelines/Quantization.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/ADT/StringExtras.h"
#include <nanobind/stl/string.h>

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
  buildPtqPipeline(pm, options);
  LogicalResult result = pm.run(*quantized);
  scope.finish(succeeded(result), model.path + ": cannot be quantized");
  return Model(model.getSharedContext(), std::move(quantized), model.path);
}

/// Whether `model` has the parameters of its quantization in it.
static bool isSimulated(const Model &model) {
  return model.getModule()
      ->walk([](Operation *op) {
        return isa<DequantizeOp>(op) ? WalkResult::interrupt()
                                     : WalkResult::advance();
      })
      .wasInterrupted();
}

static Model quantizeSimulated(const Model &model) {
  OwningOpRef<ModuleOp> quantized(model.getModule().clone());
  ErrorScope scope(model.getContext());
  PassManager pm(model.getContext());
  buildSimulatedPipeline(pm);
  LogicalResult result = pm.run(*quantized);
  scope.finish(succeeded(result), model.path + ": cannot be quantized");
  return Model(model.getSharedContext(), std::move(quantized), model.path);
}

void quantc::python::bindTraining(nb::module_ &m) {
  m.def("quantize_trained", &quantizeTrained, nb::arg("model"),
        nb::arg("config"), nb::arg("layers"));
  m.def("is_simulated", &isSimulated, nb::arg("model"));
  m.def("quantize_simulated", &quantizeSimulated, nb::arg("model"));
}
