//===- TileContraction.cpp - Contractions that are left in memory ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileContraction.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace quantc;

/// Whether the dimensions of `type` from `first` on are next to each other.
static bool isContiguousFrom(MemRefType type, int64_t first) {
  SmallVector<int64_t> strides;
  int64_t offset, expected = 1;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  for (int64_t dim = type.getRank() - 1; dim >= first; --dim) {
    int64_t size = type.getDimSize(dim);
    if (size != 1 && strides[dim] != expected)
      return false;
    if (ShapedType::isDynamic(size))
      return dim == first;
    expected *= size;
  }
  return true;
}

/// The operation before `op` that gives each row of its accumulators the same
/// start.
static linalg::GenericOp findInit(linalg::GenericOp op) {
  Value acc = op.getDpsInits().front();
  for (Operation *prev = op->getPrevNode(); prev; prev = prev->getPrevNode()) {
    if (!llvm::is_contained(prev->getOperands(), acc))
      continue;
    auto init = dyn_cast<linalg::GenericOp>(prev);
    bool isCopy = init && init.getNumDpsInputs() == 1 &&
                  init.getDpsInits().front() == acc &&
                  init.getNumReductionLoops() == 0 &&
                  init.getBody()->getTerminator()->getOperand(0) ==
                      init.getBody()->getArgument(0);
    if (!isCopy)
      return {};
    auto start = dyn_cast<MemRefType>(init.getDpsInputs().front().getType());
    // Constant along the rows, the first loop, and read in order.
    bool isOfColumns = start && isContiguousFrom(start, 0) &&
                       !init.getMatchingIndexingMap(init.getDpsInputOperand(0))
                            .isFunctionOfDim(0);
    return isOfColumns ? init : linalg::GenericOp();
  }
  return {};
}

FailureOr<TileContraction> quantc::matchTileContraction(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2)
    return op.emitError("expects a contraction of two buffers into a third");
  TileContraction result{op, {}, {}};
  MemRefType lhs = result.getLhs().getType(), rhs = result.getRhs().getType(),
             acc = result.getAcc().getType();
  if (!isContiguousFrom(lhs, 1) || !isContiguousFrom(rhs, 0) ||
      !isContiguousFrom(acc, 1))
    return op.emitError("expects contiguous rows and weights");
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(acc.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(strides[0]))
    return op.emitError("expects accumulators whose rows lie at a known "
                        "distance");
  result.shape.depth = computeProduct(lhs.getShape().drop_front());
  result.shape.panel = computeProduct(acc.getShape().drop_front());
  result.shape.accStride = strides[0];
  if (rhs.getNumElements() != result.shape.depth * result.shape.panel)
    return op.emitError("expects one panel of packed weights");
  result.init = findInit(op);
  return result;
}
