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

FailureOr<Value> quantc::createShares(linalg::LinalgOp op, Value term,
                                      GradientBuilder &b) {
  OpOperand *input = op.getDpsInputOperand(0);
  OpOperand *destination = op.getDpsInitOperand(0);
  AffineMap map = op.getMatchingIndexingMap(input);
  if (op.getNumDpsInputs() != 1 || term != op.getMatchingBlockArgument(input) ||
      !map.isPermutation() || b.isActive(destination->get()))
    return op.emitError("this maximum or minimum cannot be differentiated; "
                        "expects one of the elements of a tensor");
  AffineMap outMap = op.getMatchingIndexingMap(destination);
  Value x = input->get(), y = op->getResult(0);
  auto isExtreme = [](Emit &a, ValueRange elements) {
    return a.equal(elements[0], elements[1]);
  };
  Value count =
      createGeneric(b, b.getLoc(), {x, y}, b.createZeros(y),
                    {map, outMap, outMap}, getSumIterators(outMap),
                    [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                      Value one = a.constant(1), none = a.constant(0);
                      Value next = a.select(isExtreme(a, elements), one, none);
                      return {a.add(elements[2], next)};
                    })
          .front();
  Value share = arith::DivFOp::create(b, b.getCotangent(y), count);
  Value empty = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), x), b.getF32Type());
  return createGeneric(
             b, b.getLoc(), {x, y, share}, empty, {map, outMap, outMap, map},
             getSumIterators(map),
             [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
               Value none = a.constant(0);
               return {a.select(isExtreme(a, elements), elements[2], none)};
             })
      .front();
}
