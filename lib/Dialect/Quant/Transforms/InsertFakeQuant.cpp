//===- InsertFakeQuant.cpp - Simulate layers in training ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Diagnostics.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTFAKEQUANT
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
/// Where the parameters of one layer come from.
class LayerSimulator {
public:
  LayerSimulator(IRRewriter &rewriter, const ConfiguredLayer &layer,
                 ParameterSource source, func::FuncOp entry)
      : b(rewriter), op(layer.linear.op), linear(layer.linear),
        config(layer.config), source(source), entry(entry) {}

  /// Replaces the layer by one whose operands are fake-quantized.
  LogicalResult simulate();

private:
  FailureOr<ParameterValues> getInputParameters(Value input);
  FailureOr<ParameterValues> getWeightParameters(Value weight);
  ParameterValues observe(Value value, ArrayRef<int64_t> blocks, int64_t bits,
                          bool symmetric) {
    return createObservedParameters(b, op->getLoc(), value, blocks, bits,
                                    symmetric);
  }
  /// The input of the program called `name`, which is added if need be.
  FailureOr<Value> getInput(const Twine &name, ArrayRef<int64_t> shape,
                            Type elementType);
  /// The same for a scale; `source` says whether training changes it.
  FailureOr<Value> getScale(const Twine &name, ArrayRef<int64_t> shape);
  FailureOr<Value> fakeQuantize(Value value, int64_t bits,
                                FailureOr<ParameterValues> parameters) {
    if (failed(parameters))
      return failure();
    return Value(FakeQuantOp::create(b, op->getLoc(), value, parameters->scale,
                                     parameters->zeroPoint,
                                     parameters->multiplier, bits));
  }

  IRRewriter &b;
  Operation *op;
  const LinearLayer &linear;
  const LayerConfig &config;
  ParameterSource source;
  func::FuncOp entry;
};
} // namespace

FailureOr<Value> LayerSimulator::getInput(const Twine &name,
                                          ArrayRef<int64_t> shape,
                                          Type elementType) {
  FailureOr<ProgramInterface> interface = getProgramInterface(entry);
  if (failed(interface))
    return failure();
  // Layers that read the same value share its parameters.
  if (std::optional<unsigned> index = findPort(interface->inputs, name.str()))
    return Value(entry.getArgument(*index));
  FailureOr<BlockArgument> added =
      addInput(entry, name.str(), RankedTensorType::get(shape, elementType));
  if (failed(added))
    return failure();
  return Value(*added);
}

FailureOr<Value> LayerSimulator::getScale(const Twine &name,
                                          ArrayRef<int64_t> shape) {
  FailureOr<Value> scale = getInput(name, shape, b.getF32Type());
  if (failed(scale))
    return failure();
  unsigned index = cast<BlockArgument>(*scale).getArgNumber();
  entry.setArgAttr(index, kTrainableAttr, b.getUnitAttr());
  entry.setArgAttr(index, kMinimumAttr,
                   b.getF32FloatAttr(numerics::degenerateScale));
  return scale;
}

FailureOr<ParameterValues> LayerSimulator::getInputParameters(Value input) {
  int64_t bits = config.getActivationBits();
  if (config.mode == Mode::Dynamic)
    return createDynamicParameters(b, op->getLoc(), input, config);
  if (source == ParameterSource::Observed)
    return observe(input, {}, bits, config.symmetricActivations);
  std::string name = getInputName({op, input});
  if (source == ParameterSource::Learned) {
    FailureOr<Value> scale = getScale(name + ".scale", {});
    FailureOr<Value> zeroPoint =
        getInput(name + ".zero_point", {}, b.getI8Type());
    if (failed(scale) || failed(zeroPoint))
      return failure();
    return ParameterValues{*scale, *zeroPoint, Value()};
  }
  FailureOr<Value> range = getInput(name + kRangeSuffix, {2}, b.getF32Type());
  if (failed(range))
    return failure();
  return createChosenParameters(b, op->getLoc(), *range, bits,
                                config.symmetricActivations);
}

FailureOr<ParameterValues> LayerSimulator::getWeightParameters(Value weight) {
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<int64_t> blocks = getWeightBlocks(type, config);
  std::string name = quantc::getName(op->getLoc()).str() + ".weight";
  // A search finds two-level scales, which is no part of the program.
  if (config.hasTwoLevelScales()) {
    if (source == ParameterSource::Observed)
      return createWeightParameters(b, op, weight, config);
    // Training may change the scale; the multipliers stay.
    bool isLearned = source == ParameterSource::Learned;
    FailureOr<Value> scale =
        isLearned ? getScale(name + ".scale", {blocks[0], 1})
                  : getInput(name + ".scale", {blocks[0], 1}, b.getF32Type());
    FailureOr<Value> multiplier =
        getInput(name + ".multiplier", blocks, b.getI8Type());
    if (failed(scale) || failed(multiplier))
      return failure();
    if (isLearned)
      entry.setArgAttr(cast<BlockArgument>(*scale).getArgNumber(),
                       kTwoLevelScaleAttr, b.getUnitAttr());
    return ParameterValues{*scale, Value(), *multiplier};
  }
  FailureOr<ParameterValues> parameters = ParameterValues();
  if (source != ParameterSource::Learned) {
    parameters =
        observe(weight, blocks, config.weightBits, config.symmetricWeights);
  } else {
    FailureOr<Value> scale = getScale(name + ".scale", blocks);
    FailureOr<Value> zeroPoint = Value();
    if (!config.symmetricWeights)
      zeroPoint = getInput(name + ".zero_point", blocks, b.getI8Type());
    if (failed(scale) || failed(zeroPoint))
      return failure();
    parameters = ParameterValues{*scale, *zeroPoint, Value()};
  }
  if (config.symmetricWeights)
    parameters->zeroPoint = Value();
  return parameters;
}

LogicalResult LayerSimulator::simulate() {
  if (config.weightFormat == WeightFormat::NormalFloat)
    return emitError(op->getLoc())
           << "weights in the format nf4 are frozen; train an adapter beside "
              "them, or choose weight-format=integer";
  b.setInsertionPoint(op);
  FailureOr<Value> input = linear.getInput();
  if (config.mode != Mode::WeightOnly)
    input = fakeQuantize(*input, config.getActivationBits(),
                         getInputParameters(*input));
  Value weight = createWeight(b, linear);
  FailureOr<Value> simulated =
      fakeQuantize(weight, config.weightBits, getWeightParameters(weight));
  if (failed(input) || failed(simulated))
    return failure();
  replaceLayer(b, linear, *input, *simulated);
  return success();
}

namespace {
struct InsertFakeQuant : quantc::impl::InsertFakeQuantBase<InsertFakeQuant> {
  using InsertFakeQuantBase::InsertFakeQuantBase;

  void runOnOperation() override {
    FailureOr<SmallVector<ConfiguredLayer>> layers =
        findPaddedLayers(getOperation());
    if (failed(layers))
      return signalPassFailure();
    func::FuncOp entry;
    if (parameters != ParameterSource::Observed) {
      FailureOr<func::FuncOp> found = getEntry(getOperation());
      if (failed(found))
        return signalPassFailure();
      entry = *found;
    }
    IRRewriter rewriter(&getContext());
    for (const ConfiguredLayer &layer : *layers)
      if (failed(LayerSimulator(rewriter, layer, parameters, entry).simulate()))
        return signalPassFailure();
  }
};
} // namespace
