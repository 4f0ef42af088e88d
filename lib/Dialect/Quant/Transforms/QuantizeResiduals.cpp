//===- QuantizeResiduals.cpp - Shortcuts in the form of layers' inputs ----===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HoistQuantize.h"

#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include "quantc/Dialect/Quant/Transforms/Kernel.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {
#define GEN_PASS_DEF_QUANTIZERESIDUALS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Whether `value` is the float result of a convolution of integers, which
/// nothing else reads.
static bool isConvolution(Value value) {
  if (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>();
      expand && getOnlyReader(value))
    value = expand.getSrc();
  auto linear = value.getDefiningOp<LinearOp>();
  return linear && linear.hasIntegerInput() && !linear.isDynamic() &&
         getKernel(linear) && getOnlyReader(value);
}

/// The operand of `op` that is added to the result of a convolution, of the
/// same shape; null if there is none.
static OpOperand *matchResidual(Operation *op) {
  linalg::LinalgOp add = getElementwise(op);
  if (!add || add.getNumDpsInputs() != 2)
    return nullptr;
  auto sum = add.getBlock()
                 ->getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  bool hasSameShapes =
      llvm::all_of(add.getIndexingMapsArray(),
                   [](AffineMap map) { return map.isIdentity(); });
  auto isElement = [&](Value value) {
    return llvm::is_contained(add.getBlock()->getArguments().take_front(2),
                              value);
  };
  if (!sum || !hasSameShapes || !isElement(sum.getLhs()) ||
      !isElement(sum.getRhs()) || sum.getLhs() == sum.getRhs())
    return nullptr;
  for (unsigned i : {0, 1})
    if (isConvolution(op->getOperand(1 - i)) &&
        !isConvolution(op->getOperand(i)))
      return &op->getOpOperand(i);
  return nullptr;
}

/// Whether `op` does nothing but move elements of its first operand, perhaps
/// between zeros.
static bool movesElements(Operation *op) {
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return static_cast<bool>(pad.getConstantPaddingValue());
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) ||
         (linalgOp && isCopy(linalgOp));
}

/// Adds what quantizes `value` to `quantizes`, after its elements were moved
/// if they are. Fails if anything else reads it but residual additions.
static LogicalResult collectQuantizes(Value value,
                                      SmallVectorImpl<QuantizeOp> &quantizes) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isa<tensor::DimOp>(user) || matchResidual(user) == &use)
      continue;
    if (auto quantize = dyn_cast<QuantizeOp>(user)) {
      if (!isPerTensor(quantize) || !getSplat(quantize.getScale()) ||
          (quantize.getZeroPoint() &&
           !getStorageValues(quantize.getZeroPoint())))
        return failure();
      quantizes.push_back(quantize);
      continue;
    }
    if (!movesElements(user) || use.getOperandNumber() != 0 ||
        failed(collectQuantizes(user->getResult(0), quantizes)))
      return failure();
  }
  return success();
}

/// dequantize(quantize(x)) with the parameters of `like`, right after x.
static Value createQuantizeDequantize(OpBuilder &b, Value x, QuantizeOp like) {
  Location loc = like.getLoc();
  b.setInsertionPointAfterValue(x);
  auto type = cast<RankedTensorType>(x.getType());
  Value scale =
      createConstant(b, loc, {}, ArrayRef(*getSplat(like.getScale())));
  std::vector<int8_t> zeroPoints = {0};
  if (like.getZeroPoint())
    zeroPoints = *getStorageValues(like.getZeroPoint());
  Value zeroPoint = createConstant(b, loc, {}, ArrayRef(zeroPoints));
  Value storage = QuantizeOp::create(b, loc, type.clone(b.getI8Type()), x,
                                     scale, zeroPoint, /*multiplier=*/Value());
  return DequantizeOp::create(b, loc, type, storage, scale, zeroPoint,
                              /*multiplier=*/Value());
}

namespace {
struct QuantizeResiduals
    : quantc::impl::QuantizeResidualsBase<QuantizeResiduals> {
  void runOnOperation() override {
    SmallVector<OpOperand *> residuals;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (OpOperand *residual = matchResidual(op))
        residuals.push_back(residual);
    });
    OpBuilder builder(&getContext());
    for (OpOperand *residual : residuals) {
      SmallVector<QuantizeOp> quantizes;
      if (failed(collectQuantizes(residual->get(), quantizes)) ||
          quantizes.empty())
        continue;
      residual->set(createQuantizeDequantize(builder, residual->get(),
                                             quantizes.front()));
    }
  }
};
} // namespace
