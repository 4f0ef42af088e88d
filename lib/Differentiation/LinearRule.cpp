//===- LinearRule.cpp - Rule of quant.linear -----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer is differentiated as the product of the values that its integers
// stand for:
//
//   y = x w^T + bias     dx = dy w     dw = dy^T x     dbias = sum of rows of
//   dy
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "quantc/Conversion/Generic.h"

using namespace mlir;
using namespace quantc;

/// The cotangent of the f32 sum of a layer: where its result is an integer, it
/// is cut by the clamp of the sum, which the same layer computes with an f32
/// result.
static Value getSumCotangent(LinearOp op, GradientBuilder &b) {
  Value dy = b.getCotangent(op);
  if (!op.hasIntegerResult())
    return dy;
  auto sum = cast<LinearOp>(b.clone(*op));
  sum.getOutputScaleMutable().clear();
  sum.getOutputZeroPointMutable().clear();
  sum.setClampMin(-128);
  sum.setClampMax(127);
  sum->setDiscardableAttrs(b.getDictionaryAttr({}));
  sum.getResult().setType(op.getType().clone(b.getF32Type()));
  return cutByClamp(b, sum, op.getOutputScale(), op.getOutputZeroPoint(),
                    op.getClampMin(), op.getClampMax(), dy);
}

LogicalResult quantc::differentiateLinear(LinearOp op, GradientBuilder &b) {
  if (op.getFeatureGroups() != 1)
    return op.emitError("a quantized layer of several groups of features "
                        "cannot be differentiated; leave it float");
  Value dy = getSumCotangent(op, b);
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  auto getMaps = [&](ArrayRef<AffineExpr> lhs, ArrayRef<AffineExpr> rhs) {
    return SmallVector<AffineMap>{AffineMap::get(3, 0, lhs, b.getContext()),
                                  AffineMap::get(3, 0, rhs, b.getContext()),
                                  AffineMap::get(3, 0, {m, n}, b.getContext())};
  };
  b.accumulate(op.getInput(), [&] {
    Value weight =
        createDequantize(b, op.getWeight(), op.getWeightScale(),
                         op.getWeightZeroPoint(), op.getGroupMultiplier());
    return createProduct<linalg::MatmulOp>(b, dy, weight, op.getInput(),
                                           getMaps({m, k}, {k, n}));
  });
  b.accumulate(op.getWeight(), [&] {
    Value input = op.getInput();
    if (op.hasIntegerInput())
      input = createDequantize(b, input, op.getInputScale(),
                               op.getInputZeroPoint());
    return createProduct<linalg::MatmulOp>(b, dy, input, op.getWeight(),
                                           getMaps({k, m}, {k, n}));
  });
  b.accumulate(op.getAddend(), dy);
  b.accumulate(op.getBias(), [&] {
    AffineMap byColumn = AffineMap::get(2, 0, n);
    return createGeneric(
               b, b.getLoc(), dy, b.createZeros(op.getBias()),
               {b.getMultiDimIdentityMap(2), byColumn},
               getSumIterators(byColumn),
               [](Emit &a, ValueRange elements) -> SmallVector<Value> {
                 return {a.add(elements[1], elements[0])};
               })
        .front();
  });
  return success();
}
