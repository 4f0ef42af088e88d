//===- ChannelAffine.cpp - Affine maps of the outputs of a layer ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/ChannelAffine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quantc;
using numerics::ChannelAffine;

/// `op` if it computes each element of its only result, f32, from one of each
/// operand.
static linalg::LinalgOp getElementwiseFloat(Operation *op) {
  linalg::LinalgOp elementwise = getElementwise(op);
  if (!elementwise || elementwise.hasIndexSemantics() ||
      !getElementTypeOrSelf(op->getResult(0)).isF32() ||
      elementwise.payloadUsesValueFromOperand(elementwise.getDpsInitOperand(0)))
    return {};
  return elementwise;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// What `op` computes from `operands`; none if it is not affine in them.
static std::optional<ChannelAffine> evaluate(Operation *op,
                                             ArrayRef<ChannelAffine> operands) {
  using Result = std::optional<ChannelAffine>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::AddFOp) { return operands[0] + operands[1]; })
      .Case([&](arith::SubFOp) { return operands[0] - operands[1]; })
      .Case([&](arith::NegFOp) { return operands[0] * -1; })
      .Case([&](arith::MulFOp) -> Result {
        if (operands[1].isConstant())
          return operands[0] * operands[1].shift;
        if (operands[0].isConstant())
          return operands[1] * operands[0].shift;
        return std::nullopt;
      })
      .Case([&](arith::DivFOp) -> Result {
        if (!operands[1].isConstant())
          return std::nullopt;
        return operands[0] / operands[1].shift;
      })
      .Case([&](math::SqrtOp) -> Result {
        if (!operands[0].isConstant())
          return std::nullopt;
        return ChannelAffine::constant(std::sqrt(operands[0].shift));
      })
      .Default(std::nullopt);
}

/// What the body of `op` yields if its arguments are `arguments`.
static std::optional<ChannelAffine>
evaluateBody(linalg::LinalgOp op, ArrayRef<ChannelAffine> arguments) {
  Block *body = op.getBlock();
  llvm::DenseMap<Value, ChannelAffine> known;
  for (auto [argument, value] : llvm::zip(body->getArguments(), arguments))
    known[argument] = value;
  auto read = [&](Value scalar) -> std::optional<ChannelAffine> {
    if (auto found = known.find(scalar); found != known.end())
      return found->second;
    FloatAttr attr;
    if (!scalar.getType().isF32() || !matchPattern(scalar, m_Constant(&attr)))
      return std::nullopt;
    return ChannelAffine::constant(attr.getValueAsDouble());
  };
  for (Operation &step : body->without_terminator()) {
    if (step.hasTrait<OpTrait::ConstantLike>())
      continue;
    SmallVector<ChannelAffine> operands;
    for (Value operand : step.getOperands()) {
      std::optional<ChannelAffine> value = read(operand);
      if (!value)
        return std::nullopt;
      operands.push_back(*value);
    }
    std::optional<ChannelAffine> result = evaluate(&step, operands);
    if (!result)
      return std::nullopt;
    known[step.getResult(0)] = *result;
  }
  return read(body->getTerminator()->getOperand(0));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// So many operations, one after the other, make a parameter of constants.
static constexpr unsigned kMostSteps = 16;

namespace {
/// Evaluates what elementwise operations make of constants, each once.
class ConstantEvaluator {
public:
  using Elements = std::optional<std::vector<double>>;

  /// The elements of `tensor` as f64; none if it is not constant.
  const Elements &evaluate(Value tensor) {
    auto [entry, isNew] = known.try_emplace(tensor);
    if (!isNew)
      return *entry->second;
    entry->second = std::make_unique<Elements>();
    Elements &elements = *entry->second;
    if (++depth <= kMostSteps)
      elements = compute(tensor);
    --depth;
    return elements;
  }

private:
  Elements compute(Value tensor);

  llvm::DenseMap<Value, std::unique_ptr<Elements>> known;
  unsigned depth = 0;
};
} // namespace

ConstantEvaluator::Elements ConstantEvaluator::compute(Value tensor) {
  if (auto elements = ConstantElements<float>::get(tensor))
    return std::vector<double>(elements->values().begin(),
                               elements->values().end());
  Operation *producer = tensor.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  linalg::LinalgOp op = producer ? getElementwiseFloat(producer) : nullptr;
  if (!op || !type || !type.hasStaticShape())
    return std::nullopt;
  SmallVector<ArrayRef<double>> inputs;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!op.getMatchingIndexingMap(input).isIdentity())
      return std::nullopt;
    const Elements &elements = evaluate(input->get());
    if (!elements)
      return std::nullopt;
    inputs.push_back(*elements);
  }
  std::vector<double> result(type.getNumElements());
  for (auto [index, element] : llvm::enumerate(result)) {
    SmallVector<ChannelAffine> arguments;
    for (ArrayRef<double> input : inputs)
      arguments.push_back(ChannelAffine::constant(input[index]));
    std::optional<ChannelAffine> value = evaluateBody(op, arguments);
    if (!value)
      return std::nullopt;
    element = value->shift;
  }
  return result;
}

