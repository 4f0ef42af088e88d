//===- ExtremumRule.cpp - Gradients of maxima and minima -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Generic.h"

using namespace mlir;
using namespace quantc;

/// Whether the body of `op` takes `term` from its first input, and nothing from
/// others, which only say how large a window is.
static bool takesFirstInput(linalg::LinalgOp op, Value term) {
  if (term != op.getMatchingBlockArgument(op.getDpsInputOperand(0)))
    return false;
  return llvm::all_of(llvm::drop_begin(op.getDpsInputOperands()),
                      [&](OpOperand *input) {
                        return op.getMatchingBlockArgument(input).use_empty();
                      });
}

FailureOr<Value> quantc::createShares(linalg::LinalgOp op, Value term,
                                      GradientBuilder &b) {
  OpOperand *destination = op.getDpsInitOperand(0);
  if (!takesFirstInput(op, term) || b.isActive(destination->get()))
    return op.emitError("this maximum or minimum cannot be differentiated; "
                        "expects one of the elements of a tensor");
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  AffineMap outMap = op.getMatchingIndexingMap(destination);
  Value x = op->getOperand(0), y = op->getResult(0);
  // The windows come last, so that the loops have sizes.
  SmallVector<Value> windows(llvm::drop_begin(op.getDpsInputs()));
  auto create = [&](ArrayRef<Value> inputs, ArrayRef<AffineMap> maps,
                    Value init, AffineMap initMap, EmitBody body) {
    SmallVector<Value> allInputs(inputs);
    llvm::append_range(allInputs, windows);
    SmallVector<AffineMap> allMaps(maps);
    for (OpOperand *window : llvm::drop_begin(op.getDpsInputOperands()))
      allMaps.push_back(op.getMatchingIndexingMap(window));
    allMaps.push_back(initMap);
    return createGeneric(b, b.getLoc(), allInputs, init, allMaps,
                         getSumIterators(initMap), body)
        .front();
  };
  auto isExtreme = [](Emit &a, ValueRange elements) {
    return a.equal(elements[0], elements[1]);
  };
  Value count = create({x, y}, {map, outMap}, b.createZeros(y), outMap,
                       [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                         Value one = a.constant(1), none = a.constant(0);
                         Value next =
                             a.select(isExtreme(a, elements), one, none);
                         return {a.add(elements.back(), next)};
                       });
  Value share = arith::DivFOp::create(b, b.getCotangent(y), count);
  // Windows may overlap.
  bool isSum = !map.isPermutation();
  Value init =
      isSum ? b.createZeros(x)
            : tensor::EmptyOp::create(
                  b, tensor::getMixedSizes(b, b.getLoc(), x), b.getF32Type());
  return create({x, y, share}, {map, outMap, outMap}, init, map,
                [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                  Value none = a.constant(0);
                  Value dx =
                      a.select(isExtreme(a, elements), elements[2], none);
                  return {isSum ? a.add(elements.back(), dx) : dx};
                });
}
