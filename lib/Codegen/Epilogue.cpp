//===- Epilogue.cpp - What follows a layer, element by element ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Epilogue.h"

#include "quantc/Codegen/Passes.h"

using namespace mlir;
using namespace quantc;

bool quantc::isElementwise(linalg::GenericOp op) {
  return op.getNumResults() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.hasPureTensorSemantics() && !op.hasIndexSemantics() &&
         !op->hasAttr(kTileSizesAttr) && op.getNumDpsInputs() != 0 &&
         op.getIndexingMapsArray().back().isIdentity() &&
         !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0));
}

linalg::GenericOp quantc::getEpilogue(Value result) {
  // An operation that takes it twice reads it twice.
  if (!result.hasOneUse())
    return {};
  OpOperand &use = *result.use_begin();
  auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!op || !isElementwise(op) || op.getNumLoops() != 2 ||
      op.isDpsInit(&use) || !op.getMatchingIndexingMap(&use).isIdentity())
    return {};
  auto column = AffineMap::get(2, 0, getAffineDimExpr(1, op.getContext()));
  bool isByColumn = llvm::all_of(op.getIndexingMapsArray(), [&](AffineMap map) {
    return map.isIdentity() || map == column || map.getNumResults() == 0;
  });
  return isByColumn ? op : linalg::GenericOp();
}
