//===- LoraLayers.cpp - Layers that take adapters -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LoraLayers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Support/Diagnostics.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// One layer
//===----------------------------------------------------------------------===//

std::optional<LoraLayer> LoraLayer::get(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op)) {
    if (linear.getFeatureGroups() != 1)
      return std::nullopt;
    return LoraLayer(
        op, getModelDepth(op, linear.getWeight().getType().getDimSize(1)));
  }
  std::string reason;
  FailureOr<LinearLayer> layer = matchLinearLayer(op, reason);
  if (failed(layer) || layer->featureGroups != 1 ||
      !layer->weight.getDefiningOp<DequantizeNormalFloatOp>())
    return std::nullopt;
  return LoraLayer(op, getModelDepth(op, layer->getK()));
}

StringRef LoraLayer::getName() const { return quantc::getName(op->getLoc()); }

RankedTensorType LoraLayer::getDeltaType() const {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return type.clone(Float32Type::get(op->getContext()));
}

bool LoraLayer::hasAddend() const {
  auto linear = dyn_cast<LinearOp>(op);
  return linear && linear.getAddend();
}

/// The input of `op` in f32.
static Value createFloatInput(OpBuilder &builder, LinearOp op) {
  if (!op.hasIntegerInput())
    return op.getInput();
  if (auto quantize = op.getInput().getDefiningOp<QuantizeOp>())
    return quantize.getInput();
  auto type = op.getInput().getType().clone(builder.getF32Type());
  return DequantizeOp::create(builder, op.getLoc(), type, op.getInput(),
                              op.getInputScale(), op.getInputZeroPoint(),
                              /*multiplier=*/Value());
}

Value LoraLayer::createInput(OpBuilder &builder) const {
  auto linear = dyn_cast<LinearOp>(op);
  Value input = linear ? createFloatInput(builder, linear) : op->getOperand(0);
  if (cast<RankedTensorType>(input.getType()).getDimSize(1) == numInputs)
    return input;
  SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = {
      tensor::getMixedSize(builder, op->getLoc(), input, 0),
      builder.getIndexAttr(numInputs)};
  return tensor::ExtractSliceOp::create(builder, op->getLoc(), input, offsets,
                                        sizes, strides);
}

void LoraLayer::addDelta(OpBuilder &builder, Value delta) const {
  if (auto linear = dyn_cast<LinearOp>(op)) {
    linear.getAddendMutable().assign(delta);
    return;
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfter(op);
  Value product = op->getResult(0);
  Operation *sum = arith::AddFOp::create(builder, op->getLoc(), product, delta);
  product.replaceAllUsesExcept(sum->getResult(0), sum);
}

//===----------------------------------------------------------------------===//
// The layers of a program
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<LoraLayer>>
quantc::chooseLoraLayers(func::FuncOp entry, ArrayRef<std::string> patterns) {
  SmallVector<LoraLayer> all, chosen;
  entry.walk([&](Operation *op) {
    if (std::optional<LoraLayer> layer = LoraLayer::get(op))
      all.push_back(*layer);
  });
  if (all.empty())
    return emitError(entry.getLoc(), "has no quantized layers for adapters");
  for (StringRef pattern : patterns) {
    std::string error;
    if (!llvm::Regex(pattern).isValid(error))
      return emitError(entry.getLoc())
             << "layer pattern '" << pattern
             << "' is no regular expression: " << error;
    if (llvm::any_of(all, [&](const LoraLayer &layer) {
          return matchesName(pattern, layer.getName());
        }))
      continue;
    InFlightDiagnostic diagnostic =
        emitError(entry.getLoc()) << "layer pattern '" << pattern
                                  << "' matches no quantized layer; they are ";
    llvm::interleaveComma(all, diagnostic, [&](const LoraLayer &layer) {
      diagnostic << "'" << layer.getName() << "'";
    });
    return diagnostic;
  }
  for (const LoraLayer &layer : all) {
    if (!patterns.empty() && llvm::none_of(patterns, [&](StringRef pattern) {
          return matchesName(pattern, layer.getName());
        }))
      continue;
    if (layer.hasAddend())
      return emitError(layer.getOperation()->getLoc(),
                       "has an addend already; LoRA needs its place");
    chosen.push_back(layer);
  }
  return chosen;
}
