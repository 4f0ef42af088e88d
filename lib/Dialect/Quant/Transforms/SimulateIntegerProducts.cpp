//===- SimulateIntegerProducts.cpp - Scaled products as layers ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_SIMULATEINTEGERPRODUCTS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Products of two differences of bytes whose sum i32 holds.
static constexpr int64_t kMaxDepth = INT32_MAX / (255 * 255);

/// 0 of unsigned bytes, as signed ones.
static constexpr int8_t kSignBit = -128;

//===----------------------------------------------------------------------===//
// Elementwise operations
//===----------------------------------------------------------------------===//

/// The operation that makes `value` if it works element by element.
static linalg::GenericOp getElementwise(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return {};
  return op;
}

/// The tensor that `scalar`, a value of the body of `op`, is an element of;
/// null if it is none.
static OpOperand *getInput(linalg::GenericOp op, Value scalar) {
  auto argument = dyn_cast<BlockArgument>(scalar);
  if (!argument || argument.getOwner() != op.getBody())
    return nullptr;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  return op.isDpsInput(operand) ? operand : nullptr;
}

/// What `op` computes as its last step, if that is an `Op`.
template <class Op>
static Op getYielded(linalg::GenericOp op) {
  auto step = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<Op>();
  return step && step->getBlock() == op.getBody() ? step : Op();
}

/// `value` if it is the result of flipping the upper bit of each byte of it.
static Value getUnflipped(Value value) {
  linalg::GenericOp op = getElementwise(value);
  auto flip = op ? getYielded<arith::XOrIOp>(op) : arith::XOrIOp();
  APInt bit;
  if (!flip || !matchPattern(flip.getRhs(), m_ConstantInt(&bit)) ||
      bit != APInt(8, kSignBit, /*isSigned=*/true))
    return {};
  OpOperand *input = getInput(op, flip.getLhs());
  return input && op.getMatchingIndexingMap(input).isIdentity() ? input->get()
                                                                : Value();
}

/// Signed bytes less a half of their range for unsigned ones.
static Value createFlipped(PatternRewriter &rewriter, Location loc,
                           Value value) {
  if (Value unflipped = getUnflipped(value))
    return unflipped;
  auto type = cast<RankedTensorType>(value.getType());
  if (auto elements = getStorageValues(value)) {
    for (int8_t &element : *elements)
      element = static_cast<int8_t>(element ^ kSignBit);
    return createConstant(rewriter, loc, type.getShape(),
                          ArrayRef<int8_t>(*elements));
  }
  Value bit = arith::ConstantIntOp::create(rewriter, loc, kSignBit, 8);
  Value init = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, value),
      type.getElementType());
  SmallVector<AffineMap> maps(2,
                              rewriter.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             rewriter, loc, type, value, init, maps, iterators,
             [&](OpBuilder &b, Location bodyLoc, ValueRange elements) {
               Value flipped =
                   arith::XOrIOp::create(b, bodyLoc, elements[0], bit);
               linalg::YieldOp::create(b, bodyLoc, flipped);
             })
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Operands of the product
//===----------------------------------------------------------------------===//

namespace {
/// ext(storage) - ext(zero point), in i32.
struct Centered {
  Value storage;
  bool isUnsigned = false;
  /// i8 of rank 0, or of a vector for the last dimension; null for `constant`.
  Value zeroPoint;
  /// After extension.
  int64_t constant = 0;
};
} // namespace

/// The byte that `extended` is, and how it was extended.
static Value getExtended(Value extended, bool &isUnsigned) {
  Operation *op = extended.getDefiningOp();
  if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(op) ||
      !op->getOperand(0).getType().isInteger(8))
    return {};
  isUnsigned = isa<arith::ExtUIOp>(op);
  return op->getOperand(0);
}

/// Whether an operand with this map is one for all elements, or one for each
/// index of the last of `rank` dimensions.
static bool isPerColumn(AffineMap map, int64_t rank) {
  return map.getNumResults() == 0 ||
         (map.getNumResults() == 1 &&
          (map.getResult(0) == getAffineDimExpr(rank - 1, map.getContext())));
}

