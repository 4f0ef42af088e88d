//===- MergeLora.cpp - Merge adapters into the weights of layers ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/EditableLayer.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Dialect/Quant/Transforms/LayerAdapter.h"
#include "quantc/Dialect/Quant/Transforms/LayerParameters.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Support/TensorAttribute.h"

namespace quantc {
#define GEN_PASS_DEF_MERGELORA
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Makes `adapter`, for the layer that `op` was before something was folded
/// into it, one for `op` itself.
static void foldAdapter(Operation *op, LayerAdapter &adapter) {
  std::optional<FoldedLayer> folded = getFoldedLayer(op);
  if (!folded)
    return;
  numerics::Evaluate evaluate;
  for (size_t row = 0; row < folded->maps.size(); ++row) {
    numerics::ChannelAffine map = folded->maps[row];
    auto getRow = [&](HostTensor &matrix) {
      int64_t size = matrix.shape.back();
      return matrix.values<float>().slice(row * size, size);
    };
    if (adapter.b)
      for (float &element : getRow(*adapter.b))
        element = numerics::foldAdapter(evaluate, element,
                                        static_cast<float>(map.scale));
    if (adapter.weight)
      for (float &element : getRow(*adapter.weight))
        element = numerics::foldWeight(element, map.scale);
    if (adapter.bias) {
      float &element = adapter.bias->values<float>()[row];
      element = numerics::foldBias(element, map);
    }
  }
}

/// The weight [N, K] that `base` is to become.
static std::vector<float> getMergedWeight(const EditableLayer &layer,
                                          const LayerAdapter &adapter,
                                          ArrayRef<float> base) {
  std::vector<float> weight =
      (adapter.weight ? adapter.weight->values<float>() : base).vec();
  if (adapter.a)
    numerics::addLowRank(weight, layer.getNumOutputs(), layer.getNumInputs(),
                         {adapter.a->values<float>(),
                          adapter.b->values<float>(), adapter.a->shape[0],
                          adapter.scale});
  return weight;
}

//===----------------------------------------------------------------------===//
// What is left
//===----------------------------------------------------------------------===//

namespace {
/// A change of the weight of a layer, to be measured.
struct Change {
  ArrayRef<float> before;
  ArrayRef<float> wanted;
  ArrayRef<float> moments;
  int64_t rows;
  int64_t cols;

  numerics::Survival measure(ArrayRef<float> after) const {
    return numerics::measureSurvival(before, wanted, after, rows, cols,
                                     moments);
  }

  /// Whether enough would be left if the layer were quantized as `config` says.
  bool wouldSurvive(const LayerConfig &config) const {
    // Zeros fill the last group, and do not matter in larger blocks.
    int64_t depth = config.getPaddedDepth(cols);
    std::vector<float> padded(rows * depth), after;
    for (int64_t row = 0; row < rows; ++row)
      llvm::copy(wanted.slice(row * cols, cols), padded.begin() + row * depth);
    std::vector<float> rounded =
        numerics::roundWeights(padded, rows, depth, config.getWeightOptions(),
                               config.hasTwoLevelScales());
    for (int64_t row = 0; row < rows; ++row)
      llvm::append_range(after, ArrayRef(rounded).slice(row * depth, cols));
    return measure(after).isEnough();
  }
};
} // namespace

/// Advice for a layer that is quantized as `config` says, where not enough is
/// left of `change`.
static MergeAdvice findAdvice(const Change &change, const LayerConfig &config) {
  LayerConfig groups = config;
  groups.weightFormat = WeightFormat::Integer;
  groups.granularity = Granularity::PerGroup;
  groups.groupSize = kAdvisedGroupSize;
  bool isFiner = config.granularity != Granularity::PerGroup ||
                 config.groupSize > kAdvisedGroupSize;
  if (isFiner && change.cols % kAdvisedGroupSize % kLastGroupMultiple == 0 &&
      change.wouldSurvive(groups))
    return MergeAdvice::ChangeGroups;
  LayerConfig bits = config;
  bits.weightFormat = WeightFormat::Integer;
  bits.weightBits = 8;
  if (config.weightBits < 8 && change.wouldSurvive(bits))
    return MergeAdvice::RaiseBits;
  return MergeAdvice::KeepSeparate;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

static LogicalResult mergeInto(RewriterBase &rewriter, EditableLayer &layer,
                               bool keepBase) {
  Operation *op = layer.getOperation();
  FailureOr<LayerAdapter> adapter =
      getLayerAdapter(op, layer.getNumOutputs(), layer.getNumInputs());
  if (failed(adapter))
    return failure();
  op->removeAttr(kAdapterAttr);
  foldAdapter(op, *adapter);
  // After several merges, what was before the first.
  if (keepBase && !op->hasAttr(kBaseAttr))
    op->setAttr(kBaseAttr, layer.getConstants(rewriter));

  std::vector<float> before = layer.getWeight();
  std::vector<float> wanted = getMergedWeight(layer, *adapter, before);
  bool changes = wanted != before || op->hasAttr(kWeightScaleAttr);
  if (changes && failed(layer.setWeight(rewriter, wanted)))
    return failure();
  if (adapter->bias &&
      failed(layer.setBias(rewriter,
                           getElementsAttr(op->getContext(), *adapter->bias))))
    return failure();

  Change change = {
      before, wanted, {}, layer.getNumOutputs(), layer.getNumInputs()};
  if (adapter->moments)
    change.moments = adapter->moments->values<float>();
  LayerSurvival survival = {change.measure(layer.getWeight())};
  if (!survival.measured.isEnough() && layer.getConfig())
    survival.advice = findAdvice(change, *layer.getConfig());
  setLayerSurvival(op, survival);
  return success();
}

namespace {
struct MergeLora : quantc::impl::MergeLoraBase<MergeLora> {
  using MergeLoraBase::MergeLoraBase;

  void runOnOperation() override {
    SmallVector<Operation *> adapted;
    getOperation()->walk([&](Operation *op) {
      if (op->hasAttr(kAdapterAttr))
        adapted.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    // Every layer that fails is reported, not only the first.
    for (Operation *op : adapted) {
      FailureOr<EditableLayer> layer = EditableLayer::get(op);
      if (failed(layer) || failed(mergeInto(rewriter, *layer, keepBase)))
        signalPassFailure();
    }
  }
};
} // namespace
