//===- InsertTrainedLora.cpp - An adapter that is trained -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainedMatrix.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Dialect/Quant/Transforms/LoraLayers.h"
#include "quantc/Support/Diagnostics.h"
#include "quantc/Training/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTTRAINEDLORA
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// `matrix` as the only slot of a bank.
static Value createBank(OpBuilder &builder, Location loc, Value matrix) {
  auto type = cast<RankedTensorType>(matrix.getType());
  auto bank = RankedTensorType::get({1, type.getDimSize(0), type.getDimSize(1)},
                                    type.getElementType());
  SmallVector<ReassociationIndices> split = {{0, 1}, {2}};
  return tensor::ExpandShapeOp::create(builder, loc, bank, matrix, split);
}

namespace {
struct InsertTrainedLora
    : quantc::impl::InsertTrainedLoraBase<InsertTrainedLora> {
  using InsertTrainedLoraBase::InsertTrainedLoraBase;

  void runOnOperation() override {
    if (failed(insert()))
      signalPassFailure();
  }

private:
  LogicalResult insert();
  LogicalResult addAdapter(func::FuncOp entry, const LoraLayer &layer);
};
} // namespace

LogicalResult InsertTrainedLora::addAdapter(func::FuncOp entry,
                                            const LoraLayer &layer) {
  OpBuilder builder(layer.getOperation());
  Location loc = layer.getOperation()->getLoc();
  FailureOr<Value> down = addTrainedMatrix(entry, layer.getName() + kDownSuffix,
                                           layer.getNumInputs(), rank);
  if (failed(down))
    return failure();
  FailureOr<Value> up =
      addTrainedMatrix(entry, layer.getName() + kUpSuffix, rank,
                       layer.getDeltaType().getDimSize(1));
  if (failed(up))
    return failure();
  Value factor =
      createConstant(builder, loc, {1}, ArrayRef<float>(scale.getValue()));
  Value first =
      arith::ConstantOp::create(builder, loc, builder.getI32TensorAttr({0}));
  Value input = layer.createInput(builder);
  Value folded = foldUp(builder, layer.getOperation(), *up);
  layer.addDelta(builder,
                 LoraOp::create(builder, loc, layer.getDeltaType(), input,
                                createBank(builder, loc, *down),
                                createBank(builder, loc, folded), factor,
                                /*down_scale=*/Value(),
                                /*up_scale=*/Value(), first));
  return success();
}

LogicalResult InsertTrainedLora::insert() {
  FailureOr<func::FuncOp> entry = getEntry(getOperation());
  if (failed(entry))
    return failure();
  if (rank < 1)
    return emitError(entry->getLoc(), "there are no adapters of rank ")
           << rank.getValue() << "; rank is at least 1";
  FailureOr<SmallVector<LoraLayer>> chosen = chooseLoraLayers(*entry, layers);
  if (failed(chosen))
    return failure();
  for (const LoraLayer &layer : *chosen)
    if (failed(addAdapter(*entry, layer)))
      return failure();
  return success();
}
