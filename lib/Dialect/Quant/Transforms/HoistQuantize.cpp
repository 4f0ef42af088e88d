//===- HoistQuantize.cpp - Quantize before elements move ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// quantize(move(x)) -> move(quantize(x)), so that layers on both sides of what
// only moves elements meet, and bytes move in place of floats.
//
//===----------------------------------------------------------------------===//

#include "HoistQuantize.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Patches.h"

using namespace mlir;
using namespace quantc;

bool quantc::isPerTensor(QuantizeOp op) {
  return op.getType().getElementType().isInteger(8) && !op.getMultiplier() &&
         op.getScale().getType().getRank() == 0;
}

/// Whether `op` does nothing but observe its operand, perhaps reshaped.
static bool isObserver(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return !op->use_empty() && llvm::all_of(op->getUsers(), isObserver);
  return isa<ObserveOp, HistogramOp>(op);
}

bool quantc::hasOnlyUser(Value value) {
  SmallPtrSet<Operation *, 4> users;
  for (Operation *user : value.getUsers())
    if (!isObserver(user))
      users.insert(user);
  return users.size() == 1;
}

bool quantc::isCopy(linalg::LinalgOp op) {
  return isa<linalg::TransposeOp, linalg::GenericOp>(op.getOperation()) &&
         op.hasPureTensorSemantics() && op.getNumDpsInputs() == 1 &&
         op->getNumResults() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getBlock()->getTerminator()->getOperand(0) ==
             op.getBlock()->getArgument(0);
}

LogicalResult
HoistQuantizePattern::matchAndRewrite(QuantizeOp op,
                                      PatternRewriter &rewriter) const {
  if (!isPerTensor(op))
    return rewriter.notifyMatchFailure(op, "not i8 with one scale");
  if (!hasOnlyUser(op.getInput()))
    return rewriter.notifyMatchFailure(op, "the float result has another use");
  return hoist(op, rewriter);
}

Value quantc::getZeroPoint(OpBuilder &builder, Location loc, Value zeroPoint) {
  if (zeroPoint)
    return zeroPoint;
  return createConstant(builder, loc, {}, ArrayRef<int8_t>{0});
}

Value quantc::createQuantized(OpBuilder &builder, QuantizeOp op, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return QuantizeOp::create(builder, op.getLoc(),
                            type.clone(builder.getI8Type()), value,
                            op.getScale(), op.getZeroPoint(), Value());
}

Value quantc::createQuantizedScalar(OpBuilder &builder, QuantizeOp op,
                                    Value value) {
  Location loc = op.getLoc();
  if (matchPattern(value, m_AnyZeroFloat()))
    return builder.createOrFold<tensor::ExtractOp>(
        loc, getZeroPoint(builder, loc, op.getZeroPoint()), ValueRange());
  Value tensor = tensor::FromElementsOp::create(
      builder, loc, RankedTensorType::get({}, value.getType()), value);
  return tensor::ExtractOp::create(
      builder, loc, createQuantized(builder, op, tensor), ValueRange());
}

/// Whether `value` is a chain of insertions into a tensor without values, as
/// concatenations are.
static bool isConcatenation(Value value) {
  while (auto insert = value.getDefiningOp<tensor::InsertSliceOp>())
    value = insert.getDest();
  return value.getDefiningOp<tensor::EmptyOp>();
}

Value quantc::createCopy(OpBuilder &builder, linalg::LinalgOp copy,
                         Value value) {
  Location loc = copy.getLoc();
  Value empty = tensor::EmptyOp::create(
      builder, loc,
      tensor::getMixedSizes(builder, loc, copy.getDpsInits().front()),
      getElementTypeOrSelf(value));
  if (auto transpose = dyn_cast<linalg::TransposeOp>(copy.getOperation()))
    return linalg::TransposeOp::create(builder, loc, value, empty,
                                       transpose.getPermutation())
        ->getResult(0);
  auto generic = cast<linalg::GenericOp>(copy.getOperation());
  return linalg::GenericOp::create(
             builder, loc, empty.getType(), value, empty,
             generic.getIndexingMapsArray(), generic.getIteratorTypesArray(),
             [](OpBuilder &b, Location loc, ValueRange elements) {
               linalg::YieldOp::create(b, loc, elements[0]);
             })
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// quantize(x), quantize(x) -> one of them: layers that share an input quantize
/// it alike, and what quantizes before elements move may meet another.
struct ShareQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    for (Operation *user : op.getInput().getUsers()) {
      auto first = dyn_cast<QuantizeOp>(user);
      if (!first || first == op || first->getBlock() != op->getBlock() ||
          !first->isBeforeInBlock(op) || first.getType() != op.getType() ||
          first->getOperands() != op->getOperands())
        continue;
      // It may be the only use of its input now.
      rewriter.modifyOpInPlace(first, [] {});
      rewriter.replaceOp(op, first);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no equal operation before it");
  }
};

/// quantize(reshape(x)) -> reshape(quantize(x)), so that layers on both sides
/// of a reshape meet. One scale fits any shape.
template <class ReshapeOp>
struct QuantizeBeforeReshape : HoistQuantizePattern {
  using HoistQuantizePattern::HoistQuantizePattern;

  LogicalResult hoist(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
    if (!reshape)
      return rewriter.notifyMatchFailure(op, "the input is not reshaped");
    Value source = reshape.getSrc();
    IRMapping mapping;
    mapping.map(source, createQuantized(rewriter, op, source));
    Operation *moved = rewriter.clone(*reshape, mapping);
    moved->getResult(0).setType(op.getType());
    rewriter.replaceOp(op, moved);
    return success();
  }
};

