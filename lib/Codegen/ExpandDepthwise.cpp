//===- ExpandDepthwise.cpp - Depthwise convolutions without patches -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where each group of features has one channel, term k of all outputs is a
// shifted slice of the input, x_k, and a row of the weight, w_k, channels last:
//
//   acc[r, n] = sum_k x[at(r, k), n] w[n, k]
//             = (x_0 w_0 + x_1 w_1) + ...        elementwise, k ascending
//
// With an integer input, (x - z) w = x w - z w, and -z sum_k w[n, k] is where
// the sum of channel n starts. In mode dynamic z is that of the row.
//
//===----------------------------------------------------------------------===//

#include "FeatureGroups.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Conversion/LinearEpilogue.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Numerics/Epilogues.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_EXPANDDEPTHWISEPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Windows of more places than this make too much code.
static constexpr int64_t kMostTerms = 64;

namespace {

/// A slice of the input: every `strides`-th element from `offsets` on. `loops`
/// has, for each dimension, the loop that it follows, or -1.
struct Shift {
  SmallVector<int64_t> offsets, strides, loops;
};

/// Builds the elementwise form of one layer.
class DepthwiseBuilder {
public:
  DepthwiseBuilder(PatternRewriter &rewriter, GroupedLayer layer)
      : b(rewriter), layer(layer), loc(layer.op->getLoc()) {}

  /// Fails, and sets `reason`, where the layer is not of this kind.
  LogicalResult match(StringRef &reason);
  /// [M, N].
  Value create();

private:
  LogicalResult matchWeight(StringRef &reason);
  std::optional<Shift> getShift(int64_t term);
  void repeatChannels();
  Value createShifted(const Shift &shift, ArrayRef<OpFoldResult> domain);
  AffineMap getMap(const Shift &shift);
  Value createWeight();
  Value createStart();
  Value createRows(Value parameter, ArrayRef<OpFoldResult> domain);
  int64_t countShortTerms(int64_t first);
  Value emitIntegerSum(Emit &a, ValueRange elements);
  /// The sum of the products of pairs of `elements`.
  Value emitSum(Emit &a, ValueRange elements);

  bool isInteger() { return layer.linear && layer.linear.hasIntegerInput(); }
  bool isDynamic() { return isInteger() && layer.linear.isDynamic(); }
  int64_t getNumLoops() { return rowDims + 1; }
  int64_t getMultiplier() { return layer.numOutputs / layer.numGroups; }

  PatternRewriter &b;
  GroupedLayer layer;
  Location loc;
  Patches patches;
  int64_t rowDims = 0;
  /// The dimension of the source that holds channels.
  int64_t channelDim = 0;
  /// What the shifts are slices of.
  Value source;
  /// [K, N]: w - zw, or the weights of a float layer.
  std::vector<int16_t> integers;
  std::vector<float> floats;
  /// 1 where rows have zero points of their own.
  int64_t inputZeroPoint = 1;
};

} // namespace

/// `expr` where the loops in `values` have these values, as a multiple of one
/// loop and a constant.
static std::optional<std::array<int64_t, 3>>
getLinearForm(AffineExpr expr, ArrayRef<AffineExpr> values, int64_t rowDims) {
  expr = simplifyAffineExpr(expr.replaceDims(values), values.size(), 0);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return std::array<int64_t, 3>{-1, 0, constant.getValue()};
  int64_t offset = 0, stride = 1;
  if (auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
      sum && sum.getKind() == AffineExprKind::Add) {
    auto constant = dyn_cast<AffineConstantExpr>(sum.getRHS());
    if (!constant)
      return std::nullopt;
    offset = constant.getValue();
    expr = sum.getLHS();
  }
  if (auto product = dyn_cast<AffineBinaryOpExpr>(expr);
      product && product.getKind() == AffineExprKind::Mul) {
    auto constant = dyn_cast<AffineConstantExpr>(product.getRHS());
    if (!constant)
      return std::nullopt;
    stride = constant.getValue();
    expr = product.getLHS();
  }
  auto dim = dyn_cast<AffineDimExpr>(expr);
  if (!dim || dim.getPosition() > rowDims || stride < 1 || offset < 0)
    return std::nullopt;
  return std::array<int64_t, 3>{dim.getPosition(), stride, offset};
}