static std::optional<Centered> matchCentered(Value value) {
  linalg::GenericOp op = getElementwise(value);
  if (!op)
    return std::nullopt;
  Centered result;
  Value extended = op.getBody()->getTerminator()->getOperand(0);
  if (auto difference = getYielded<arith::SubIOp>(op)) {
    extended = difference.getLhs();
    APInt constant;
    bool isUnsigned = false;
    if (matchPattern(difference.getRhs(), m_ConstantInt(&constant))) {
      result.constant = constant.getSExtValue();
    } else {
      Value byte = getExtended(difference.getRhs(), isUnsigned);
      OpOperand *input = byte ? getInput(op, byte) : nullptr;
      if (!input ||
          !isPerColumn(op.getMatchingIndexingMap(input), op.getNumLoops()))
        return std::nullopt;
      result.zeroPoint = input->get();
    }
    Value byte = getExtended(extended, result.isUnsigned);
    if (!byte || (result.zeroPoint && isUnsigned != result.isUnsigned))
      return std::nullopt;
  }
  Value byte = getExtended(extended, result.isUnsigned);
  OpOperand *input = byte ? getInput(op, byte) : nullptr;
  if (!input || !op.getMatchingIndexingMap(input).isIdentity())
    return std::nullopt;
  result.storage = input->get();
  return result;
}

