//===- QuantLinearOp.cpp - quant.linear in the interpreter ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The clauses linear_a1 to linear_a10, on one element of the result.
//
//===----------------------------------------------------------------------===//

#include "Frame.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Epilogues.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;
using numerics::Evaluate;

namespace {

/// The operands of one quant.linear.
class Linear {
public:
  Linear(LinearOp op, Frame &frame);

  LogicalResult check();
  /// Element [m, n] of the result; none where the accumulator overflows.
  std::optional<Scalar> compute(int64_t m, int64_t n);

  HostTensor result;

private:
  std::optional<int32_t> getAccumulator(int64_t m, int64_t n, int64_t g);
  std::optional<Scalar> computeFromIntegers(int64_t m, int64_t n);
  Scalar computeFromFloats(int64_t m, int64_t n);

  /// Where the inputs of output n of row m start.
  int64_t getInputStart(int64_t m, int64_t n) {
    return m * input->shape[1] + n / (numColumns / featureGroups) * depth;
  }
  float getWeightScale(int64_t n, int64_t g) {
    ArrayRef<float> values = weightScale->values<float>();
    return values[values.size() == 1 ? 0 : n * numGroups + g];
  }
  float getInputScale(int64_t m) {
    ArrayRef<float> values = inputScale->values<float>();
    return values[isDynamic ? m : 0];
  }
  std::optional<float> getBias(int64_t n) {
    if (!bias)
      return std::nullopt;
    return bias->values<float>()[n];
  }
  std::optional<float> getAddend(int64_t m, int64_t n) {
    if (!addend)
      return std::nullopt;
    return addend->values<float>()[m * numColumns + n];
  }

  LinearOp op;
  const HostTensor *input, *inputScale, *inputZeroPoint, *weightScale, *bias,
      *outputScale, *outputZeroPoint, *addend;
  bool isDynamic;
  int64_t numRows, numColumns, depth, featureGroups, numGroups, groupSize;
  /// m_g * w, or w less its zero point: what enters the contraction, [N, K].
  std::vector<int32_t> weights;
  Evaluate a;
};

} // namespace

Linear::Linear(LinearOp op, Frame &frame) : op(op) {
  auto get = [&](Value value) {
    return value ? &frame.getTensor(value) : nullptr;
  };
  input = get(op.getInput());
  inputScale = get(op.getInputScale());
  inputZeroPoint = get(op.getInputZeroPoint());
  weightScale = get(op.getWeightScale());
  bias = get(op.getBias());
  outputScale = get(op.getOutputScale());
  outputZeroPoint = get(op.getOutputZeroPoint());
  addend = get(op.getAddend());
  isDynamic = op.isDynamic();
  const HostTensor &weight = *get(op.getWeight());
  numRows = input->shape[0];
  numColumns = weight.shape[0];
  depth = weight.shape[1];
  featureGroups = op.getFeatureGroups();
  numGroups = op.getNumScaleGroups();
  groupSize = depth / std::max<int64_t>(numGroups, 1);

  const HostTensor *zeroPoint = get(op.getWeightZeroPoint());
  const HostTensor *multiplier = get(op.getGroupMultiplier());
  int64_t numMultipliers = op.getNumMultiplierGroups();
  for (int64_t n = 0; n < numColumns; ++n)
    for (int64_t k = 0; k < depth; ++k) {
      int32_t w = weight.values<int8_t>()[n * depth + k];
      if (zeroPoint) {
        ArrayRef<int8_t> values = zeroPoint->values<int8_t>();
        w -= values[values.size() == 1 ? 0 : n * numGroups + k / groupSize];
      }
      if (multiplier)
        w *= multiplier->values<int8_t>()[n * numMultipliers +
                                          k / (depth / numMultipliers)];
      weights.push_back(w);
    }
  result = HostTensor(op.hasIntegerResult() ? DataType::I8 : DataType::F32,
                      {numRows, numColumns});
}

/// Dynamic sizes that the verifier could not compare.
LogicalResult Linear::check() {
  if (input->shape[1] != featureGroups * depth)
    return op.emitOpError("expects K of the input to be ")
           << featureGroups * depth << ", got " << input->shape[1];
  if (weightScale->getNumElements() == 0 && numColumns != 0)
    return op.emitOpError("expects at least one weight scale");
  if (isDynamic && inputScale->shape[0] != numRows)
    return op.emitOpError("expects an input scale for each of ")
           << numRows << " rows, got " << inputScale->shape[0];
  if (bias && bias->shape[0] != numColumns)
    return op.emitOpError("expects a bias of ")
           << numColumns << " elements, got " << bias->shape[0];
  if (addend && addend->shape != result.shape)
    return op.emitOpError("expects an addend of the shape of the result");
  return success();
}

