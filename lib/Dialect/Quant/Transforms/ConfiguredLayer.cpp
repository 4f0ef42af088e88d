//===- ConfiguredLayer.cpp - Layers between two forms ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Patches.h"
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

std::string quantc::getGroupObstacle(const LinearLayer &layer,
                                     const LayerConfig &config) {
  int64_t depth = layer.getK(), size = config.groupSize;
  if (layer.featureGroups == 1 || config.granularity != Granularity::PerGroup ||
      depth % size == 0)
    return "";
  return ("scales of " + Twine(size) + " weights do not divide the " +
          Twine(depth) + " of one output, which reads one group of channels")
      .str();
}

/// groups_a1.
static LogicalResult verifyGroups(const Layer &layer,
                                  const LayerConfig &config) {
  Location loc = layer.op->getLoc();
  if (config.granularity != Granularity::PerGroup)
    return success();
  if (layer.linear)
    if (std::string reason = getGroupObstacle(*layer.linear, config);
        !reason.empty())
      return emitError(loc) << reason
                            << "; choose another group size, another "
                               "granularity, or skip the layer";
  int64_t size = config.groupSize;
  int64_t depth =
      layer.linear ? layer.linear->getK() : layer.lookup->getNumColumns();
  if (fitsGroups(depth, size))
    return success();
  return emitError(loc)
         << "groups of " << size << " leave " << depth % size
         << " of K = " << depth
         << "; choose a group size that divides K or leaves a multiple of "
         << kLastGroupMultiple << " (" << getNearestGroupSizes(depth, size)
         << "), another granularity, or skip the layer";
}