/// Where the copies of `term`, in the order of the window, are from; none where
/// they are no slice.
std::optional<Shift> DepthwiseBuilder::getShift(int64_t term) {
  ArrayRef<int64_t> shape = patches.getType().getShape();
  SmallVector<AffineExpr> values(shape.size());
  for (int64_t dim = shape.size() - 1; dim > rowDims; --dim) {
    values[dim] = b.getAffineConstantExpr(term % shape[dim]);
    term /= shape[dim];
  }
  for (int64_t dim = 0; dim <= rowDims; ++dim)
    values[dim] = b.getAffineDimExpr(dim);
  Shift shift;
  llvm::SmallDenseSet<int64_t> used;
  for (AffineExpr expr :
       patches.getMap().getResults().take_front(channelDim + 1)) {
    auto form = getLinearForm(expr, values, rowDims);
    if (!form || ((*form)[0] >= 0 && !used.insert((*form)[0]).second))
      return std::nullopt;
    shift.loops.push_back((*form)[0]);
    shift.strides.push_back(std::max<int64_t>((*form)[1], 1));
    shift.offsets.push_back((*form)[2]);
  }
  return shift;
}

LogicalResult DepthwiseBuilder::matchWeight(StringRef &reason) {
  int64_t n = layer.numOutputs, k = layer.depth;
  LinearOp op = layer.linear;
  if (!op) {
    auto weight = layer.getFloatWeight();
    reason = "the weight is not constant";
    if (!weight)
      return failure();
    floats = transpose(ArrayRef(*weight), n, k);
    return success();
  }
  reason = "parts of the weight have scales of their own";
  if (op.getAddend() || op.getNumScaleGroups() != 1)
    return failure();
  auto weight = getStorageValues(op.getWeight());
  auto zeroPoint = std::optional(std::vector<int8_t>{0});
  auto multiplier = std::optional(std::vector<int8_t>{1});
  if (op.getWeightZeroPoint())
    zeroPoint = getStorageValues(op.getWeightZeroPoint());
  if (op.getGroupMultiplier())
    multiplier = getStorageValues(op.getGroupMultiplier());
  reason = "the weight or its parameters are not constant";
  if (!weight || !zeroPoint || !multiplier)
    return failure();
  integers.resize(n * k);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < k; ++j) {
      int64_t at = i * k + j;
      int64_t zero = (*zeroPoint)[i * zeroPoint->size() / n];
      int64_t factor = (*multiplier)[at * multiplier->size() / (n * k)];
      integers[j * n + i] = (*weight)[at] * factor - zero;
    }
  if (!op.hasIntegerInput()) {
    floats.assign(integers.begin(), integers.end());
    return success();
  }
  if (op.isDynamic())
    return success();
  reason = "the zero point of the input is not constant";
  auto inputZero = getStorageValues(op.getInputZeroPoint());
  if (!inputZero)
    return failure();
  inputZeroPoint = inputZero->front();
  return success();
}

LogicalResult DepthwiseBuilder::match(StringRef &reason) {
  std::optional<Patches> found = Patches::get(layer.getInput());
  reason = "the input is not made of patches";
  if (!found)
    return failure();
  patches = *found;
  rowDims = patches.getNumRowDims();
  reason = "the patches are not split into groups";
  if (patches.getType().getRank() <= rowDims ||
      patches.getType().getDimSize(rowDims) != layer.numGroups)
    return failure();
  reason = "the window is too large";
  if (layer.depth > kMostTerms)
    return failure();
  // One channel a group: whatever lies behind the channels has one element.
  AffineMap map = patches.getMap();
  auto channel = map.getResultPosition(b.getAffineDimExpr(rowDims));
  auto type = cast<RankedTensorType>(patches.getSource().getType());
  reason = "the groups have several channels";
  if (!channel ||
      llvm::any_of(type.getShape().drop_front(*channel + 1),
                   [](int64_t size) { return size != 1; }) ||
      type.getDimSize(*channel) != layer.numGroups)
    return failure();
  channelDim = *channel;
  reason = "the copies of a place are no slice";
  for (int64_t term = 0; term < layer.depth; ++term)
    if (!getShift(term))
      return failure();
  return matchWeight(reason);
}

