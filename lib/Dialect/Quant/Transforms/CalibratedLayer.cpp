//===- CalibratedLayer.cpp - Layers that calibration serves ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"

#include "HoistQuantize.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Support/Diagnostics.h"

using namespace mlir;
using namespace quantc;

std::string quantc::getInputName(const CalibratedLayer &layer) {
  if (auto name = layer.op->getAttrOfType<StringAttr>(kInputNameAttr))
    return name.str();
  return getName(layer.op->getLoc()).str() + ".input";
}

/// Adds `op` to `layers` if it is to be quantized statically.
static LogicalResult addLayer(Operation *op,
                              SmallVectorImpl<CalibratedLayer> &layers) {
  FailureOr<LayerConfig> config = getLayerConfig(op);
  if (failed(config))
    return failure();
  if (config->mode != Mode::Static)
    return success();
  if (getName(op->getLoc()).empty())
    return emitError(op->getLoc())
           << "expects a layer with a name; run quant-select-layers first";
  std::string reason;
  FailureOr<LinearLayer> layer = matchLinearLayer(op, reason);
  if (failed(layer))
    return emitError(op->getLoc()) << "cannot be quantized: " << reason;
  layers.push_back({op, layer->getInput()});
  return success();
}

FailureOr<SmallVector<CalibratedLayer>>
quantc::findCalibratedLayers(ModuleOp module) {
  SmallVector<CalibratedLayer> layers;
  WalkResult result = module.walk([&](Operation *op) {
    if (op->hasAttr(kConfigAttr) && failed(addLayer(op, layers)))
      return WalkResult::interrupt();
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return layers;
}

Value quantc::getMovedValue(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    auto pad = dyn_cast<tensor::PadOp>(op);
    bool isMove = isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) ||
                  (linalgOp && isCopy(linalgOp)) ||
                  (pad && pad.getConstantPaddingValue());
    if (!isMove)
      break;
    value = op->getOperand(0);
  }
  return value;
}

LogicalResult quantc::nameSharedInputs(ModuleOp module) {
  FailureOr<SmallVector<CalibratedLayer>> layers = findCalibratedLayers(module);
  if (failed(layers))
    return failure();
  llvm::DenseMap<Value, std::string> names;
  for (const CalibratedLayer &layer : *layers) {
    std::string name =
        names.try_emplace(getMovedValue(layer.input), getInputName(layer))
            .first->second;
    layer.op->setAttr(kInputNameAttr,
                      StringAttr::get(module.getContext(), name));
  }
  return success();
}