/// The signed zero point of `centered`.
static Value createZeroPoint(PatternRewriter &rewriter, Location loc,
                             const Centered &centered) {
  if (centered.zeroPoint)
    return centered.isUnsigned
               ? createFlipped(rewriter, loc, centered.zeroPoint)
               : centered.zeroPoint;
  int64_t zeroPoint = centered.constant + (centered.isUnsigned ? kSignBit : 0);
  return createConstant(rewriter, loc, {},
                        ArrayRef<int8_t>{static_cast<int8_t>(zeroPoint)});
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

namespace {
/// An f32 scale as the product of a value for the tensor and constants for the
/// columns of the weight, one or as many as there are.
struct Scale {
  /// Null is 1.
  Value input;
  std::vector<float> weight = {1.0f};
};
} // namespace

/// The constants that `scalar`, a value of the body of `op`, takes along the
/// last dimension.
static std::optional<std::vector<float>> getConstants(linalg::GenericOp op,
                                                      Value scalar) {
  FloatAttr constant;
  if (matchPattern(scalar, m_Constant(&constant)))
    return std::vector<float>{constant.getValue().convertToFloat()};
  OpOperand *input = getInput(op, scalar);
  if (!input ||
      !isPerColumn(op.getMatchingIndexingMap(input), op.getNumLoops()))
    return std::nullopt;
  return getFloatValues(input->get());
}

/// What `scalar`, a value of the body of `op`, is a product of.
static std::optional<Scale> matchScale(linalg::GenericOp op, Value scalar) {
  Scale scale;
  if (auto constants = getConstants(op, scalar)) {
    scale.weight = std::move(*constants);
    return scale;
  }
  OpOperand *input = getInput(op, scalar);
  if (!input ||
      !isPerColumn(op.getMatchingIndexingMap(input), op.getNumLoops()))
    return std::nullopt;
  auto isSingle = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.getRank() == 0 && type.getElementType().isF32();
  };
  linalg::GenericOp product = getElementwise(input->get());
  auto multiply =
      product ? getYielded<arith::MulFOp>(product) : arith::MulFOp();
  if (!multiply) {
    scale.input = input->get();
    return isSingle(scale.input) ? std::optional(scale) : std::nullopt;
  }
  for (auto [self, other] : {std::pair(multiply.getLhs(), multiply.getRhs()),
                             std::pair(multiply.getRhs(), multiply.getLhs())}) {
    OpOperand *factor = getInput(product, self);
    auto constants = getConstants(product, other);
    if (!factor || !constants || !isSingle(factor->get()))
      continue;
    scale.input = factor->get();
    scale.weight = std::move(*constants);
    return scale;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The pattern
//===----------------------------------------------------------------------===//

namespace {
/// The parts of f32(matmul(lhs, rhs)) * scale.
struct ScaledProduct {
  linalg::MatmulOp matmul;
  /// Between the centered bytes and the product, and behind it; may be null.
  tensor::CollapseShapeOp collapse;
  tensor::ExpandShapeOp expand;
  Centered lhs;
  Centered rhs;
  Scale scale;
};
} // namespace

static Value lookThroughCast(Value value) {
  linalg::GenericOp op = getElementwise(value);
  auto toFloat = op ? getYielded<arith::SIToFPOp>(op) : arith::SIToFPOp();
  OpOperand *input = toFloat ? getInput(op, toFloat.getIn()) : nullptr;
  if (!input || !op.getMatchingIndexingMap(input).isIdentity() ||
      !toFloat.getType().isF32() || !toFloat.getIn().getType().isInteger(32))
    return {};
  return input->get();
}

/// Matches all but the scale; null or a reason why not.
static const char *matchProduct(Value sum, ScaledProduct &product) {
  product.expand = sum.getDefiningOp<tensor::ExpandShapeOp>();
  if (product.expand)
    sum = product.expand.getSrc();
  product.matmul = sum.getDefiningOp<linalg::MatmulOp>();
  if (!product.matmul || product.matmul.hasUserDefinedMaps())
    return "no product of matrices is converted to float";
  auto fill = product.matmul.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_Zero()))
    return "the product is added to something";
  Value input = product.matmul.getInputs()[0];
  product.collapse = input.getDefiningOp<tensor::CollapseShapeOp>();
  if (product.collapse)
    input = product.collapse.getSrc();
  std::optional<Centered> lhs = matchCentered(input);
  std::optional<Centered> rhs = matchCentered(product.matmul.getInputs()[1]);
  if (!lhs || !rhs || !getStorageValues(rhs->storage))
    return "the factors are no bytes less zero points, the second constant";
  if (lhs->zeroPoint &&
      cast<RankedTensorType>(lhs->zeroPoint.getType()).getRank() != 0)
    return "the input has several zero points";
  if (rhs->zeroPoint && !getStorageValues(rhs->zeroPoint))
    return "zero points of the weight are not constant";
  auto type = cast<RankedTensorType>(rhs->storage.getType());
  if (type.getDimSize(0) > kMaxDepth)
    return "sums of so many products may overflow";
  product.lhs = *lhs;
  product.rhs = *rhs;
  return nullptr;
}

/// The float input: dequantized bytes in the shape of the product's.
static Value createInput(PatternRewriter &rewriter, Location loc,
                         const ScaledProduct &product) {
  Value storage = product.lhs.storage;
  if (product.lhs.isUnsigned)
    storage = createFlipped(rewriter, loc, storage);
  Value scale = product.scale.input;
  if (!scale)
    scale = createConstant(rewriter, loc, {}, ArrayRef{1.0f});
  auto type = cast<RankedTensorType>(storage.getType());
  Value input = DequantizeOp::create(
      rewriter, loc, type.clone(rewriter.getF32Type()), storage, scale,
      createZeroPoint(rewriter, loc, product.lhs), /*multiplier=*/Value());
  if (tensor::CollapseShapeOp collapse = product.collapse)
    input = tensor::CollapseShapeOp::create(
        rewriter, loc, collapse.getResultType().clone(rewriter.getF32Type()),
        input, collapse.getReassociationIndices());
  return input;
}

