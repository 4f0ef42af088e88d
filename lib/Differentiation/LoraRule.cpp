//===- LoraRule.cpp - The gradient of an adapter --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With D = down [K, R], U = up [R, N] and u = x D, delta = (u U) * scale:
//
//   g  = dy * scale      dU = u^T g      du = g U^T
//   dD = x^T du          dx = du D^T
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Conversion/Generic.h"

using namespace mlir;
using namespace quantc;

/// Whether all rows use slot 0, the only one, in f32.
static bool hasOneAdapter(LoraOp op) {
  DenseIntElementsAttr slots;
  return matchPattern(op.getSlots(), m_Constant(&slots)) &&
         slots.getNumElements() == 1 && slots.getValues<int32_t>()[0] == 0 &&
         op.getDown().getType().getDimSize(0) == 1 &&
         op.getDown().getType().getElementType().isF32();
}

LogicalResult quantc::differentiateLora(LoraOp op, GradientBuilder &b) {
  if (!hasOneAdapter(op))
    return op.emitError(
        "cannot be differentiated; one adapter in f32 can, used "
        "by all rows");
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  using Exprs = ArrayRef<AffineExpr>;
  auto multiply = [&](Value lhs, Exprs lhsExprs, Value rhs, Exprs rhsExprs,
                      Value like) {
    auto map = [&](Exprs exprs) {
      return AffineMap::get(3, 0, exprs, b.getContext());
    };
    SmallVector<AffineMap> maps = {map(lhsExprs), map(rhsExprs), map({m, n})};
    return createProduct<linalg::MatmulOp>(b, lhs, rhs, like, maps);
  };
  // A bank of one slot and its matrix.
  SmallVector<ReassociationIndices> slot = {{0, 1}, {2}};
  auto getMatrix = [&](Value bank) -> Value {
    return tensor::CollapseShapeOp::create(b, bank, slot);
  };
  auto getBank = [&](Value matrix, Value bank) -> Value {
    return tensor::ExpandShapeOp::create(b, bank.getType(), matrix, slot);
  };

  Value x = op.getInput(), dy = b.getCotangent(op);
  Value down = getMatrix(op.getDown()), up = getMatrix(op.getUp());
  AffineMap identity = b.getMultiDimIdentityMap(2);
  AffineMap first = AffineMap::get(2, 0, b.getAffineConstantExpr(0));
  Value g = createElementwise(
                b, b.getLoc(), {dy, op.getScale()}, {identity, first},
                tensor::getMixedSizes(b, b.getLoc(), dy), b.getF32Type(),
                [](Emit &a, ValueRange elements) -> SmallVector<Value> {
                  return {a.mul(elements[0], elements[1])};
                })
                .front();
  int64_t rank = cast<RankedTensorType>(down.getType()).getDimSize(1);
  Value rows = tensor::EmptyOp::create(
      b, {tensor::getMixedSize(b, b.getLoc(), x, 0), b.getIndexAttr(rank)},
      b.getF32Type());
  Value u = multiply(x, {m, k}, down, {k, n}, rows);
  Value du = multiply(g, {m, k}, up, {n, k}, rows);
  b.accumulate(op.getUp(), [&] {
    return getBank(multiply(u, {k, m}, g, {k, n}, up), op.getUp());
  });
  b.accumulate(op.getDown(), [&] {
    return getBank(multiply(x, {k, m}, du, {k, n}, down), op.getDown());
  });
  b.accumulate(x, [&] { return multiply(du, {m, k}, down, {n, k}, x); });
  return success();
}
