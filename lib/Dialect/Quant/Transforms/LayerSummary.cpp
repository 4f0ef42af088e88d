//===- LayerSummary.cpp - What became of each layer -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LayerSummary.h"

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Numerics/NormalFloat.h"
#include "quantc/Support/Diagnostics.h"

using namespace mlir;
using namespace quantc;

/// `values` as a tensor of the given shape.
template <class T>
static HostTensor createTensor(DataType type, ArrayRef<int64_t> shape,
                               ArrayRef<T> values) {
  HostTensor tensor(type, shape);
  llvm::copy(values, tensor.values<T>().begin());
  return tensor;
}

/// The first `depth` columns of a matrix that has `columns`.
template <class T>
static std::vector<T> dropColumns(ArrayRef<T> values, int64_t columns,
                                  int64_t depth) {
  std::vector<T> result;
  for (size_t row = 0; row < values.size(); row += columns)
    llvm::append_range(result, values.slice(row, depth));
  return result;
}

/// The [N, K] matrix `values` as a tensor in the order of the model, without
/// what is beyond `depth`.
template <class T>
static HostTensor createWeight(DataType type, int64_t n, int64_t k,
                               int64_t depth, bool isTransposed,
                               ArrayRef<T> values) {
  std::vector<T> rows = dropColumns(values, k, depth);
  if (!isTransposed)
    return createTensor(type, {n, depth}, ArrayRef(rows));
  return createTensor(type, {depth, n},
                      ArrayRef(transpose(ArrayRef(rows), n, depth)));
}

/// A constant of rank 0 or [N, G], with G = 1 left out.
template <class T>
static std::optional<HostTensor> getParameter(DataType type, Value value) {
  if (!value)
    return std::nullopt;
  auto elements = ConstantElements<T>::get(value);
  if (!elements)
    return std::nullopt;
  ArrayRef<int64_t> shape = elements->getType().getShape();
  if (shape.size() == 2 && shape[1] == 1)
    shape = shape.drop_back();
  return createTensor(type, shape, elements->values());
}