LogicalResult quantc::verifyConfig(const Layer &layer,
                                   const LayerConfig &config) {
  Location loc = layer.op->getLoc();
  if (failed(verifyGroups(layer, config)))
    return failure();
  Value value = layer.linear ? layer.linear->weight : layer.lookup->getTable();
  if (isTrainedWeight(value))
    return success();
  auto weight = ConstantElements<float>::get(value);
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

/// Hands each layer under `root` that is to be quantized to `add`. Emits an
/// error for one that cannot be quantized as it says.
static LogicalResult
walkConfiguredLayers(Operation *root,
                     function_ref<void(const Layer &, LayerConfig)> add) {
  WalkResult result = root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    // Those two are quantized.
    if (!op->hasAttr(kConfigAttr) || isa<LinearOp, DequantizeOp>(op))
      return WalkResult::advance();
    FailureOr<LayerConfig> config = getLayerConfig(op);
    if (failed(config))
      return WalkResult::interrupt();
    std::optional<Layer> layer = matchLayer(op);
    if (!layer || !layer->canBeQuantized()) {
      emitError(op->getLoc())
          << kConfigAttr << " on an operation that cannot be quantized: "
          << (layer ? layer->reason : "it is no layer");
      return WalkResult::interrupt();
    }
    if (failed(verifyConfig(*layer, *config)))
      return WalkResult::interrupt();
    add(*layer, *config);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

FailureOr<SmallVector<ConfiguredLayer>>
quantc::findConfiguredLayers(Operation *root) {
  SmallVector<ConfiguredLayer> layers;
  auto add = [&](const Layer &layer, LayerConfig config) {
    if (layer.linear)
      layers.push_back({*layer.linear, config});
  };
  if (failed(walkConfiguredLayers(root, add)))
    return failure();
  return layers;
}

FailureOr<SmallVector<ConfiguredLookup>>
quantc::findConfiguredLookups(Operation *root) {
  SmallVector<ConfiguredLookup> lookups;
  auto add = [&](const Layer &layer, LayerConfig config) {
    if (layer.lookup)
      lookups.push_back({*layer.lookup, config});
  };
  if (failed(walkConfiguredLayers(root, add)))
    return failure();
  return lookups;
}

/// Emits an error unless groups divide `depth`.
static LogicalResult verifyPadded(Operation *op, int64_t depth,
                                  const LayerConfig &config) {
  if (config.getPaddedDepth(depth) == depth)
    return success();
  return emitError(op->getLoc())
         << "groups of " << config.groupSize << " do not divide K = " << depth
         << "; run quant-pad-groups first";
}

FailureOr<SmallVector<ConfiguredLayer>>
quantc::findPaddedLayers(Operation *root) {
  FailureOr<SmallVector<ConfiguredLayer>> layers = findConfiguredLayers(root);
  if (failed(layers))
    return failure();
  for (const auto &[linear, config] : *layers)
    if (failed(verifyPadded(linear.op, linear.getK(), config)))
      return failure();
  return layers;
}

FailureOr<SmallVector<ConfiguredLookup>>
quantc::findPaddedLookups(Operation *root) {
  FailureOr<SmallVector<ConfiguredLookup>> lookups =
      findConfiguredLookups(root);
  if (failed(lookups))
    return failure();
  for (const auto &[lookup, config] : *lookups)
    if (failed(verifyPadded(lookup.op, lookup.getNumColumns(), config)))
      return failure();
  return lookups;
}

static Value createTranspose(OpBuilder &builder, Location loc, Value matrix) {
  auto type = cast<RankedTensorType>(matrix.getType());
  Value empty = tensor::EmptyOp::create(
      builder, loc, {type.getDimSize(1), type.getDimSize(0)},
      type.getElementType());
  return linalg::TransposeOp::create(builder, loc, matrix, empty,
                                     ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

Value quantc::createWeight(OpBuilder &builder, const LinearLayer &layer) {
  // An operation even for a constant: a second one, in the other order, would
  // stay in memory as long as the context.
  return layer.isWeightTransposed
             ? createTranspose(builder, layer.op->getLoc(), layer.weight)
             : layer.weight;
}

ParameterValues quantc::createChosenParameters(OpBuilder &builder, Location loc,
                                               Value range, int64_t bits,
                                               bool symmetric) {
  auto type = cast<RankedTensorType>(range.getType());
  auto blocks =
      RankedTensorType::get(type.getShape().drop_back(), builder.getF32Type());
  auto choose = ChooseParamsOp::create(builder, loc, blocks,
                                       blocks.clone(builder.getI8Type()), range,
                                       bits, symmetric);
  return {choose.getScale(), choose.getZeroPoint(), Value()};
}

ParameterValues quantc::createObservedParameters(OpBuilder &builder,
                                                 Location loc, Value input,
                                                 ArrayRef<int64_t> blocks,
                                                 int64_t bits, bool symmetric) {
  SmallVector<int64_t> shape(blocks);
  shape.push_back(2);
  Value range = ObserveOp::create(
      builder, loc, RankedTensorType::get(shape, builder.getF32Type()), input);
  return createChosenParameters(builder, loc, range, bits, symmetric);
}

ParameterValues quantc::createDynamicParameters(OpBuilder &builder,
                                                Location loc, Value input,
                                                const LayerConfig &config) {
  auto observe = [&](Value rows) {
    int64_t count = cast<RankedTensorType>(rows.getType()).getDimSize(0);
    return createObservedParameters(builder, loc, rows, {count, 1},
                                    config.getActivationBits(),
                                    config.symmetricActivations);
  };
  std::optional<Patches> patches = matchWindows(input);
  if (!patches)
    return observe(input);
  ParameterValues samples =
      observe(createSamples(builder, loc, patches->getSource()));
  return {createRowsOfSamples(builder, loc, samples.scale, *patches),
          createRowsOfSamples(builder, loc, samples.zeroPoint, *patches),
          Value()};
}

Value quantc::createNormalFloatWeight(
    OpBuilder &builder, Value weight,
    std::optional<numerics::NormalFloatMagnitudes> given) {
  Location loc = weight.getLoc();
  auto elements = ConstantElements<float>::get(weight);
  RankedTensorType type = elements->getType();
  int64_t rows = type.getDimSize(0), cols = type.getDimSize(1);
  numerics::NormalFloatWeights stored =
      given
          ? numerics::quantizeNormalFloat(elements->values(), std::move(*given))
          : numerics::quantizeNormalFloat(elements->values());
  Value bytes =
      createConstant(builder, loc, {rows, cols / 2},
                     ArrayRef(packNibbles(stored.storage, rows, cols)));
  Value storage = UnpackOp::create(
      builder, loc, type.clone(builder.getIntegerType(4)), bytes);
  const numerics::NormalFloatMagnitudes &magnitudes = stored.magnitudes;
  int64_t count = magnitudes.scales.size();
  return DequantizeNormalFloatOp::create(
      builder, loc, type, storage,
      createConstant(builder, loc, {count, numerics::normalFloatSuperBlock},
                     ArrayRef(magnitudes.storage)),
      createConstant(builder, loc, {count, 1}, ArrayRef(magnitudes.scales)),
      createConstant(builder, loc, {}, ArrayRef(magnitudes.mean)));
}

Operation *quantc::replaceLayer(RewriterBase &rewriter,
                                const LinearLayer &layer, Value input,
                                Value weight) {
  Operation *op = layer.op;
  Operation *matmul = createLinearLayer(rewriter, op->getLoc(), input, weight,
                                        op->getOperand(2), layer.featureGroups);
  copyLayerAttrs(op, matmul);
  if (layer.isWeightTransposed)
    matmul->setAttr(kWeightTransposedAttr, rewriter.getUnitAttr());
  rewriter.replaceOp(op, matmul);
  return matmul;
}
