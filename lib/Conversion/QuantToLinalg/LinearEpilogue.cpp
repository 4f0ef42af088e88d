//===- LinearEpilogue.cpp - What follows a contraction --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/LinearEpilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Numerics/Epilogues.h"
#include "quantc/Numerics/Parameters.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static std::optional<std::vector<float>> getFloats(Value value) {
  DenseFPElementsAttr attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  return std::vector<float>(attr.value_begin<float>(), attr.value_end<float>());
}

static std::optional<std::vector<int8_t>> getStorage(Value value) {
  DenseIntElementsAttr attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  std::vector<int8_t> result;
  result.reserve(attr.size());
  for (const APInt &element : attr.getValues<APInt>())
    result.push_back(static_cast<int8_t>(element.getSExtValue()));
  return result;
}

/// The nibbles of rows of `bytes`, `numCols` in each.
static std::vector<int8_t> unpack(ArrayRef<int8_t> bytes, int64_t numCols) {
  std::vector<int8_t> result;
  int64_t numBytes = (numCols + 1) / 2;
  for (; !bytes.empty(); bytes = bytes.drop_front(numBytes))
    for (int64_t col = 0; col < numCols; ++col) {
      int8_t byte = bytes[col / 2];
      int8_t low = static_cast<int8_t>(static_cast<uint8_t>(byte) << 4);
      result.push_back((col % 2 == 0 ? low : byte) >> 4);
    }
  return result;
}

/// Element `n` of one value for all channels or one for each.
template <class T>
static T getForChannel(ArrayRef<T> values, int64_t n) {
  return values.size() == 1 ? values.front() : values[n];
}

/// Whether the epilogue multiplies by f32(f64(sa) * sw) or a quotient of it.
static bool hasFoldedMultiplier(LinearOp op) {
  return op.hasIntegerInput() && !op.isDynamic() && op.getNumScaleGroups() == 1;
}

LogicalResult quantc::checkEpilogueConstants(LinearOp op) {
  auto check = [&](Value value, StringRef name) -> LogicalResult {
    if (!value || matchPattern(value, m_Constant()))
      return success();
    return op.emitError("the ")
           << name << " of a static layer is not constant; its multipliers are "
           << "computed at compile time";
  };
  if (!hasFoldedMultiplier(op))
    return success();
  if (failed(check(op.getInputScale(), "input scale")) ||
      failed(check(op.getWeightScale(), "weight scale")))
    return failure();
  if (!op.hasIntegerResult())
    return success();
  if (failed(check(op.getOutputScale(), "output scale")) ||
      failed(check(op.getOutputZeroPoint(), "output zero point")))
    return failure();
  return check(op.getBias(), "bias");
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static Value createConstant(OpBuilder &builder, Location loc,
                            ArrayRef<float> values) {
  auto type = RankedTensorType::get(static_cast<int64_t>(values.size()),
                                    builder.getF32Type());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, values));
}

/// m of each channel (linear_a2, linear_a5).
static Value createMultipliers(OpBuilder &builder, LinearOp op) {
  float inputScale = getFloats(op.getInputScale())->front();
  std::vector<float> weightScales = *getFloats(op.getWeightScale());
  std::optional<std::vector<float>> outputScale =
      getFloats(op.getOutputScale());
  std::vector<float> multipliers;
  for (int64_t n = 0, e = op.getWeight().getType().getDimSize(0); n < e; ++n) {
    float weightScale = getForChannel<float>(weightScales, n);
    multipliers.push_back(
        outputScale ? numerics::requantizeMultiplier(inputScale, weightScale,
                                                     outputScale->front())
                    : numerics::staticMultiplier(inputScale, weightScale));
  }
  return createConstant(builder, op.getLoc(), multipliers);
}

/// b of each channel (linear_a5).
static Value createRequantizedBias(OpBuilder &builder, LinearOp op) {
  float outputScale = getFloats(op.getOutputScale())->front();
  std::vector<float> bias = *getFloats(op.getBias());
  for (float &value : bias)
    value = numerics::requantizeBias(value, outputScale);
  return createConstant(builder, op.getLoc(), bias);
}

