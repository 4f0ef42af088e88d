//===- UnmergeLora.cpp - Give merged layers their base again --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/EditableLayer.h"
#include "quantc/Dialect/Quant/Transforms/LayerAdapter.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {
#define GEN_PASS_DEF_UNMERGELORA
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

static LogicalResult restoreBase(RewriterBase &rewriter, Operation *op) {
  auto base = op->getAttrOfType<DictionaryAttr>(kBaseAttr);
  if (!base)
    return emitError(op->getLoc())
           << "was merged without its base, and rounding cannot be undone; "
              "merge with keep-base";
  FailureOr<EditableLayer> layer = EditableLayer::get(op);
  if (failed(layer) || failed(layer->setConstants(rewriter, base)))
    return failure();
  op->removeAttr(kBaseAttr);
  op->removeAttr(kSurvivalAttr);
  return success();
}

namespace {
struct UnmergeLora : quantc::impl::UnmergeLoraBase<UnmergeLora> {
  void runOnOperation() override {
    SmallVector<Operation *> merged;
    getOperation()->walk([&](Operation *op) {
      if (op->hasAttr(kSurvivalAttr) || op->hasAttr(kBaseAttr))
        merged.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : merged)
      if (failed(restoreBase(rewriter, op)))
        signalPassFailure();
  }
};
} // namespace
