//===- LinearLayer.cpp - Finding layers in the float form -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Support/Diagnostics.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace quantc;

bool quantc::startsFromZero(Value init) {
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.value(), m_AnyZeroFloat());
  return matchPattern(init, m_AnyZeroFloat());
}

Value quantc::getWeightSource(Value value) {
  while (isa_and_nonnull<linalg::TransposeOp, tensor::CollapseShapeOp,
                         tensor::ExpandShapeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

bool quantc::isTrainedWeight(Value value) {
  value = getWeightSource(value);
  if (auto padding = value.getDefiningOp<tensor::InsertSliceOp>())
    return isTrainedWeight(padding.getSource());
  Operation *merged = value.getDefiningOp();
  return isTrainable(value) || (merged && merged->hasAttr(kMergedWeightAttr));
}

/// Whether `value` is known before the program runs, or is a parameter of it.
static bool isWeight(Value value) {
  return matchPattern(getWeightSource(value), m_Constant()) ||
         isTrainedWeight(value);
}

/// Replaces a weight that is the transpose of another value by that value.
static void lookThroughTranspose(LinearLayer &layer) {
  auto transpose = layer.weight.getDefiningOp<linalg::TransposeOp>();
  if (!transpose || transpose.getPermutation() != ArrayRef<int64_t>{1, 0})
    return;
  layer.weight = transpose.getInput();
  layer.isWeightTransposed = !layer.isWeightTransposed;
}

SmallVector<AffineMap> quantc::getFeatureGroupMaps(MLIRContext *context,
                                                   int64_t groups,
                                                   int64_t numOutputs,
                                                   int64_t depth) {
  AffineExpr m, n, k;
  bindDims(context, m, n, k);
  AffineExpr start = n.floorDiv(numOutputs / groups) * depth;
  return {AffineMap::get(3, 0, {m, start + k}, context),
          AffineMap::get(3, 0, {n, k}, context),
          AffineMap::get(3, 0, {m, n}, context)};
}

Operation *quantc::createLinearLayer(OpBuilder &builder, Location loc,
                                     Value input, Value weight, Value init,
                                     int64_t groups) {
  if (groups == 1)
    return linalg::MatmulTransposeBOp::create(builder, loc, init.getType(),
                                              ValueRange{input, weight}, init);
  auto type = cast<RankedTensorType>(weight.getType());
  using utils::IteratorType;
  IteratorType iterators[] = {IteratorType::parallel, IteratorType::parallel,
                              IteratorType::reduction};
  return linalg::GenericOp::create(
      builder, loc, init.getType(), ValueRange{input, weight}, init,
      getFeatureGroupMaps(builder.getContext(), groups, type.getDimSize(0),
                          type.getDimSize(1)),
      iterators, [](OpBuilder &b, Location loc, ValueRange elements) {
        Value product = arith::MulFOp::create(b, loc, elements[0], elements[1]);
        Value sum = arith::AddFOp::create(b, loc, elements[2], product);
        linalg::YieldOp::create(b, loc, sum);
      });
}

/// Matches the maps of a layer of several groups of features; 1 for others.
static int64_t getFeatureGroups(linalg::LinalgOp op) {
  if (!getFloatContractionBody(op) || op.getNumLoops() != 3)
    return 1;
  auto input = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  auto weight = dyn_cast<RankedTensorType>(op->getOperand(1).getType());
  if (!input || !weight || input.getRank() != 2 || weight.getRank() != 2 ||
      input.isDynamicDim(1) || !weight.hasStaticShape() ||
      weight.getNumElements() == 0)
    return 1;
  int64_t numOutputs = weight.getDimSize(0), depth = weight.getDimSize(1);
  int64_t groups = input.getDimSize(1) / depth;
  bool isWhole = groups > 1 && input.getDimSize(1) % depth == 0 &&
                 numOutputs % groups == 0;
  return isWhole && op.getIndexingMapsArray() ==
                        getFeatureGroupMaps(op.getContext(), groups, numOutputs,
                                            depth)
             ? groups
             : 1;
}

/// Matches the loops of `op` and its weight; the sums may start anywhere.
static FailureOr<LinearLayer> matchLoops(linalg::LinalgOp op,
                                         std::string &reason) {
  auto fail = [&](const Twine &why) {
    reason = why.str();
    return failure();
  };
  LinearLayer layer = {op, op->getOperand(1)};
  layer.featureGroups = getFeatureGroups(op);
  if (layer.featureGroups != 1)
    return layer;
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->k.size() != 1 || dims->n.size() != 1)
    return fail("its weight is not a matrix");
  if (!dims->batch.empty())
    return fail("it is a batch of products");
  if (dims->m.size() != 1)
    return fail("its input is not a matrix");

  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto select = [&](unsigned row, unsigned col) {
    return AffineMap::getMultiDimMapWithTargets(
        op.getNumLoops(), ArrayRef<unsigned>{row, col}, op.getContext());
  };
  unsigned m = dims->m[0], n = dims->n[0], k = dims->k[0];
  if (maps[1] == select(k, n))
    layer.isWeightTransposed = true;
  else if (maps[1] != select(n, k))
    return fail("its weight is not a matrix");
  if (maps[0] != select(m, k) || maps[2] != select(m, n))
    return fail("its input or its result is transposed");
  return layer;
}

/// Whether `op` multiplies and adds as a linear layer does.
static bool isContraction(linalg::LinalgOp op) {
  return linalg::isaContractionOpInterface(op) || getFeatureGroups(op) != 1;
}

FailureOr<LinearLayer> quantc::matchLinearLayer(Operation *op,
                                                std::string &reason) {
  auto fail = [&](const Twine &why) {
    reason = why.str();
    return failure();
  };
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !isContraction(linalgOp))
    return fail("it is no contraction");
  if (!linalgOp.hasPureTensorSemantics())
    return fail("it works on buffers");
  for (Value operand : op->getOperands())
    if (!getElementTypeOrSelf(operand).isF32())
      return fail("its elements are not f32");
  FailureOr<LinearLayer> matched = matchLoops(linalgOp, reason);
  if (failed(matched))
    return failure();
  LinearLayer layer = *matched;
  if (!startsFromZero(op->getOperand(2)))
    return fail("it adds to a tensor that is not zero");
  lookThroughTranspose(layer);
  auto weight = cast<RankedTensorType>(layer.weight.getType());
  if (!weight.hasStaticShape() || weight.getNumElements() == 0)
    return fail("its weight is empty or has no static shape");
  return layer;
}

