//===- PadGroups.cpp - Whole groups of weights ----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {
#define GEN_PASS_DEF_PADGROUPS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// M of `layer`. Not from the input, which may be the result of a layer before
/// that is only to be used once.
static OpFoldResult getNumRows(OpBuilder &builder, const LinearLayer &layer) {
  auto type = cast<RankedTensorType>(layer.getInput().getType());
  if (!type.isDynamicDim(0))
    return builder.getIndexAttr(type.getDimSize(0));
  return tensor::DimOp::create(builder, layer.op->getLoc(),
                               layer.op->getOperand(2), 0)
      .getResult();
}

/// The input [M, K] of `layer`, each row with zeros up to `depth`. Written as a
/// slice of zeros, since tensor.pad has no buffer of its own.
static Value createPaddedInput(OpBuilder &builder, const LinearLayer &layer,
                               int64_t depth) {
  Location loc = layer.op->getLoc();
  SmallVector<OpFoldResult> sizes = {getNumRows(builder, layer),
                                     builder.getIndexAttr(layer.getK())};
  SmallVector<OpFoldResult> paddedSizes = {sizes[0],
                                           builder.getIndexAttr(depth)};
  Value empty =
      tensor::EmptyOp::create(builder, loc, paddedSizes, builder.getF32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  Value zeros = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, loc, layer.getInput(), zeros,
                                       offsets, sizes, strides);
}

/// The weight of `layer` as an [N, depth] constant, each row with zeros up to
/// `depth`.
static Value createPaddedWeight(OpBuilder &builder, const LinearLayer &layer,
                                int64_t depth) {
  int64_t rows = layer.getN(), cols = layer.getK();
  auto weight = ConstantElements<float>::get(layer.weight);
  ArrayRef<float> values = weight->values();
  std::vector<float> padded(rows * depth);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < cols; ++k)
      padded[n * depth + k] =
          values[layer.isWeightTransposed ? k * rows + n : n * cols + k];
  return createConstant(builder, layer.op->getLoc(), {rows, depth},
                        ArrayRef(padded));
}

static void padLayer(RewriterBase &rewriter, const LinearLayer &layer,
                     int64_t paddedDepth) {
  Operation *op = layer.op;
  rewriter.setInsertionPoint(op);
  Attribute range = op->getAttr(kInputRangeAttr);
  int64_t depth = layer.getK();
  Value input = createPaddedInput(rewriter, layer, paddedDepth);
  Value weight = createPaddedWeight(rewriter, layer, paddedDepth);
  Operation *padded = replaceLayer(rewriter, layer, input, weight);
  padded->setAttr(kDepthAttr, rewriter.getI64IntegerAttr(depth));
  if (range)
    padded->setAttr(kInputRangeAttr, range);
}

namespace {
struct PadGroups : quantc::impl::PadGroupsBase<PadGroups> {
  void runOnOperation() override {
    FailureOr<SmallVector<ConfiguredLayer>> layers =
        findConfiguredLayers(getOperation());
    if (failed(layers))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (const auto &[linear, config] : *layers) {
      int64_t depth = config.getPaddedDepth(linear.getK());
      if (depth != linear.getK())
        padLayer(rewriter, linear, depth);
    }
  }
};
} // namespace
