//===- ChannelNormalization.cpp - Normalization by channels ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors with a batch first and channels second. Statistics are means over
// some dimensions: mean x, and mean (x - mean x)^2 for the variance.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

namespace {
/// Of a tensor, along some axes.
struct Statistics {
  /// Without the axes.
  Tensor mean;
  Tensor variance;
  /// x - mean.
  Tensor deviation;
};
} // namespace

/// `body` on each element of `lhs` and the one of `rhs`, which lacks `axes`.
static Tensor createWithReduced(NodeImporter &node, Tensor &lhs, Tensor &rhs,
                                ArrayRef<int64_t> axes, ElementBody body) {
  int64_t rank = lhs.getRank();
  return makeTensor(
      lhs.type, lhs.shape,
      createGeneric(node, lhs.type, lhs.shape,
                    {{node.getValue(lhs), node.b.getMultiDimIdentityMap(rank)},
                     {node.getValue(rhs), getReducedMap(node, axes, rank)}},
                    body));
}

static Statistics createStatistics(NodeImporter &node, Tensor &input,
                                   ArrayRef<int64_t> axes) {
  ElementType type = input.type;
  Shape reduced = getReducedShape(input, axes);
  Statistics result;
  result.mean = makeTensor(type, reduced, createMean(node, input, axes));
  result.deviation = createWithReduced(
      node, input, result.mean, axes,
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::SubFOp::create(b, elements[0], elements[1]);
      });
  Tensor square = makeTensor(
      type, input.shape,
      createElementwise(
          node, type, input.shape, &result.deviation,
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::MulFOp::create(b, elements[0], elements[0]);
          }));
  result.variance = makeTensor(type, reduced, createMean(node, square, axes));
  return result;
}

/// (x - mean) * (1 / sqrt(variance + epsilon)) along `axes`.
static Tensor createNormalized(NodeImporter &node, Tensor &input,
                               ArrayRef<int64_t> axes) {
  ElementType type = input.type;
  Statistics statistics = createStatistics(node, input, axes);
  Value epsilon = node.createScalar(type, node.getFloat("epsilon", 1e-5f));
  Value one = node.createScalar(type, 1);
  Tensor inverse = makeTensor(
      type, statistics.variance.shape,
      createElementwise(
          node, type, statistics.variance.shape, &statistics.variance,
          [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            Value sum = arith::AddFOp::create(b, elements[0], epsilon);
            return arith::DivFOp::create(b, one, math::SqrtOp::create(b, sum));
          }));
  return createWithReduced(
      node, statistics.deviation, inverse, axes,
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::MulFOp::create(b, elements[0], elements[1]);
      });
}

/// x * scale + bias, with one of each for every index of dimension 1.
static Tensor createAffine(NodeImporter &node, Tensor &input, Tensor &scale,
                           Tensor &bias) {
  int64_t rank = input.getRank();
  AffineMap byChannel =
      AffineMap::get(rank, 0, getAffineDimExpr(1, node.getContext()));
  Value value = createGeneric(
      node, input.type, input.shape,
      {{node.getValue(input), node.b.getMultiDimIdentityMap(rank)},
       {node.getValue(scale), byChannel},
       {node.getValue(bias), byChannel}},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value scaled = arith::MulFOp::create(b, elements[0], elements[1]);
        return arith::AddFOp::create(b, scaled, elements[2]);
      });
  return makeTensor(input.type, input.shape, value);
}

/// Fails unless there are a batch and channels, and inputs from the second on
/// are vectors of `size` elements.
static LogicalResult expectVectors(NodeImporter &node, AffineExpr size) {
  for (Tensor *parameter : node.getInputs().drop_front())
    if (parameter->getRank() != 1 || parameter->shape[0] != size)
      return node.emitError(node.getOpType() + " with a parameter of shape " +
                            node.toString(parameter->shape) + "; expects " +
                            node.toString(size));
  return success();
}

