//===- LayerAdapter.cpp - What an adapter changes in a layer --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LayerAdapter.h"

#include "Spelling.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Support/Diagnostics.h"
#include "quantc/Support/TensorAttribute.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// quant.adapter
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kA = "a";
static constexpr StringLiteral kB = "b";
static constexpr StringLiteral kScale = "scale";
static constexpr StringLiteral kWeight = "weight";
static constexpr StringLiteral kBias = "bias";
static constexpr StringLiteral kMoments = "moments";

void quantc::setLayerAdapter(Operation *op, const LayerAdapter &adapter) {
  MLIRContext *context = op->getContext();
  NamedAttrList entries;
  auto set = [&](StringRef name, const std::optional<HostTensor> &tensor) {
    if (tensor)
      entries.set(name, getElementsAttr(context, *tensor));
  };
  set(kA, adapter.a);
  set(kB, adapter.b);
  if (adapter.a)
    entries.set(kScale, Builder(context).getF32FloatAttr(adapter.scale));
  set(kWeight, adapter.weight);
  set(kBias, adapter.bias);
  set(kMoments, adapter.moments);
  op->setAttr(kAdapterAttr, entries.getDictionary(context));
}

/// "8 x 37".
static std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, " x ");
  return text;
}

namespace {
/// Reads the entries of `quant.adapter`; the first error stays.
class EntryReader {
public:
  explicit EntryReader(Operation *op)
      : op(op), entries(op->getAttrOfType<DictionaryAttr>(kAdapterAttr)) {
    if (!entries)
      fail() << "malformed " << kAdapterAttr << "; expects a dictionary";
  }

  bool hasFailed() const { return failed(result); }
  InFlightDiagnostic fail() {
    result = failure();
    return emitError(op->getLoc());
  }

  /// The rank of the tensor `name`, 0 if there is none.
  int64_t getRank(StringRef name) const {
    auto elements =
        hasFailed() ? ElementsAttr() : entries.getAs<ElementsAttr>(name);
    return elements ? elements.getShapedType().getRank() : 0;
  }

  float readScale() {
    auto attr = entries.getAs<FloatAttr>(kScale);
    if (attr && attr.getType().isF32() && attr.getValue().isFinite())
      return attr.getValue().convertToFloat();
    if (!hasFailed())
      fail() << "malformed " << kAdapterAttr << "; '" << kScale
             << "' is a finite f32";
    return 0;
  }

  /// The tensor `name`, if it is there. A dimension of `shape` that is dynamic
  /// may have any size.
  std::optional<HostTensor> readTensor(StringRef name,
                                       ArrayRef<int64_t> shape) {
    Attribute attr = hasFailed() ? Attribute() : entries.get(name);
    if (!attr)
      return std::nullopt;
    auto elements = dyn_cast<ElementsAttr>(attr);
    FailureOr<HostTensor> tensor = failure();
    if (elements && elements.getElementType().isF32())
      tensor = getHostTensor(elements);
    if (failed(tensor)) {
      fail() << "malformed " << kAdapterAttr << "; '" << name
             << "' is a constant tensor of f32";
      return std::nullopt;
    }
    auto fits = [](int64_t actual, int64_t wanted) {
      return actual > 0 && (ShapedType::isDynamic(wanted) || actual == wanted);
    };
    if (tensor->shape.size() == shape.size() &&
        llvm::equal(tensor->shape, shape, fits))
      return *tensor;
    std::string expected;
    llvm::raw_string_ostream os(expected);
    llvm::interleave(
        shape, os,
        [&](int64_t dim) {
          ShapedType::isDynamic(dim) ? os << "rank" : os << dim;
        },
        " x ");
    fail() << "'" << name << "' of the adapter is "
           << formatShape(tensor->shape) << ", this layer takes " << expected
           << "; the adapter is for another base";
    return std::nullopt;
  }

private:
  Operation *op;
  DictionaryAttr entries;
  LogicalResult result = success();
};
} // namespace

