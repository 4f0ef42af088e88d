//===- CheckRanges.cpp - Sums that fit their accumulator ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Numerics/TwoLevelGroups.h"

namespace quantc {
#define GEN_PASS_DEF_CHECKRANGES
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// The values that input - input_zero_point can take.
static numerics::ActivationRange getActivationRange(LinearOp op) {
  numerics::StorageRange storage =
      numerics::storageRange(/*bits=*/8, /*narrow=*/false);
  auto choose = op.getInputZeroPoint().getDefiningOp<ChooseParamsOp>();
  if (choose && choose.getSymmetric())
    return numerics::activationRange(storage, /*zeroPoint=*/0);
  auto zeroPoint = getStorageValues(op.getInputZeroPoint());
  if (zeroPoint && zeroPoint->size() == 1)
    return numerics::activationRange(storage, zeroPoint->front());
  return numerics::anyActivationRange(storage);
}

/// The elements of `values` that row `row` of `rows` uses: its own, or those of
/// all rows.
static ArrayRef<int8_t> getRow(ArrayRef<int8_t> values, int64_t row,
                               int64_t rows) {
  if (values.size() < static_cast<size_t>(rows))
    return values;
  size_t size = values.size() / rows;
  return values.slice(row * size, size);
}

/// The bound for weights that are known only when the program runs: as large as
/// their storage allows.
static LogicalResult checkAnyWeights(LinearOp op) {
  int64_t depth =
      op.getWeight().getType().getDimSize(1) / op.getNumScaleGroups();
  numerics::StorageRange storage = numerics::storageRange(
      op.getWeight().getType().getElementTypeBitWidth(), /*narrow=*/false);
  int64_t weight = op.getWeightZeroPoint() ? storage.max - storage.min
                                           : -int64_t(storage.min);
  if (op.getGroupMultiplier())
    weight *= numerics::maxGroupMultiplier;
  numerics::ActivationRange range = getActivationRange(op);
  int64_t bound = depth * weight * std::max<int64_t>(-range.min, range.max);
  if (bound > INT32_MAX)
    return emitError(op.getLoc())
           << "sums of trained weights can reach " << bound
           << ", beyond 32 bits; split K = " << depth << " or skip the layer";
  return success();
}

static LogicalResult checkRange(LinearOp op) {
  std::optional<std::vector<int8_t>> weight = getStorageValues(op.getWeight());
  std::optional<std::vector<int8_t>> zeroPoint, multiplier;
  zeroPoint = multiplier = std::vector<int8_t>();
  if (op.getWeightZeroPoint())
    zeroPoint = getStorageValues(op.getWeightZeroPoint());
  if (op.getGroupMultiplier())
    multiplier = getStorageValues(op.getGroupMultiplier());
  if (!weight || !zeroPoint || !multiplier)
    return checkAnyWeights(op);

  RankedTensorType type = op.getWeight().getType();
  int64_t rows = type.getDimSize(0), cols = type.getDimSize(1);
  int64_t groups = op.getNumScaleGroups(), colsPerGroup = cols / groups;
  numerics::ActivationRange range = getActivationRange(op);
  for (int64_t row = 0; row < rows; ++row) {
    ArrayRef<int8_t> rowWeights = ArrayRef(*weight).slice(row * cols, cols);
    ArrayRef<int8_t> rowZeroPoints = getRow(*zeroPoint, row, rows);
    for (int64_t group = 0; group < groups; ++group) {
      int64_t bound = numerics::maxAbsAccumulator(
          rowWeights.slice(group * colsPerGroup, colsPerGroup),
          rowZeroPoints.size() > 1 ? rowZeroPoints.slice(group, 1)
                                   : rowZeroPoints,
          range, getRow(*multiplier, row, rows));
      if (bound > INT32_MAX)
        return emitError(op.getLoc())
               << "sums of output channel " << row << " can reach " << bound
               << ", beyond 32 bits; split K = " << cols
               << " or skip the layer";
    }
  }
  return success();
}

namespace {
struct CheckRanges : quantc::impl::CheckRangesBase<CheckRanges> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](LinearOp op) {
      if (op.hasIntegerInput() && failed(checkRange(op)))
        return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