static LogicalResult expectChannels(NodeImporter &node, int64_t rank) {
  Tensor &input = node.getInput(0);
  if (static_cast<int64_t>(input.getRank()) < rank)
    return node.emitError(node.getOpType() + " of " +
                          node.toString(input.shape) + "; expects batch, " +
                          (rank > 2 ? "channels and more" : "and channels"));
  return success();
}

//===----------------------------------------------------------------------===//
// BatchNormalization
//===----------------------------------------------------------------------===//

/// ((x - mean) * factor) + bias with factor = scale / sqrt(variance + epsilon)
/// for each channel.
static LogicalResult setBatchNormalized(NodeImporter &node, Tensor &mean,
                                        Tensor &variance) {
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  Shape channels = {input.shape[1]};
  Value epsilon = node.createScalar(type, node.getFloat("epsilon", 1e-5f));
  Tensor factor = makeTensor(
      type, channels,
      createElementwise(
          node, type, channels, {&node.getInput(1), &variance},
          [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            Value sum = arith::AddFOp::create(b, elements[1], epsilon);
            Value root = math::SqrtOp::create(b, sum);
            return arith::DivFOp::create(b, elements[0], root);
          }));
  int64_t rank = input.getRank();
  AffineMap byChannel =
      AffineMap::get(rank, 0, getAffineDimExpr(1, node.getContext()));
  SmallVector<Operand> operands = {
      {node.getValue(input), node.b.getMultiDimIdentityMap(rank)}};
  for (Tensor *parameter : {&mean, &factor, &node.getInput(2)})
    operands.push_back({node.getValue(*parameter), byChannel});
  Value result = createGeneric(
      node, type, input.shape, operands,
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value centred = arith::SubFOp::create(b, elements[0], elements[1]);
        Value scaled = arith::MulFOp::create(b, centred, elements[2]);
        return arith::AddFOp::create(b, scaled, elements[3]);
      });
  return node.setOutput(0, type, input.shape, result);
}

/// old * momentum + new * (1 - momentum), which becomes output `index`.
static LogicalResult setRunning(NodeImporter &node, unsigned index, Tensor &old,
                                Tensor &current) {
  float momentum = node.getFloat("momentum", 0.9f);
  Value keep = node.createScalar(old.type, momentum);
  Value take = node.createScalar(old.type, 1 - momentum);
  Value value = createElementwise(
      node, old.type, old.shape, {&old, &current},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value kept = arith::MulFOp::create(b, elements[0], keep);
        Value taken = arith::MulFOp::create(b, elements[1], take);
        return arith::AddFOp::create(b, kept, taken);
      });
  return node.setOutput(index, old.type, old.shape, value);
}