/// The storage values of each group times its multiplier.
static std::vector<int8_t> multiplyGroups(ArrayRef<int8_t> values,
                                          ArrayRef<int8_t> multipliers) {
  size_t groupSize = values.size() / multipliers.size();
  std::vector<int8_t> result(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    result[i] = static_cast<int8_t>(values[i] * multipliers[i / groupSize]);
  return result;
}

static void summarizeLinear(LinearOp op, LayerSummary &layer) {
  layer.isWeightTransposed = op->hasAttr(kWeightTransposedAttr);
  RankedTensorType type = op.getWeight().getType();
  int64_t n = type.getDimSize(0), k = type.getDimSize(1);
  int64_t depth = getModelDepth(op, k);
  layer.paddedDepth = k;
  layer.weightScale = getParameter<float>(DataType::F32, op.getWeightScale());
  layer.weightZeroPoint =
      getParameter<int8_t>(DataType::I8, op.getWeightZeroPoint());
  if (auto multiplier = getStorageValues(op.getGroupMultiplier()))
    layer.groupMultiplier =
        createTensor(DataType::I8, op.getGroupMultiplier().getType().getShape(),
                     ArrayRef(*multiplier));
  layer.bias = getParameter<float>(DataType::F32, op.getBias());
  if (op.getInputScale() && !op.isDynamic()) {
    layer.inputScale = getParameter<float>(DataType::F32, op.getInputScale());
    layer.inputZeroPoint =
        getParameter<int8_t>(DataType::I8, op.getInputZeroPoint());
  }
  layer.outputScale = getParameter<float>(DataType::F32, op.getOutputScale());
  layer.outputZeroPoint =
      getParameter<int8_t>(DataType::I8, op.getOutputZeroPoint());

  std::optional<std::vector<int8_t>> storage = getStorageValues(op.getWeight());
  layer.isProduct = !storage;
  if (!storage)
    return;
  DataType dataType =
      type.getElementType().isInteger(4) ? DataType::I4 : DataType::I8;
  layer.weight = createWeight(dataType, n, k, depth, layer.isWeightTransposed,
                              ArrayRef(*storage));
  if (layer.groupMultiplier)
    *storage =
        multiplyGroups(*storage, layer.groupMultiplier->values<int8_t>());
  layer.integerWeight = createWeight(
      DataType::I8, n, k, depth, layer.isWeightTransposed, ArrayRef(*storage));
}

static void summarizeFloat(const LinearLayer &linear, LayerSummary &layer) {
  int64_t n = linear.getN(), k = linear.getK();
  int64_t depth = getModelDepth(linear.op, k);
  layer.paddedDepth = k;
  layer.isWeightTransposed =
      linear.isWeightTransposed || linear.op->hasAttr(kWeightTransposedAttr);
  auto elements = ConstantElements<float>::get(linear.weight);
  if (!elements)
    return;
  // A padded weight is [N, K].
  layer.weight =
      linear.isWeightTransposed
          ? createTensor(DataType::F32, {k, n}, elements->values())
          : createWeight(DataType::F32, n, k, depth, layer.isWeightTransposed,
                         elements->values());
}

/// The constant table whose rows `value` is, or that it is itself.
static Value getTable(Value value) {
  Operation *op = value ? value.getDefiningOp() : nullptr;
  std::optional<Lookup> lookup = op ? matchLookup(op) : std::nullopt;
  return lookup ? lookup->getTable() : value;
}

/// The storage values of the table whose rows `value` is, of `rows` rows;
/// values of 4 bits are looked up as bytes.
static std::optional<std::vector<int8_t>> getTableValues(Value value,
                                                         int64_t rows) {
  auto unpack = value ? value.getDefiningOp<UnpackOp>() : UnpackOp();
  std::optional<std::vector<int8_t>> values =
      getStorageValues(getTable(unpack ? unpack.getInput() : value));
  if (!unpack || !values)
    return values;
  return unpackNibbles(*values, rows, unpack.getType().getShape().back(),
                       unpack.getType().getElementType().isInteger(4));
}

/// Fills in an embedding from the operation that dequantizes its rows.
static void summarizeEmbedding(DequantizeOp op, LayerSummary &layer) {
  layer.isEmbedding = true;
  Value rows = op.getInput();
  if (auto unpack = rows.getDefiningOp<UnpackOp>())
    rows = unpack.getInput();
  int64_t n = cast<RankedTensorType>(getTable(rows).getType()).getDimSize(0);
  int64_t k = op.getType().getShape().back();
  layer.paddedDepth = k;
  layer.weightScale =
      getParameter<float>(DataType::F32, getTable(op.getScale()));
  layer.weightZeroPoint =
      getParameter<int8_t>(DataType::I8, getTable(op.getZeroPoint()));
  auto storage = getTableValues(op.getInput(), n);
  if (!storage)
    return;
  DataType type = op.getInput().getType().getElementType().isInteger(4)
                      ? DataType::I4
                      : DataType::I8;
  int64_t depth = getModelDepth(op, k);
  layer.weight = createWeight(type, n, k, depth, /*isTransposed=*/false,
                              ArrayRef(*storage));
  if (auto multiplier = getTableValues(op.getMultiplier(), n)) {
    layer.groupMultiplier = createTensor(
        DataType::I8, {n, static_cast<int64_t>(multiplier->size()) / n},
        ArrayRef(*multiplier));
    *storage = multiplyGroups(*storage, *multiplier);
  }
  layer.integerWeight = createWeight(
      DataType::I8, n, k, depth, /*isTransposed=*/false, ArrayRef(*storage));
}

/// Fills in an embedding whose table is float.
static void summarizeFloat(const Lookup &lookup, LayerSummary &layer) {
  auto elements = ConstantElements<float>::get(lookup.getTable());
  if (!elements)
    return;
  int64_t n = elements->getType().getDimSize(0), k = lookup.getNumColumns();
  layer.paddedDepth = k;
  layer.weight = createWeight(DataType::F32, n, k, getModelDepth(lookup.op, k),
                              /*isTransposed=*/false, elements->values());
}

/// Fills in a layer whose weight is `weight` of constants.
static void summarizeNormalFloat(Operation *op, DequantizeNormalFloatOp weight,
                                 LayerSummary &layer) {
  int64_t n = weight.getType().getDimSize(0),
          k = weight.getType().getDimSize(1);
  layer.paddedDepth = k;
  layer.isWeightTransposed = op->hasAttr(kWeightTransposedAttr);
  auto storage = getStorageValues(weight.getInput());
  auto magnitudes = getStorageValues(weight.getMagnitude());
  auto scales = getFloatValues(weight.getMagnitudeScale());
  auto mean = getFloatValues(weight.getMagnitudeMean());
  if (!storage || !magnitudes || !scales || !mean)
    return;
  layer.weight = createWeight(DataType::I4, n, k, getModelDepth(op, k),
                              layer.isWeightTransposed, ArrayRef(*storage));
  int64_t blocks = k / numerics::normalFloatBlock;
  std::vector<float> values = numerics::dequantizeMagnitudes(
      {*magnitudes, *scales, mean->front()}, n * blocks);
  layer.weightScale =
      createTensor(DataType::F32, {n, blocks}, ArrayRef(values));
}

std::vector<LayerSummary> quantc::summarizeLayers(ModuleOp module) {
  std::vector<LayerSummary> layers;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto linear = dyn_cast<LinearOp>(op);
    auto embedding = dyn_cast<DequantizeOp>(op);
    if (embedding && !op->hasAttr(kConfigAttr))
      return;
    std::optional<Layer> other =
        linear || embedding ? std::nullopt : matchLayer(op);
    if (!linear && !embedding && !other)
      return;
    LayerSummary &layer = layers.emplace_back();
    layer.name = getName(op->getLoc()).str();
    if (op->hasAttr(kConfigAttr))
      if (FailureOr<LayerConfig> config = getLayerConfig(op); succeeded(config))
        layer.config = *config;
    layer.kernel = getKernel(op);
    if (std::optional<FoldedLayer> folded = getFoldedLayer(op))
      layer.folded = std::move(folded->nodes);
    if (auto reason = op->getAttrOfType<StringAttr>(kSkippedAttr))
      layer.skippedBecause = reason.str();
    else if (other && !layer.config)
      layer.skippedBecause = other->reason;
    layer.isEmbedding = other && other->isEmbedding;
    if (linear)
      summarizeLinear(linear, layer);
    else if (embedding)
      summarizeEmbedding(embedding, layer);
    else if (other->linear)
      summarizeFloat(*other->linear, layer);
    else if (other->lookup)
      summarizeFloat(*other->lookup, layer);
    else if (op->getNumOperands() > 1)
      if (auto weight =
              op->getOperand(1).getDefiningOp<DequantizeNormalFloatOp>())
        summarizeNormalFloat(op, weight, layer);
  });
  return layers;
}
