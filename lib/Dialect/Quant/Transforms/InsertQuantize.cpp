//===- InsertQuantize.cpp - Simulate quantized layers ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTQUANTIZE
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// dequantize(quantize(input)) with the given bits.
static Value createQuantizeDequantize(OpBuilder &builder, Location loc,
                                      Value input, int64_t bits,
                                      const ParameterValues &parameters) {
  auto type = cast<RankedTensorType>(input.getType());
  Value storage = QuantizeOp::create(
      builder, loc, type.clone(builder.getIntegerType(bits)), input,
      parameters.scale, parameters.zeroPoint, parameters.multiplier);
  return DequantizeOp::create(builder, loc, type, storage, parameters.scale,
                              parameters.zeroPoint, parameters.multiplier);
}

/// Quantizes and dequantizes both operands of one layer.
static LogicalResult simulate(RewriterBase &rewriter,
                              const ConfiguredLayer &layer) {
  const LayerConfig &config = layer.config;
  Operation *op = layer.linear.op;
  Location loc = op->getLoc();
  rewriter.setInsertionPoint(op);

  Value input = layer.linear.getInput();
  if (config.mode != Mode::WeightOnly) {
    FailureOr<ParameterValues> parameters =
        config.mode == Mode::Static
            ? createStaticParameters(rewriter, op, config)
            : createDynamicParameters(rewriter, loc, input, config);
    if (failed(parameters))
      return failure();
    input = createQuantizeDequantize(rewriter, loc, input,
                                     config.getActivationBits(), *parameters);
  }

  Value weight = createWeight(rewriter, layer.linear);
  if (config.weightFormat == WeightFormat::NormalFloat) {
    FailureOr<std::optional<numerics::NormalFloatMagnitudes>> magnitudes =
        getGivenMagnitudes(op, cast<RankedTensorType>(weight.getType()));
    if (failed(magnitudes))
      return failure();
    replaceLayer(rewriter, layer.linear, input,
                 createNormalFloatWeight(rewriter, weight, *magnitudes));
    return success();
  }
  FailureOr<ParameterValues> parameters =
      createWeightParameters(rewriter, op, weight, config);
  if (failed(parameters))
    return failure();
  weight = createQuantizeDequantize(rewriter, loc, weight, config.weightBits,
                                    *parameters);
  replaceLayer(rewriter, layer.linear, input, weight);
  return success();
}

/// Quantizes and dequantizes the table of one lookup.
static LogicalResult simulate(RewriterBase &rewriter,
                              const ConfiguredLookup &layer) {
  Operation *op = layer.lookup.op;
  Value table = layer.lookup.getTable();
  rewriter.setInsertionPoint(op);
  FailureOr<ParameterValues> parameters =
      createWeightParameters(rewriter, op, table, layer.config);
  if (failed(parameters))
    return failure();
  Value simulated = createQuantizeDequantize(
      rewriter, op->getLoc(), table, layer.config.weightBits, *parameters);
  rewriter.modifyOpInPlace(layer.lookup.table->getOwner(),
                           [&] { layer.lookup.table->set(simulated); });
  return success();
}

namespace {
struct InsertQuantize : quantc::impl::InsertQuantizeBase<InsertQuantize> {
  void runOnOperation() override {
    FailureOr<SmallVector<ConfiguredLayer>> layers =
        findPaddedLayers(getOperation());
    FailureOr<SmallVector<ConfiguredLookup>> lookups =
        findPaddedLookups(getOperation());
    if (failed(layers) || failed(lookups))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (const ConfiguredLookup &lookup : *lookups)
      if (failed(simulate(rewriter, lookup)))
        return signalPassFailure();
    for (const ConfiguredLayer &layer : *layers)
      if (failed(simulate(rewriter, layer)))
        return signalPassFailure();
  }
};
} // namespace
