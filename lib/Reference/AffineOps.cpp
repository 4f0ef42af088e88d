//===- AffineOps.cpp - The affine dialect in the interpreter --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

/// Sizes of reshaped tensors are computed by it.
static LogicalResult runApply(affine::AffineApplyOp op, Frame &frame) {
  Builder builder(op.getContext());
  SmallVector<Attribute> operands, results;
  for (Value operand : op.getOperands())
    operands.push_back(builder.getIndexAttr(frame.getIndex(operand)));
  if (failed(op.getAffineMap().constantFold(operands, results)))
    return op.emitError("divides by a number that is not positive");
  Scalar value{};
  value.integer = cast<IntegerAttr>(results.front()).getInt();
  frame.set(op.getResult(), value);
  return success();
}

void reference::addAffineOps(OpTable &table) {
  table.add<affine::AffineApplyOp>(runApply);
}
