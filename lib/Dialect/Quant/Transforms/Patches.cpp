//===- Patches.cpp - Rows that are copied from windows --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Patches.h"

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
static unsigned countWindowDims(Patches patches) {
  ArrayRef<int64_t> shape = patches.getType().getShape();
  int64_t numRowDims = patches.getNumRowDims();
  return llvm::count_if(patches.getMap().getResults(), [&](AffineExpr expr) {
    bool isMoved = false, isWide = false;
    for (auto [loop, size] : llvm::enumerate(shape)) {
      if (!expr.isFunctionOfDim(loop))
        continue;
      if (static_cast<int64_t>(loop) < numRowDims)
        isMoved = true;
      else
        isWide |= size != 1;
    }
    return isMoved && isWide;
  });
}

std::optional<Patches> Patches::match(Value rows) {
  auto collapse = rows.getDefiningOp<tensor::CollapseShapeOp>();
  auto copy =
      collapse ? collapse.getSrc().getDefiningOp<linalg::GenericOp>() : nullptr;
  if (!copy || collapse.getResultType().getRank() != 2 || !isCopy(copy) ||
      !copy.getIndexingMapsArray().back().isIdentity())
    return std::nullopt;
  return Patches{collapse, copy};
}

std::optional<Patches> Patches::get(Value rows) {
  std::optional<Patches> patches = match(rows);
  return patches && patches->collapse->hasOneUse() && patches->copy->hasOneUse()
             ? patches
             : std::nullopt;
}

std::optional<Patches> quantc::matchWindows(Value rows) {
  std::optional<Patches> patches = Patches::match(rows);
  return patches && hasSamples(patches->getMap()) &&
                 countWindowDims(*patches) > 1
             ? patches
             : std::nullopt;
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
                                  Value values, Patches patches) {
  int64_t numDims = patches.getNumRowDims();
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, patches.collapse.getSrc());
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

Value quantc::matchRowsOfSamples(Value rows, Patches patches) {
  auto collapse = rows.getDefiningOp<tensor::CollapseShapeOp>();
  auto broadcast = collapse
                       ? collapse.getSrc().getDefiningOp<linalg::BroadcastOp>()
                       : nullptr;
  int64_t numDims = patches.getNumRowDims();
  if (!broadcast ||
      collapse.getReassociationIndices() != splitDims(numDims, numDims + 1) ||
      collapse.getSrcType().getShape().drop_back() !=
          patches.getType().getShape().take_front(numDims) ||
      broadcast.getDimensions() !=
          ArrayRef(llvm::to_vector(llvm::seq<int64_t>(1, numDims))))
    return Value();
  return broadcast.getInput();
}
