//===- Merge.cpp - Adapters in the weights of a model ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Merge.h"

#include "Model.h"
#include "Session.h"
#include "quantc/Dialect/Quant/Transforms/LayerAdapter.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Pipelines/Quantization.h"
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using namespace quantc;
using namespace quantc::python;

/// The tensor `name` of an entry, if it is there.
static std::optional<HostTensor> getTensor(const nb::dict &entry,
                                           const char *name,
                                           DataType type = DataType::F32) {
  if (!entry.contains(name))
    return std::nullopt;
  return toHostTensor(nb::cast<Array>(entry[name]), type);
}

/// `entry` holds what there is of the fields of a LayerAdapter.
static LayerAdapter getAdapter(const nb::dict &entry) {
  LayerAdapter adapter;
  adapter.a = getTensor(entry, "a");
  adapter.b = getTensor(entry, "b");
  adapter.weight = getTensor(entry, "weight");
  adapter.bias = getTensor(entry, "bias");
  adapter.moments = getTensor(entry, "moments");
  adapter.weightScale = getTensor(entry, "weight_scale");
  adapter.weightZeroPoint = getTensor(entry, "weight_zero_point", DataType::I8);
  adapter.weightMultiplier =
      getTensor(entry, "weight_multiplier", DataType::I8);
  if (entry.contains("scale"))
    adapter.scale = nb::cast<float>(entry["scale"]);
  return adapter;
}

/// A changed copy of `model`.
template <class Change>
static Model transform(const Model &model, Change change) {
  OwningOpRef<ModuleOp> module(model.getModule().clone());
  ErrorScope scope(model.getContext());
  PassManager pm(model.getContext());
  LogicalResult result = change(pm, *module);
  if (succeeded(result))
    result = pm.run(*module);
  scope.finish(succeeded(result), model.path + ": cannot be merged");
  return Model(model.getSharedContext(), std::move(module), model.path);
}

static Model mergeLora(const Model &model, const nb::dict &layers,
                       bool keepBase) {
  std::vector<std::pair<std::string, LayerAdapter>> adapters;
  for (auto [name, entry] : layers)
    adapters.emplace_back(nb::cast<std::string>(name),
                          getAdapter(nb::cast<nb::dict>(entry)));
  return transform(model, [&](PassManager &pm, ModuleOp module) {
    buildMergePipeline(pm, keepBase);
    return attachAdapters(module, adapters);
  });
}

static Model createSecondMoments(const Model &model,
                                 const std::vector<std::string> &layers) {
  return transform(model, [&](PassManager &pm, ModuleOp) {
    InsertSecondMomentsOptions options;
    options.layers.assign(layers.begin(), layers.end());
    pm.addPass(createInsertSecondMoments(options));
    return success();
  });
}

static Model unmergeLora(const Model &model) {
  return transform(model, [](PassManager &pm, ModuleOp) {
    buildUnmergePipeline(pm);
    return success();
  });
}

/// The fields of quantc.LayerSurvival by the name of the layer.
static nb::dict getSurvival(const Model &model) {
  nb::dict layers;
  model.getModule()->walk([&](Operation *op) {
    std::optional<LayerSurvival> survival = getLayerSurvival(op);
    if (!survival)
      return;
    nb::dict fields;
    fields["weight_norm"] = survival->measured.weightNorm;
    fields["adapter_norm"] = survival->measured.adapterNorm;
    fields["share"] = survival->measured.share;
    fields["output_error"] = survival->measured.outputError;
    fields["advice"] = getSpelling(survival->advice).str();
    layers[quantc::getName(op->getLoc()).str().c_str()] = fields;
  });
  return layers;
}

void quantc::python::bindMerge(nb::module_ &m) {
  m.def("merge_lora", &mergeLora, nb::arg("model"), nb::arg("layers"),
        nb::arg("keep_base"));
  m.def("create_second_moments", &createSecondMoments, nb::arg("model"),
        nb::arg("layers"));
  m.def("unmerge_lora", &unmergeLora, nb::arg("model"));
  m.def("get_survival", &getSurvival, nb::arg("model"));
}
