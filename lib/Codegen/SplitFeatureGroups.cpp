//===- SplitFeatureGroups.cpp - One layer for each group ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FeatureGroups.h"
#include "PackedBuilder.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace quantc {
#define GEN_PASS_DEF_SPLITFEATUREGROUPSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// More layers than this take longer to compile than the loops of one.
static constexpr int64_t kMostGroups = 64;

/// Elements `first` to `first + count` of the first dimension of `values`,
/// which has `total` of them; one for all is kept.
template <class T>
static SmallVector<T> takeRows(ArrayRef<T> values, int64_t first, int64_t count,
                               int64_t total) {
  int64_t size = values.size() / total;
  return SmallVector<T>(values.slice(first * size, count * size));
}

static SmallVector<int64_t> withRows(Value value, int64_t count) {
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(value.getType()).getShape());
  shape[0] = count;
  return shape;
}

/// Dimension `dim` of `tensor` from `first` on.
static Value createSlice(OpBuilder &b, Location loc, Value tensor, int64_t dim,
                         int64_t first, int64_t count) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  sizes[dim] = b.getIndexAttr(count);
  offsets[dim] = b.getIndexAttr(first);
  return extractPart(b, loc, tensor, offsets, sizes);
}

namespace {
/// The layers of the groups of one layer.
class GroupSplitter {
public:
  GroupSplitter(OpBuilder &builder, GroupedLayer layer)
      : b(builder), layer(layer), loc(layer.op->getLoc()) {}

  /// The result of all groups; null if the weight or its parameters are not
  /// constant.
  Value create();

private:
  bool readConstants();
  Value createInput(int64_t group);
  Value createLayer(int64_t group, Value input);
  Value createLinear(int64_t first, int64_t count, Value input);
  /// The part of a parameter that belongs to some outputs: rank 0 is all.
  Value takeFloats(Value parameter, int64_t first, int64_t count);
  Value takeStorage(Value parameter, int64_t first, int64_t count);

  OpBuilder &b;
  GroupedLayer layer;
  Location loc;
  /// [N, K].
  std::optional<std::vector<float>> floatWeight;
};
} // namespace

/// Reads the weight of a float layer, once for all groups. False if what is
/// split is not constant.
bool GroupSplitter::readConstants() {
  LinearOp op = layer.linear;
  if (!op) {
    floatWeight = layer.getFloatWeight();
    return floatWeight.has_value();
  }
  auto isKnown = [](Value value) { return !value || getStorageValues(value); };
  return isKnown(op.getWeight()) && isKnown(op.getWeightZeroPoint()) &&
         isKnown(op.getGroupMultiplier()) &&
         getFloatValues(op.getWeightScale()) &&
         (!op.getBias() || getFloatValues(op.getBias()));
}

/// [M, K], the columns of `group`, copied from its own channels alone where
/// they are patches.
Value GroupSplitter::createInput(int64_t group) {
  std::optional<Patches> patches = Patches::get(layer.getInput());
  if (!patches || patches->getType().getDimSize(patches->getNumRowDims()) !=
                      layer.numGroups)
    return createSlice(b, loc, layer.getInput(), 1, group * layer.depth,
                       layer.depth);
  int64_t groupDim = patches->getNumRowDims();
  linalg::GenericOp copy = patches->copy;
  SmallVector<AffineExpr> dims;
  for (int64_t dim = 0; dim < copy.getNumLoops(); ++dim)
    dims.push_back(dim == groupDim
                       ? b.getAffineConstantExpr(group)
                       : b.getAffineDimExpr(dim - (dim > groupDim)));
  int64_t numLoops = copy.getNumLoops() - 1;
  AffineMap map =
      patches->getMap().replaceDimsAndSymbols(dims, {}, numLoops, 0);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, loc, copy.getDpsInits().front());
  sizes.erase(sizes.begin() + groupDim);
  Value empty = tensor::EmptyOp::create(b, loc, sizes,
                                        patches->getType().getElementType());
  SmallVector<utils::IteratorType> iterators(numLoops,
                                             utils::IteratorType::parallel);
  Value part = linalg::GenericOp::create(
                   b, loc, empty.getType(), patches->getSource(), empty,
                   ArrayRef{map, b.getMultiDimIdentityMap(numLoops)}, iterators,
                   [](OpBuilder &b, Location loc, ValueRange elements) {
                     linalg::YieldOp::create(b, loc, elements[0]);
                   })
                   .getResult(0);
  SmallVector<ReassociationIndices> split(2);
  for (int64_t dim = 0; dim < numLoops; ++dim)
    split[dim >= groupDim].push_back(dim);
  return tensor::CollapseShapeOp::create(b, loc, part, split);
}

