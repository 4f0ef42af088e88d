//===- RowReduction.cpp - Reductions taken apart --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "quantc/Conversion/Generic.h"

using namespace mlir;
using namespace quantc;

bool quantc::isContiguous(Value value) {
  auto type = cast<MemRefType>(value.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         !strides.empty() && strides.back() == 1;
}

bool quantc::isProjection(AffineMap map, unsigned loop) {
  for (auto [index, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim && !isa<AffineConstantExpr>(expr))
      return false;
    if (dim && dim.getPosition() == loop && index + 1 != map.getNumResults())
      return false;
  }
  return true;
}

/// Whether terms may be combined in any order, and with each other.
static bool combinesInAnyOrder(const Accumulator &accumulator) {
  return accumulator.combine.size() == 1 &&
         isa<arith::MaximumFOp, arith::MinimumFOp, arith::AddIOp,
             arith::MaxSIOp, arith::MinSIOp>(accumulator.combine.front());
}

/// Takes the body of `reduction.op` apart, or says why not.
static LogicalResult splitBody(RowReduction &reduction,
                               PatternRewriter &rewriter) {
  linalg::GenericOp op = reduction.op;
  llvm::DenseMap<Value, int> owners;
  Block *body = op.getBody();
  for (auto [index, argument] :
       llvm::enumerate(body->getArguments().drop_front(op.getNumDpsInputs()))) {
    owners[argument] = index;
    reduction.accumulators.push_back({argument, {}, {}, {}});
  }
  for (Operation &inner : body->without_terminator()) {
    if (inner.getNumResults() != 1 || inner.getNumRegions() != 0 ||
        (!OpTrait::hasElementwiseMappableTraits(&inner) &&
         !isa<arith::ConstantOp>(inner)))
      return rewriter.notifyMatchFailure(op, "the body is not elementwise");
    int owner = -1;
    for (Value operand : inner.getOperands()) {
      auto found = owners.find(operand);
      if (found == owners.end())
        continue;
      if (owner >= 0 && owner != found->second)
        return rewriter.notifyMatchFailure(op, "accumulators meet");
      owner = found->second;
    }
    if (owner < 0) {
      reduction.prepare.push_back(&inner);
      continue;
    }
    owners[inner.getResult(0)] = owner;
    Accumulator &accumulator = reduction.accumulators[owner];
    accumulator.combine.push_back(&inner);
    for (Value operand : inner.getOperands())
      if (!owners.contains(operand) && operand.getParentBlock() == body &&
          !operand.getDefiningOp<arith::ConstantOp>())
        accumulator.terms.insert(operand);
  }
  for (auto [index, value] :
       llvm::enumerate(body->getTerminator()->getOperands())) {
    auto found = owners.find(value);
    if (found == owners.end() || found->second != static_cast<int>(index) ||
        isa<BlockArgument>(value))
      return rewriter.notifyMatchFailure(op, "a result is not accumulated");
    reduction.accumulators[index].next = value;
  }
  return success();
}

FailureOr<RowReduction> quantc::matchReduction(linalg::GenericOp op,
                                               PatternRewriter &rewriter) {
  if (!op.hasPureBufferSemantics() || op.hasIndexSemantics())
    return rewriter.notifyMatchFailure(op, "not a loop nest over memory alone");
  if (op.getNumLoops() == 0 ||
      op.getIteratorTypesArray().back() != utils::IteratorType::reduction)
    return rewriter.notifyMatchFailure(op, "no reduction, or not innermost");
  RowReduction reduction{op, {}, {}};
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = reduction.getMap(operand);
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type || !isProjection(map, reduction.lastLoop()))
      return rewriter.notifyMatchFailure(op, "an operand is not read in rows");
    // A vector of i1 would be read as bits.
    if (!type.getElementType().isIntOrFloat() ||
        type.getElementTypeBitWidth() % 8 != 0)
      return rewriter.notifyMatchFailure(op, "elements are not whole bytes");
    if (reduction.isAlongRow(operand) && !isContiguous(operand.get()))
      return rewriter.notifyMatchFailure(op, "a row is not contiguous");
  }
  if (failed(splitBody(reduction, rewriter)))
    return failure();
  reduction.isAnyOrder =
      llvm::all_of(reduction.accumulators, [&](const Accumulator &acc) {
        return acc.terms.size() == 1 &&
               acc.terms.front().getType() == acc.argument.getType() &&
               (op->hasAttr(kAnyOrderAttr) || combinesInAnyOrder(acc));
      });
  return reduction;
}