/// Makes `source` the source without what lies behind the channels, one element
/// everywhere, and with each channel as often as it has outputs.
void DepthwiseBuilder::repeatChannels() {
  source = patches.getSource();
  int64_t rank = cast<RankedTensorType>(source.getType()).getRank();
  if (channelDim + 1 < rank) {
    // Slices would drop these dimensions, and which ones a slice with strides
    // drops upstream cannot always tell.
    SmallVector<ReassociationIndices> kept(channelDim + 1);
    for (int64_t dim = 0; dim < rank; ++dim)
      kept[std::min(dim, channelDim)].push_back(dim);
    source = tensor::CollapseShapeOp::create(b, loc, source, kept);
  }
  int64_t count = getMultiplier();
  if (count == 1)
    return;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, source);
  rank = sizes.size();
  sizes.insert(sizes.begin() + channelDim + 1, b.getIndexAttr(count));
  SmallVector<AffineExpr> from;
  SmallVector<ReassociationIndices> merged(rank);
  for (int64_t dim = 0; dim <= rank; ++dim) {
    if (dim != channelDim + 1)
      from.push_back(b.getAffineDimExpr(dim));
    merged[dim - (dim > channelDim)].push_back(dim);
  }
  Value repeated =
      createElementwise(b, loc, source,
                        AffineMap::get(rank + 1, 0, from, b.getContext()),
                        sizes, getElementTypeOrSelf(source),
                        [](Emit &, ValueRange elements) -> SmallVector<Value> {
                          return {elements[0]};
                        })
          .front();
  source = tensor::CollapseShapeOp::create(b, loc, repeated, merged);
}

/// The elements of one term, without the dimensions that it does not follow.
Value DepthwiseBuilder::createShifted(const Shift &shift,
                                      ArrayRef<OpFoldResult> domain) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<OpFoldResult> offsets, sizes, strides;
  SmallVector<int64_t> shape;
  for (auto [offset, stride, loop] :
       llvm::zip_equal(shift.offsets, shift.strides, shift.loops)) {
    OpFoldResult size = loop < 0          ? OpFoldResult(b.getIndexAttr(1))
                        : loop == rowDims ? b.getIndexAttr(layer.numOutputs)
                                          : domain[loop];
    offsets.push_back(b.getIndexAttr(offset));
    // One element has no stride; upstream finds the dimensions that a slice
    // drops by the strides of those that it keeps.
    strides.push_back(b.getIndexAttr(isOneInteger(size) ? 1 : stride));
    sizes.push_back(size);
    if (loop >= 0)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  }
  return tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), source,
      offsets, sizes, strides);
}

AffineMap DepthwiseBuilder::getMap(const Shift &shift) {
  SmallVector<AffineExpr> exprs;
  for (int64_t loop : shift.loops)
    if (loop >= 0)
      exprs.push_back(b.getAffineDimExpr(loop));
  return AffineMap::get(getNumLoops(), 0, exprs, b.getContext());
}

/// [K, N].
Value DepthwiseBuilder::createWeight() {
  if (!isInteger())
    return createConstant(b, loc, {layer.depth, layer.numOutputs},
                          ArrayRef(floats));
  auto type = RankedTensorType::get({layer.depth, layer.numOutputs},
                                    b.getIntegerType(16));
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef<int16_t>(integers)));
}

