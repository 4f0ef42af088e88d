//===- InsertFakeQuant.cpp - Simulate layers in training ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTFAKEQUANT
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// The input as the integer layer will see it: one range for the whole tensor
/// in mode static, one for each row in mode dynamic.
static Value createFakeQuantizedInput(OpBuilder &builder, Location loc,
                                      Value input, const LayerConfig &config) {
  if (config.mode == Mode::WeightOnly)
    return input;
  SmallVector<int64_t> blocks;
  if (config.mode == Mode::Dynamic)
    blocks = {cast<RankedTensorType>(input.getType()).getDimSize(0), 1};
  ParameterValues parameters = createObservedParameters(
      builder, loc, input, blocks, config.getActivationBits(),
      config.symmetricActivations);
  return FakeQuantOp::create(builder, loc, input, parameters.scale,
                             parameters.zeroPoint, Value(),
                             config.getActivationBits());
}

/// The weight as the integer layer will see it. Its parameters follow the
/// weight, but for two-level scales: those are found by a search, so they are
/// those of the weight before training.
static Value createFakeQuantizedWeight(OpBuilder &builder, Location loc,
                                       Value weight,
                                       const LayerConfig &config) {
  ParameterValues parameters;
  if (config.hasTwoLevelScales()) {
    parameters = createWeightParameters(builder, weight, config);
  } else {
    auto type = cast<RankedTensorType>(weight.getType());
    parameters = createObservedParameters(
        builder, loc, weight, getWeightBlocks(type, config), config.weightBits,
        config.symmetricWeights);
    if (config.symmetricWeights)
      parameters.zeroPoint = Value();
  }
  return FakeQuantOp::create(builder, loc, weight, parameters.scale,
                             parameters.zeroPoint, parameters.multiplier,
                             config.weightBits);
}

namespace {
struct InsertFakeQuant : quantc::impl::InsertFakeQuantBase<InsertFakeQuant> {
  void runOnOperation() override {
    FailureOr<SmallVector<ConfiguredLayer>> layers =
        findPaddedLayers(getOperation());
    if (failed(layers))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (const ConfiguredLayer &layer : *layers) {
      Operation *op = layer.linear.op;
      rewriter.setInsertionPoint(op);
      Value input = createFakeQuantizedInput(
          rewriter, op->getLoc(), layer.linear.getInput(), layer.config);
      Value weight = createFakeQuantizedWeight(
          rewriter, op->getLoc(), createWeight(rewriter, layer.linear),
          layer.config);
      replaceLayer(rewriter, layer.linear, input, weight);
    }
  }
};
} // namespace
