//===- FuseRequantize.cpp - Layers with integer results -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HoistQuantize.h"

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Numerics/Averages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace quantc {
#define GEN_PASS_DEF_FUSEREQUANTIZE
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// The quantization at the end
//===----------------------------------------------------------------------===//

namespace {
/// What a layer needs to produce what a quant.quantize after it does.
struct Epilogue {
  /// The value before all clips.
  Value source;
  int64_t clampMin = -128;
  int64_t clampMax = 127;
  bool hasUpperBound = false;
  /// The clips, in order, whose bounds are known only when the program runs.
  SmallVector<Bound> bounds;
};
} // namespace

/// Applies `bounds` to the clamp of `epilogue`, as storage values.
static void applyBounds(Epilogue &epilogue, ArrayRef<Bound> bounds, float scale,
                        int8_t zeroPoint) {
  numerics::Evaluate a;
  for (const Bound &bound : bounds) {
    int64_t q = numerics::quantize(a, bound.value, scale, zeroPoint, -128, 127);
    auto apply = [&](int64_t value) {
      return bound.isLower ? std::max(value, q) : std::min(value, q);
    };
    epilogue.clampMin = apply(epilogue.clampMin);
    epilogue.clampMax = apply(epilogue.clampMax);
  }
}

/// Walks from the input of `op` up through the clips that have no other use,
/// and turns their bounds into storage values. Fails, with a reason, if there
/// is another use, or if the result is not i8 with one scale.
static FailureOr<Epilogue> matchEpilogue(QuantizeOp op, StringRef &reason) {
  if (!isPerTensor(op)) {
    reason = "not i8 with one scale";
    return failure();
  }
  Epilogue epilogue;
  epilogue.source = op.getInput();
  SmallVector<Bound> bounds;
  while (hasOnlyUser(epilogue.source)) {
    Operation *clip = epilogue.source.getDefiningOp();
    SmallVector<Bound> earlier;
    Value input = clip ? matchClip(clip, earlier) : Value();
    if (!input)
      break;
    bounds.insert(bounds.begin(), earlier.begin(), earlier.end());
    epilogue.hasUpperBound |= llvm::any_of(
        earlier, [](const Bound &bound) { return !bound.isLower; });
    epilogue.source = input;
  }
  if (!hasOnlyUser(epilogue.source)) {
    reason = "the float result has another use";
    return failure();
  }
  std::optional<float> scale = getSplat(op.getScale());
  std::optional<std::vector<int8_t>> zeroPoint = std::vector<int8_t>{0};
  if (op.getZeroPoint())
    zeroPoint = getStorageValues(op.getZeroPoint());
  if (scale && zeroPoint)
    applyBounds(epilogue, bounds, *scale, zeroPoint->front());
  else
    epilogue.bounds = bounds;
  return epilogue;
}

/// `storage`, which `op` has become, clipped by the bounds of `epilogue` that
/// are known only now, each quantized as `op` quantizes.
static Value createClips(OpBuilder &builder, QuantizeOp op, Value storage,
                         const Epilogue &epilogue) {
  Location loc = op.getLoc();
  int64_t rank = op.getType().getRank();
  Type i8 = builder.getI8Type();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  AffineMap scalar = AffineMap::get(rank, 0, builder.getContext());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  for (const Bound &bound : epilogue.bounds) {
    Value value = createConstant(builder, loc, {}, ArrayRef(bound.value));
    Value limit =
        QuantizeOp::create(builder, loc, RankedTensorType::get({}, i8), value,
                           op.getScale(), op.getZeroPoint(), Value());
    Value empty = tensor::EmptyOp::create(
        builder, loc, tensor::getMixedSizes(builder, loc, storage), i8);
    auto emitBody = [&](OpBuilder &b, Location loc, ValueRange elements) {
      Value x = elements[0], y = elements[1];
      Value clipped = bound.isLower
                          ? arith::MaxSIOp::create(b, loc, x, y).getResult()
                          : arith::MinSIOp::create(b, loc, x, y).getResult();
      linalg::YieldOp::create(b, loc, clipped);
    };
    storage = linalg::GenericOp::create(builder, loc, empty.getType(),
                                        ValueRange{storage, limit}, empty,
                                        ArrayRef{identity, scalar, identity},
                                        iterators, emitBody)
                  .getResult(0);
  }
  return storage;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// quantize(clip(source)) -> an i8 result of `Source`, which `fuse` makes.
template <class Source>
struct FuseIntoSource : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    StringRef reason;
    FailureOr<Epilogue> epilogue = matchEpilogue(op, reason);
    if (failed(epilogue))
      return rewriter.notifyMatchFailure(op, reason);
    auto source = epilogue->source.getDefiningOp<Source>();
    if (!source)
      return rewriter.notifyMatchFailure(op, "follows another operation");
    FailureOr<Value> fused = fuse(op, source, *epilogue, rewriter);
    if (failed(fused))
      return failure();
    rewriter.replaceOp(op, createClips(rewriter, op, *fused, *epilogue));
    return success();
  }

  /// `source` with the quantization of `op` and the known bounds of `epilogue`.
  virtual FailureOr<Value> fuse(QuantizeOp op, Source source,
                                const Epilogue &epilogue,
                                PatternRewriter &rewriter) const = 0;
};