/// With the statistics of the inputs, or in training mode with those of the
/// batch, which the running ones move to.
static LogicalResult importBatchNormalization(NodeImporter &node) {
  if (failed(node.expectFloats(5)) || failed(expectChannels(node, 2)) ||
      failed(expectVectors(node, node.getInput(0).shape[1])))
    return failure();
  if (!node.getInt("spatial", 1))
    return node.emitError("BatchNormalization per element; expects one per "
                          "channel");
  if (!node.getInt("training_mode", 0))
    return setBatchNormalized(node, node.getInput(3), node.getInput(4));
  Tensor &input = node.getInput(0);
  SmallVector<int64_t> axes = getOtherAxes(1, input.getRank());
  Statistics statistics = createStatistics(node, input, axes);
  if (failed(setBatchNormalized(node, statistics.mean, statistics.variance)))
    return failure();
  Tensor *current[] = {&statistics.mean, &statistics.variance};
  for (unsigned index = 1; index < node.getNumOutputs() && index < 3; ++index)
    if (failed(setRunning(node, index, node.getInput(index + 2),
                          *current[index - 1])))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// InstanceNormalization and GroupNormalization
//===----------------------------------------------------------------------===//

static LogicalResult importInstanceNormalization(NodeImporter &node) {
  if (failed(node.expectFloats(3)) || failed(expectChannels(node, 3)) ||
      failed(expectVectors(node, node.getInput(0).shape[1])))
    return failure();
  Tensor &input = node.getInput(0);
  auto axes = llvm::to_vector(llvm::seq<int64_t>(2, input.getRank()));
  Tensor normal = createNormalized(node, input, axes);
  return node.setOutput(
      0, createAffine(node, normal, node.getInput(1), node.getInput(2)));
}

/// Parameters are per group before opset 21, then per channel.
static LogicalResult importGroupNormalization(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  if (failed(node.expectFloats(3)) || failed(expectChannels(node, 2)))
    return failure();
  int64_t numGroups = node.getInt("num_groups", 0);
  std::optional<int64_t> channels = getConstant(input.shape[1]);
  if (numGroups < 1 || !channels || *channels % numGroups != 0)
    return node.emitError(
        "GroupNormalization of " + node.toString(input.shape) + " in " +
        Twine(numGroups) + " groups; expects groups of equal size");
  bool isPerChannel = node.getOpset() >= 21;
  if (failed(expectVectors(
          node, node.getConstantSize(isPerChannel ? *channels : numGroups))))
    return failure();
  Shape groups = {input.shape[0]};
  groups.append(node.getConstantSizes({numGroups, *channels / numGroups}));
  groups.append(input.shape.begin() + 2, input.shape.end());
  Tensor grouped = reshapeTensor(node, input, groups);
  Tensor normal = createNormalized(
      node, grouped, llvm::to_vector(llvm::seq<int64_t>(2, groups.size())));
  Tensor &scale = node.getInput(1), &bias = node.getInput(2);
  if (!isPerChannel)
    normal = createAffine(node, normal, scale, bias);
  normal = reshapeTensor(node, normal, input.shape);
  return node.setOutput(
      0, isPerChannel ? createAffine(node, normal, scale, bias) : normal);
}

/// (x - mean) / (sqrt(variance) + 1e-9).
static LogicalResult importMeanVarianceNormalization(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  Tensor &input = node.getInput(0);
  FailureOr<SmallVector<int64_t>> axes =
      node.getAxes(node.getInts("axes").value_or(SmallVector<int64_t>{0, 2, 3}),
                   input.getRank());
  if (failed(axes))
    return failure();
  Statistics statistics = createStatistics(node, input, *axes);
  Value epsilon = node.createScalar(input.type, 1e-9);
  return node.setOutput(
      0, createWithReduced(
             node, statistics.deviation, statistics.variance, *axes,
             [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
               Value root = math::SqrtOp::create(b, elements[1]);
               return arith::DivFOp::create(
                   b, elements[0], arith::AddFOp::create(b, root, epsilon));
             }));
}

//===----------------------------------------------------------------------===//
// LpNormalization and LRN
//===----------------------------------------------------------------------===//

/// x / (sum |x|^p)^(1/p) along an axis, 0 where the norm is 0; p is 1 or 2.
static LogicalResult importLpNormalization(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", -1), input.getRank());
  if (failed(axis))
    return failure();
  int64_t p = node.getInt("p", 2);
  if (p != 1 && p != 2)
    return node.emitError("LpNormalization with p of " + Twine(p) +
                          "; expects 1 or 2");
  Value zero = node.createScalar(type, 0);
  Value sum = createReduction(
      node, input, *axis, zero,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value power;
        if (p == 1)
          power = math::AbsFOp::create(b, elements[0]);
        else
          power = arith::MulFOp::create(b, elements[0], elements[0]);
        return arith::AddFOp::create(b, elements[1], power);
      });
  Tensor norm = makeTensor(type, getReducedShape(input, *axis), sum);
  return node.setOutput(
      0, createWithReduced(
             node, input, norm, *axis,
             [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
               Value norm = elements[1];
               if (p == 2)
                 norm = math::SqrtOp::create(b, norm);
               Value isZero = arith::CmpFOp::create(
                   b, arith::CmpFPredicate::OEQ, norm, zero);
               Value quotient = arith::DivFOp::create(b, elements[0], norm);
               return arith::SelectOp::create(b, isZero, zero, quotient);
             }));
}

