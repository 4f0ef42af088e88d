//===- ApplyCalibration.cpp - Ranges from a calibration file --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Diagnostics.h"

namespace quantc {
#define GEN_PASS_DEF_APPLYCALIBRATION
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
struct ApplyCalibration : quantc::impl::ApplyCalibrationBase<ApplyCalibration> {
  using ApplyCalibrationBase::ApplyCalibrationBase;

  void runOnOperation() override {
    FailureOr<SmallVector<CalibratedLayer>> layers =
        findCalibratedLayers(getOperation());
    if (failed(layers))
      return signalPassFailure();
    // Parameters that a layer carries need no statistics.
    llvm::erase_if(*layers, [](const CalibratedLayer &layer) {
      return layer.op->hasAttr(kInputParametersAttr);
    });
    if (layers->empty())
      return;
    if (calibration.empty()) {
      emitError(layers->front().op->getLoc())
          << "is quantized statically, which needs the range of its input; "
             "give a calibration file or choose mode=dynamic";
      return signalPassFailure();
    }
    llvm::Expected<CalibrationTable> table =
        CalibrationTable::read(calibration);
    if (!table) {
      emitError(UnknownLoc::get(&getContext()))
          << llvm::toString(table.takeError());
      return signalPassFailure();
    }
    // Every layer that fails is reported, not only the first.
    DenseMap<Value, FloatRange> ranges;
    bool isComplete = true;
    for (const CalibratedLayer &layer : *layers)
      isComplete &= succeeded(addRange(layer, *table, ranges));
    if (!isComplete)
      return signalPassFailure();
    for (const CalibratedLayer &layer : *layers) {
      FloatRange range = ranges.lookup(getMovedValue(layer.input));
      layer.op->setAttr(
          kInputRangeAttr,
          DenseF32ArrayAttr::get(&getContext(), {range.min, range.max}));
    }
  }

private:
  /// Widens the range of what `layer` reads, moved or not, by that of its input
  /// in `table`.
  LogicalResult addRange(const CalibratedLayer &layer,
                         const CalibrationTable &table,
                         DenseMap<Value, FloatRange> &ranges) {
    std::string tensor = getInputName(layer);
    llvm::Expected<FloatRange> range =
        table.getRange(tensor, method, percentile);
    if (!range)
      return emitError(getNamedLoc(&getContext(), calibration,
                                   quantc::getName(layer.op->getLoc())))
             << "'" << tensor << "' " << llvm::toString(range.takeError());
    FloatRange &all =
        ranges.try_emplace(getMovedValue(layer.input), *range).first->second;
    all = {std::min(all.min, range->min), std::max(all.max, range->max)};
    return success();
  }
};
} // namespace
