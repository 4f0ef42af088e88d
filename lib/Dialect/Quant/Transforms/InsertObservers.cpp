//===- InsertObservers.cpp - Statistics as the outputs of a program -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include <limits>

namespace quantc {
#define GEN_PASS_DEF_INSERTOBSERVERS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// What joins a statistic with that of another iteration, and what it starts
/// from.
struct Combination {
  TypedAttr identity;
  Value (*join)(OpBuilder &b, Location loc, Value lhs, Value rhs);
};

/// [min, max]: the smaller of the first elements, the larger of the second
/// ones.
static Combination combineRanges(Builder &builder) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  auto type = RankedTensorType::get({2}, builder.getF32Type());
  return {DenseElementsAttr::get(type, ArrayRef<float>{kInfinity, -kInfinity}),
          [](OpBuilder &b, Location loc, Value lhs, Value rhs) -> Value {
            auto isLow = DenseElementsAttr::get(
                RankedTensorType::get({2}, b.getI1Type()),
                ArrayRef<bool>{true, false});
            return arith::SelectOp::create(
                b, loc, arith::ConstantOp::create(b, loc, isLow),
                arith::MinimumFOp::create(b, loc, lhs, rhs),
                arith::MaximumFOp::create(b, loc, lhs, rhs));
          }};
}

/// Counts add up.
static Combination combineHistograms(Builder &builder) {
  auto type =
      RankedTensorType::get({kNumHistogramBuckets}, builder.getI64Type());
  return {DenseElementsAttr::get(type, static_cast<int64_t>(0)),
          [](OpBuilder &b, Location loc, Value lhs, Value rhs) -> Value {
            return arith::AddIOp::create(b, loc, lhs, rhs);
          }};
}

namespace {
/// A statistic of one layer.
struct Observation {
  Operation *layer;
  std::string name;
  Value value;
  Combination combination;

  /// The number of operations around it.
  unsigned getDepth() const {
    unsigned depth = 0;
    for (Operation *op = value.getDefiningOp(); op; op = op->getParentOp())
      ++depth;
    return depth;
  }
};
} // namespace

/// Makes those of `observations` that are computed in `loop` its results,
/// joined over its iterations.
static LogicalResult leaveLoop(scf::ForOp loop,
                               ArrayRef<Observation *> observations) {
  IRRewriter rewriter(loop);
  SmallVector<Value> identities;
  for (Observation *observation : observations)
    identities.push_back(arith::ConstantOp::create(
        rewriter, loop.getLoc(), observation->combination.identity));
  FailureOr<LoopLikeOpInterface> replaced = loop.replaceWithAdditionalYields(
      rewriter, identities, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &b, Location loc, ArrayRef<BlockArgument> arguments) {
        SmallVector<Value> joined;
        for (auto [observation, argument] : llvm::zip(observations, arguments))
          joined.push_back(observation->combination.join(b, loc, argument,
                                                         observation->value));
        return joined;
      });
  if (failed(replaced))
    return failure();
  auto results =
      replaced->getOperation()->getResults().take_back(observations.size());
  for (auto [observation, result] : llvm::zip(observations, results))
    observation->value = result;
  return success();
}

/// Makes all of `observations` values in `body`. The innermost loops are left
/// first, each for all that is in it: leaving a loop replaces its results.
/// Returns one that something else than loops encloses, null without.
static Observation *leaveLoops(MutableArrayRef<Observation> observations,
                               Block *body) {
  auto isInside = [&](Observation &observation) {
    return observation.value.getParentBlock() != body;
  };
  while (llvm::any_of(observations, isInside)) {
    Observation *deepest = nullptr;
    for (Observation &observation :
         llvm::make_filter_range(observations, isInside))
      if (!deepest || deepest->getDepth() < observation.getDepth())
        deepest = &observation;
    Block *block = deepest->value.getParentBlock();
    SmallVector<Observation *> inside;
    for (Observation &observation : observations)
      if (observation.value.getParentBlock() == block)
        inside.push_back(&observation);
    auto loop = dyn_cast<scf::ForOp>(block->getParentOp());
    if (!loop || failed(leaveLoop(loop, inside)))
      return deepest;
  }
  return nullptr;
}

namespace {
struct InsertObservers : quantc::impl::InsertObserversBase<InsertObservers> {
  using InsertObserversBase::InsertObserversBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = getEntry(getOperation());
    if (failed(entry))
      return signalPassFailure();
    FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
    FailureOr<SmallVector<CalibratedLayer>> layers =
        findCalibratedLayers(getOperation());
    if (failed(interface) || failed(layers))
      return signalPassFailure();

    SmallVector<Value> outputs;
    SmallVector<Port> ports;
    // The inputs of layers are others in a loop that replaces another one.
    SmallVector<Observation> observations = createObservations(*layers);
    if (Observation *elsewhere = leaveLoops(observations, &entry->front())) {
      emitError(elsewhere->layer->getLoc())
          << "expects a layer in the body of '" << entry->getName()
          << "' or in loops there; inline functions first";
      return signalPassFailure();
    }
    for (const Observation &observation : observations) {
      outputs.push_back(observation.value);
      ports.push_back(
          getStaticPort(*interface, observation.name,
                        cast<RankedTensorType>(observation.value.getType())));
    }
    setOutputs(*entry, outputs, ports, *interface);
  }

private:
  SmallVector<Observation>
  createObservations(ArrayRef<CalibratedLayer> layers) {
    SmallVector<Observation> observations;
    for (const CalibratedLayer &layer : layers) {
      OpBuilder builder(layer.op);
      Location loc = layer.op->getLoc();
      std::string name = getInputName(layer);
      Combination ranges = combineRanges(builder);
      observations.push_back(
          {layer.op, name + kRangeSuffix.str(),
           ObserveOp::create(builder, loc, ranges.identity.getType(),
                             layer.input),
           ranges});
      if (!histogram)
        continue;
      Combination counts = combineHistograms(builder);
      observations.push_back(
          {layer.op, name + kHistogramSuffix.str(),
           HistogramOp::create(builder, loc, counts.identity.getType(),
                               layer.input),
           counts});
    }
    return observations;
  }
};
} // namespace
