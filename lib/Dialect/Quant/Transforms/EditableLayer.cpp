//===- EditableLayer.cpp - Changing the constants of a layer --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/EditableLayer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Numerics/LowRank.h"
#include "quantc/Numerics/NormalFloat.h"
#include <cmath>

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// The operands of a layer that are constants of the model, by name.
static SmallVector<std::pair<StringLiteral, Value>> getOperands(LinearOp op) {
  return {{StringLiteral("weight"), op.getWeight()},
          {StringLiteral("weight_scale"), op.getWeightScale()},
          {StringLiteral("weight_zero_point"), op.getWeightZeroPoint()},
          {StringLiteral("group_multiplier"), op.getGroupMultiplier()},
          {StringLiteral("bias"), op.getBias()}};
}

static SmallVector<std::pair<StringLiteral, Value>>
getOperands(DequantizeNormalFloatOp op) {
  return {{StringLiteral("weight"), op.getInput()},
          {StringLiteral("magnitude"), op.getMagnitude()},
          {StringLiteral("magnitude_scale"), op.getMagnitudeScale()},
          {StringLiteral("magnitude_mean"), op.getMagnitudeMean()}};
}

/// The operation that dequantizes the weight of `op` from the format nf4; null
/// if it has another.
static DequantizeNormalFloatOp getNormalFloat(Operation *op) {
  if (isa<LinearOp>(op) || op->getNumOperands() < 2)
    return {};
  return op->getOperand(1).getDefiningOp<DequantizeNormalFloatOp>();
}

/// The constant that `value` is, or unpacks.
static ElementsAttr getConstant(Value value) {
  if (auto unpack = value.getDefiningOp<UnpackOp>())
    value = unpack.getInput();
  ElementsAttr attr;
  return matchPattern(value, m_Constant(&attr)) ? attr : ElementsAttr();
}

LogicalResult EditableLayer::readQuantized(
    RankedTensorType weight,
    ArrayRef<std::pair<StringLiteral, Value>> operands) {
  for (auto [name, operand] : operands)
    if (operand && !getConstant(operand))
      return emitError(op->getLoc())
             << "its " << name << " is not a constant of the program";
  FailureOr<LayerConfig> read = getLayerConfig(op);
  if (failed(read))
    return failure();
  config = *read;
  outputs = weight.getDimSize(0);
  inputs = getModelDepth(op, weight.getDimSize(1));
  return success();
}

FailureOr<EditableLayer> EditableLayer::get(Operation *op) {
  EditableLayer layer(op);
  LogicalResult result = success();
  if (auto linear = dyn_cast<LinearOp>(op))
    result =
        layer.readQuantized(linear.getWeight().getType(), getOperands(linear));
  else if (DequantizeNormalFloatOp weight = getNormalFloat(op))
    result = layer.readQuantized(weight.getType(), getOperands(weight));
  else
    result = layer.readFloat();
  if (failed(result))
    return failure();
  return layer;
}

LogicalResult EditableLayer::readFloat() {
  std::optional<Layer> matched = matchLayer(op);
  if (!matched || !matched->linear)
    return emitError(op->getLoc())
           << "is no linear layer: "
           << (matched ? matched->reason : "it has no weight");
  if (!getConstant(getWeightSource(matched->linear->weight)))
    return emitError(op->getLoc())
           << "its weight is not a constant of the program";
  outputs = matched->linear->getN();
  inputs = matched->linear->getK();
  return success();
}

static std::vector<float> getDequantizedWeight(DequantizeNormalFloatOp op) {
  return numerics::dequantizeNormalFloat(
      {*getStorageValues(op.getInput()),
       {*getStorageValues(op.getMagnitude()),
        *getFloatValues(op.getMagnitudeScale()),
        getFloatValues(op.getMagnitudeMean())->front()}});
}

static std::vector<float> getDequantizedWeight(LinearOp op) {
  std::vector<int8_t> storage = *getStorageValues(op.getWeight());
  std::vector<float> scales = *getFloatValues(op.getWeightScale());
  auto zeroPoints = getStorageValues(op.getWeightZeroPoint());
  auto multipliers = getStorageValues(op.getGroupMultiplier());
  // Blocks are whole rows, or whole parts of rows.
  size_t block = storage.size() / scales.size();
  size_t group = multipliers ? storage.size() / multipliers->size() : 1;
  numerics::Evaluate e;
  std::vector<float> weight(storage.size());
  for (size_t i = 0; i < weight.size(); ++i) {
    float scale = scales[i / block];
    if (multipliers)
      scale *= (*multipliers)[i / group];
    weight[i] = numerics::dequantize(e, storage[i], scale,
                                     zeroPoints ? (*zeroPoints)[i / block] : 0);
  }
  return weight;
}