/// The [M, 1] `parameter` of rows in the shape of the domain.
Value DepthwiseBuilder::createRows(Value parameter,
                                   ArrayRef<OpFoldResult> domain) {
  if (rowDims == 1)
    return parameter;
  SmallVector<OpFoldResult> sizes(domain.take_front(rowDims));
  sizes.push_back(b.getIndexAttr(1));
  SmallVector<ReassociationIndices> dims(2);
  dims[0] = llvm::to_vector<2>(llvm::seq(rowDims));
  dims[1] = {rowDims};
  SmallVector<int64_t> shape = llvm::map_to_vector(sizes, [](OpFoldResult s) {
    return getConstantIntValue(s).value_or(ShapedType::kDynamic);
  });
  return tensor::ExpandShapeOp::create(
      b, loc, cast<RankedTensorType>(parameter.getType()).clone(shape),
      parameter, dims, sizes);
}

/// [N]: what the sums of an integer input start with, divided by the zero point
/// where that is of the row.
Value DepthwiseBuilder::createStart() {
  SmallVector<int32_t> starts(layer.numOutputs, 0);
  for (auto [i, weight] : llvm::enumerate(integers))
    starts[i % layer.numOutputs] -= inputZeroPoint * weight;
  auto type = RankedTensorType::get(layer.numOutputs, b.getI32Type());
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(starts)));
}

/// How many terms from `first` on sum up in 16 bits, for all channels.
int64_t DepthwiseBuilder::countShortTerms(int64_t first) {
  // |x| is at most 128.
  constexpr int64_t kMostWeight = INT16_MAX / 128;
  int64_t n = layer.numOutputs, count = layer.depth - first;
  for (int64_t channel = 0; channel < n; ++channel) {
    int64_t weight = 0, fitting = 0;
    for (; fitting < count; ++fitting) {
      weight += std::abs(integers[(first + fitting) * n + channel]);
      if (weight > kMostWeight)
        break;
    }
    count = fitting;
  }
  return count;
}

/// The sum of the products of pairs of bytes and 16-bit weights, after
/// `elements[2 K]`. Vectors of 16 bits have twice the lanes of those of 32, and
/// multiply in one step where the others take two: as many products as fit add
/// up there first.
Value DepthwiseBuilder::emitIntegerSum(Emit &a, ValueRange elements) {
  // The operation that the body is of does not exist yet.
  ImplicitLocOpBuilder builder(loc, b.getContext());
  builder.setInsertionPointToEnd(elements[0].getParentBlock());
  Type i16 = builder.getI16Type(), i32 = builder.getI32Type();
  auto multiply = [&](int64_t term, Type type) -> Value {
    Value x = arith::ExtSIOp::create(builder, type, elements[2 * term]);
    Value w = elements[2 * term + 1];
    if (type != i16)
      w = arith::ExtSIOp::create(builder, type, w);
    return arith::MulIOp::create(builder, x, w);
  };
  Value sum = elements[2 * layer.depth];
  if (isDynamic())
    sum = a.mulInt(sum, a.fromStorage(elements[2 * layer.depth + 1]));
  for (int64_t term = 0; term < layer.depth;) {
    int64_t count = countShortTerms(term);
    if (count == 0) {
      sum = a.addInt(sum, multiply(term++, i32));
      continue;
    }
    Value part = multiply(term, i16);
    for (int64_t next = term + 1; next < term + count; ++next)
      part = arith::AddIOp::create(builder, part, multiply(next, i16));
    sum = a.addInt(sum, arith::ExtSIOp::create(builder, i32, part));
    term += count;
  }
  return sum;
}

Value DepthwiseBuilder::emitSum(Emit &a, ValueRange elements) {
  if (isInteger())
    return emitIntegerSum(a, elements);
  Value sum = a.constant(0.0f);
  for (int64_t term = 0; term < layer.depth; ++term)
    sum = numerics::addFloatElement(a, sum, elements[2 * term],
                                    elements[2 * term + 1]);
  return sum;
}

