//===- RecognizeLayers.cpp - Layers that are quantized already ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SinkDequantize.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_RECOGNIZELAYERS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Creates the transpose of a constant matrix; constants of rank 0 stay as they
/// are.
template <class T>
static Value createTranspose(OpBuilder &builder, Value value) {
  if (!value || cast<RankedTensorType>(value.getType()).getRank() == 0)
    return value;
  auto elements = ConstantElements<T>::get(value);
  ArrayRef<int64_t> shape = elements->getType().getShape();
  return createConstant(
      builder, value.getLoc(), {shape[1], shape[0]},
      ArrayRef(transpose(elements->values(), shape[0], shape[1])));
}

/// Whether all operands of `weight` are constant.
static bool isConstant(DequantizeOp weight) {
  return getStorageValues(weight.getInput()) &&
         getFloatValues(weight.getScale()) &&
         (!weight.getZeroPoint() || getStorageValues(weight.getZeroPoint())) &&
         !weight.getMultiplier();
}

/// Creates the [N, K] weight of a layer whose weight is [K, N].
static DequantizeOp createTransposedWeight(OpBuilder &builder,
                                           DequantizeOp weight) {
  Location loc = weight.getLoc();
  RankedTensorType type = weight.getInput().getType();
  int64_t rows = type.getDimSize(0), cols = type.getDimSize(1);
  std::vector<int8_t> values = *getStorageValues(weight.getInput());
  Value storage =
      createStorage(builder, loc, {cols, rows}, type.getElementTypeBitWidth(),
                    ArrayRef(transpose(ArrayRef<int8_t>(values), rows, cols)));
  return DequantizeOp::create(
      builder, loc, RankedTensorType::get({cols, rows}, builder.getF32Type()),
      storage, createTranspose<float>(builder, weight.getScale()),
      createTranspose<int8_t>(builder, weight.getZeroPoint()),
      /*multiplier=*/Value());
}

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

/// Whether `parameters` quantizes without zero points.
static bool isSymmetric(DequantizeOp parameters) {
  std::optional<std::vector<int8_t>> zeroPoints =
      getStorageValues(parameters.getZeroPoint());
  return !parameters.getZeroPoint() ||
         (zeroPoints && llvm::all_of(*zeroPoints, [](int8_t zeroPoint) {
            return zeroPoint == 0;
          }));
}

/// How a layer with the operands `input`, null for a lookup, and `weight`, [N,
/// K], is quantized; none if no configuration says so.
static std::optional<LayerConfig> getConfig(Value input, DequantizeOp weight) {
  LayerConfig config;
  RankedTensorType type = weight.getInput().getType();
  RankedTensorType scale = weight.getScale().getType();
  config.weightBits = type.getElementTypeBitWidth();
  config.symmetricWeights = isSymmetric(weight);
  config.granularity = Granularity::PerTensor;
  if (scale.getRank() != 0) {
    config.groupSize = type.getDimSize(1) / scale.getDimSize(1);
    config.granularity = scale.getDimSize(1) == 1 ? Granularity::PerChannel
                                                  : Granularity::PerGroup;
    if (scale.getDimSize(0) != type.getDimSize(0))
      return std::nullopt;
  }
  if (config.granularity == Granularity::PerGroup &&
      (config.groupSize < kMinGroupSize || config.groupSize > kMaxGroupSize))
    return std::nullopt;
  auto activations =
      input ? input.getDefiningOp<DequantizeOp>() : DequantizeOp();
  config.mode = Mode::WeightOnly;
  if (activations) {
    // Of one scale for each row, or of one that is computed.
    config.mode = activations.getScale().getType().getRank() == 0 &&
                          getFloatValues(activations.getScale())
                      ? Mode::Static
                      : Mode::Dynamic;
    config.symmetricActivations = isSymmetric(activations);
  }
  return config;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Brings `layer`, whose weight is `weight`, into the form that
/// quant-convert-to-integer takes.
static void recognize(RewriterBase &rewriter, const LinearLayer &layer,
                      DequantizeOp weight) {
  rewriter.setInsertionPoint(layer.op);
  if (layer.isWeightTransposed)
    weight = createTransposedWeight(rewriter, weight);
  std::optional<LayerConfig> config = getConfig(layer.getInput(), weight);
  Operation *op = replaceLayer(rewriter, layer, layer.getInput(), weight);
  if (config)
    setLayerConfig(op, *config);
}

/// Says of `op`, if it looks up rows of a quantized table, how that is done.
static void recognizeLookup(linalg::GenericOp op) {
  std::optional<Lookup> lookup = matchLookup(op);
  auto table =
      lookup ? lookup->getTable().getDefiningOp<DequantizeOp>() : nullptr;
  if (!table || !isConstant(table))
    return;
  if (std::optional<LayerConfig> config = getConfig(/*input=*/Value(), table))
    setLayerConfig(op, *config);
}

namespace {
struct RecognizeLayers : quantc::impl::RecognizeLayersBase<RecognizeLayers> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateRecognizeLayersPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();

    SmallVector<Layer> layers = findLayers(getOperation());
    nameLayers(layers);
    IRRewriter rewriter(&getContext());
    for (const Layer &layer : layers) {
      std::string reason;
      FailureOr<LinearLayer> linear = matchLinearLayer(layer.op, reason);
      auto weight = succeeded(linear)
                        ? linear->weight.getDefiningOp<DequantizeOp>()
                        : DequantizeOp();
      if (weight && isConstant(weight))
        recognize(rewriter, *linear, weight);
      else
        layer.op->setAttr(kSkippedAttr,
                          rewriter.getStringAttr("the model has it in float"));
    }
    getOperation().walk(recognizeLookup);
  }
};
} // namespace

void quantc::populateRecognizeLayersPatterns(RewritePatternSet &patterns) {
  populateSinkDequantizePatterns(patterns);
}
