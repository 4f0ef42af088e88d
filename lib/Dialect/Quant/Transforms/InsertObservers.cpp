//===- InsertObservers.cpp - Statistics as the outputs of a program -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTOBSERVERS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

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
    auto addOutput = [&](const Twine &name, Value statistic) {
      outputs.push_back(statistic);
      ports.push_back(getStaticPort(
          *interface, name.str(), cast<RankedTensorType>(statistic.getType())));
    };
    for (const CalibratedLayer &layer : *layers) {
      if (layer.op->getBlock() != &entry->front()) {
        emitError(layer.op->getLoc())
            << "expects a layer in the body of '" << entry->getName()
            << "'; inline functions and unroll loops first";
        return signalPassFailure();
      }
      OpBuilder builder(layer.op);
      Location loc = layer.op->getLoc();
      std::string name = getInputName(layer);
      addOutput(
          name + kRangeSuffix,
          ObserveOp::create(builder, loc,
                            RankedTensorType::get({2}, builder.getF32Type()),
                            layer.input));
      if (histogram)
        addOutput(
            name + kHistogramSuffix,
            HistogramOp::create(builder, loc,
                                RankedTensorType::get({kNumHistogramBuckets},
                                                      builder.getI64Type()),
                                layer.input));
    }
    setOutputs(*entry, outputs, ports, *interface);
  }
};
} // namespace
