//===- FoldAffine.cpp - Normalizations into weights -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With a scale s and a shift t for each output n of a layer:
//
//   s[n] * (sum_k x[m, k] w[n, k] + b[n]) + t[n]
//     = sum_k x[m, k] (s[n] * w[n, k]) + (s[n] * b[n] + t[n])
//
// s and t are computed in f64, the new weight and the new bias are rounded once
// (fold_a1 to fold_a3).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Dialect/Quant/Transforms/ChannelAffine.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Diagnostics.h"

namespace quantc {
#define GEN_PASS_DEF_FOLDAFFINE
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;
using numerics::ChannelAffine;

namespace {

/// The affine operations that follow a layer, one after the other, perhaps with
/// reshapes and transpositions between them.
struct Chain {
  struct Link {
    Operation *op;
    /// Which operand is what the layer computes.
    unsigned operand;
    ElementwiseAffine affine;
  };
  SmallVector<Link> links;

  /// The first is a bias, which is a part of the layer.
  bool hasBias() const { return !links.empty() && links[0].affine.isSum; }
  ArrayRef<Link> getFolded() const {
    return ArrayRef(links).drop_front(hasBias());
  }

  /// Follows the result of `layer` for as long as nothing else uses it, and
  /// sets `reason` to what ends the chain.
  static Chain follow(const LinearLayer &layer, StringRef &reason);
  /// What all links but the bias do to output `channel`.
  ChannelAffine getMap(int64_t channel) const;
  float getBias(int64_t channel) const;

private:
  /// Leaves out links that are a part of a node whose rest stays.
  void dropPartsOfNodes();
};

/// The weight of a layer: a constant, and how it becomes the operand.
class FoldableWeight {
public:
  /// None, with a reason, if it is no constant of the layer alone.
  static std::optional<FoldableWeight> get(const LinearLayer &layer,
                                           StringRef &reason);

  /// The elements of the constant, each times that of its output in `maps`.
  std::vector<float> scale(ArrayRef<ChannelAffine> maps) const;
  /// Puts a constant of `values` in its place.
  void replace(RewriterBase &rewriter, ArrayRef<float> values) const;

private:
  FoldableWeight(Value source, ConstantElements<float> elements,
                 ChannelDims::Counter channelOf)
      : source(source), elements(std::move(elements)),
        channelOf(std::move(channelOf)) {}

  Value source;
  ConstantElements<float> elements;
  ChannelDims::Counter channelOf;
};

/// layer * s + t -> layer with other constants.
struct FoldIntoLayer : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override;
};

} // namespace

//===----------------------------------------------------------------------===//
// What follows a layer
//===----------------------------------------------------------------------===//

Chain Chain::follow(const LinearLayer &layer, StringRef &reason) {
  Chain chain;
  ChannelDims channels(/*dim=*/1, layer.getN());
  Value value = layer.op->getResult(0);
  reason = "the result has another use";
  while (Operation *user = getOnlyReader(value)) {
    // Reshapes and transpositions move all of it to their only result.
    bool isMove = user->getNumOperands() && user->getOperand(0) == value &&
                  succeeded(channels.moveToResult(user));
    if (!isMove) {
      FailureOr<ElementwiseAffine> affine =
          matchElementwiseAffine(user, value, channels, layer.getN(), reason);
      if (failed(affine))
        break;
      unsigned operand = llvm::find(user->getOperands(), value).getIndex();
      chain.links.push_back({user, operand, std::move(*affine)});
      reason = "the result has another use";
    }
    value = user->getResult(0);
  }
  chain.dropPartsOfNodes();
  return chain;
}

void Chain::dropPartsOfNodes() {
  auto isPart = [](const Link &link) {
    StringRef name = getName(link.op->getLoc());
    return !name.empty() &&
           llvm::any_of(link.op->getUsers(), [&](Operation *user) {
             return !isa<tensor::DimOp>(user) &&
                    getName(user->getLoc()) == name;
           });
  };
  while (!links.empty() && isPart(links.back()))
    links.pop_back();
}

ChannelAffine Chain::getMap(int64_t channel) const {
  ChannelAffine map = ChannelAffine::identity();
  for (const Link &link : getFolded()) {
    ChannelAffine next = link.affine.maps[channel];
    map = map * next.scale + ChannelAffine::constant(next.shift);
  }
  return map;
}

