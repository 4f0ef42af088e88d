//===- QuantizeAverages.cpp - Sums of windows of integers -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HoistQuantize.h"

#include "quantc/Dialect/Quant/Transforms/Average.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Numerics/Averages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

namespace quantc {
#define GEN_PASS_DEF_QUANTIZEAVERAGES
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Windows of so many bytes add up in 16 bits: 128 * 255 = 32640, which no sum
/// of some of them and of their zero points passes either.
static constexpr int64_t kMostShortTerms = 128;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// The parameters of integers, constants.
struct Constants {
  float scale;
  int8_t zeroPoint;
};
} // namespace

static std::optional<Constants> getConstants(Value scale, Value zeroPoint) {
  std::optional<float> s = getSplat(scale);
  std::optional<std::vector<int8_t>> z = std::vector<int8_t>{0};
  if (zeroPoint)
    z = getStorageValues(zeroPoint);
  if (!s || !z)
    return std::nullopt;
  return Constants{*s, z->front()};
}

/// The parameters of one of the layers that read what `average` reads; nothing
/// else may.
static std::optional<Constants> findShared(const Average &average) {
  std::optional<Constants> first;
  bool areIntegers =
      visitReaders(getMovedValue(average.getInput()), [&](OpOperand &use) {
        if (auto sum = dyn_cast<linalg::GenericOp>(use.getOwner()))
          return use.getOperandNumber() == 0 && matchAverage(sum).has_value();
        auto quantize = dyn_cast<QuantizeOp>(use.getOwner());
        if (!quantize || !isPerTensor(quantize))
          return false;
        auto constants =
            getConstants(quantize.getScale(), quantize.getZeroPoint());
        if (constants && !first)
          first = constants;
        return constants.has_value();
      });
  return areIntegers ? first : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// What `average` computes, from the integers of its input.
static Value createAverage(OpBuilder &b, const Average &average,
                           const Constants &constants) {
  linalg::GenericOp sum = average.sum;
  Location loc = sum.getLoc();
  b.setInsertionPoint(average.quotient);
  auto inputType = cast<RankedTensorType>(average.getInput().getType());
  Value integers = QuantizeOp::create(
      b, loc, inputType.clone(b.getI8Type()), average.getInput(),
      createConstant(b, loc, {}, ArrayRef<float>{constants.scale}),
      createConstant(b, loc, {}, ArrayRef<int8_t>{constants.zeroPoint}),
      /*multiplier=*/Value());

  // sum (q - z) = -n z + sum q, padding included: it is z.
  Type type = b.getIntegerType(average.numTerms <= kMostShortTerms ? 16 : 32);
  Value start = arith::ConstantOp::create(
      b, loc, b.getIntegerAttr(type, -average.numTerms * constants.zeroPoint));
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, sum.getDpsInits().front()), type);
  Value init = linalg::FillOp::create(b, loc, start, empty).getResult(0);
  SmallVector<Value> inputs(sum.getDpsInputs());
  inputs.front() = integers;
  Value sums =
      linalg::GenericOp::create(
          b, loc, empty.getType(), inputs, init, sum.getIndexingMapsArray(),
          sum.getIteratorTypesArray(),
          [&](OpBuilder &b, Location loc, ValueRange elements) {
            Value x = arith::ExtSIOp::create(b, loc, type, elements.front());
            linalg::YieldOp::create(
                b, loc,
                arith::AddIOp::create(b, loc, elements.back(), x).getResult());
          })
          .getResult(0);

  numerics::Evaluate a;
  std::vector<float> scales;
  for (float count : average.counts)
    scales.push_back(numerics::averageScale(a, constants.scale, count));
  return RescaleOp::create(
      b, loc, average.quotient->getResult(0).getType(), sums,
      createConstant(b, loc, average.countShape, ArrayRef<float>(scales)),
      /*zero_point=*/Value(), /*clamp_min=*/-128, /*clamp_max=*/127);
}

namespace {
struct QuantizeAverages : quantc::impl::QuantizeAveragesBase<QuantizeAverages> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> sums;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (matchAverage(op))
        sums.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp sum : sums) {
      Average average = *matchAverage(sum);
      std::optional<Constants> constants = findShared(average);
      if (!constants || !isUsable(*constants))
        continue;
      Value result = createAverage(rewriter, average, *constants);
      rewriter.replaceOp(average.quotient, result);
      rewriter.eraseOp(sum);
    }
  }

private:
  /// Whether the scale is a number by any count, and positive.
  static bool isUsable(const Constants &constants) {
    return std::isfinite(constants.scale) && constants.scale >= 0x1p-100f;
  }
};
} // namespace