Value DepthwiseBuilder::create() {
  SmallVector<OpFoldResult> domain(
      tensor::getMixedSizes(b, loc, patches.copy.getDpsInits().front()));
  domain.resize(rowDims);
  domain.push_back(b.getIndexAttr(layer.numOutputs));
  repeatChannels();

  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  auto byChannel =
      AffineMap::get(getNumLoops(), 0, b.getAffineDimExpr(rowDims));
  Value weight = createWeight();
  auto weightType = cast<RankedTensorType>(weight.getType());
  for (int64_t term = 0; term < layer.depth; ++term) {
    Shift shift = *getShift(term);
    inputs.push_back(createShifted(shift, domain));
    maps.push_back(getMap(shift));
    OpFoldResult one = b.getIndexAttr(1);
    inputs.push_back(tensor::ExtractSliceOp::create(
        b, loc,
        RankedTensorType::get(layer.numOutputs, weightType.getElementType()),
        weight, {b.getIndexAttr(term), b.getIndexAttr(0)},
        {one, b.getIndexAttr(layer.numOutputs)}, {one, one}));
    maps.push_back(byChannel);
  }
  auto addParameter = [&](Value parameter) {
    if (!parameter)
      return;
    auto type = cast<RankedTensorType>(parameter.getType());
    SmallVector<AffineExpr> exprs;
    for (int64_t size : type.getShape())
      exprs.push_back(size == 1 ? b.getAffineConstantExpr(0)
                                : b.getAffineDimExpr(rowDims));
    inputs.push_back(parameter);
    maps.push_back(AffineMap::get(getNumLoops(), 0, exprs, b.getContext()));
  };
  auto addRows = [&](Value parameter) {
    inputs.push_back(createRows(parameter, domain));
    AffineMap rows =
        b.getMultiDimIdentityMap(getNumLoops()).dropResult(rowDims);
    maps.push_back(rows.insertResult(b.getAffineConstantExpr(0), rowDims));
  };
  if (isInteger())
    addParameter(createStart());
  if (isDynamic())
    addRows(layer.linear.getInputZeroPoint());
  int64_t numTerms = inputs.size();
  EpilogueOperands operands;
  if (layer.linear)
    operands = createEpilogueOperands(b, layer.linear);
  Value *const parameters[] = {&operands.scale, &operands.bias,
                               &operands.outputScale,
                               &operands.outputZeroPoint};
  for (Value *parameter : parameters)
    addParameter(*parameter);
  if (isDynamic())
    addRows(operands.inputScale);

  Value sums =
      createElementwise(
          b, loc, inputs, maps, domain, layer.getResultType().getElementType(),
          [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
            Value sum = emitSum(a, elements);
            if (!layer.linear)
              return {sum};
            unsigned next = numTerms;
            for (Value *parameter : parameters)
              if (*parameter)
                *parameter = elements[next++];
            if (isDynamic())
              operands.inputScale = elements[next];
            return {emitEpilogue(a, layer.linear, sum, operands)};
          })
          .front();
  SmallVector<ReassociationIndices> dims(2);
  for (int64_t dim = 0; dim < getNumLoops(); ++dim)
    dims[dim == rowDims].push_back(dim);
  if (rowDims == 1)
    return sums;
  return tensor::CollapseShapeOp::create(b, loc, sums, dims);
}

namespace {
struct ExpandLayer : RewritePattern {
  explicit ExpandLayer(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<GroupedLayer> layer = GroupedLayer::get(op);
    if (!layer)
      return rewriter.notifyMatchFailure(op, "no groups of features");
    DepthwiseBuilder builder(rewriter, *layer);
    StringRef reason;
    if (failed(builder.match(reason)))
      return rewriter.notifyMatchFailure(op, reason);
    rewriter.replaceOp(op, builder.create());
    return success();
  }
};

struct ExpandDepthwise
    : quantc::impl::ExpandDepthwisePassBase<ExpandDepthwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandLayer>(&getContext());
    // What reads a result meets it in the shape that it is computed in.
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