float Chain::getBias(int64_t channel) const {
  return hasBias() ? static_cast<float>(links[0].affine.maps[channel].shift)
                   : 0.0f;
}

//===----------------------------------------------------------------------===//
// The weight
//===----------------------------------------------------------------------===//

std::optional<FoldableWeight> FoldableWeight::get(const LinearLayer &layer,
                                                  StringRef &reason) {
  ChannelDims channels(layer.isWeightTransposed ? 1 : 0, layer.getN());
  Value source = getWeightSource(layer.op->getOperand(1));
  for (Value value = layer.op->getOperand(1);;
       value = value.getDefiningOp()->getOperand(0)) {
    if (!value.hasOneUse()) {
      reason = "the weight has another use";
      return std::nullopt;
    }
    if (value == source)
      break;
  }
  for (Value value = layer.weight; value != source;
       value = value.getDefiningOp()->getOperand(0))
    if (failed(channels.moveToOperand(value.getDefiningOp()))) {
      reason = "the outputs of the weight are mixed with its inputs";
      return std::nullopt;
    }
  auto elements = ConstantElements<float>::get(source);
  if (!elements) {
    reason = "the weight is no constant";
    return std::nullopt;
  }
  ChannelDims::Counter channelOf(channels, elements->getType().getShape());
  return FoldableWeight(source, std::move(*elements), std::move(channelOf));
}

std::vector<float> FoldableWeight::scale(ArrayRef<ChannelAffine> maps) const {
  std::vector<float> result(elements.values().size());
  for (auto [index, value] : llvm::enumerate(elements.values()))
    result[index] = numerics::foldWeight(value, maps[channelOf(index)].scale);
  return result;
}

void FoldableWeight::replace(RewriterBase &rewriter,
                             ArrayRef<float> values) const {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(source);
  Value constant = createConstant(rewriter, source.getLoc(),
                                  elements.getType().getShape(), values);
  rewriter.replaceAllUsesWith(source, constant);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Whether the parameters that the weight of `op` is to be quantized with are
/// given: they are for the weight as it is.
static bool hasWeightParameters(Operation *op) {
  return op->hasAttr(kWeightScaleAttr) || op->hasAttr(kWeightMagnitudeAttr);
}

/// The sizes of `value`, the result of a layer, perhaps reshaped; none if they
/// would have to be computed.
static std::optional<SmallVector<OpFoldResult>> getSizes(OpBuilder &builder,
                                                         Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape())
    return getAsIndexOpFoldResult(builder.getContext(), type.getShape());
  Operation *op = value.getDefiningOp();
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    auto sizes = getSizes(builder, collapse.getSrc());
    SmallVector<OpFoldResult> result;
    for (auto [group, size] :
         llvm::zip_equal(collapse.getReassociationIndices(), type.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        result.push_back(builder.getIndexAttr(size));
        continue;
      }
      if (!sizes || group.size() != 1)
        return std::nullopt;
      result.push_back((*sizes)[group.front()]);
    }
    return result;
  }
  Value init = op->getOperand(2);
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.output();
  if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
    return empty.getMixedSizes();
  return tensor::getMixedSizes(builder, op->getLoc(), init);
}

/// Adds `bias` to the result of `layer`: behind its reshapes, where what
/// follows can join it.
static void addBias(PatternRewriter &rewriter, Operation *layer,
                    ArrayRef<float> bias) {
  OpBuilder::InsertionGuard guard(rewriter);
  Location loc = layer->getLoc();
  int64_t numChannels = bias.size(), dim = 1;
  ChannelDims channels(dim, numChannels);
  Value result = layer->getResult(0);
  rewriter.setInsertionPointAfter(layer);
  SmallVector<OpFoldResult> sizes = *getSizes(rewriter, result);
  for (Operation *user = getOnlyReader(result);
       isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user) &&
       succeeded(channels.moveToResult(user));
       user = getOnlyReader(user->getResult(0))) {
    std::optional<SmallVector<OpFoldResult>> moved =
        getSizes(rewriter, user->getResult(0));
    if (!moved || !channels.getOnlyDim())
      continue;
    result = user->getResult(0);
    dim = *channels.getOnlyDim();
    sizes = std::move(*moved);
  }

  // Behind the sizes that were created.
  if (result != layer->getResult(0))
    rewriter.setInsertionPointAfterValue(result);
  Value vector = createConstant(rewriter, loc, {numChannels}, bias);
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
  unsigned rank = sizes.size();
  AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
  AffineMap byChannel = AffineMap::get(rank, 0, rewriter.getAffineDimExpr(dim));
  auto sum = linalg::GenericOp::create(
      rewriter, loc, result.getType(), ValueRange{result, vector}, empty,
      ArrayRef{identity, byChannel, identity},
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [](OpBuilder &b, Location loc, ValueRange elements) {
        Value sum = arith::AddFOp::create(b, loc, elements[0], elements[1]);
        linalg::YieldOp::create(b, loc, sum);
      });
  rewriter.replaceUsesWithIf(result, sum.getResult(0), [&](OpOperand &use) {
    return use.getOwner() != sum && !isa<tensor::DimOp>(use.getOwner());
  });
}

