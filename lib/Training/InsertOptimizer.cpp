//===- InsertOptimizer.cpp - Parameters after a step ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Differentiation/Passes.h"
#include "quantc/Numerics/ElementaryFunctions.h"
#include "quantc/Numerics/Training.h"
#include "quantc/Numerics/TwoLevelGroups.h"
#include "quantc/Training/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTOPTIMIZER
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

llvm::cl::ValuesClass quantc::getOptimizerValues() {
  return llvm::cl::values(
      clEnumValN(Optimizer::SGD, "sgd", "along the gradient"),
      clEnumValN(Optimizer::Momentum, "momentum",
                 "along a decaying sum of gradients"),
      clEnumValN(Optimizer::Adam, "adam",
                 "along the mean gradient by its deviation"),
      clEnumValN(Optimizer::AdamW, "adamw", "adam, and weights decay"));
}

namespace {
/// A parameter and its gradient.
struct Parameter {
  std::string name;
  Value value;
  Value gradient;
  /// Its elements stay above it.
  std::optional<float> minimum;
  /// The last four mantissa bits of its elements are zero.
  bool isTwoLevelScale;

  RankedTensorType getType() const {
    return cast<RankedTensorType>(value.getType());
  }
};

/// Adds one step to a program.
class StepBuilder {
public:
  StepBuilder(func::FuncOp entry, Optimizer optimizer)
      : entry(entry), optimizer(optimizer),
        builder(entry.front().getTerminator()) {}

  /// Adds the inputs that all parameters share.
  LogicalResult addHyperparameters();
  /// The parameter and what is remembered of it after the step, by name.
  FailureOr<SmallVector<std::pair<std::string, Value>>>
  update(const Parameter &parameter);

private:
  bool isAdam() const {
    return optimizer == Optimizer::Adam || optimizer == Optimizer::AdamW;
  }
  SmallVector<std::string> getStateNames() const {
    if (isAdam())
      return {"mean", "variance"};
    if (optimizer == Optimizer::Momentum)
      return {"velocity"};
    return {};
  }
  /// 1 - beta^step.
  Value createCorrection(Value beta, Value step);
  /// The new parameter and the new state from the elements of the parameter,
  /// the gradient, the state and the hyperparameters.
  SmallVector<Value> emitStep(Emit &a, const Parameter &parameter,
                              mlir::ValueRange elements);

  func::FuncOp entry;
  Optimizer optimizer;
  OpBuilder builder;
  /// Tensors of rank 0: the learning rate, then what the optimizer has.
  SmallVector<Value> hyperparameters;
};
} // namespace

Value StepBuilder::createCorrection(Value beta, Value step) {
  auto type = cast<RankedTensorType>(beta.getType());
  AffineMap scalar = builder.getEmptyAffineMap();
  return createElementwise(
             builder, entry.getLoc(), {beta, step}, {scalar, scalar}, {},
             type.getElementType(),
             [](Emit &a, mlir::ValueRange x) -> SmallVector<Value> {
               Value power = numerics::pow(a, x[0], x[1]);
               return {a.sub(a.constant(1.0f), power)};
             })
      .front();
}

LogicalResult StepBuilder::addHyperparameters() {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  SmallVector<StringRef> names = {"learning_rate"};
  if (optimizer == Optimizer::Momentum)
    names.push_back("momentum");
  if (isAdam())
    names.append({"beta1", "beta2", "epsilon"});
  if (optimizer == Optimizer::AdamW)
    names.push_back("weight_decay");
  for (StringRef name : names) {
    FailureOr<BlockArgument> input = addInput(entry, name, type);
    if (failed(input))
      return failure();
    hyperparameters.push_back(*input);
  }
  if (!isAdam())
    return success();
  FailureOr<BlockArgument> step = addInput(entry, "step", type);
  if (failed(step))
    return failure();
  Value beta1 = hyperparameters[1], beta2 = hyperparameters[2];
  hyperparameters.push_back(createCorrection(beta1, *step));
  hyperparameters.push_back(createCorrection(beta2, *step));
  return success();
}

