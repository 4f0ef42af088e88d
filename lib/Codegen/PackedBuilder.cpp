//===- PackedBuilder.cpp - Operations on packed weights -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedBuilder.h"

#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

Value quantc::extractPart(OpBuilder &builder, Location loc, Value tensor,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, tensor, offsets, sizes,
                                        strides);
}

void PackedBuilder::setLayout(int64_t numColumns, int64_t depthK, int64_t depth,
                              const Accumulators &accumulators,
                              int64_t rowsAtOnce, StepPacking packing) {
  block = chooseBlock(numColumns, accumulators, rowsAtOnce);
  layout = {numColumns, depthK, /*groups=*/1, depth, block.columns, packing};
}

Value PackedBuilder::constant(Type element, ArrayRef<int64_t> shape,
                              ArrayRef<char> data) {
  auto type = RankedTensorType::get(shape, element);
  return arith::ConstantOp::create(
      rewriter, loc, DenseElementsAttr::getFromRawBuffer(type, data));
}

Value PackedBuilder::padWithZeros(Value value, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, value);
  SmallVector<OpFoldResult> padded = sizes;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (!ShapedType::isDynamic(size))
      padded[dim] = rewriter.getIndexAttr(size);
  if (padded == sizes)
    return value;
  Value zeros = createZeros(rewriter, loc, padded, type.getElementType());
  SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
  return tensor::InsertSliceOp::create(rewriter, loc, value, zeros, offsets,
                                       sizes, strides);
}

AffineMap PackedBuilder::getParameterMap(Value parameter, unsigned numLoops) {
  SmallVector<AffineExpr> exprs;
  for (auto [dim, size] :
       llvm::enumerate(cast<RankedTensorType>(parameter.getType()).getShape()))
    exprs.push_back(size == 1 ? rewriter.getAffineConstantExpr(0)
                              : rewriter.getAffineDimExpr(dim));
  return AffineMap::get(numLoops, 0, exprs, rewriter.getContext());
}

Value PackedBuilder::packParameter(Value parameter, int64_t groups,
                                   int64_t groupDim) {
  auto type = cast<RankedTensorType>(parameter.getType());
  Type element = type.getElementType();
  PackedLayout grouped = layout;
  grouped.groups = groups;
  SmallVector<int64_t> shape = {layout.numPanels(), groupDim, layout.panel};
  auto packConstant = [&](const auto &values) {
    return packed(element, shape,
                  grouped.packParameter(ArrayRef(
                      expandParameter(values, layout.numColumns, groups))));
  };
  if (auto values = getFloatValues(parameter))
    return packConstant(*values);
  if (auto values = getStorageValues(parameter))
    return packConstant(*values);

  // [N, groups] -> [NB * NR, groups] -> [NB, NR, groups] -> [NB, groups, NR].
  Value full =
      createElementwise(rewriter, loc, parameter, getParameterMap(parameter),
                        {rewriter.getIndexAttr(layout.numColumns),
                         rewriter.getIndexAttr(groups)},
                        element,
                        [](Emit &, ValueRange elements) -> SmallVector<Value> {
                          return {elements[0]};
                        })
          .front();
  full = padWithZeros(full, layout.numPanels() * layout.panel);
  SmallVector<ReassociationIndices> split = {{0, 1}, {2}};
  Value panels = tensor::ExpandShapeOp::create(
      rewriter, loc,
      RankedTensorType::get({layout.numPanels(), layout.panel, groups},
                            element),
      full, split);
  if (!groupDim) {
    SmallVector<ReassociationIndices> drop = {{0}, {1, 2}};
    return tensor::CollapseShapeOp::create(rewriter, loc, panels, drop);
  }
  AffineMap transposed = AffineMap::getPermutationMap(
      ArrayRef<int64_t>{0, 2, 1}, rewriter.getContext());
  return createElementwise(
             rewriter, loc, panels, transposed,
             getAsIndexOpFoldResult(rewriter.getContext(), shape), element,
             [](Emit &, ValueRange elements) -> SmallVector<Value> {
               return {elements[0]};
             })
      .front();
}

Value PackedBuilder::createGeneric(const Loops &loops, ValueRange inputs,
                                   Value init, ArrayRef<AffineMap> maps,
                                   EmitBody body) {
  Value result = quantc::createGeneric(rewriter, loc, inputs, init, maps,
                                       loops.iterators, body)
                     .front();
  result.getDefiningOp()->setAttr(
      kTileSizesAttr, rewriter.getDenseI64ArrayAttr(loops.tileSizes));
  return result;
}

Value PackedBuilder::createDestination(Type element) {
  int64_t padded = layout.numPanels() * layout.panel;
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     rewriter.getIndexAttr(padded)};
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, element);
  int64_t rows = cast<RankedTensorType>(empty.getType()).getDimSize(0);
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  return tensor::ExpandShapeOp::create(
      rewriter, loc,
      RankedTensorType::get({rows, layout.numPanels(), layout.panel}, element),
      empty, split);
}

Value PackedBuilder::createResult(Value blocked, RankedTensorType type) {
  SmallVector<ReassociationIndices> join = {{0}, {1, 2}};
  Value flat = tensor::CollapseShapeOp::create(rewriter, loc, blocked, join);
  if (cast<RankedTensorType>(flat.getType()).getDimSize(1) !=
      layout.numColumns) {
    SmallVector<OpFoldResult> offsets(2, rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> sizes = {
        getAsOpFoldResult(numRows), rewriter.getIndexAttr(layout.numColumns)};
    flat = extractPart(rewriter, loc, flat, offsets, sizes);
  }
  if (flat.getType() != type)
    flat = tensor::CastOp::create(rewriter, loc, type, flat);
  return flat;
}

Value PackedBuilder::createBlocked(Value tensor) {
  int64_t rows = cast<RankedTensorType>(tensor.getType()).getDimSize(0);
  tensor = padWithZeros(tensor, {rows, layout.numPanels() * layout.panel});
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  auto blocked = RankedTensorType::get({rows, layout.numPanels(), layout.panel},
                                       getElementTypeOrSelf(tensor));
  return tensor::ExpandShapeOp::create(rewriter, loc, blocked, tensor, split);
}