/// quantize(x, then zeros) -> quantize(x), then zero points, so that layers on
/// both sides of padding meet: 0 is quantized to the zero point exactly.
struct QuantizeBeforePadding : HoistQuantizePattern {
  using HoistQuantizePattern::HoistQuantizePattern;

  LogicalResult hoist(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto insert = op.getInput().getDefiningOp<tensor::InsertSliceOp>();
    auto fill =
        insert ? insert.getDest().getDefiningOp<linalg::FillOp>() : nullptr;
    if (!fill || !matchPattern(fill.value(), m_AnyZeroFloat()))
      return rewriter.notifyMatchFailure(op, "the input is not padded");
    Location loc = op.getLoc();
    Type i8 = rewriter.getI8Type();
    Value padding = createQuantizedScalar(rewriter, op, fill.value());
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, tensor::getMixedSizes(rewriter, loc, fill.output()), i8);
    Value padded =
        linalg::FillOp::create(rewriter, loc, padding, empty).getResult(0);
    Value quantized = createQuantized(rewriter, op, insert.getSource());
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(
        op, quantized, padded, insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
    return success();
  }
};

/// quantize(x inserted into y) -> quantize(x) inserted into quantize(y), so
/// that layers on both sides of a concatenation meet. What has no values yet
/// has none as bytes.
struct QuantizeBeforeConcatenation : HoistQuantizePattern {
  using HoistQuantizePattern::HoistQuantizePattern;

  LogicalResult hoist(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto insert = op.getInput().getDefiningOp<tensor::InsertSliceOp>();
    if (!insert || !isConcatenation(insert.getDest()))
      return rewriter.notifyMatchFailure(op, "the input is not concatenated");
    Value dest = insert.getDest(), storage;
    if (auto empty = dest.getDefiningOp<tensor::EmptyOp>())
      storage = tensor::EmptyOp::create(
          rewriter, op.getLoc(), empty.getMixedSizes(), rewriter.getI8Type());
    else
      storage = createQuantized(rewriter, op, dest);
    Value part = createQuantized(rewriter, op, insert.getSource());
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(
        op, part, storage, insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
    return success();
  }
};

/// quantize(pad(x)) -> pad(quantize(x)), for the same reason and with any one
/// value.
struct QuantizeBeforePad : HoistQuantizePattern {
  using HoistQuantizePattern::HoistQuantizePattern;

  LogicalResult hoist(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<tensor::PadOp>();
    Value value = pad ? pad.getConstantPaddingValue() : Value();
    if (!value)
      return rewriter.notifyMatchFailure(op, "the input is not padded with one "
                                             "value");
    Location loc = op.getLoc();
    Value padding = createQuantizedScalar(rewriter, op, value);
    Value quantized = createQuantized(rewriter, op, pad.getSource());
    rewriter.replaceOp(
        op, tensor::PadOp::create(rewriter, loc, op.getType(), quantized,
                                  pad.getMixedLowPad(), pad.getMixedHighPad(),
                                  padding, pad.getNofold()));
    return success();
  }
};

/// quantize(transpose(x)) -> transpose(quantize(x)), and the same for a
/// linalg.generic that only copies: each element of its result is one of x.
struct QuantizeBeforeCopy : HoistQuantizePattern {
  using HoistQuantizePattern::HoistQuantizePattern;

  LogicalResult hoist(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto copy = op.getInput().getDefiningOp<linalg::LinalgOp>();
    if (!copy || !isCopy(copy))
      return rewriter.notifyMatchFailure(op, "the input is not copied");
    Value quantized = createQuantized(rewriter, op, copy->getOperand(0));
    rewriter.replaceOp(op, createCopy(rewriter, copy, quantized));
    return success();
  }
};

/// quantize(patches(x)) -> patches(quantize(x)), where the rows of a sample
/// share its parameters: each element is quantized once and not for every
/// window that it is in.
struct QuantizeSamplesBeforeWindows : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Patches> patches = matchWindows(op.getInput());
    if (!patches)
      return rewriter.notifyMatchFailure(op, "the rows are no patches");
    Value scale = matchRowsOfSamples(op.getScale(), *patches);
    Value zeroPoint = op.getZeroPoint();
    if (zeroPoint)
      zeroPoint = matchRowsOfSamples(zeroPoint, *patches);
    if (!scale || (op.getZeroPoint() && !zeroPoint) || op.getMultiplier())
      return rewriter.notifyMatchFailure(op, "no parameters of samples");
    Location loc = op.getLoc();
    Value source = patches->getSource();
    Value samples = createSamples(rewriter, loc, source);
    Type type = op.getType().getElementType();
    Value quantized = QuantizeOp::create(
        rewriter, loc, cast<RankedTensorType>(samples.getType()).clone(type),
        samples, scale, zeroPoint, Value());
    if (auto collapse = samples.getDefiningOp<tensor::CollapseShapeOp>())
      quantized = tensor::ExpandShapeOp::create(
          rewriter, loc, collapse.getSrcType().clone(type), quantized,
          collapse.getReassociationIndices(),
          tensor::getMixedSizes(rewriter, loc, source));
    Value copies = createCopy(rewriter, patches->copy, quantized);
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, op.getType(), copies, patches->collapse.getReassociationIndices());
    return success();
  }
};
} // namespace

void quantc::populateHoistQuantizePatterns(RewritePatternSet &patterns) {
  patterns
      .add<ShareQuantize, QuantizeBeforePadding, QuantizeBeforeConcatenation,
           QuantizeBeforePad, QuantizeBeforeCopy, QuantizeSamplesBeforeWindows,
           QuantizeBeforeReshape<tensor::CollapseShapeOp>,
           QuantizeBeforeReshape<tensor::ExpandShapeOp>>(patterns.getContext());
}
