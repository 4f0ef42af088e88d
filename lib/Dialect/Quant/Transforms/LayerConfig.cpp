//===- LayerConfig.cpp - How a layer is quantized -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"

#include "Spelling.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Dialect/Quant/Transforms/Kernel.h"
#include "quantc/Numerics/NormalFloat.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Values of options
//===----------------------------------------------------------------------===//

llvm::cl::ValuesClass quantc::getModeValues() {
  return llvm::cl::values(
      clEnumValN(Mode::Static, "static", "activation ranges from calibration"),
      clEnumValN(Mode::Dynamic, "dynamic", "activation ranges row by row"),
      clEnumValN(Mode::WeightOnly, "weight-only", "activations stay float"));
}

llvm::cl::ValuesClass quantc::getWeightFormatValues() {
  return llvm::cl::values(
      clEnumValN(WeightFormat::Integer, "integer", "an integer times a scale"),
      clEnumValN(WeightFormat::NormalFloat, "nf4",
                 "4-bit NormalFloat in groups of 64, weight-only"));
}

llvm::cl::ValuesClass quantc::getGranularityValues() {
  return llvm::cl::values(
      clEnumValN(Granularity::PerTensor, "per-tensor", "one scale"),
      clEnumValN(Granularity::PerChannel, "per-channel",
                 "a scale for each output channel"),
      clEnumValN(Granularity::PerGroup, "per-group",
                 "a scale for each group of an output channel"));
}

llvm::cl::ValuesClass quantc::getSymmetryValues() {
  return llvm::cl::values(
      clEnumValN(Symmetry::Symmetric, "true", "zero points are 0"),
      clEnumValN(Symmetry::Asymmetric, "false", "zero points follow the range"),
      clEnumValN(Symmetry::Automatic, "auto", "what suits the other options"),
      clEnumValN(Symmetry::Symmetric, "", "zero points are 0"));
}

llvm::cl::ValuesClass quantc::getParameterSourceValues() {
  return llvm::cl::values(
      clEnumValN(ParameterSource::Observed, "observed",
                 "found from the values when the program runs"),
      clEnumValN(ParameterSource::Inputs, "inputs",
                 "ranges and group scales are inputs of the program"),
      clEnumValN(ParameterSource::Learned, "learned",
                 "scales are inputs that training changes"));
}

//===----------------------------------------------------------------------===//
// The attribute
//===----------------------------------------------------------------------===//

static constexpr Spelling<Mode> modes[] = {{Mode::Static, "static"},
                                           {Mode::Dynamic, "dynamic"},
                                           {Mode::WeightOnly, "weight_only"}};

static constexpr Spelling<Granularity> granularities[] = {
    {Granularity::PerTensor, "per_tensor"},
    {Granularity::PerChannel, "per_channel"},
    {Granularity::PerGroup, "per_group"}};

/// Reads the entry `key`, or says that it is missing or unknown.
template <class T>
static LogicalResult readEnum(Operation *op, DictionaryAttr dict, StringRef key,
                              ArrayRef<Spelling<T>> spellings, T &value) {
  if (auto found = findEnumerator(spellings, dict.getAs<StringAttr>(key))) {
    value = *found;
    return success();
  }
  InFlightDiagnostic diagnostic = emitError(op->getLoc());
  diagnostic << "malformed " << kConfigAttr << "; '" << key << "' is one of ";
  llvm::interleaveComma(spellings, diagnostic, [&](auto &spelling) {
    diagnostic << "'" << spelling.name << "'";
  });
  return diagnostic;
}

static LogicalResult readInteger(Operation *op, DictionaryAttr dict,
                                 StringRef key, int64_t min, int64_t max,
                                 int64_t &value) {
  auto attr = dict.getAs<IntegerAttr>(key);
  if (!attr || !attr.getType().isInteger(64) || attr.getInt() < min ||
      attr.getInt() > max)
    return emitError(op->getLoc())
           << "malformed " << kConfigAttr << "; '" << key << "' is an i64 from "
           << min << " to " << max;
  value = attr.getInt();
  return success();
}

/// `weight_format`, if it is not an integer.
static constexpr StringLiteral kWeightFormat = "weight_format";
static constexpr StringLiteral kNormalFloat = "nf4";
static constexpr StringLiteral kWeightBits = "weight_bits";
static constexpr StringLiteral kMode = "mode";
static constexpr StringLiteral kGranularity = "granularity";
static constexpr StringLiteral kGroupSize = "group_size";
static constexpr StringLiteral kSymmetricWeights = "symmetric_weights";
static constexpr StringLiteral kSymmetricActivations = "symmetric_activations";