EpilogueOperands quantc::createEpilogueOperands(OpBuilder &builder,
                                                LinearOp op) {
  EpilogueOperands operands;
  operands.bias = op.getBias();
  if (op.hasIntegerResult() && op.getBias())
    operands.bias = createRequantizedBias(builder, op);
  if (hasFoldedMultiplier(op)) {
    operands.scale = createMultipliers(builder, op);
    return operands;
  }
  operands.inputScale = op.getInputScale();
  if (op.getNumScaleGroups() == 1)
    operands.scale = op.getWeightScale();
  return operands;
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

Value quantc::emitEpilogue(Emit &a, LinearOp op, Value accumulator,
                           const EpilogueOperands &operands) {
  std::optional<Value> bias;
  if (operands.bias)
    bias = operands.bias;
  bool isOneGroup = op.getNumScaleGroups() == 1;
  if (!op.hasIntegerInput()) {
    Value y = accumulator;
    if (isOneGroup)
      y = numerics::addWeightOnlyGroup(a, a.constant(0.0f), accumulator,
                                       operands.scale);
    return numerics::addBias(a, y, bias);
  }
  if (!isOneGroup)
    return numerics::finishGroups(a, accumulator, operands.inputScale, bias);
  if (op.isDynamic())
    return numerics::dequantizeAccumulatorDynamic(
        a, accumulator, operands.scale, operands.inputScale, bias);
  if (!op.hasIntegerResult())
    return numerics::dequantizeAccumulator(a, accumulator, operands.scale,
                                           bias);
  int8_t zeroPoint = getStorage(op.getOutputZeroPoint())->front();
  return a.toStorage(numerics::requantizeAccumulator(
      a, accumulator, operands.scale, bias, a.constantInt(zeroPoint),
      op.getClampMin(), op.getClampMax()));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

std::optional<std::vector<int8_t>> quantc::getIntegerWeight(LinearOp op) {
  int64_t numCols = op.getWeight().getType().getDimSize(1);
  std::optional<std::vector<int8_t>> weight;
  if (auto packed = op.getWeight().getDefiningOp<UnpackOp>()) {
    if (auto bytes = getStorage(packed.getInput()))
      weight = unpack(*bytes, numCols);
  } else {
    weight = getStorage(op.getWeight());
  }
  if (!weight || !op.getGroupMultiplier())
    return weight;
  std::optional<std::vector<int8_t>> multipliers =
      getStorage(op.getGroupMultiplier());
  if (!multipliers)
    return std::nullopt;
  int64_t groupSize = numCols / op.getNumMultiplierGroups();
  for (auto [index, value] : llvm::enumerate(*weight))
    value *= (*multipliers)[index / groupSize];
  return weight;
}

std::optional<std::vector<int32_t>> quantc::getWeightSums(LinearOp op) {
  std::optional<std::vector<int8_t>> weight = getIntegerWeight(op);
  if (!weight || op.getNumScaleGroups() != 1)
    return std::nullopt;
  std::optional<std::vector<int8_t>> zeroPoints =
      op.getWeightZeroPoint() ? getStorage(op.getWeightZeroPoint())
                              : std::vector<int8_t>{0};
  if (!zeroPoints)
    return std::nullopt;
  RankedTensorType type = op.getWeight().getType();
  std::vector<int32_t> sums;
  for (int64_t n = 0; n < type.getDimSize(0); ++n) {
    ArrayRef<int8_t> row =
        ArrayRef(*weight).slice(n * type.getDimSize(1), type.getDimSize(1));
    int32_t zeroPoint = getForChannel<int8_t>(*zeroPoints, n);
    int32_t sum = 0;
    for (int8_t value : row)
      sum += value - zeroPoint;
    sums.push_back(sum);
  }
  return sums;
}
