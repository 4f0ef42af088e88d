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
// With groups of features, an output and the columns that it reads share the
// loops n and k; sums run through the same loops as in the layer.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"

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

/// The sums of products of two operands of `op`, read as `maps` say in the
/// loops m, n and k, of the shape of the third, `like`.
static Value createSums(LinearOp op, GradientBuilder &b, Value lhs, Value rhs,
                        Value like, ArrayRef<AffineMap> maps) {
  if (op.getFeatureGroups() == 1)
    return createProduct<linalg::MatmulOp>(b, lhs, rhs, like, maps);
  return createGeneric(
             b, b.getLoc(), {lhs, rhs}, b.createZeros(like), maps,
             getSumIterators(maps.back()),
             [](Emit &a, ValueRange elements) -> SmallVector<Value> {
               return {a.add(elements[2], a.mul(elements[0], elements[1]))};
             })
      .front();
}

void quantc::differentiateLinear(LinearOp op, GradientBuilder &b) {
  Value dy = getSumCotangent(op, b);
  bool isGrouped = op.getFeatureGroups() != 1;
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  auto getMaps = [&](ArrayRef<AffineExpr> lhs, ArrayRef<AffineExpr> rhs) {
    return SmallVector<AffineMap>{AffineMap::get(3, 0, lhs, b.getContext()),
                                  AffineMap::get(3, 0, rhs, b.getContext()),
                                  AffineMap::get(3, 0, {m, n}, b.getContext())};
  };
  RankedTensorType type = op.getWeight().getType();
  SmallVector<AffineMap> grouped =
      getFeatureGroupMaps(b.getContext(), op.getFeatureGroups(),
                          type.getDimSize(0), type.getDimSize(1));
  b.accumulate(op.getInput(), [&] {
    Value weight =
        createDequantize(b, op.getWeight(), op.getWeightScale(),
                         op.getWeightZeroPoint(), op.getGroupMultiplier());
    SmallVector<AffineMap> maps = {grouped[2], grouped[1], grouped[0]};
    return createSums(op, b, dy, weight, op.getInput(),
                      isGrouped ? maps : getMaps({m, k}, {k, n}));
  });
  b.accumulate(op.getWeight(), [&] {
    Value input = op.getInput();
    if (op.hasIntegerInput())
      input = createDequantize(b, input, op.getInputScale(),
                               op.getInputZeroPoint());
    SmallVector<AffineMap> maps = {grouped[2], grouped[0], grouped[1]};
    return createSums(op, b, dy, input, op.getWeight(),
                      isGrouped ? maps : getMaps({k, m}, {k, n}));
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
}
