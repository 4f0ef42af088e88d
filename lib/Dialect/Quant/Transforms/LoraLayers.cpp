//===- LoraLayers.cpp - Layers that take adapters -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LoraLayers.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/Transforms/LayerConfig.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Support/Diagnostics.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace quantc;

FailureOr<SmallVector<LinearOp>>
quantc::chooseLoraLayers(func::FuncOp entry, ArrayRef<std::string> patterns) {
  SmallVector<LinearOp> all, chosen;
  entry.walk([&](LinearOp op) { all.push_back(op); });
  if (all.empty())
    return emitError(entry.getLoc(), "has no quantized layers for adapters");
  auto matches = [](StringRef pattern, LinearOp op) {
    return matchesName(pattern, quantc::getName(op.getLoc()));
  };
  for (StringRef pattern : patterns) {
    std::string error;
    if (!llvm::Regex(pattern).isValid(error))
      return emitError(entry.getLoc())
             << "layer pattern '" << pattern
             << "' is no regular expression: " << error;
    if (llvm::any_of(all, [&](LinearOp op) { return matches(pattern, op); }))
      continue;
    InFlightDiagnostic diagnostic =
        emitError(entry.getLoc()) << "layer pattern '" << pattern
                                  << "' matches no quantized layer; they are ";
    llvm::interleaveComma(all, diagnostic, [&](LinearOp op) {
      diagnostic << "'" << quantc::getName(op.getLoc()) << "'";
    });
    return diagnostic;
  }
  for (LinearOp op : all) {
    if (!patterns.empty() && llvm::none_of(patterns, [&](StringRef pattern) {
          return matches(pattern, op);
        }))
      continue;
    if (op.getAddend())
      return op.emitError("has an addend already; LoRA needs its place");
    chosen.push_back(op);
  }
  return chosen;
}

int64_t quantc::getLoraDepth(LinearOp op) {
  return getModelDepth(op, op.getWeight().getType().getDimSize(1));
}

Value quantc::createLoraInput(OpBuilder &builder, LinearOp op) {
  Location loc = op.getLoc();
  Value input = op.getInput();
  if (op.hasIntegerInput()) {
    auto quantize = input.getDefiningOp<QuantizeOp>();
    auto type = op.getInput().getType().clone(builder.getF32Type());
    input = quantize ? Value(quantize.getInput())
                     : DequantizeOp::create(builder, loc, type, input,
                                            op.getInputScale(),
                                            op.getInputZeroPoint(),
                                            /*multiplier=*/Value());
  }
  int64_t depth = getLoraDepth(op);
  if (cast<RankedTensorType>(input.getType()).getDimSize(1) == depth)
    return input;
  SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = {
      tensor::getMixedSize(builder, loc, input, 0),
      builder.getIndexAttr(depth)};
  return tensor::ExtractSliceOp::create(builder, loc, input, offsets, sizes,
                                        strides);
}