FailureOr<LayerAdapter> quantc::getLayerAdapter(Operation *op, int64_t outputs,
                                                int64_t inputs) {
  EntryReader reader(op);
  LayerAdapter adapter;
  adapter.a = reader.readTensor(kA, {ShapedType::kDynamic, inputs});
  int64_t rank = adapter.a ? adapter.a->shape[0] : ShapedType::kDynamic;
  adapter.b = reader.readTensor(kB, {outputs, rank});
  adapter.weight = reader.readTensor(kWeight, {outputs, inputs});
  adapter.bias = reader.readTensor(kBias, {outputs});
  SmallVector<int64_t> shape(reader.getRank(kMoments) == 2 ? 2 : 1, inputs);
  adapter.moments = reader.readTensor(kMoments, shape);
  if (adapter.a)
    adapter.scale = reader.readScale();
  if (!reader.hasFailed() && adapter.a.has_value() != adapter.b.has_value())
    reader.fail() << "malformed " << kAdapterAttr << "; '" << kA << "' and '"
                  << kB << "' go together";
  if (reader.hasFailed())
    return failure();
  return adapter;
}

LogicalResult quantc::attachAdapters(
    ModuleOp module, ArrayRef<std::pair<std::string, LayerAdapter>> adapters) {
  llvm::StringMap<SmallVector<Operation *, 1>> layers;
  module->walk([&](Operation *op) {
    if (isa<LinearOp>(op) || matchLayer(op))
      layers[quantc::getName(op->getLoc())].push_back(op);
  });
  for (const auto &[name, adapter] : adapters) {
    SmallVector<Operation *, 1> found = layers.lookup(name);
    if (found.size() != 1)
      return emitError(module.getLoc())
             << (found.empty() ? "no layer is" : "several layers are")
             << " called '" << name << "'";
    setLayerAdapter(found.front(), adapter);
    for (auto [attr, tensor] :
         {std::pair(kWeightScaleAttr, &adapter.weightScale),
          std::pair(kWeightZeroPointAttr, &adapter.weightZeroPoint),
          std::pair(kWeightMultiplierAttr, &adapter.weightMultiplier)})
      if (*tensor)
        found.front()->setAttr(attr,
                               getElementsAttr(module.getContext(), **tensor));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// quant.survival
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kWeightNorm = "weight_norm";
static constexpr StringLiteral kAdapterNorm = "adapter_norm";
static constexpr StringLiteral kShare = "share";
static constexpr StringLiteral kOutputError = "output_error";
static constexpr StringLiteral kAdvice = "advice";

static constexpr Spelling<MergeAdvice> allAdvice[] = {
    {MergeAdvice::Merge, "merge"},
    {MergeAdvice::ChangeGroups, "change_groups"},
    {MergeAdvice::RaiseBits, "raise_bits"},
    {MergeAdvice::KeepSeparate, "keep_separate"}};

StringRef quantc::getSpelling(MergeAdvice advice) {
  return findSpelling<MergeAdvice>(allAdvice, advice);
}

void quantc::setLayerSurvival(Operation *op, const LayerSurvival &survival) {
  Builder builder(op->getContext());
  const numerics::Survival &measured = survival.measured;
  op->setAttr(
      kSurvivalAttr,
      builder.getDictionaryAttr(
          {builder.getNamedAttr(kWeightNorm,
                                builder.getF64FloatAttr(measured.weightNorm)),
           builder.getNamedAttr(kAdapterNorm,
                                builder.getF64FloatAttr(measured.adapterNorm)),
           builder.getNamedAttr(kShare,
                                builder.getF64FloatAttr(measured.share)),
           builder.getNamedAttr(kOutputError,
                                builder.getF64FloatAttr(measured.outputError)),
           builder.getNamedAttr(
               kAdvice, builder.getStringAttr(getSpelling(survival.advice)))}));
}

std::optional<LayerSurvival> quantc::getLayerSurvival(Operation *op) {
  auto entries = op->getAttrOfType<DictionaryAttr>(kSurvivalAttr);
  if (!entries)
    return std::nullopt;
  LayerSurvival survival;
  for (auto [name, value] :
       {std::pair(kWeightNorm, &survival.measured.weightNorm),
        std::pair(kAdapterNorm, &survival.measured.adapterNorm),
        std::pair(kShare, &survival.measured.share),
        std::pair(kOutputError, &survival.measured.outputError)}) {
    auto attr = entries.getAs<FloatAttr>(name);
    if (!attr || !attr.getType().isF64())
      return std::nullopt;
    *value = attr.getValueAsDouble();
  }
  std::optional<MergeAdvice> advice = findEnumerator<MergeAdvice>(
      allAdvice, entries.getAs<StringAttr>(kAdvice));
  if (!advice)
    return std::nullopt;
  survival.advice = *advice;
  return survival;
}
