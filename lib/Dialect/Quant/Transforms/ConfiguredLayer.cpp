//===- ConfiguredLayer.cpp - Layers between two forms ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/TwoLevelGroups.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace quantc;

/// Whether groups of `size` are whole or leave a last group that is allowed
/// (groups_a1).
static bool fitsGroups(int64_t depth, int64_t size) {
  return depth % size % kLastGroupMultiple == 0;
}

/// Says which group sizes near `size` fit `depth`, in words for users.
static std::string getNearestGroupSizes(int64_t depth, int64_t size) {
  int64_t below = size, above = size;
  while (below >= kMinGroupSize && !fitsGroups(depth, below))
    --below;
  while (above <= kMaxGroupSize && !fitsGroups(depth, above))
    ++above;
  SmallVector<std::string, 2> sizes;
  if (below >= kMinGroupSize)
    sizes.push_back(std::to_string(below));
  if (above <= kMaxGroupSize)
    sizes.push_back(std::to_string(above));
  return sizes.empty() ? "none does"
                       : "the nearest are " + llvm::join(sizes, " and ");
}

/// groups_a1.
static LogicalResult verifyGroups(const LinearLayer &layer,
                                  const LayerConfig &config) {
  int64_t depth = layer.getK(), size = config.groupSize;
  if (config.granularity != Granularity::PerGroup || fitsGroups(depth, size))
    return success();
  return emitError(layer.op->getLoc())
         << "groups of " << size << " leave " << depth % size
         << " of K = " << depth
         << "; choose a group size that divides K or leaves a multiple of "
         << kLastGroupMultiple << " (" << getNearestGroupSizes(depth, size)
         << "), another granularity, or skip the layer";
}

LogicalResult quantc::verifyConfig(const LinearLayer &layer,
                                   const LayerConfig &config) {
  Location loc = layer.op->getLoc();
  if (failed(verifyGroups(layer, config)))
    return failure();
  auto weight = ConstantElements<float>::get(layer.weight);
  if (!weight)
    return emitError(loc) << "the elements of the weight are missing; expects "
                             "a dense constant "
                             "or a resource that is there";
  for (float value : weight->values())
    if (!std::isfinite(value))
      return emitError(loc) << "the weight holds "
                            << (std::isnan(value) ? "a NaN" : "an infinity")
                            << "; only finite weights can be quantized";
  return success();
}

FailureOr<SmallVector<ConfiguredLayer>>
quantc::findConfiguredLayers(Operation *root) {
  SmallVector<ConfiguredLayer> layers;
  WalkResult result = root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!op->hasAttr(kConfigAttr) || isa<LinearOp>(op))
      return WalkResult::advance();
    FailureOr<LayerConfig> config = getLayerConfig(op);
    if (failed(config))
      return WalkResult::interrupt();
    std::optional<Layer> layer = matchLayer(op);
    if (!layer || !layer->linear) {
      emitError(op->getLoc())
          << kConfigAttr << " on an operation that cannot be quantized: "
          << (layer ? layer->reason : "it is no layer");
      return WalkResult::interrupt();
    }
    if (failed(verifyConfig(*layer->linear, *config)))
      return WalkResult::interrupt();
    layers.push_back({*layer->linear, *config});
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return layers;
}

FailureOr<SmallVector<ConfiguredLayer>>
quantc::findPaddedLayers(Operation *root) {
  FailureOr<SmallVector<ConfiguredLayer>> layers = findConfiguredLayers(root);
  if (failed(layers))
    return failure();
  for (const auto &[linear, config] : *layers)
    if (config.getPaddedDepth(linear.getK()) != linear.getK())
      return emitError(linear.op->getLoc())
             << "groups of " << config.groupSize
             << " do not divide K = " << linear.getK()
             << "; run quant-pad-groups first";
  return layers;
}

Value quantc::createWeight(OpBuilder &builder, const LinearLayer &layer) {
  if (!layer.isWeightTransposed)
    return layer.weight;
  auto weight = ConstantElements<float>::get(layer.weight);
  return createConstant(
      builder, layer.op->getLoc(), {layer.getN(), layer.getK()},
      ArrayRef(transpose(weight->values(), layer.getK(), layer.getN())));
}

SmallVector<int64_t> quantc::getWeightBlocks(RankedTensorType weight,
                                             const LayerConfig &config) {
  switch (config.granularity) {
  case Granularity::PerTensor:
    return {};
  case Granularity::PerChannel:
    return {weight.getDimSize(0), 1};
  case Granularity::PerGroup:
    return {weight.getDimSize(0), weight.getDimSize(1) / config.groupSize};
  }
  llvm_unreachable("unknown granularity");
}

ParameterValues quantc::createWeightParameters(OpBuilder &builder, Value weight,
                                               const LayerConfig &config) {
  Location loc = weight.getLoc();
  auto elements = ConstantElements<float>::get(weight);
  int64_t rows = elements->getType().getDimSize(0);
  int64_t cols = elements->getType().getDimSize(1);
  if (config.hasTwoLevelScales()) {
    numerics::TwoLevelWeights weights = numerics::quantizeTwoLevel(
        elements->values(), rows, cols, config.groupSize);
    return {createConstant(builder, loc, {rows, 1}, ArrayRef(weights.scales)),
            Value(),
            createUnpacked(builder, loc, builder.getI8Type(),
                           {rows, cols / config.groupSize},
                           ArrayRef(weights.multipliers))};
  }
  numerics::WeightOptions options = config.getWeightOptions();
  numerics::QuantizedWeights weights =
      numerics::quantizeWeights(elements->values(), rows, cols, options);
  SmallVector<int64_t> shape = getWeightBlocks(elements->getType(), config);
  ParameterValues parameters;
  parameters.scale =
      createConstant(builder, loc, shape, ArrayRef(weights.scales));
  if (!config.symmetricWeights)
    parameters.zeroPoint =
        createConstant(builder, loc, shape, ArrayRef(weights.zeroPoints));
  return parameters;
}

ParameterValues quantc::createObservedParameters(OpBuilder &builder,
                                                 Location loc, Value input,
                                                 ArrayRef<int64_t> blocks,
                                                 int64_t bits, bool symmetric) {
  Type f32 = builder.getF32Type();
  SmallVector<int64_t> rangeShape(blocks);
  rangeShape.push_back(2);
  Value range = ObserveOp::create(
      builder, loc, RankedTensorType::get(rangeShape, f32), input);
  auto choose =
      ChooseParamsOp::create(builder, loc, RankedTensorType::get(blocks, f32),
                             RankedTensorType::get(blocks, builder.getI8Type()),
                             range, bits, symmetric);
  return {choose.getScale(), choose.getZeroPoint(), Value()};
}

Operation *quantc::replaceLayer(RewriterBase &rewriter,
                                const LinearLayer &layer, Value input,
                                Value weight) {
  Operation *op = layer.op;
  auto matmul = linalg::MatmulTransposeBOp::create(
      rewriter, op->getLoc(), op->getResultTypes(), ValueRange{input, weight},
      op->getOperand(2));
  copyLayerAttrs(op, matmul);
  if (layer.isWeightTransposed)
    matmul->setAttr(kWeightTransposedAttr, rewriter.getUnitAttr());
  rewriter.replaceOp(op, matmul);
  return matmul;
}
