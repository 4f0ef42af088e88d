//===- TensorRules.cpp - Rules of reshapes and slices --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;

/// The type of the cotangent of `value`.
static RankedTensorType getCotangentType(GradientBuilder &b, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return isa<FloatType>(type.getElementType()) ? type
                                               : type.clone(b.getF32Type());
}

/// expand(x): collapse(dy).
static void differentiateExpand(tensor::ExpandShapeOp op, GradientBuilder &b) {
  b.accumulate(op.getSrc(), [&]() -> Value {
    return tensor::CollapseShapeOp::create(b, getCotangentType(b, op.getSrc()),
                                           b.getCotangent(op),
                                           op.getReassociationIndices());
  });
}

/// collapse(x): expand(dy).
static void differentiateCollapse(tensor::CollapseShapeOp op,
                                  GradientBuilder &b) {
  b.accumulate(op.getSrc(), [&]() -> Value {
    return tensor::ExpandShapeOp::create(
        b, getCotangentType(b, op.getSrc()), b.getCotangent(op),
        op.getReassociationIndices(),
        tensor::getMixedSizes(b, b.getLoc(), op.getSrc()));
  });
}

/// cast(x): cast(dy).
static void differentiateCast(tensor::CastOp op, GradientBuilder &b) {
  b.accumulate(op.getSource(), [&]() -> Value {
    return tensor::CastOp::create(b, getCotangentType(b, op.getSource()),
                                  b.getCotangent(op));
  });
}

/// slice(x): dy in the place of the slice, 0 around it.
static void differentiateExtractSlice(tensor::ExtractSliceOp op,
                                      GradientBuilder &b) {
  b.accumulate(op.getSource(), [&]() -> Value {
    return tensor::InsertSliceOp::create(
        b, b.getCotangent(op), b.createZeros(op.getSource()),
        op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides());
  });
}

/// x in the place of a slice of y: the slice of dy, and dy with zeros in its
/// place.
static void differentiateInsertSlice(tensor::InsertSliceOp op,
                                     GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  b.accumulate(op.getSource(), [&]() -> Value {
    return tensor::ExtractSliceOp::create(
        b, getCotangentType(b, op.getSource()), dy, op.getMixedOffsets(),
        op.getMixedSizes(), op.getMixedStrides());
  });
  b.accumulate(op.getDest(), [&]() -> Value {
    return tensor::InsertSliceOp::create(
        b, b.createZeros(op.getSource()), dy, op.getMixedOffsets(),
        op.getMixedSizes(), op.getMixedStrides());
  });
}

/// x with values around it: the slice of dy where x is.
static LogicalResult differentiatePad(tensor::PadOp op, GradientBuilder &b) {
  if (llvm::any_of(getReadValues(op), [&](Value value) {
        return value != op.getSource() && b.isActive(value);
      }))
    return op.emitError("padding by a computed value cannot be differentiated; "
                        "pad with a constant");
  b.accumulate(op.getSource(), [&]() -> Value {
    SmallVector<OpFoldResult> strides(op.getSourceType().getRank(),
                                      b.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(
        b, getCotangentType(b, op.getSource()), b.getCotangent(op),
        op.getMixedLowPad(),
        tensor::getMixedSizes(b, b.getLoc(), op.getSource()), strides);
  });
  return success();
}

void quantc::addTensorRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attachRules<differentiateCast, differentiateCollapse, differentiateExpand,
                differentiateExtractSlice, differentiateInsertSlice,
                differentiatePad>(context);
  });
}
