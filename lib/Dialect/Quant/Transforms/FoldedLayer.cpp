//===- FoldedLayer.cpp - What went into a layer ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

void quantc::setFoldedLayer(Operation *op, const FoldedLayer &folded) {
  Builder b(op->getContext());
  std::vector<double> scales, shifts;
  for (const numerics::ChannelAffine &map : folded.maps) {
    scales.push_back(map.scale);
    shifts.push_back(map.shift);
  }
  auto nodes = llvm::map_to_vector(folded.nodes, [&](StringRef name) {
    return Attribute(b.getStringAttr(name));
  });
  auto type = RankedTensorType::get(static_cast<int64_t>(scales.size()),
                                    b.getF64Type());
  auto createTensor = [&](ArrayRef<double> values) {
    return DenseElementsAttr::get(type, values);
  };
  op->setAttr(
      kFoldedAttr,
      b.getDictionaryAttr({b.getNamedAttr("nodes", b.getArrayAttr(nodes)),
                           b.getNamedAttr("scale", createTensor(scales)),
                           b.getNamedAttr("shift", createTensor(shifts))}));
}

std::optional<FoldedLayer> quantc::getFoldedLayer(Operation *op) {
  auto attr = op->getAttrOfType<DictionaryAttr>(kFoldedAttr);
  auto nodes = attr ? attr.getAs<ArrayAttr>("nodes") : nullptr;
  auto scale = attr ? attr.getAs<DenseElementsAttr>("scale") : nullptr;
  auto shift = attr ? attr.getAs<DenseElementsAttr>("shift") : nullptr;
  if (!nodes || !scale || !shift || !scale.getElementType().isF64() ||
      scale.getType() != shift.getType() || scale.getType().getRank() != 1 ||
      scale.getNumElements() !=
          cast<ShapedType>(op->getResult(0).getType()).getShape().back())
    return std::nullopt;
  FoldedLayer folded;
  for (Attribute node : nodes) {
    auto name = dyn_cast<StringAttr>(node);
    if (!name)
      return std::nullopt;
    folded.nodes.push_back(name.str());
  }
  for (auto [factor, term] :
       llvm::zip_equal(scale.getValues<double>(), shift.getValues<double>()))
    folded.maps.push_back({factor, term});
  return folded;
}

/// The scales of `layer` as a constant of f32; null if none differs from 1.
static Value createScales(OpBuilder &builder, Operation *layer) {
  std::optional<FoldedLayer> folded = getFoldedLayer(layer);
  if (!folded)
    return {};
  std::vector<float> scales;
  for (const numerics::ChannelAffine &map : folded->maps)
    scales.push_back(static_cast<float>(map.scale));
  if (llvm::all_of(scales, [](float scale) { return scale == 1; }))
    return {};
  return createConstant(builder, layer->getLoc(),
                        {static_cast<int64_t>(scales.size())}, scales);
}

/// `fold` of each element of `matrix` and the scale of its column, which is an
/// output of `layer`.
static Value
createFolded(OpBuilder &builder, Operation *layer, Value matrix,
             llvm::function_ref<Value(Emit &, Value, Value)> fold) {
  Value scales = createScales(builder, layer);
  if (!scales)
    return matrix;
  AffineMap byColumn = AffineMap::get(2, 0, builder.getAffineDimExpr(1));
  Location loc = layer->getLoc();
  return createElementwise(
             builder, loc, {matrix, scales},
             {builder.getMultiDimIdentityMap(2), byColumn},
             tensor::getMixedSizes(builder, loc, matrix), builder.getF32Type(),
             [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
               return {fold(a, elements[0], elements[1])};
             })
      .front();
}

Value quantc::foldUp(OpBuilder &builder, Operation *layer, Value up) {
  return createFolded(builder, layer, up, [](Emit &a, Value b, Value scale) {
    return numerics::foldAdapter(a, b, scale);
  });
}

Value quantc::foldDelta(OpBuilder &builder, Operation *layer, Value delta) {
  return createFolded(builder, layer, delta,
                      [](Emit &a, Value element, Value scale) {
                        return numerics::foldDelta(a, element, scale);
                      });
}