/// The sum of the squares of `size` neighbouring channels, fewer at the ends.
static FailureOr<Tensor> createSquareSums(NodeImporter &node, Tensor &input,
                                          int64_t size) {
  MLIRContext *context = node.getContext();
  ElementType type = input.type;
  size_t rank = input.getRank();
  int64_t before = (size - 1) / 2, after = size - 1 - before;
  SmallVector<OpFoldResult> low(rank, node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> high = low;
  low[1] = node.b.getIndexAttr(before);
  high[1] = node.b.getIndexAttr(after);
  Shape shape = input.shape;
  shape[1] = shape[1] + (size - 1);
  if (!isReasonable(shape))
    return node.emitError("LRN of " + Twine(size) +
                          " channels pads to an absurd shape");
  Value padded = tensor::PadOp::create(node.b, node.getType(type, shape),
                                       node.getValue(input), low, high,
                                       node.createScalar(type, 0));
  SmallVector<AffineExpr> element;
  for (size_t dim = 0; dim < rank; ++dim)
    element.push_back(getAffineDimExpr(dim, context));
  AffineExpr tap = getAffineDimExpr(rank, context);
  element[1] = element[1] + tap;
  AffineMap maps[] = {AffineMap::get(rank + 1, 0, element, context),
                      AffineMap::get(rank + 1, 0, tap),
                      AffineMap::getMultiDimIdentityMap(rank + 1, context)
                          .getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value init = node.createFilled(node.createScalar(type, 0), type, input.shape);
  Value operands[] = {padded,
                      node.createEmpty(type, node.getConstantSize(size))};
  auto generic = linalg::GenericOp::create(
      node.b, init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder b(loc, builder);
        Value square = arith::MulFOp::create(b, elements[0], elements[0]);
        linalg::YieldOp::create(
            b, arith::AddFOp::create(b, elements[2], square).getResult());
      });
  return makeTensor(type, input.shape, generic.getResult(0));
}

/// x / (bias + alpha / size * squares of neighbouring channels) ^ beta.
static LogicalResult importLrn(NodeImporter &node) {
  if (failed(node.expectFloats(1)) || failed(expectChannels(node, 2)))
    return failure();
  Tensor &input = node.getInput(0);
  int64_t size = node.getInt("size", 0);
  if (size < 1 || size > kMaxWindow)
    return node.emitError("LRN of " + Twine(size) +
                          " channels; expects at least 1");
  FailureOr<Tensor> sums = createSquareSums(node, input, size);
  if (failed(sums))
    return failure();
  ElementType type = input.type;
  float alpha = node.getFloat("alpha", 1e-4f);
  Value factor = node.createScalar(type, alpha / static_cast<float>(size));
  Value bias = node.createScalar(type, node.getFloat("bias", 1.0f));
  Value beta = node.createScalar(type, node.getFloat("beta", 0.75f));
  return setElementwiseOutput(
      node, type, {&input, &*sums},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value scaled = arith::MulFOp::create(b, elements[1], factor);
        Value base = arith::AddFOp::create(b, scaled, bias);
        return arith::DivFOp::create(b, elements[0],
                                     math::PowFOp::create(b, base, beta));
      });
}

static constexpr OpRow kRows[] = {
    {"BatchNormalization", 7, 5, 5, importBatchNormalization},
    {"GroupNormalization", 18, 3, 3, importGroupNormalization},
    {"InstanceNormalization", 6, 3, 3, importInstanceNormalization},
    {"LRN", 1, 1, 1, importLrn},
    {"LpNormalization", 1, 1, 1, importLpNormalization},
    {"MeanVarianceNormalization", 9, 1, 1, importMeanVarianceNormalization},
};

ArrayRef<OpRow> onnx::getChannelNormalizationOps() { return kRows; }
