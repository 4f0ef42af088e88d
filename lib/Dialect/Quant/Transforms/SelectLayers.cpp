//===- SelectLayers.cpp - Say how each layer is quantized -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Diagnostics.h"

#include "llvm/Support/Regex.h"

namespace quantc {
#define GEN_PASS_DEF_SELECTLAYERS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Which layers stay float
//===----------------------------------------------------------------------===//

/// Whether a result of `op` reaches the terminator of its function through no
/// other layer.
static bool reachesOutput(Operation *op) {
  SmallVector<Operation *> worklist = {op};
  llvm::SmallPtrSet<Operation *, 16> visited;
  while (!worklist.empty()) {
    for (Operation *user : worklist.pop_back_val()->getUsers()) {
      // An operation inside of a structured one is part of it.
      if (auto structured = user->getParentOfType<linalg::LinalgOp>())
        user = structured;
      if (!user || !visited.insert(user).second)
        continue;
      // What an iteration yields is a result of its loop.
      if (isa<scf::YieldOp>(user)) {
        worklist.push_back(user->getParentOp());
        continue;
      }
      if (user->hasTrait<OpTrait::IsTerminator>())
        return true;
      if (!matchLayer(user))
        worklist.push_back(user);
    }
  }
  return false;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct SelectLayers : quantc::impl::SelectLayersBase<SelectLayers> {
  using SelectLayersBase::SelectLayersBase;

  void runOnOperation() override;

private:
  LogicalResult verifyOptions();
  LayerConfig getConfig(const Layer &layer);
  /// Why the options leave `layer` float; empty if they do not. `first` and
  /// `last` are the first and the last linear layer.
  std::string getSkipReason(const Layer &layer, Operation *first,
                            Operation *last);
  /// Warns of patterns that match none of `layers`.
  void warnOfUnmatchedPatterns(ArrayRef<Layer> layers);
};
} // namespace

LogicalResult SelectLayers::verifyOptions() {
  Location loc = getOperation().getLoc();
  if (weightBits != 4 && weightBits != 8)
    return emitError(loc) << "there are no weights of " << weightBits.getValue()
                          << " bits; weight-bits is 4 or 8";
  if (activationBits != 8 && activationBits != 32)
    return emitError(loc) << "there are no activations of "
                          << activationBits.getValue()
                          << " bits; activation-bits is 8 or 32";
  if (activationBits == 32 && mode == Mode::Dynamic)
    return emitError(loc) << "activations of 32 bits are not quantized in mode "
                             "dynamic; choose activation-bits=8 or "
                             "mode=weight-only";
  if (granularity == Granularity::PerGroup &&
      (groupSize < kMinGroupSize || groupSize > kMaxGroupSize))
    return emitError(loc) << "there are no groups of " << groupSize.getValue()
                          << "; group-size is " << kMinGroupSize << " to "
                          << kMaxGroupSize;
  for (StringRef pattern : skip) {
    std::string error;
    if (!llvm::Regex(pattern).isValid(error))
      return emitError(loc) << "skip pattern '" << pattern
                            << "' is no regular expression: " << error;
  }
  return success();
}

LayerConfig SelectLayers::getConfig(const Layer &layer) {
  if (weightFormat == WeightFormat::NormalFloat)
    return LayerConfig::getNormalFloat();
  LayerConfig config;
  config.weightBits = weightBits;
  // Row numbers are not quantized.
  config.mode = activationBits == 32 || layer.lookup ? Mode::WeightOnly : mode;
  config.granularity = granularity;
  config.groupSize = groupSize;
  config.symmetricWeights = symmetricWeights;
  config.symmetricActivations =
      symmetricActivations == Symmetry::Symmetric ||
      (symmetricActivations == Symmetry::Automatic &&
       config.mode == Mode::Dynamic && config.hasFloatGroupScales());
  return config;
}

std::string SelectLayers::getSkipReason(const Layer &layer, Operation *first,
                                        Operation *last) {
  StringRef name = quantc::getName(layer.op->getLoc());
  for (StringRef pattern : skip)
    if (matchesName(pattern, name))
      return ("its name matches skip pattern '" + pattern + "'").str();
  if (layer.isEmbedding && skipEmbedding)
    return "skip-embedding is set";
  if (layer.lookup && weightFormat == WeightFormat::NormalFloat)
    return "embedding tables are integers or float, not nf4";
  if (layer.op == first && skipFirst)
    return "it is the first layer and skip-first is set";
  if (layer.op == last && skipLast)
    return "it is the last layer and skip-last is set";
  if (layer.linear && skipOutput && reachesOutput(layer.op))
    return "it is an output layer and skip-output is set";
  return "";
}

void SelectLayers::warnOfUnmatchedPatterns(ArrayRef<Layer> layers) {
  for (StringRef pattern : skip) {
    auto matches = [&](const Layer &layer) {
      return matchesName(pattern, quantc::getName(layer.op->getLoc()));
    };
    if (llvm::any_of(layers, matches))
      continue;
    InFlightDiagnostic warning = emitWarning(getOperation().getLoc());
    warning << "skip pattern '" << pattern
            << "' matches no layer; the layers are ";
    llvm::interleaveComma(layers, warning, [&](const Layer &layer) {
      warning << "'" << quantc::getName(layer.op->getLoc()) << "'";
    });
  }
}

void SelectLayers::runOnOperation() {
  if (failed(verifyOptions()))
    return signalPassFailure();
  SmallVector<Layer> layers = findLayers(getOperation());
  if (layers.empty()) {
    emitWarning(getOperation().getLoc())
        << "nothing to quantize; expects products with a constant float weight";
    return;
  }
  nameLayers(layers);
  warnOfUnmatchedPatterns(layers);

  Operation *first = nullptr, *last = nullptr;
  for (const Layer &layer : layers)
    if (layer.linear) {
      first = first ? first : layer.op;
      last = layer.op;
    }
  for (Layer &layer : layers)
    if (std::string reason = getSkipReason(layer, first, last);
        !reason.empty()) {
      layer.linear.reset();
      layer.lookup.reset();
      layer.reason = reason;
    }
  for (Layer &layer : layers) {
    LayerConfig config = getConfig(layer);
    if (layer.linear)
      layer.reason = getGroupObstacle(*layer.linear, config);
    if (!layer.reason.empty())
      layer.linear.reset();
    layer.op->removeAttr(kConfigAttr);
    layer.op->removeAttr(kSkippedAttr);
    if (!layer.canBeQuantized()) {
      layer.op->setAttr(kSkippedAttr,
                        StringAttr::get(&getContext(), layer.reason));
      continue;
    }
    if (failed(verifyConfig(layer, config)))
      return signalPassFailure();
    setLayerConfig(layer.op, config);
  }
}
