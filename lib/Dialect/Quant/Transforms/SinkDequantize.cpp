//===- SinkDequantize.cpp - Dequantize after elements moved ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// move(dequantize(q)) -> dequantize(move(q)), so that a layer finds its
// operands dequantized whatever moves their elements: the patches of a
// convolution, and the order and shape of its weight.
//
//===----------------------------------------------------------------------===//

#include "SinkDequantize.h"

#include "HoistQuantize.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Support/Permute.h"

using namespace mlir;
using namespace quantc;

/// The operation that makes `value` if it dequantizes with one scale.
static DequantizeOp getPerTensor(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  bool hasOneScale =
      op && !op.getMultiplier() && op.getScale().getType().getRank() == 0;
  return hasOneScale ? op : DequantizeOp();
}

/// `storage` dequantized as `op` dequantizes, with one scale.
static Value createDequantized(OpBuilder &builder, DequantizeOp op,
                               Value storage) {
  auto type = cast<RankedTensorType>(storage.getType());
  return DequantizeOp::create(builder, op.getLoc(),
                              type.clone(builder.getF32Type()), storage,
                              op.getScale(), op.getZeroPoint(),
                              /*multiplier=*/Value());
}

//===----------------------------------------------------------------------===//
// One scale
//===----------------------------------------------------------------------===//

namespace {
/// reshape(dequantize(q)) -> dequantize(reshape(q)). One scale fits any shape.
template <class ReshapeOp>
struct DequantizeAfterReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern<ReshapeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    DequantizeOp source = getPerTensor(op.getSrc());
    if (!source)
      return rewriter.notifyMatchFailure(op, "not dequantized with one scale");
    IRMapping mapping;
    mapping.map(op.getSrc(), source.getInput());
    Operation *moved = rewriter.clone(*op, mapping);
    auto type = cast<RankedTensorType>(op.getResult().getType());
    moved->getResult(0).setType(
        type.clone(source.getInput().getType().getElementType()));
    rewriter.replaceOp(
        op, createDequantized(rewriter, source, moved->getResult(0)));
    return success();
  }
};

/// pad(dequantize(q), 0) -> dequantize(pad(q, zero point)): exactly 0.
struct DequantizeAfterPad : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override {
    DequantizeOp source = getPerTensor(op.getSource());
    Value value = op.getConstantPaddingValue();
    if (!source || !source.getInput().getType().getElementType().isInteger(8))
      return rewriter.notifyMatchFailure(op, "no bytes with one scale");
    if (!value || !matchPattern(value, m_AnyZeroFloat()))
      return rewriter.notifyMatchFailure(op, "not padded with 0");
    Location loc = op.getLoc();
    Value padding = rewriter.createOrFold<tensor::ExtractOp>(
        loc, getZeroPoint(rewriter, loc, source.getZeroPoint()), ValueRange());
    Value padded = tensor::PadOp::create(
        rewriter, loc, op.getResultType().clone(rewriter.getI8Type()),
        source.getInput(), op.getMixedLowPad(), op.getMixedHighPad(), padding,
        op.getNofold());
    rewriter.replaceOp(op, createDequantized(rewriter, source, padded));
    return success();
  }
};

/// copy(dequantize(q)) -> dequantize(copy(q)) for a transpose and for a
/// linalg.generic each element of whose result is one of its only input.
struct DequantizeAfterCopy : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!isCopy(op))
      return rewriter.notifyMatchFailure(op, "does more than to copy");
    DequantizeOp source = getPerTensor(op->getOperand(0));
    if (!source)
      return rewriter.notifyMatchFailure(op, "not dequantized with one scale");
    Value copied = createCopy(rewriter, op, source.getInput());
    rewriter.replaceOp(op, createDequantized(rewriter, source, copied));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

namespace {
/// A constant of bytes with its parameters, all of one rank.
struct ConstantWeight {
  Location loc;
  ArrayRef<int64_t> shape;
  /// The shape of the parameters, [] for one.
  ArrayRef<int64_t> blocks;
  std::vector<int8_t> storage;
  std::vector<float> scale;
  /// Empty without.
  std::vector<int8_t> zeroPoint;

