//===- InsertMovingAverages.cpp - Ranges that follow the batches ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Numerics/Training.h"
#include "quantc/Training/Passes.h"

#include "llvm/ADT/StringSet.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTMOVINGAVERAGES
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// moving_average_a1 of each bound of `range` and that of `input`.
static Value createAverage(OpBuilder &builder, Location loc, Value range,
                           Value input, Value momentum) {
  auto type = cast<RankedTensorType>(range.getType());
  Value batch = ObserveOp::create(builder, loc, type, input);
  AffineMap identity = builder.getMultiDimIdentityMap(1);
  AffineMap scalar = AffineMap::get(1, 0, builder.getContext());
  return createElementwise(
             builder, loc, {range, batch, momentum},
             {identity, identity, scalar},
             {builder.getIndexAttr(type.getDimSize(0))}, type.getElementType(),
             [](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
               return {numerics::movingAverage(a, elements[0], elements[1],
                                               elements[2])};
             })
      .front();
}

namespace {
struct InsertMovingAverages
    : quantc::impl::InsertMovingAveragesBase<InsertMovingAverages> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = getEntry(getOperation());
    FailureOr<SmallVector<CalibratedLayer>> layers =
        findCalibratedLayers(getOperation());
    if (failed(entry) || failed(layers))
      return signalPassFailure();
    if (layers->empty())
      return;
    Type f32 = Float32Type::get(&getContext());
    FailureOr<BlockArgument> momentum =
        addInput(*entry, "range_momentum", RankedTensorType::get({}, f32));
    if (failed(momentum))
      return signalPassFailure();

    Operation *terminator = entry->front().getTerminator();
    SmallVector<Value> outputs(terminator->getOperands());
    SmallVector<std::string> names;
    auto type = RankedTensorType::get({2}, f32);
    llvm::StringSet<> seen;
    for (const CalibratedLayer &layer : *layers) {
      std::string name = getInputName(layer) + kRangeSuffix.str();
      if (!seen.insert(name).second)
        continue;
      FailureOr<BlockArgument> range = addInput(*entry, name, type);
      if (failed(range))
        return signalPassFailure();
      OpBuilder builder(layer.op);
      outputs.push_back(createAverage(builder, layer.op->getLoc(), *range,
                                      layer.input, *momentum));
      names.push_back(name);
    }
    FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
    if (failed(interface))
      return signalPassFailure();
    SmallVector<Port> ports(interface->outputs);
    for (const std::string &name : names)
      ports.push_back(getStaticPort(*interface, name, type));
    setOutputs(*entry, outputs, ports, *interface);
  }
};
} // namespace
