//===- Windows.cpp - Rows that are patches of samples ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Windows.h"

#include "HoistQuantize.h"

using namespace mlir;
using namespace quantc;

/// Whether the first dimension of the source is that of samples.
static bool hasSamples(AffineMap map) {
  return map.getNumResults() > 1 &&
         map.getResult(0) == getAffineDimExpr(0, map.getContext()) &&
         llvm::none_of(map.getResults().drop_front(),
                       [](AffineExpr expr) { return expr.isFunctionOfDim(0); });
}

/// How many dimensions of the source windows both move along and have several
/// elements of.
static unsigned countWindowDims(Windows windows) {
  ArrayRef<int64_t> shape = windows.collapse.getSrcType().getShape();
  unsigned numRowDims = windows.getNumRowDims();
  AffineMap map = windows.copy.getIndexingMapsArray()[0];
  return llvm::count_if(map.getResults(), [&](AffineExpr expr) {
    bool isMoved = false, isWide = false;
    for (auto [loop, size] : llvm::enumerate(shape)) {
      if (!expr.isFunctionOfDim(loop))
        continue;
      if (loop < numRowDims)
        isMoved = true;
      else
        isWide |= size != 1;
    }
    return isMoved && isWide;
  });
}

std::optional<Windows> quantc::matchWindows(Value rows) {
  auto collapse = rows.getDefiningOp<tensor::CollapseShapeOp>();
  auto copy =
      collapse ? collapse.getSrc().getDefiningOp<linalg::GenericOp>() : nullptr;
  if (!copy || collapse.getResultType().getRank() != 2 || !isCopy(copy))
    return std::nullopt;
  SmallVector<AffineMap> maps = copy.getIndexingMapsArray();
  Windows windows{collapse, copy};
  if (!maps[1].isIdentity() || !hasSamples(maps[0]) ||
      countWindowDims(windows) < 2)
    return std::nullopt;
  return windows;
}

/// [[0, count), [count, rank)]
static SmallVector<ReassociationIndices> splitDims(int64_t count,
                                                   int64_t rank) {
  return {llvm::to_vector<2>(llvm::seq(count)),
          llvm::to_vector<2>(llvm::seq(count, rank))};
}

Value quantc::createSamples(OpBuilder &builder, Location loc, Value source) {
  int64_t rank = cast<RankedTensorType>(source.getType()).getRank();
  if (rank == 2)
    return source;
  return tensor::CollapseShapeOp::create(builder, loc, source,
                                         splitDims(1, rank));
}

Value quantc::createRowsOfSamples(OpBuilder &builder, Location loc,
                                  Value values, Windows windows) {
  unsigned numDims = windows.getNumRowDims();
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, windows.collapse.getSrc());
  sizes.resize(numDims);
  sizes.push_back(builder.getIndexAttr(1));
  Value empty = tensor::EmptyOp::create(builder, loc, sizes,
                                        getElementTypeOrSelf(values));
  auto places = llvm::to_vector(llvm::seq<int64_t>(1, numDims));
  Value broadcast =
      linalg::BroadcastOp::create(builder, loc, values, empty, places)
          ->getResult(0);
  return tensor::CollapseShapeOp::create(builder, loc, broadcast,
                                         splitDims(numDims, numDims + 1));
}

Value quantc::matchRowsOfSamples(Value rows, Windows windows) {
  auto collapse = rows.getDefiningOp<tensor::CollapseShapeOp>();
  auto broadcast = collapse
                       ? collapse.getSrc().getDefiningOp<linalg::BroadcastOp>()
                       : nullptr;
  int64_t numDims = windows.getNumRowDims();
  if (!broadcast ||
      collapse.getReassociationIndices() != splitDims(numDims, numDims + 1) ||
      collapse.getSrcType().getShape().drop_back() !=
          windows.collapse.getSrcType().getShape().take_front(numDims) ||
      broadcast.getDimensions() !=
          ArrayRef(llvm::to_vector(llvm::seq<int64_t>(1, numDims))))
    return Value();
  return broadcast.getInput();
}