/// Whether `value` is a constant table of f32.
static bool isTable(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() > 1 && type.getElementType().isF32() && isWeight(value);
}

/// Whether `op` gathers from a constant table, as an embedding does. Scales
/// that are looked up beside the rows of a quantized table are none.
static bool isEmbedding(Operation *op) {
  if (!op->use_empty() && llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<DequantizeOp>(user);
      }))
    return false;
  if (auto gather = dyn_cast<tensor::GatherOp>(op))
    return isWeight(gather.getSource());
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && llvm::any_of(generic.getOps<tensor::ExtractOp>(),
                                 [](tensor::ExtractOp extract) {
                                   return isTable(extract.getTensor());
                                 });
}

std::optional<Layer> quantc::matchLayer(Operation *op) {
  Layer layer;
  layer.op = op;
  if (isEmbedding(op)) {
    layer.isEmbedding = true;
    std::optional<Lookup> lookup = matchLookup(op);
    if (lookup && isTable(lookup->getTable()))
      layer.lookup = lookup;
    else
      layer.reason = "it does not look up rows of a matrix";
    return layer;
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return std::nullopt;
  if (!isContraction(linalgOp)) {
    if (!linalg::isaConvolutionOpInterface(linalgOp) ||
        !isWeight(linalgOp.getDpsInputs().back()))
      return std::nullopt;
    layer.reason = "it is a convolution whose loops are not those of a linear "
                   "layer over patches";
    return layer;
  }
  FailureOr<LinearLayer> linear = matchLinearLayer(op, layer.reason);
  if (failed(linear))
    return layer;
  if (isWeight(linear->weight))
    layer.linear = *linear;
  else
    layer.reason = "its weight is not a constant";
  return layer;
}

SmallVector<Layer> quantc::findLayers(Operation *root) {
  SmallVector<Layer> layers;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (std::optional<Layer> layer = matchLayer(op))
      layers.push_back(*layer);
  });
  return layers;
}

bool quantc::matchesName(StringRef pattern, StringRef name) {
  return pattern == name ||
         llvm::Regex(("^(" + pattern + ")$").str()).match(name);
}

void quantc::nameLayers(ArrayRef<Layer> layers) {
  llvm::StringSet<> names;
  unsigned index = 0;
  for (const Layer &layer : layers) {
    Location loc = layer.op->getLoc();
    std::string stem = getName(loc).str();
    std::string name =
        stem.empty() ? "linear_" + std::to_string(index++) : stem;
    for (unsigned copy = 1; !names.insert(name).second; ++copy)
      name =
          (stem.empty() ? "linear_" + Twine(index++) : stem + "_" + Twine(copy))
              .str();
    if (name != stem)
      layer.op->setLoc(
          NameLoc::get(StringAttr::get(loc.getContext(), name), loc));
  }
}