Value GroupSplitter::takeFloats(Value parameter, int64_t first, int64_t count) {
  if (!parameter || cast<RankedTensorType>(parameter.getType()).getRank() == 0)
    return parameter;
  std::vector<float> values = *getFloatValues(parameter);
  return createConstant(
      b, loc, withRows(parameter, count),
      ArrayRef(takeRows(ArrayRef(values), first, count, layer.numOutputs)));
}

Value GroupSplitter::takeStorage(Value parameter, int64_t first,
                                 int64_t count) {
  if (!parameter || cast<RankedTensorType>(parameter.getType()).getRank() == 0)
    return parameter;
  std::vector<int8_t> values = *getStorageValues(parameter);
  SmallVector<int8_t> part =
      takeRows(ArrayRef(values), first, count, layer.numOutputs);
  SmallVector<int64_t> shape = withRows(parameter, count);
  Type type = getElementTypeOrSelf(parameter.getType());
  if (parameter.getDefiningOp<UnpackOp>())
    return createUnpacked(b, loc, type, shape, part);
  return createStorage(b, loc, shape, type.getIntOrFloatBitWidth(),
                       ArrayRef(part));
}

Value GroupSplitter::createLinear(int64_t first, int64_t count, Value input) {
  LinearOp op = layer.linear;
  RankedTensorType type = layer.getResultType();
  Value addend = op.getAddend();
  if (addend)
    addend = createSlice(b, loc, addend, 1, first, count);
  return LinearOp::create(b, loc, type.clone({type.getDimSize(0), count}),
                          input, takeStorage(op.getWeight(), first, count),
                          takeFloats(op.getWeightScale(), first, count),
                          takeStorage(op.getWeightZeroPoint(), first, count),
                          takeStorage(op.getGroupMultiplier(), first, count),
                          op.getInputScale(), op.getInputZeroPoint(),
                          takeFloats(op.getBias(), first, count),
                          op.getOutputScale(), op.getOutputZeroPoint(), addend,
                          op.getClampMin(), op.getClampMax());
}

/// [M, N / G]: the layer of `group`.
Value GroupSplitter::createLayer(int64_t group, Value input) {
  int64_t count = layer.numOutputs / layer.numGroups, first = group * count;
  if (layer.linear)
    return createLinear(first, count, input);
  Value weight = createConstant(b, loc, {count, layer.depth},
                                ArrayRef(takeRows(ArrayRef(*floatWeight), first,
                                                  count, layer.numOutputs)));
  Value empty = tensor::EmptyOp::create(
      b, loc,
      {tensor::getMixedSize(b, loc, layer.op->getOperand(2), 0),
       b.getIndexAttr(count)},
      b.getF32Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  return createLinearLayer(b, loc, input, weight, init)->getResult(0);
}

Value GroupSplitter::create() {
  if (!readConstants())
    return {};
  RankedTensorType type = layer.getResultType();
  Value result = tensor::EmptyOp::create(
      b, loc,
      {tensor::getMixedSize(b, loc, layer.getInput(), 0),
       b.getIndexAttr(layer.numOutputs)},
      type.getElementType());
  int64_t count = layer.numOutputs / layer.numGroups;
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  for (int64_t group = 0; group < layer.numGroups; ++group) {
    Value part = createLayer(group, createInput(group));
    SmallVector<OpFoldResult> offsets = {b.getIndexAttr(0),
                                         b.getIndexAttr(group * count)};
    result = tensor::InsertSliceOp::create(b, loc, part, result, offsets,
                                           tensor::getMixedSizes(b, loc, part),
                                           strides);
  }
  return result;
}

namespace {
struct SplitFeatureGroups
    : quantc::impl::SplitFeatureGroupsPassBase<SplitFeatureGroups> {
  void runOnOperation() override {
    SmallVector<GroupedLayer> layers;
    getOperation().walk([&](Operation *op) {
      if (std::optional<GroupedLayer> layer = GroupedLayer::get(op))
        if (layer->numGroups <= kMostGroups)
          layers.push_back(*layer);
    });
    IRRewriter rewriter(&getContext());
    for (const GroupedLayer &layer : layers) {
      rewriter.setInsertionPoint(layer.op);
      std::optional<Patches> patches = Patches::get(layer.getInput());
      if (Value result = GroupSplitter(rewriter, layer).create())
        rewriter.replaceOp(layer.op, result);
      else
        continue;
      if (patches && patches->collapse->use_empty()) {
        rewriter.eraseOp(patches->collapse);
        rewriter.eraseOp(patches->copy);
      }
    }
  }
};
} // namespace