/// The element of `operand`, which `op` reads beside the outputs in `channels`,
/// for each of them; none if it is not constant, or differs within an output.
static std::optional<std::vector<double>>
evaluateParameter(linalg::LinalgOp op, OpOperand &operand,
                  const ChannelDims &channels, int64_t numChannels) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<int64_t> loops(op.getNumLoops(), 0);
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  if (!type) {
    std::optional<float> value = getSplat(operand.get());
    if (!value)
      return std::nullopt;
    return std::vector<double>(numChannels, *value);
  }
  if (!type.hasStaticShape() || !type.getElementType().isF32())
    return std::nullopt;
  for (auto [expr, size] : llvm::zip_equal(map.getResults(), type.getShape())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    bool isFixed = isa<AffineConstantExpr>(expr) || size == 1;
    if (!isFixed && (!dim || !channels.contains(dim.getPosition())))
      return std::nullopt;
  }
  ConstantEvaluator evaluator;
  const ConstantEvaluator::Elements &elements =
      evaluator.evaluate(operand.get());
  if (!elements)
    return std::nullopt;
  std::vector<double> result(numChannels);
  for (auto [channel, value] : llvm::enumerate(result)) {
    channels.setCoordinates(channel, loops);
    int64_t index = 0;
    for (auto [position, size] :
         llvm::zip_equal(map.compose(loops), type.getShape())) {
      if (position < 0 || position >= size)
        return std::nullopt;
      index = index * size + position;
    }
    value = (*elements)[index];
  }
  return result;
}

FailureOr<ElementwiseAffine>
quantc::matchElementwiseAffine(Operation *op, Value x,
                               const ChannelDims &channels, int64_t numChannels,
                               StringRef &reason) {
  auto fail = [&](StringRef why) {
    reason = why;
    return failure();
  };
  linalg::LinalgOp elementwise = getElementwiseFloat(op);
  if (!elementwise || x.getType() != op->getResult(0).getType())
    return fail("no elementwise operation follows");
  SmallVector<std::optional<std::vector<double>>> parameters;
  bool readsX = false;
  for (OpOperand *input : elementwise.getDpsInputOperands()) {
    if (input->get() == x &&
        elementwise.getMatchingIndexingMap(input).isIdentity()) {
      readsX |= elementwise.payloadUsesValueFromOperand(input);
      parameters.push_back(std::nullopt);
      continue;
    }
    parameters.push_back(
        evaluateParameter(elementwise, *input, channels, numChannels));
    if (!parameters.back())
      return fail("an operand is not a constant of each output");
  }
  if (!readsX)
    return fail("the outputs are not read");
  ElementwiseAffine result;
  SmallVector<ChannelAffine> arguments(parameters.size());
  for (int64_t channel = 0; channel < numChannels; ++channel) {
    for (auto [argument, parameter] : llvm::zip_equal(arguments, parameters))
      argument = parameter ? ChannelAffine::constant((*parameter)[channel])
                           : ChannelAffine::identity();
    std::optional<ChannelAffine> map = evaluateBody(elementwise, arguments);
    if (!map)
      return fail("the operation is not affine");
    result.maps.push_back(*map);
  }
  auto steps = elementwise.getBlock()->without_terminator();
  result.isSum =
      llvm::hasSingleElement(steps) && isa<arith::AddFOp>(*steps.begin()) &&
      llvm::all_of(result.maps,
                   [](const ChannelAffine &map) { return map.scale == 1; });
  return result;
}