  static std::optional<ConstantWeight> get(Value value) {
    auto op = value.getDefiningOp<DequantizeOp>();
    if (!op || op.getMultiplier() ||
        !op.getInput().getType().getElementType().isInteger(8))
      return std::nullopt;
    auto storage = getStorageValues(op.getInput());
    auto scale = getFloatValues(op.getScale());
    auto zeroPoint = getStorageValues(op.getZeroPoint());
    if (!storage || !scale || (op.getZeroPoint() && !zeroPoint))
      return std::nullopt;
    return ConstantWeight{op.getLoc(),
                          op.getInput().getType().getShape(),
                          op.getScale().getType().getShape(),
                          std::move(*storage),
                          std::move(*scale),
                          zeroPoint.value_or(std::vector<int8_t>())};
  }

  /// Dequantizes the same elements in other shapes.
  Value create(OpBuilder &builder, ArrayRef<int64_t> toShape,
               ArrayRef<int64_t> toBlocks) const {
    Value zero;
    if (!zeroPoint.empty())
      zero =
          createConstant(builder, loc, toBlocks, ArrayRef<int8_t>(zeroPoint));
    return DequantizeOp::create(
        builder, loc, RankedTensorType::get(toShape, builder.getF32Type()),
        createConstant(builder, loc, toShape, ArrayRef<int8_t>(storage)),
        createConstant(builder, loc, toBlocks, ArrayRef<float>(scale)), zero,
        /*multiplier=*/Value());
  }
};

template <class T>
std::vector<T> permute(ArrayRef<T> values, ArrayRef<int64_t> shape,
                       ArrayRef<int64_t> permutation) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(T));
  std::vector<char> permuted =
      permuteElements(bytes, sizeof(T), shape, permutation);
  std::vector<T> result(values.size());
  llvm::copy(permuted, reinterpret_cast<char *>(result.data()));
  return result;
}

/// transpose(dequantize(constant)) -> dequantize(constant), the parameters of
/// blocks transposed too.
struct TransposeConstantWeight : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<ConstantWeight> weight = ConstantWeight::get(op.getInput());
    // A matrix is transposed with its layer.
    if (!weight || weight->shape.size() == 2)
      return rewriter.notifyMatchFailure(op, "no constant tensor of bytes");
    ArrayRef<int64_t> permutation = op.getPermutation();
    SmallVector<int64_t> shape = permuteShape(weight->shape, permutation);
    SmallVector<int64_t> blocks(weight->blocks);
    weight->storage =
        permute(ArrayRef<int8_t>(weight->storage), weight->shape, permutation);
    if (!blocks.empty()) {
      blocks = permuteShape(weight->blocks, permutation);
      weight->scale =
          permute(ArrayRef<float>(weight->scale), weight->blocks, permutation);
      if (!weight->zeroPoint.empty())
        weight->zeroPoint = permute(ArrayRef<int8_t>(weight->zeroPoint),
                                    weight->blocks, permutation);
    }
    rewriter.replaceOp(op, weight->create(rewriter, shape, blocks));
    return success();
  }
};

/// collapse(dequantize(constant)) -> dequantize(constant) where no collapsed
/// dimension is split into blocks.
struct CollapseConstantWeight : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<ConstantWeight> weight = ConstantWeight::get(op.getSrc());
    if (!weight || weight->blocks.empty())
      return rewriter.notifyMatchFailure(op, "no constant with several scales");
    SmallVector<int64_t> blocks;
    for (const ReassociationIndices &group : op.getReassociationIndices()) {
      int64_t count = 1;
      for (int64_t dim : group)
        count *= weight->blocks[dim];
      if (count != 1 && group.size() != 1)
        return rewriter.notifyMatchFailure(op, "blocks would not be such");
      blocks.push_back(count);
    }
    rewriter.replaceOp(
        op, weight->create(rewriter, op.getType().getShape(), blocks));
    return success();
  }
};
} // namespace

void quantc::populateSinkDequantizePatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<DequantizeAfterReshape<tensor::CollapseShapeOp>,
               DequantizeAfterReshape<tensor::ExpandShapeOp>,
               DequantizeAfterPad, DequantizeAfterCopy>(context);
  patterns.add<TransposeConstantWeight, CollapseConstantWeight>(context,
                                                                /*benefit=*/2);
}
