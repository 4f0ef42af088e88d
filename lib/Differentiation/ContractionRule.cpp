//===- ContractionRule.cpp - Gradients of products -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both cotangents of a product are products:
//
//   y = a * b     da = dy * b^T     db = a^T * dy
//
// The transpositions are in the indexing maps, and no tensor is transposed.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

using namespace mlir;
using namespace quantc;

Value quantc::createMatmul(linalg::LinalgOp op, OpOperand &operand,
                           OpOperand &other, GradientBuilder &b) {
  unsigned numLoops = op.getNumLoops();
  if (numLoops != 3 && numLoops != 4)
    return {};
  unsigned batchRank = numLoops - 3;
  std::pair<Value, AffineMap> lhs = {
      b.getCotangent(op->getResult(0)),
      op.getMatchingIndexingMap(op.getDpsInitOperand(0))};
  std::pair<Value, AffineMap> rhs = {other.get(),
                                     op.getMatchingIndexingMap(&other)};
  AffineMap result = op.getMatchingIndexingMap(&operand);
  for (AffineMap map : {lhs.second, rhs.second, result})
    if (map.getNumResults() != numLoops - 1 || !map.isProjectedPermutation() ||
        (batchRank && map.getDimPosition(0) != result.getDimPosition(0)))
      return {};
  unsigned m = result.getDimPosition(batchRank);
  unsigned n = result.getDimPosition(batchRank + 1);
  if (!lhs.second.isFunctionOfDim(m))
    std::swap(lhs, rhs);
  if (lhs.second.isFunctionOfDim(n) || rhs.second.isFunctionOfDim(m))
    return {};

  // The loops in the order of the named operations: batch, m, n, k.
  unsigned next = numLoops - 1;
  SmallVector<AffineExpr> loops;
  for (unsigned loop = 0; loop < numLoops; ++loop) {
    bool isBatch = batchRank && loop == result.getDimPosition(0);
    loops.push_back(b.getAffineDimExpr(isBatch     ? 0
                                       : loop == m ? batchRank
                                       : loop == n ? batchRank + 1
                                                   : next));
  }
  SmallVector<AffineMap> maps;
  for (AffineMap map : {lhs.second, rhs.second, result})
    maps.push_back(map.replaceDimsAndSymbols(loops, {}, numLoops, 0));
  return batchRank ? createProduct<linalg::BatchMatmulOp>(
                         b, lhs.first, rhs.first, operand.get(), maps)
                   : createProduct<linalg::MatmulOp>(b, lhs.first, rhs.first,
                                                     operand.get(), maps);
}