/// Rows of `from` columns as rows of `to`: cut off, or filled with zeros.
static std::vector<float> resizeRows(ArrayRef<float> values, int64_t from,
                                     int64_t to) {
  int64_t rows = values.size() / from;
  std::vector<float> result(rows * to);
  for (int64_t row = 0; row < rows; ++row)
    llvm::copy(values.slice(row * from, std::min(from, to)),
               result.begin() + row * to);
  return result;
}

std::vector<float> EditableLayer::getWeight() const {
  if (auto linear = dyn_cast<LinearOp>(op))
    return resizeRows(getDequantizedWeight(linear),
                      linear.getWeight().getType().getDimSize(1), inputs);
  if (DequantizeNormalFloatOp weight = getNormalFloat(op))
    return resizeRows(getDequantizedWeight(weight),
                      weight.getType().getDimSize(1), inputs);
  LinearLayer linear = *matchLayer(op)->linear;
  auto elements = ConstantElements<float>::get(linear.weight);
  return linear.isWeightTransposed
             ? transpose(elements->values(), inputs, outputs)
             : elements->values().vec();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Gives `op` these constants; null where there is none.
static void setOperands(RewriterBase &rewriter, LinearOp op, Value weight,
                        const ParameterValues &parameters, Value bias) {
  auto assign = [](MutableOperandRange operand, Value value) {
    value ? operand.assign(value) : operand.clear();
  };
  rewriter.modifyOpInPlace(op, [&] {
    op.getWeightMutable().set(weight);
    op.getWeightScaleMutable().set(parameters.scale);
    assign(op.getWeightZeroPointMutable(), parameters.zeroPoint);
    assign(op.getGroupMultiplierMutable(), parameters.multiplier);
    assign(op.getBiasMutable(), bias);
  });
}

static numerics::WeightParameters getParameters(Value scale, Value zeroPoint,
                                                Value multiplier) {
  return {*getFloatValues(scale),
          getStorageValues(zeroPoint).value_or(std::vector<int8_t>()),
          getStorageValues(multiplier).value_or(std::vector<int8_t>())};
}

/// Those of the parameters `chosen` for the weight `values` of `op` that are
/// better than the ones that it has, else these (merge_a2).
static ParameterValues keepBetterParameters(RewriterBase &rewriter, LinearOp op,
                                            const LayerConfig &config,
                                            ArrayRef<float> values,
                                            const ParameterValues &chosen) {
  auto getType = [](Value value) { return value ? value.getType() : Type(); };
  auto current = {op.getWeightScale(), op.getWeightZeroPoint(),
                  op.getGroupMultiplier()};
  auto wanted = {chosen.scale, chosen.zeroPoint, chosen.multiplier};
  // A layer from elsewhere may have blocks that its configuration does not.
  if (!llvm::equal(llvm::map_range(current, getType),
                   llvm::map_range(wanted, getType)))
    return chosen;
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(chosen.scale.getType()).getShape();
  numerics::StorageRange range = numerics::storageRange(
      config.weightBits,
      /*narrow=*/config.symmetricWeights && !config.hasTwoLevelScales());
  numerics::WeightParameters result = numerics::chooseNearer(
      values, shape.empty() ? 1 : shape[0], range,
      getParameters(op.getWeightScale(), op.getWeightZeroPoint(),
                    op.getGroupMultiplier()),
      getParameters(chosen.scale, chosen.zeroPoint, chosen.multiplier));
  auto create = [&](Value like, auto &elements) -> Value {
    if (!like)
      return {};
    return createConstant(rewriter, op.getLoc(),
                          cast<RankedTensorType>(like.getType()).getShape(),
                          ArrayRef(elements));
  };
  Value multiplier = chosen.multiplier;
  if (multiplier)
    multiplier =
        createUnpacked(rewriter, op.getLoc(), rewriter.getI8Type(),
                       cast<RankedTensorType>(multiplier.getType()).getShape(),
                       result.multipliers);
  return {create(chosen.scale, result.scales),
          create(chosen.zeroPoint, result.zeroPoints), multiplier};
}

/// Gives `op` the weight `values`, [N, K with zeros], quantized.
static LogicalResult setIntegerWeight(RewriterBase &rewriter, LinearOp op,
                                      const LayerConfig &config,
                                      ArrayRef<float> values) {
  rewriter.setInsertionPoint(op);
  RankedTensorType type = op.getWeight().getType();
  Value weight = createConstant(rewriter, op.getLoc(), type.getShape(), values);
  FailureOr<ParameterValues> parameters =
      createWeightParameters(rewriter, op, weight, config);
  if (failed(parameters))
    return failure();
  if (!op->hasAttr(kWeightScaleAttr))
    parameters =
        keepBetterParameters(rewriter, op, config, values, *parameters);
  auto quantize =
      QuantizeOp::create(rewriter, op.getLoc(), type, weight, parameters->scale,
                         parameters->zeroPoint, parameters->multiplier);
  setOperands(rewriter, op, quantize, *parameters, op.getBias());
  for (StringRef name :
       {kWeightScaleAttr, kWeightZeroPointAttr, kWeightMultiplierAttr})
    op->removeAttr(name);
  RewritePatternSet patterns(op.getContext());
  populateFoldWeightsPatterns(patterns);
  (void)applyOpPatternsGreedily({quantize}, std::move(patterns),
                                GreedyRewriteConfig().setStrictness(
                                    GreedyRewriteStrictness::ExistingOps));
  return success();
}

/// Makes `weight` the second operand of `op`.
static void replaceOperand(RewriterBase &rewriter, Operation *op,
                           Value weight) {
  rewriter.modifyOpInPlace(op, [&] { op->setOperand(1, weight); });
}

/// Gives a float layer the weight `values`, [N, K], in the order that the
/// operation reads it.
static void setFloatWeight(RewriterBase &rewriter, const LinearLayer &layer,
                           ArrayRef<float> values) {
  // Behind a transposition the operation reads the other order.
  bool isTransposed =
      layer.isWeightTransposed != (layer.op->getOperand(1) != layer.weight);
  int64_t n = layer.getN(), k = layer.getK();
  rewriter.setInsertionPoint(layer.op);
  Value weight =
      isTransposed
          ? createConstant(rewriter, layer.op->getLoc(), {k, n},
                           ArrayRef(quantc::transpose(values, n, k)))
          : createConstant(rewriter, layer.op->getLoc(), {n, k}, values);
  replaceOperand(rewriter, layer.op, weight);
}

LogicalResult EditableLayer::setWeight(RewriterBase &rewriter,
                                       ArrayRef<float> values) {
  if (!llvm::all_of(values, [](float value) { return std::isfinite(value); }))
    return emitError(op->getLoc()) << "the merged weight overflows";
  if (auto linear = dyn_cast<LinearOp>(op)) {
    int64_t depth = linear.getWeight().getType().getDimSize(1);
    return setIntegerWeight(rewriter, linear, *config,
                            resizeRows(values, inputs, depth));
  }
  if (DequantizeNormalFloatOp weight = getNormalFloat(op)) {
    int64_t depth = weight.getType().getDimSize(1);
    rewriter.setInsertionPoint(op);
    Value constant =
        createConstant(rewriter, op->getLoc(), {outputs, depth},
                       ArrayRef(resizeRows(values, inputs, depth)));
    replaceOperand(rewriter, op, createNormalFloatWeight(rewriter, constant));
    return success();
  }
  setFloatWeight(rewriter, *matchLayer(op)->linear, values);
  return success();
}

/// The addition of a bias to the result of a float layer, and that bias.
static std::pair<linalg::LinalgOp, Value> findBiasAdd(RewriterBase &rewriter,
                                                      Operation *op) {
  Operation *user = getOnlyUser(op->getResult(0));
  auto add = dyn_cast_or_null<linalg::LinalgOp>(user);
  if (!add)
    return {};
  rewriter.setInsertionPoint(user);
  return {add, matchBiasAdd(rewriter, user, op->getResult(0))};
}

/// y[m, n] + bias[n] in place of `add`.
static void replaceBiasAdd(RewriterBase &rewriter, linalg::LinalgOp add,
                           Value y, Value bias) {
  MLIRContext *context = rewriter.getContext();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(2, context);
  AffineMap column = AffineMap::get(2, 0, getAffineDimExpr(1, context));
  Value empty = tensor::EmptyOp::create(
      rewriter, add.getLoc(), tensor::getMixedSizes(rewriter, add.getLoc(), y),
      rewriter.getF32Type());
  rewriter.replaceOpWithNewOp<linalg::GenericOp>(
      add, add->getResultTypes(), ValueRange{y, bias}, ValueRange{empty},
      ArrayRef<AffineMap>{identity, column, identity},
      SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
      [](OpBuilder &builder, Location loc, ValueRange arguments) {
        Value sum =
            arith::AddFOp::create(builder, loc, arguments[0], arguments[1]);
        linalg::YieldOp::create(builder, loc, sum);
      });
}

LogicalResult EditableLayer::setBias(RewriterBase &rewriter,
                                     ElementsAttr bias) {
  auto refuse = [&] {
    return emitError(op->getLoc())
           << "has no bias that could change; the adapter is for another base";
  };
  if (auto linear = dyn_cast<LinearOp>(op)) {
    if (!linear.getBias())
      return refuse();
    rewriter.setInsertionPoint(op);
    Value constant = arith::ConstantOp::create(rewriter, op->getLoc(), bias);
    rewriter.modifyOpInPlace(op,
                             [&] { linear.getBiasMutable().assign(constant); });
    return success();
  }
  auto [add, old] = findBiasAdd(rewriter, op);
  if (!old)
    return refuse();
  Value constant = arith::ConstantOp::create(rewriter, op->getLoc(), bias);
  replaceBiasAdd(rewriter, add, op->getResult(0), constant);
  return success();
}

//===----------------------------------------------------------------------===//
// All constants
//===----------------------------------------------------------------------===//

DictionaryAttr EditableLayer::getConstants(RewriterBase &rewriter) const {
  NamedAttrList entries;
  auto add = [&](StringRef name, Value value) {
    if (ElementsAttr constant = value ? getConstant(value) : ElementsAttr())
      entries.set(name, constant);
  };
  if (auto linear = dyn_cast<LinearOp>(op)) {
    for (auto [name, operand] : getOperands(linear))
      add(name, operand);
    return entries.getDictionary(op->getContext());
  }
  if (DequantizeNormalFloatOp weight = getNormalFloat(op)) {
    for (auto [name, operand] : getOperands(weight))
      add(name, operand);
  } else {
    auto type = RankedTensorType::get({outputs, inputs}, rewriter.getF32Type());
    entries.set("weight", DenseElementsAttr::get(type, ArrayRef(getWeight())));
  }
  add("bias", findBiasAdd(rewriter, op).second);
  return entries.getDictionary(op->getContext());
}

LogicalResult EditableLayer::setConstants(RewriterBase &rewriter,
                                          DictionaryAttr constants) {
  rewriter.setInsertionPoint(op);
  auto get = [&](StringRef name) {
    return constants.getAs<ElementsAttr>(name);
  };
  auto create = [&](StringRef name) -> Value {
    if (!get(name))
      return {};
    return arith::ConstantOp::create(rewriter, op->getLoc(), get(name));
  };
  // Values of 4 bits are packed.
  auto createStorage = [&](StringRef name, Type type) -> Value {
    Value stored = create(name);
    if (!stored || stored.getType() == type)
      return stored;
    return UnpackOp::create(rewriter, op->getLoc(), type, stored);
  };
  auto refuse = [&] {
    return emitError(op->getLoc()) << "its base has no weight of its shape";
  };
  if (auto linear = dyn_cast<LinearOp>(op)) {
    Value weight = createStorage("weight", linear.getWeight().getType());
    ParameterValues parameters = {create("weight_scale"),
                                  create("weight_zero_point"), Value()};
    if (Value multiplier = linear.getGroupMultiplier())
      parameters.multiplier =
          createStorage("group_multiplier", multiplier.getType());
    if (!weight || !parameters.scale)
      return refuse();
    setOperands(rewriter, linear, weight, parameters, create("bias"));
    return success();
  }
  if (DequantizeNormalFloatOp old = getNormalFloat(op)) {
    Value weight = createStorage("weight", old.getInput().getType());
    Value magnitude = create("magnitude"), scale = create("magnitude_scale"),
          mean = create("magnitude_mean");
    if (!weight || !magnitude || !scale || !mean)
      return refuse();
    replaceOperand(rewriter, op,
                   DequantizeNormalFloatOp::create(rewriter, op->getLoc(),
                                                   old.getType(), weight,
                                                   magnitude, scale, mean));
  } else {
    auto weight = dyn_cast_or_null<DenseElementsAttr>(get("weight"));
    if (!weight || !weight.getElementType().isF32() ||
        weight.getType().getShape() != ArrayRef<int64_t>{outputs, inputs})
      return refuse();
    setFloatWeight(rewriter, *matchLayer(op)->linear,
                   llvm::to_vector(weight.getValues<float>()));
  }
  return get("bias") ? setBias(rewriter, get("bias")) : success();
}
