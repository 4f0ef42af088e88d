//===- LayerParameters.cpp - Scales and zero points of a layer ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/TwoLevelGroups.h"
#include <cmath>

using namespace mlir;
using namespace quantc;

static bool isScale(float value) { return std::isfinite(value) && value > 0; }

static InFlightDiagnostic emitMalformed(Operation *op, StringRef name) {
  return emitError(op->getLoc()) << "malformed " << name << "; expects ";
}

//===----------------------------------------------------------------------===//
// The input
//===----------------------------------------------------------------------===//

static ParameterValues createScalars(OpBuilder &builder, Location loc,
                                     float scale, int64_t zeroPoint) {
  auto stored = static_cast<int8_t>(zeroPoint);
  return {createConstant(builder, loc, {}, ArrayRef(scale)),
          createConstant(builder, loc, {}, ArrayRef(stored)), Value()};
}

static FailureOr<ParameterValues>
createFromRange(OpBuilder &builder, Operation *op, const LayerConfig &config) {
  auto range = op->getAttrOfType<DenseF32ArrayAttr>(kInputRangeAttr);
  ArrayRef<float> bounds = range ? range.asArrayRef() : ArrayRef<float>();
  if (bounds.size() != 2 || !std::isfinite(bounds[0]) ||
      !std::isfinite(bounds[1]) || bounds[0] > bounds[1])
    return emitMalformed(op, kInputRangeAttr)
           << "two finite numbers in ascending order";
  numerics::Evaluate a;
  auto chosen = numerics::chooseParameters(a, bounds[0], bounds[1], /*bits=*/8,
                                           config.symmetricActivations);
  return createScalars(builder, op->getLoc(), chosen.scale, chosen.zeroPoint);
}

static FailureOr<ParameterValues> createFromParameters(OpBuilder &builder,
                                                       Operation *op) {
  auto given = op->getAttrOfType<DictionaryAttr>(kInputParametersAttr);
  auto scale = given ? given.getAs<FloatAttr>("scale") : FloatAttr();
  auto zeroPoint = given ? given.getAs<IntegerAttr>("zero_point") : nullptr;
  if (!scale || !scale.getType().isF32() || !zeroPoint ||
      !zeroPoint.getType().isInteger(64) ||
      !isScale(scale.getValue().convertToFloat()) ||
      zeroPoint.getInt() < -128 || zeroPoint.getInt() > 127)
    return emitMalformed(op, kInputParametersAttr)
           << "a dictionary with 'scale', an f32 that is positive and finite, "
              "and 'zero_point', an i64 from -128 to 127";
  return createScalars(builder, op->getLoc(), scale.getValue().convertToFloat(),
                       zeroPoint.getInt());
}

FailureOr<ParameterValues>
quantc::createStaticParameters(OpBuilder &builder, Operation *op,
                               const LayerConfig &config) {
  bool hasRange = op->hasAttr(kInputRangeAttr);
  bool hasParameters = op->hasAttr(kInputParametersAttr);
  if (hasRange && hasParameters)
    return emitError(op->getLoc())
           << "has both " << kInputRangeAttr << " and " << kInputParametersAttr
           << "; keep one of them";
  if (hasParameters)
    return createFromParameters(builder, op);
  if (hasRange)
    return createFromRange(builder, op, config);
  return emitError(op->getLoc())
         << "the range of the input is not known; mode static needs "
            "calibration=<file>";
}

//===----------------------------------------------------------------------===//
// The weight
//===----------------------------------------------------------------------===//

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

/// The attribute `name` of `op`. Emits an error unless it is a tensor of the
/// given shape and element type whose elements `isValid` accepts; `what` says
/// which those are.
template <class T>
static FailureOr<DenseElementsAttr>
readGiven(Operation *op, StringRef name, ArrayRef<int64_t> shape,
          Type elementType, function_ref<bool(T)> isValid, StringRef what) {
  auto type = RankedTensorType::get(shape, elementType);
  auto attr = op->getAttrOfType<DenseElementsAttr>(name);
  if (!attr || attr.getType() != type ||
      !llvm::all_of(attr.getValues<T>(), isValid))
    return emitMalformed(op, name) << "a " << type << " of " << what;
  return attr;
}

/// The integer scales of groups that the attributes of `op` give.
static FailureOr<ParameterValues>
createGivenTwoLevelParameters(OpBuilder &builder, Operation *op,
                              ArrayRef<int64_t> blocks) {
  FailureOr<DenseElementsAttr> scale = readGiven<float>(
      op, kWeightScaleAttr, {blocks[0], 1}, builder.getF32Type(),
      [](float s) { return isScale(s) && numerics::isTwoLevelScale(s); },
      "positive finite scales whose last 4 mantissa bits are zero");
  FailureOr<DenseElementsAttr> multiplier = readGiven<int8_t>(
      op, kWeightMultiplierAttr, blocks, builder.getI8Type(),
      [](int8_t m) { return m >= 1 && m <= numerics::maxGroupMultiplier; },
      "multipliers from 1 to 15");
  if (failed(scale) || failed(multiplier))
    return failure();
  Location loc = op->getLoc();
  return ParameterValues{
      arith::ConstantOp::create(builder, loc, *scale), Value(),
      createUnpacked(builder, loc, builder.getI8Type(), blocks,
                     llvm::to_vector(multiplier->getValues<int8_t>()))};
}

