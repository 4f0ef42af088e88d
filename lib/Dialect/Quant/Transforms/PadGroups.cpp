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

/// `matrix`, which has `rows` rows, each with zeros up to `depth`. Written as a
/// slice of zeros, since tensor.pad has no buffer of its own.
static Value createPadded(OpBuilder &builder, Location loc, Value matrix,
                          OpFoldResult rows, int64_t depth) {
  int64_t cols = cast<RankedTensorType>(matrix.getType()).getDimSize(1);
  SmallVector<OpFoldResult> sizes = {rows, builder.getIndexAttr(cols)};
  SmallVector<OpFoldResult> paddedSizes = {rows, builder.getIndexAttr(depth)};
  Value empty =
      tensor::EmptyOp::create(builder, loc, paddedSizes, builder.getF32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  Value zeros = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, loc, matrix, zeros, offsets,
                                       sizes, strides);
}

/// The constant [rows, cols] matrix of `values` with zeros up to `depth` in
/// each row; `values` is [cols, rows] if it is transposed.
static Value createPaddedConstant(OpBuilder &builder, Location loc,
                                  ArrayRef<float> values, int64_t rows,
                                  int64_t cols, int64_t depth,
                                  bool isTransposed) {
  std::vector<float> padded(rows * depth);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < cols; ++k)
      padded[n * depth + k] =
          values[isTransposed ? k * rows + n : n * cols + k];
  return createConstant(builder, loc, {rows, depth}, ArrayRef(padded));
}

/// The weight of `layer` as [N, depth], each row with zeros up to `depth`: a
/// constant where it is one.
static Value createPaddedWeight(OpBuilder &builder, const LinearLayer &layer,
                                int64_t depth) {
  int64_t rows = layer.getN(), cols = layer.getK();
  Location loc = layer.op->getLoc();
  auto weight = ConstantElements<float>::get(layer.weight);
  if (!weight)
    return createPadded(builder, loc, createWeight(builder, layer),
                        builder.getIndexAttr(rows), depth);
  return createPaddedConstant(builder, loc, weight->values(), rows, cols, depth,
                              layer.isWeightTransposed);
}

static void padLayer(RewriterBase &rewriter, const LinearLayer &layer,
                     int64_t paddedDepth) {
  Operation *op = layer.op;
  rewriter.setInsertionPoint(op);
  DictionaryAttr attrs = op->getAttrDictionary();
  int64_t depth = layer.getK();
  Value input = createPadded(rewriter, op->getLoc(), layer.getInput(),
                             getNumRows(rewriter, layer), paddedDepth);
  Value weight = createPaddedWeight(rewriter, layer, paddedDepth);
  Operation *padded = replaceLayer(rewriter, layer, input, weight);
  padded->setAttr(kDepthAttr, rewriter.getI64IntegerAttr(depth));
  copyLayerParameters(attrs, padded);
}

/// Looks up rows of a table that is padded, and cuts them off again.
static void padLookup(RewriterBase &rewriter, const Lookup &lookup,
                      int64_t paddedDepth) {
  Operation *op = lookup.op;
  Location loc = op->getLoc();
  rewriter.setInsertionPoint(op);
  auto table = ConstantElements<float>::get(lookup.getTable());
  int64_t depth = lookup.getNumColumns();
  Value padded = createLookup(
      rewriter, lookup,
      createPaddedConstant(rewriter, loc, table->values(),
                           table->getType().getDimSize(0), depth, paddedDepth,
                           /*isTransposed=*/false));
  copyLayerAttrs(op, padded.getDefiningOp());
  copyLayerParameters(op->getDiscardableAttrDictionary(),
                      padded.getDefiningOp());
  padded.getDefiningOp()->setAttr(kDepthAttr,
                                  rewriter.getI64IntegerAttr(depth));
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, padded);
  sizes.back() = rewriter.getIndexAttr(depth);
  SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
  rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
      op, cast<RankedTensorType>(op->getResult(0).getType()), padded, offsets,
      sizes, strides);
}

namespace {
struct PadGroups : quantc::impl::PadGroupsBase<PadGroups> {
  void runOnOperation() override {
    FailureOr<SmallVector<ConfiguredLayer>> layers =
        findConfiguredLayers(getOperation());
    FailureOr<SmallVector<ConfiguredLookup>> lookups =
        findConfiguredLookups(getOperation());
    if (failed(layers) || failed(lookups))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (const auto &[linear, config] : *layers) {
      int64_t depth = config.getPaddedDepth(linear.getK());
      if (depth != linear.getK())
        padLayer(rewriter, linear, depth);
    }
    for (const auto &[lookup, config] : *lookups) {
      int64_t depth = config.getPaddedDepth(lookup.getNumColumns());
      if (depth != lookup.getNumColumns())
        padLookup(rewriter, lookup, depth);
    }
  }
};
} // namespace