SmallVector<Value> StepBuilder::emitStep(Emit &a, const Parameter &parameter,
                                         mlir::ValueRange elements) {
  Value value = elements[0], gradient = elements[1];
  mlir::ValueRange state = elements.slice(2, getStateNames().size());
  mlir::ValueRange given =
      elements.slice(2 + state.size(), hyperparameters.size());
  Value rate = given[0], direction = gradient;
  SmallVector<Value> results(1);
  if (optimizer == Optimizer::Momentum) {
    direction = numerics::accumulateVelocity(a, state[0], gradient, given[1]);
    results.push_back(direction);
  }
  if (isAdam()) {
    Value mean = numerics::movingAverage(a, state[0], gradient, given[1]);
    Value variance =
        numerics::accumulateSquare(a, state[1], gradient, given[2]);
    results.append({mean, variance});
    direction = numerics::adamDirection(
        a, mean, variance, given[given.size() - 2], given.back(), given[3]);
  }
  // The direction of adam has no size of its own: a scale moves by a share of
  // itself (optimizer_a5).
  if (isAdam() && parameter.minimum)
    rate = a.mul(rate, value);
  // Biases, gains and scales do not decay.
  if (optimizer == Optimizer::AdamW && parameter.getType().getRank() > 1 &&
      !parameter.minimum)
    value = numerics::decayWeight(a, value, rate, given[4]);
  results[0] = numerics::descend(a, value, direction, rate);
  if (parameter.minimum)
    results[0] = numerics::keepAbove(a, results[0], *parameter.minimum);
  if (parameter.isTwoLevelScale)
    results[0] = numerics::roundToTwoLevelScale(a, results[0]);
  return results;
}

FailureOr<SmallVector<std::pair<std::string, Value>>>
StepBuilder::update(const Parameter &parameter) {
  RankedTensorType type = parameter.getType();
  SmallVector<std::string> names = {parameter.name};
  SmallVector<Value> inputs = {parameter.value, parameter.gradient};
  for (const std::string &state : getStateNames()) {
    names.push_back(parameter.name + "." + state);
    FailureOr<BlockArgument> input = addInput(entry, names.back(), type);
    if (failed(input))
      return failure();
    inputs.push_back(*input);
  }
  SmallVector<AffineMap> maps(inputs.size(),
                              builder.getMultiDimIdentityMap(type.getRank()));
  inputs.append(hyperparameters);
  maps.resize(inputs.size(),
              AffineMap::get(type.getRank(), 0, builder.getContext()));
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(builder.getContext(), type.getShape());
  SmallVector<Type> elementTypes(names.size(), type.getElementType());
  SmallVector<Value> results =
      createElementwise(builder, entry.getLoc(), inputs, maps, sizes,
                        elementTypes, [&](Emit &a, mlir::ValueRange elements) {
                          return emitStep(a, parameter, elements);
                        });
  SmallVector<std::pair<std::string, Value>> outputs;
  for (auto [name, result] : llvm::zip_equal(names, results))
    outputs.emplace_back(name, result);
  return outputs;
}

namespace {
struct InsertOptimizer : quantc::impl::InsertOptimizerBase<InsertOptimizer> {
  using InsertOptimizerBase::InsertOptimizerBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = getEntry(getOperation());
    if (failed(entry) || failed(insert(*entry)))
      signalPassFailure();
  }

private:
  LogicalResult insert(func::FuncOp entry);
};
} // namespace

LogicalResult InsertOptimizer::insert(func::FuncOp entry) {
  FailureOr<ProgramInterface> interface = getProgramInterface(entry);
  StepBuilder step(entry, optimizer);
  if (failed(interface) || failed(step.addHyperparameters()))
    return failure();
  SmallVector<Port> inputs = interface->inputs;
  SmallVector<Value> outputs;
  SmallVector<Port> ports;
  bool hasGradients = false;
  for (auto [index, port] : llvm::enumerate(interface->outputs)) {
    Value output = entry.front().getTerminator()->getOperand(index);
    StringRef name = port.name;
    if (!name.consume_back(kGradientSuffix)) {
      outputs.push_back(output);
      ports.push_back(port);
      continue;
    }
    hasGradients = true;
    std::optional<unsigned> input = findPort(inputs, name);
    if (!input || inputs[*input].type != output.getType() ||
        !port.type.hasStaticShape())
      return emitError(entry.getLoc()) << "output '" << port.name
                                       << "' is no gradient; expects an input '"
                                       << name << "' of the same static shape";
    Parameter parameter = {name.str(),
                           entry.getArgument(*input),
                           output,
                           {},
                           entry.getArgAttr(*input, kTwoLevelScaleAttr) !=
                               nullptr};
    if (auto minimum = entry.getArgAttrOfType<FloatAttr>(*input, kMinimumAttr))
      parameter.minimum = minimum.getValue().convertToFloat();
    auto updated = step.update(parameter);
    if (failed(updated))
      return failure();
    for (auto &[stateName, value] : *updated) {
      outputs.push_back(value);
      ports.push_back(getStaticPort(*interface, stateName,
                                    cast<RankedTensorType>(value.getType())));
    }
  }
  if (!hasGradients)
    return emitError(entry.getLoc())
           << "has no gradients; run quant-differentiate first";
  interface = getProgramInterface(entry);
  if (failed(interface))
    return failure();
  setOutputs(entry, outputs, ports, *interface);
  return success();
}