/// The float weight, [K, N]; scales and zero points have one shape.
static Value createWeight(PatternRewriter &rewriter, Location loc,
                          const ScaledProduct &product) {
  Value storage = product.rhs.storage;
  if (product.rhs.isUnsigned)
    storage = createFlipped(rewriter, loc, storage);
  Value zeroPoint = createZeroPoint(rewriter, loc, product.rhs);
  std::vector<int8_t> zeroPoints = *getStorageValues(zeroPoint);
  std::vector<float> scales = product.scale.weight;
  auto type = cast<RankedTensorType>(storage.getType());
  SmallVector<int64_t> blocks;
  if (scales.size() > 1 || zeroPoints.size() > 1) {
    blocks = {1, type.getDimSize(1)};
    if (scales.size() == 1)
      scales.assign(type.getDimSize(1), scales.front());
    if (zeroPoints.size() == 1)
      zeroPoints.assign(type.getDimSize(1), zeroPoints.front());
  }
  zeroPoint = Value();
  if (llvm::any_of(zeroPoints, [](int8_t value) { return value != 0; }))
    zeroPoint =
        createConstant(rewriter, loc, blocks, ArrayRef<int8_t>(zeroPoints));
  return DequantizeOp::create(
      rewriter, loc, type.clone(rewriter.getF32Type()), storage,
      createConstant(rewriter, loc, blocks, ArrayRef<float>(scales)), zeroPoint,
      /*multiplier=*/Value());
}

namespace {
/// f32(matmul(a - za, w - zw)) * (sa * sw) -> matmul(dequantize a, dequantize
/// w)
struct SimulateProduct : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    auto multiply = op->getNumResults() == 1 && getElementwise(op.getResult(0))
                        ? getYielded<arith::MulFOp>(op)
                        : arith::MulFOp();
    if (!multiply)
      return rewriter.notifyMatchFailure(op, "no product of elements");
    ScaledProduct product;
    Value sum, scale;
    for (auto [self, other] :
         {std::pair(multiply.getLhs(), multiply.getRhs()),
          std::pair(multiply.getRhs(), multiply.getLhs())}) {
      OpOperand *input = getInput(op, self);
      if (!input || !op.getMatchingIndexingMap(input).isIdentity())
        continue;
      if ((sum = lookThroughCast(input->get()))) {
        scale = other;
        break;
      }
    }
    if (!sum)
      return rewriter.notifyMatchFailure(op, "no sum is converted to float");
    if (const char *reason = matchProduct(sum, product))
      return rewriter.notifyMatchFailure(op, reason);
    std::optional<Scale> factors = matchScale(op, scale);
    auto weightType = cast<RankedTensorType>(product.rhs.storage.getType());
    if (!factors || llvm::any_of(factors->weight, [](float value) {
          return !(value > 0) || std::isinf(value);
        }))
      return rewriter.notifyMatchFailure(
          op, "the scale is no product of one of the input and constant ones");
    if (factors->weight.size() != 1 &&
        static_cast<int64_t>(factors->weight.size()) !=
            weightType.getDimSize(1))
      return rewriter.notifyMatchFailure(op, "scales are not by column");
    product.scale = std::move(*factors);

    Location loc = product.matmul.getLoc();
    Type f32 = rewriter.getF32Type();
    Value input = createInput(rewriter, loc, product);
    Value weight = createWeight(rewriter, loc, product);
    auto type = cast<RankedTensorType>(product.matmul.getResult(0).getType());
    Value empty = tensor::EmptyOp::create(
        rewriter, loc,
        tensor::getMixedSizes(rewriter, loc, product.matmul.getOutputs()[0]),
        f32);
    Value zero =
        arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
    Value init =
        linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
    Value result = linalg::MatmulOp::create(rewriter, loc, type.clone(f32),
                                            ValueRange{input, weight}, init)
                       .getResult(0);
    if (tensor::ExpandShapeOp expand = product.expand)
      result = tensor::ExpandShapeOp::create(
          rewriter, expand.getLoc(), expand.getResultType().clone(f32), result,
          expand.getReassociationIndices(), expand.getMixedOutputShape());
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct SimulateIntegerProducts
    : quantc::impl::SimulateIntegerProductsBase<SimulateIntegerProducts> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateSimulateIntegerProductsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateSimulateIntegerProductsPatterns(
    RewritePatternSet &patterns) {
  patterns.add<SimulateProduct>(patterns.getContext());
}