void quantc::setLayerConfig(Operation *op, const LayerConfig &config) {
  Builder builder(op->getContext());
  NamedAttrList entries;
  entries.set(kWeightBits, builder.getI64IntegerAttr(config.weightBits));
  entries.set(kMode,
              builder.getStringAttr(findSpelling<Mode>(modes, config.mode)));
  entries.set(kGranularity, builder.getStringAttr(findSpelling<Granularity>(
                                granularities, config.granularity)));
  if (config.granularity == Granularity::PerGroup)
    entries.set(kGroupSize, builder.getI64IntegerAttr(config.groupSize));
  if (config.symmetricWeights)
    entries.set(kSymmetricWeights, builder.getUnitAttr());
  if (config.weightFormat == WeightFormat::NormalFloat)
    entries.set(kWeightFormat, builder.getStringAttr(kNormalFloat));
  if (config.symmetricActivations)
    entries.set(kSymmetricActivations, builder.getUnitAttr());
  op->setAttr(kConfigAttr, entries.getDictionary(op->getContext()));
}

FailureOr<LayerConfig> quantc::getLayerConfig(Operation *op) {
  auto dict = op->getAttrOfType<DictionaryAttr>(kConfigAttr);
  if (!dict)
    return emitError(op->getLoc()) << "expects a dictionary " << kConfigAttr
                                   << "; run quant-select-layers first";
  if (Attribute format = dict.get(kWeightFormat)) {
    if (format != StringAttr::get(op->getContext(), kNormalFloat))
      return emitError(op->getLoc())
             << "malformed " << kConfigAttr << "; '" << kWeightFormat
             << "' is '" << kNormalFloat << "', if it is there";
    return LayerConfig::getNormalFloat();
  }
  LayerConfig config;
  if (failed(readInteger(op, dict, kWeightBits, 4, 8, config.weightBits)) ||
      failed(readEnum<Mode>(op, dict, kMode, modes, config.mode)) ||
      failed(readEnum<Granularity>(op, dict, kGranularity, granularities,
                                   config.granularity)))
    return failure();
  if (!numerics::isStorageWidth(config.weightBits))
    return emitError(op->getLoc()) << "malformed " << kConfigAttr << "; '"
                                   << kWeightBits << "' is 4 or 8";
  if (config.granularity == Granularity::PerGroup &&
      failed(readInteger(op, dict, kGroupSize, kMinGroupSize, kMaxGroupSize,
                         config.groupSize)))
    return failure();
  config.symmetricWeights = dict.contains(kSymmetricWeights);
  config.symmetricActivations = dict.contains(kSymmetricActivations);
  return config;
}

void quantc::copyLayerAttrs(Operation *from, Operation *to) {
  for (StringRef name : {kConfigAttr, kWeightTransposedAttr, kDepthAttr,
                         kFloatResultAttr, kKernelAttr, kFoldedAttr})
    if (Attribute attr = from->getAttr(name))
      to->setAttr(name, attr);
}

int64_t quantc::getModelDepth(Operation *op, int64_t depth) {
  auto attr = op->getAttrOfType<IntegerAttr>(kDepthAttr);
  if (!attr || !attr.getType().isInteger(64) || attr.getInt() < 1)
    return depth;
  return std::min(attr.getInt(), depth);
}

LayerConfig LayerConfig::getNormalFloat() {
  LayerConfig config;
  config.weightBits = 4;
  config.mode = Mode::WeightOnly;
  config.granularity = Granularity::PerGroup;
  config.groupSize = numerics::normalFloatBlock;
  config.weightFormat = WeightFormat::NormalFloat;
  return config;
}

int64_t LayerConfig::getPaddedDepth(int64_t depth) const {
  if (granularity != Granularity::PerGroup)
    return depth;
  return llvm::alignTo(depth, groupSize);
}

numerics::WeightOptions LayerConfig::getWeightOptions() const {
  numerics::WeightOptions options;
  options.bits = weightBits;
  options.symmetric = symmetricWeights;
  options.granularity = granularity;
  options.groupSize = groupSize;
  return options;
}