/// contraction_a1 over group g of K: exact, so an accumulator that does not fit
/// i32 is seen.
std::optional<int32_t> Linear::getAccumulator(int64_t m, int64_t n, int64_t g) {
  const int8_t *x = input->values<int8_t>().data() + getInputStart(m, n);
  const int32_t *w = weights.data() + n * depth;
  int64_t zeroPoint = inputZeroPoint->values<int8_t>()[isDynamic ? m : 0];
  int64_t sum = 0;
  for (int64_t k = g * groupSize; k < (g + 1) * groupSize; ++k)
    sum += (x[k] - zeroPoint) * w[k];
  if (sum != static_cast<int32_t>(sum))
    return std::nullopt;
  return sum;
}

std::optional<Scalar> Linear::computeFromIntegers(int64_t m, int64_t n) {
  Scalar y;
  float sa = getInputScale(m);
  if (numGroups > 1) {
    // linear_a4
    float sum = 0.0f;
    for (int64_t g = 0; g < numGroups; ++g) {
      std::optional<int32_t> acc = getAccumulator(m, n, g);
      if (!acc)
        return std::nullopt;
      sum = numerics::addGroup(a, sum, *acc, getWeightScale(n, g));
    }
    y.f32 = numerics::finishGroups(a, sum, sa, getBias(n));
    return y;
  }
  std::optional<int32_t> acc = getAccumulator(m, n, 0);
  if (!acc)
    return std::nullopt;
  float sw = getWeightScale(n, 0);
  if (outputScale) {
    // linear_a5
    float sy = outputScale->values<float>()[0];
    std::optional<float> scaledBias = getBias(n);
    if (scaledBias)
      scaledBias = numerics::requantizeBias(a, *scaledBias, sy);
    std::optional<float> scaledAddend = getAddend(m, n);
    if (scaledAddend)
      scaledAddend = a.div(*scaledAddend, sy);
    y.integer = numerics::requantizeAccumulator(
        a, *acc, numerics::requantizeMultiplier(a, sa, sw, sy), scaledBias,
        outputZeroPoint->values<int8_t>()[0], op.getClampMin(),
        op.getClampMax(), scaledAddend);
  } else if (isDynamic) {
    // linear_a3
    y.f32 = numerics::dequantizeAccumulatorDynamic(a, *acc, sw, sa, getBias(n));
  } else {
    // linear_a2
    y.f32 = numerics::dequantizeAccumulator(
        a, *acc, numerics::staticMultiplier(a, sa, sw), getBias(n));
  }
  return y;
}

/// linear_a7
Scalar Linear::computeFromFloats(int64_t m, int64_t n) {
  const float *x = input->values<float>().data() + getInputStart(m, n);
  const int32_t *w = weights.data() + n * depth;
  float sum = 0.0f;
  for (int64_t g = 0; g < numGroups; ++g) {
    float partial = 0.0f;
    for (int64_t k = g * groupSize; k < (g + 1) * groupSize; ++k)
      partial = numerics::addWeightOnlyElement(a, partial, x[k], w[k], 0);
    sum = numerics::addWeightOnlyGroup(a, sum, partial, getWeightScale(n, g));
  }
  Scalar y;
  y.f32 = numerics::addBias(a, sum, getBias(n));
  return y;
}

std::optional<Scalar> Linear::compute(int64_t m, int64_t n) {
  std::optional<Scalar> y =
      inputScale ? computeFromIntegers(m, n) : computeFromFloats(m, n);
  // linear_a10; that of an integer result is in it already.
  if (y && !outputScale)
    y->f32 = numerics::addAddend(a, y->f32, getAddend(m, n));
  return y;
}

static LogicalResult runLinear(LinearOp op, Frame &frame) {
  Linear linear(op, frame);
  if (failed(linear.check()))
    return failure();
  LogicalResult status =
      forEachPoint(linear.result.shape, [&](ArrayRef<int64_t> point) {
        std::optional<Scalar> y = linear.compute(point[0], point[1]);
        if (!y)
          return LogicalResult(
              op.emitOpError("has an accumulator that does not fit 32 bits"));
        store(linear.result, getPosition(point, linear.result.shape), *y);
        return success();
      });
  frame.set(op, std::move(linear.result));
  return status;
}

void reference::addQuantLinearOp(OpTable &table) {
  table.add<LinearOp>(runLinear);
}