/// quantize(clip(linear)) -> linear with an i8 result.
struct FuseIntoLinear : FuseIntoSource<LinearOp> {
  using FuseIntoSource::FuseIntoSource;

  FailureOr<Value> fuse(QuantizeOp op, LinearOp linear,
                        const Epilogue &epilogue,
                        PatternRewriter &rewriter) const override {
    if (!linear.hasIntegerInput() || linear.isDynamic() ||
        linear.getNumScaleGroups() != 1)
      return rewriter.notifyMatchFailure(
          op, "the result of the layer is defined in float");
    if (linear->hasAttr(kFloatResultAttr))
      return rewriter.notifyMatchFailure(op, "the result is to be float");

    auto fused = LinearOp::create(
        rewriter, linear.getLoc(), op.getType(), linear.getInput(),
        linear.getWeight(), linear.getWeightScale(),
        linear.getWeightZeroPoint(), linear.getGroupMultiplier(),
        linear.getInputScale(), linear.getInputZeroPoint(), linear.getBias(),
        op.getScale(), getZeroPoint(rewriter, op.getLoc(), op.getZeroPoint()),
        linear.getAddend(), epilogue.clampMin, epilogue.clampMax,
        linear.getFeatureGroups());
    fused->setDiscardableAttrs(linear->getDiscardableAttrDictionary());
    return fused.getResult();
  }
};

/// quantize(clip(dequantize(q))) -> requantize(q).
struct FuseIntoRequantize : FuseIntoSource<DequantizeOp> {
  using FuseIntoSource::FuseIntoSource;

  FailureOr<Value> fuse(QuantizeOp op, DequantizeOp dequantize,
                        const Epilogue &epilogue,
                        PatternRewriter &rewriter) const override {
    if (dequantize.getInput().getType() != op.getType() ||
        dequantize.getMultiplier() ||
        dequantize.getScale().getType().getRank() != 0)
      return rewriter.notifyMatchFailure(op, "the source is not i8 with one "
                                             "scale");
    Location loc = op.getLoc();
    return RequantizeOp::create(
               rewriter, loc, op.getType(), dequantize.getInput(),
               dequantize.getScale(),
               getZeroPoint(rewriter, loc, dequantize.getZeroPoint()),
               op.getScale(), getZeroPoint(rewriter, loc, op.getZeroPoint()),
               epilogue.clampMin, epilogue.clampMax)
        .getResult();
  }
};

/// quantize(clip(rescale(sums))) -> rescale with an i8 result.
struct FuseIntoRescale : FuseIntoSource<RescaleOp> {
  using FuseIntoSource::FuseIntoSource;

  FailureOr<Value> fuse(QuantizeOp op, RescaleOp rescale,
                        const Epilogue &epilogue,
                        PatternRewriter &rewriter) const override {
    auto scales = getFloatValues(rescale.getScale());
    std::optional<float> outputScale = getSplat(op.getScale());
    if (!scales || !outputScale)
      return rewriter.notifyMatchFailure(op, "the scales are not constant");
    numerics::Evaluate a;
    for (float &scale : *scales) {
      scale = numerics::averageOutputScale(a, scale, *outputScale);
      if (!std::isfinite(scale) || scale == 0)
        return rewriter.notifyMatchFailure(op, "a quotient of scales is no "
                                               "scale");
    }
    Location loc = op.getLoc();
    Value scale =
        createConstant(rewriter, loc, rescale.getScale().getType().getShape(),
                       ArrayRef<float>(*scales));
    return RescaleOp::create(rewriter, rescale.getLoc(), op.getType(),
                             rescale.getInput(), scale,
                             getZeroPoint(rewriter, loc, op.getZeroPoint()),
                             epilogue.clampMin, epilogue.clampMax)
        .getResult();
  }
};

/// quantize(max(x, c)) -> quantize(x) where quantize(c) is the smallest
/// integer, and the zero point as well: that is what a NaN becomes, however the
/// maximum treats it.
struct DropLowerBound : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    StringRef reason;
    FailureOr<Epilogue> epilogue = matchEpilogue(op, reason);
    if (failed(epilogue))
      return rewriter.notifyMatchFailure(op, reason);
    if (epilogue->source == op.getInput() || epilogue->hasUpperBound)
      return rewriter.notifyMatchFailure(op, "not clipped from below alone");
    if (!epilogue->bounds.empty() || epilogue->clampMin != INT8_MIN)
      return rewriter.notifyMatchFailure(op, "the bound is not the smallest "
                                             "integer");
    if (!op.getZeroPoint() ||
        getStorageValues(op.getZeroPoint())->front() != INT8_MIN)
      return rewriter.notifyMatchFailure(op, "a NaN becomes another integer");
    rewriter.replaceOp(op, createQuantized(rewriter, op, epilogue->source));
    return success();
  }
};

struct FuseRequantize : quantc::impl::FuseRequantizeBase<FuseRequantize> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFuseRequantizePatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateFuseRequantizePatterns(RewritePatternSet &patterns) {
  patterns
      .add<FuseIntoLinear, FuseIntoRequantize, FuseIntoRescale, DropLowerBound>(
          patterns.getContext());
  populateHoistQuantizePatterns(patterns);
  populateHoistQuantizeOverMaximaPatterns(patterns);
}