/// What `layer` is to remember: what it did before, then `chain`.
static FoldedLayer getRecord(Operation *layer, const Chain &chain,
                             ArrayRef<ChannelAffine> maps) {
  FoldedLayer record;
  record.maps.assign(maps.size(), ChannelAffine::identity());
  if (std::optional<FoldedLayer> before = getFoldedLayer(layer);
      before && before->maps.size() == maps.size())
    record = std::move(*before);
  StringRef name = getName(layer->getLoc());
  for (const Chain::Link &link : chain.links) {
    StringRef node = getName(link.op->getLoc());
    if (!node.empty() && node != name &&
        !llvm::is_contained(record.nodes, node))
      record.nodes.push_back(node.str());
  }
  for (auto [before, map] : llvm::zip_equal(record.maps, maps))
    before = before * map.scale + ChannelAffine::constant(map.shift);
  return record;
}

LogicalResult FoldIntoLayer::matchAndRewrite(linalg::LinalgOp op,
                                             PatternRewriter &rewriter) const {
  auto fail = [&](const Twine &why) {
    return rewriter.notifyMatchFailure(op, why);
  };
  std::string obstacle;
  FailureOr<LinearLayer> layer = matchLinearLayer(op, obstacle);
  if (failed(layer))
    return fail(obstacle);
  if (hasWeightParameters(op))
    return fail("the parameters of its weight are given");
  StringRef reason;
  Chain chain = Chain::follow(*layer, reason);
  if (chain.getFolded().empty())
    return fail(reason);

  std::vector<ChannelAffine> maps;
  std::vector<float> bias;
  for (int64_t channel = 0; channel < layer->getN(); ++channel) {
    maps.push_back(chain.getMap(channel));
    bias.push_back(numerics::foldBias(chain.getBias(channel), maps.back()));
  }
  auto isFinite = [](float value) { return std::isfinite(value); };
  if (!llvm::all_of(maps, std::mem_fn(&ChannelAffine::isFinite)) ||
      !llvm::all_of(bias, isFinite))
    return fail("a scale or a shift is not finite");
  bool isScaled = llvm::any_of(
      maps, [](const ChannelAffine &map) { return map.scale != 1; });
  std::optional<FoldableWeight> weight = FoldableWeight::get(*layer, reason);
  if (!weight)
    return fail(reason);
  if (isScaled) {
    std::vector<float> scaled = weight->scale(maps);
    if (!llvm::all_of(scaled, isFinite))
      return fail("the weight would not be finite");
    weight->replace(rewriter, scaled);
  }
  rewriter.modifyOpInPlace(
      op, [&] { setFoldedLayer(op, getRecord(op, chain, maps)); });
  for (const Chain::Link &link : chain.links)
    rewriter.replaceOp(link.op, link.op->getOperand(link.operand));
  if (chain.hasBias() || llvm::any_of(bias, [](float b) { return b != 0; }))
    addBias(rewriter, op, bias);
  return success();
}

LogicalResult quantc::foldAffine(Operation *root) {
  RewritePatternSet patterns(root->getContext());
  populateFoldAffinePatterns(patterns);
  // Nothing else changes: models are loaded through this.
  GreedyRewriteConfig config;
  config.enableFolding(false);
  config.enableConstantCSE(false);
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  return applyPatternsGreedily(root, std::move(patterns), config);
}

namespace {
struct FoldAffine : quantc::impl::FoldAffineBase<FoldAffine> {
  void runOnOperation() override {
    if (failed(foldAffine(getOperation())))
      signalPassFailure();
  }
};
} // namespace

void quantc::populateFoldAffinePatterns(RewritePatternSet &patterns) {
  patterns.add<FoldIntoLayer>(patterns.getContext());
}
