//===- InsertMergedLora.cpp - Adapters inside of weights ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainedMatrix.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Dialect/Quant/Transforms/ConfiguredLayer.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Support/Diagnostics.h"
#include "quantc/Training/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTMERGEDLORA
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// B A in the order of the weight: [K, N] = down up, or [N, K], its transpose.
static Value createProduct(OpBuilder &builder, const LinearLayer &layer,
                           Value down, Value up) {
  Location loc = layer.op->getLoc();
  auto type = cast<RankedTensorType>(layer.weight.getType());
  Value zeros =
      createZeros(builder, loc,
                  getAsIndexOpFoldResult(builder.getContext(), type.getShape()),
                  type.getElementType());
  AffineExpr row, column, r;
  bindDims(builder.getContext(), row, column, r);
  auto map = [&](AffineExpr first, AffineExpr second) {
    return AffineMap::get(3, 0, {first, second}, builder.getContext());
  };
  AffineMap sum = map(row, column);
  if (layer.isWeightTransposed)
    return createProduct<linalg::MatmulOp>(builder, loc, down, up, zeros,
                                           {map(row, r), map(r, column), sum});
  return createProduct<linalg::MatmulOp>(builder, loc, up, down, zeros,
                                         {map(r, row), map(column, r), sum});
}

/// Puts an adapter of `rank` into the weight of `layer`.
static LogicalResult mergeAdapter(func::FuncOp entry, const LinearLayer &layer,
                                  int64_t rank, float scale) {
  Location loc = layer.op->getLoc();
  StringRef name = quantc::getName(loc);
  FailureOr<Value> down =
      addTrainedMatrix(entry, name + kDownSuffix, layer.getK(), rank);
  if (failed(down))
    return failure();
  FailureOr<Value> up =
      addTrainedMatrix(entry, name + kUpSuffix, rank, layer.getN());
  if (failed(up))
    return failure();

  OpBuilder builder(entry.getContext());
  builder.setInsertionPointAfterValue(layer.weight);
  Value product =
      createProduct(builder, layer, *down, foldUp(builder, layer.op, *up));
  AffineMap identity = builder.getMultiDimIdentityMap(2);
  Value merged =
      createElementwise(
          builder, loc, {layer.weight, product}, {identity, identity},
          tensor::getMixedSizes(builder, loc, product), builder.getF32Type(),
          [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
            return {a.add(elements[0], a.mul(a.constant(scale), elements[1]))};
          })
          .front();
  Operation *sum = merged.getDefiningOp();
  sum->setAttr(kMergedWeightAttr, builder.getUnitAttr());
  // The layer reads it, or a transposition between the two.
  Operation *reader = layer.op;
  if (reader->getOperand(1) != layer.weight)
    reader = reader->getOperand(1).getDefiningOp();
  reader->replaceUsesOfWith(layer.weight, merged);
  return success();
}

namespace {
struct InsertMergedLora : quantc::impl::InsertMergedLoraBase<InsertMergedLora> {
  using InsertMergedLoraBase::InsertMergedLoraBase;

  void runOnOperation() override {
    if (failed(insert()) || failed(nameSharedInputs(getOperation())))
      signalPassFailure();
  }

private:
  LogicalResult insert();
};
} // namespace

LogicalResult InsertMergedLora::insert() {
  FailureOr<func::FuncOp> entry = getEntry(getOperation());
  if (failed(entry))
    return failure();
  FailureOr<SmallVector<ConfiguredLayer>> layers =
      findConfiguredLayers(getOperation());
  if (failed(layers))
    return failure();
  if (layers->empty())
    return emitError(entry->getLoc(), "has no layers that are to be quantized; "
                                      "adapters are trained inside of those");
  for (const ConfiguredLayer &layer : *layers)
    // An adapter is one pair of matrices for all columns.
    if (layer.linear.featureGroups == 1 &&
        failed(mergeAdapter(*entry, layer.linear, rank, scale)))
      return failure();
  return success();
}
