//===- HoistQuantizeOverMaxima.cpp - Maxima of integers -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// quantize(max(x...)) -> max(quantize(x)...): to quantize never reverses the
// order of two numbers. A NaN has no place in that order, so this needs a proof
// that there is none.
//
//===----------------------------------------------------------------------===//

#include "HoistQuantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include <cmath>

using namespace mlir;
using namespace quantc;

/// Whether `value` is the same constant everywhere, and no NaN.
static bool isNumber(Value value) {
  std::optional<float> splat = value ? getSplat(value) : std::nullopt;
  return splat && !std::isnan(*splat);
}

/// Whether the float result of `op` is never NaN: its sums are finite, and so
/// are its constants (linear_a2).
static bool hasFiniteConstants(LinearOp op) {
  auto scales = getFloatValues(op.getWeightScale());
  std::optional<std::vector<float>> bias = std::vector<float>();
  if (op.getBias())
    bias = getFloatValues(op.getBias());
  std::optional<float> inputScale;
  if (op.hasIntegerInput() && !op.isDynamic())
    inputScale = getSplat(op.getInputScale());
  if (!scales || !bias || !inputScale || op.getAddend() ||
      op.getNumScaleGroups() != 1)
    return false;
  return llvm::all_of(*scales,
                      [&](float scale) {
                        return std::isfinite(static_cast<float>(
                            static_cast<double>(*inputScale) * scale));
                      }) &&
         llvm::all_of(*bias, [](float b) { return std::isfinite(b); });
}

namespace {
/// The maxima of windows, or along dimensions, as a linalg.generic.
struct Maxima {
  linalg::GenericOp op;
  /// Where each maximum starts.
  Value start;
};
} // namespace

/// Matches `op` if it is one; of its inputs only the first is read.
static std::optional<Maxima> matchMaxima(Operation *operation) {
  auto op = dyn_cast_or_null<linalg::GenericOp>(operation);
  if (!op || op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.getNumReductionLoops() == 0)
    return std::nullopt;
  Block &body = *op.getBody();
  auto max =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::MaximumFOp>();
  auto fill = op.getDpsInits().front().getDefiningOp<linalg::FillOp>();
  if (!max || !fill || body.getOperations().size() != 2)
    return std::nullopt;
  Value x = body.getArgument(0);
  Value sum = body.getArguments().back();
  bool combines = (max.getLhs() == x && max.getRhs() == sum) ||
                  (max.getLhs() == sum && max.getRhs() == x);
  if (!combines || !isNumber(fill.value()))
    return std::nullopt;
  return Maxima{op, fill.value()};
}

/// Whether no element of `value` can be NaN.
static bool isNeverNaN(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (auto linear = dyn_cast<LinearOp>(op))
    return hasFiniteConstants(linear);
  // Sums of integers, by constant scales, which are finite.
  if (auto rescale = dyn_cast<RescaleOp>(op))
    return getFloatValues(rescale.getScale()).has_value();
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, linalg::TransposeOp>(
          op))
    return isNeverNaN(op->getOperand(0));
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return isNumber(pad.getConstantPaddingValue()) &&
           isNeverNaN(pad.getSource());
  if (matchMaxima(op))
    return isNeverNaN(op->getOperand(0));
  // A concatenation starts with a tensor that none of its values are of.
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return isNeverNaN(insert.getSource()) &&
           (insert.getDest().getDefiningOp<tensor::EmptyOp>() ||
            isNeverNaN(insert.getDest()));
  SmallVector<Bound> bounds;
  Value clipped = matchClip(op, bounds);
  return clipped && isNeverNaN(clipped);
}

namespace {
struct QuantizeBeforeMaxima : HoistQuantizePattern {
  using HoistQuantizePattern::HoistQuantizePattern;

  LogicalResult hoist(QuantizeOp op, PatternRewriter &rewriter) const override {
    std::optional<Maxima> maxima = matchMaxima(op.getInput().getDefiningOp());
    if (!maxima)
      return rewriter.notifyMatchFailure(op, "the input is no maximum");
    linalg::GenericOp generic = maxima->op;
    if (!isNeverNaN(generic->getOperand(0)))
      return rewriter.notifyMatchFailure(op, "an element may be NaN");

    Location loc = op.getLoc();
    SmallVector<Value> inputs(generic.getDpsInputs());
    inputs.front() = createQuantized(rewriter, op, inputs.front());
    Value empty = tensor::EmptyOp::create(
        rewriter, loc,
        tensor::getMixedSizes(rewriter, loc, generic.getDpsInits().front()),
        rewriter.getI8Type());
    Value start = createQuantizedScalar(rewriter, op, maxima->start);
    Value init =
        linalg::FillOp::create(rewriter, loc, start, empty).getResult(0);
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, op.getType(), inputs, init, generic.getIndexingMapsArray(),
        generic.getIteratorTypesArray(),
        [](OpBuilder &b, Location loc, ValueRange elements) {
          Value max =
              arith::MaxSIOp::create(b, loc, elements.front(), elements.back());
          linalg::YieldOp::create(b, loc, max);
        });
    return success();
  }
};
} // namespace

void quantc::populateHoistQuantizeOverMaximaPatterns(
    RewritePatternSet &patterns) {
  patterns.add<QuantizeBeforeMaxima>(patterns.getContext());
}