static FailureOr<ParameterValues>
createGivenWeightParameters(OpBuilder &builder, Operation *op,
                            RankedTensorType weight,
                            const LayerConfig &config) {
  SmallVector<int64_t> blocks = getWeightBlocks(weight, config);
  if (config.hasTwoLevelScales())
    return createGivenTwoLevelParameters(builder, op, blocks);
  if (op->hasAttr(kWeightMultiplierAttr))
    return emitError(op->getLoc())
           << kWeightMultiplierAttr << " on a layer without integer group "
           << "scales; those are symmetric, of 4 bits, per group";
  Location loc = op->getLoc();
  FailureOr<DenseElementsAttr> scale =
      readGiven<float>(op, kWeightScaleAttr, blocks, builder.getF32Type(),
                       isScale, "positive finite scales");
  if (failed(scale))
    return failure();
  ParameterValues parameters;
  parameters.scale = arith::ConstantOp::create(builder, loc, *scale);
  if (config.symmetricWeights)
    return parameters;
  numerics::StorageRange range =
      numerics::storageRange(config.weightBits, /*narrow=*/false);
  FailureOr<DenseElementsAttr> zeroPoint = readGiven<int8_t>(
      op, kWeightZeroPointAttr, blocks, builder.getI8Type(),
      [&](int8_t z) { return z >= range.min && z <= range.max; },
      "zero points in the storage range");
  if (failed(zeroPoint))
    return failure();
  parameters.zeroPoint = arith::ConstantOp::create(builder, loc, *zeroPoint);
  return parameters;
}

static ParameterValues chooseWeightParameters(OpBuilder &builder, Value weight,
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

FailureOr<ParameterValues>
quantc::createWeightParameters(OpBuilder &builder, Operation *op, Value weight,
                               const LayerConfig &config) {
  bool isGiven = op->hasAttr(kWeightScaleAttr) ||
                 op->hasAttr(kWeightZeroPointAttr) ||
                 op->hasAttr(kWeightMultiplierAttr);
  if (!isGiven)
    return chooseWeightParameters(builder, weight, config);
  return createGivenWeightParameters(
      builder, op, cast<RankedTensorType>(weight.getType()), config);
}

FailureOr<std::optional<numerics::NormalFloatMagnitudes>>
quantc::getGivenMagnitudes(Operation *op, RankedTensorType weight) {
  if (!op->hasAttr(kWeightMagnitudeAttr) && !op->hasAttr(kMagnitudeScaleAttr) &&
      !op->hasAttr(kMagnitudeMeanAttr))
    return std::optional<numerics::NormalFloatMagnitudes>();
  Builder builder(op->getContext());
  int64_t count = llvm::divideCeil(weight.getNumElements(),
                                   numerics::normalFloatBlock *
                                       numerics::normalFloatSuperBlock);
  FailureOr<DenseElementsAttr> storage = readGiven<int8_t>(
      op, kWeightMagnitudeAttr, {count, numerics::normalFloatSuperBlock},
      builder.getI8Type(), [](int8_t q) { return q >= -127; },
      "magnitudes from -127 to 127");
  FailureOr<DenseElementsAttr> scale =
      readGiven<float>(op, kMagnitudeScaleAttr, {count, 1},
                       builder.getF32Type(), isScale, "positive finite scales");
  FailureOr<DenseElementsAttr> mean = readGiven<float>(
      op, kMagnitudeMeanAttr, {}, builder.getF32Type(),
      [](float m) { return std::isfinite(m); }, "a finite mean");
  if (failed(storage) || failed(scale) || failed(mean))
    return failure();
  numerics::NormalFloatMagnitudes magnitudes;
  llvm::append_range(magnitudes.storage, storage->getValues<int8_t>());
  llvm::append_range(magnitudes.scales, scale->getValues<float>());
  magnitudes.mean = mean->getSplatValue<float>();
  return std::optional(std::move(magnitudes));
}

void quantc::copyLayerParameters(DictionaryAttr from, Operation *to) {
  for (StringRef name :
       {kInputRangeAttr, kInputParametersAttr, kWeightScaleAttr,
        kWeightZeroPointAttr, kWeightMultiplierAttr, kWeightMagnitudeAttr,
        kMagnitudeScaleAttr, kMagnitudeMeanAttr, kInputNameAttr})
    if (Attribute attr = from.get(name))
      to->setAttr(name, attr);
}
