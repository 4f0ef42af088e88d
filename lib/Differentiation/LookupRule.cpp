//===- LookupRule.cpp - Rule of elements of a table -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A structured operation whose body extracts elements from a table (Gather):
//
//   y[out(i)] = t(table[index(i)], ...)
//
// Which element a point of the loops reads is only known when it is there, and
// several may read the same. So the cotangent is summed in loops, in the order
// of the points:
//
//   for i:  dtable[index(i)] += dy[out(i)] * dt/dtable
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace quantc;

/// The element of `tensor` that `map` accesses at the point `indices`.
static Value createExtract(OpBuilder &builder, Location loc, Value tensor,
                           AffineMap map, ValueRange indices) {
  SmallVector<Value> position;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      position.push_back(indices[dim.getPosition()]);
    else
      position.push_back(arith::ConstantIndexOp::create(
          builder, loc, cast<AffineConstantExpr>(expr).getValue()));
  }
  return tensor::ExtractOp::create(builder, loc, tensor, position);
}

/// The body of `op` at the point `indices`, its linalg.index replaced.
static IRMapping cloneBody(OpBuilder &builder, linalg::LinalgOp op,
                           ValueRange indices) {
  IRMapping mapping;
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value element = input->get();
    if (isa<RankedTensorType>(element.getType()))
      element = createExtract(builder, op.getLoc(), element,
                              op.getMatchingIndexingMap(input), indices);
    mapping.map(op.getMatchingBlockArgument(input), element);
  }
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      mapping.map(index.getResult(), indices[index.getDim()]);
    else
      builder.clone(inner, mapping);
  }
  return mapping;
}

LogicalResult quantc::differentiateLookup(linalg::LinalgOp op, Value table,
                                          Value term, GradientBuilder &b) {
  auto isSimple = [](AffineExpr expr) {
    return isa<AffineDimExpr, AffineConstantExpr>(expr);
  };
  SmallVector<tensor::ExtractOp> lookups;
  for (Operation *user : table.getUsers())
    if (op->isAncestor(user))
      lookups.push_back(dyn_cast<tensor::ExtractOp>(user));
  if (llvm::is_contained(lookups, nullptr) ||
      llvm::any_of(op.getIndexingMapsArray(), [&](AffineMap map) {
        return !llvm::all_of(map.getResults(), isSimple);
      }))
    return op.emitError("this use of a tensor in a body cannot be "
                        "differentiated; expects 'tensor.extract'");
  // Users of a value are listed from the last to the first.
  std::reverse(lookups.begin(), lookups.end());

  SmallVector<Value> lower, upper, steps;
  for (Range range : op.createLoopRanges(b, op.getLoc())) {
    lower.push_back(
        getValueOrCreateConstantIndexOp(b, b.getLoc(), range.offset));
    upper.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
    steps.push_back(
        getValueOrCreateConstantIndexOp(b, b.getLoc(), range.stride));
  }
  LogicalResult status = success();
  auto build = [&](OpBuilder &builder, Location loc, ValueRange indices,
                   ValueRange sums) -> scf::ValueVector {
    IRMapping mapping = cloneBody(builder, op, indices);
    GradientBuilder reverse(builder, loc, b.getOptions());
    Value dy = createExtract(builder, loc, b.getCotangent(op->getResult(0)),
                             op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
                             indices);
    SmallVector<Operation *> operations;
    for (Operation &inner : op.getBlock()->without_terminator())
      if (Operation *clone = mapping.lookupOrNull(&inner))
        operations.push_back(clone);
    for (tensor::ExtractOp lookup : lookups) {
      Value element = mapping.lookup(lookup.getResult());
      reverse.activate(element);
      llvm::erase(operations, element.getDefiningOp());
    }
    status = reverse.differentiate(operations, [&] {
      reverse.accumulate(mapping.lookupOrDefault(term), dy);
    });
    Value sum = sums.front();
    for (tensor::ExtractOp lookup : lookups) {
      auto element =
          mapping.lookup(lookup.getResult()).getDefiningOp<tensor::ExtractOp>();
      Value next = reverse.getCotangent(element);
      if (!next)
        continue;
      Value last =
          tensor::ExtractOp::create(reverse, sum, element.getIndices());
      next = arith::AddFOp::create(reverse, last, next);
      sum = tensor::InsertOp::create(reverse, next, sum, element.getIndices());
    }
    return {sum};
  };
  b.accumulate(table, [&] {
    scf::LoopNest nest = scf::buildLoopNest(b, b.getLoc(), lower, upper, steps,
                                            b.createZeros(table), build);
    if (!nest.loops.empty())
      eraseUnused(*nest.loops.back().getBody());
    return nest.results.front();
  });
  return status;
}
