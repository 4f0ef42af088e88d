//===- InsertTrainedLora.cpp - An adapter that is trained -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/LoraLayers.h"
#include "quantc/Support/Diagnostics.h"
#include "quantc/Training/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTTRAINEDLORA
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Adds the input `name`, a [rows, columns] matrix that is trained, and returns
/// it as the only slot of a bank.
static FailureOr<Value> addMatrix(func::FuncOp entry, OpBuilder &builder,
                                  const Twine &name, int64_t rows,
                                  int64_t columns) {
  Type f32 = builder.getF32Type();
  FailureOr<BlockArgument> matrix =
      addInput(entry, name.str(), RankedTensorType::get({rows, columns}, f32));
  if (failed(matrix))
    return failure();
  entry.setArgAttr(matrix->getArgNumber(), kTrainableAttr,
                   builder.getUnitAttr());
  SmallVector<ReassociationIndices> split = {{0, 1}, {2}};
  return Value(tensor::ExpandShapeOp::create(
      builder, entry.getLoc(), RankedTensorType::get({1, rows, columns}, f32),
      *matrix, split));
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
  FailureOr<Value> down =
      addMatrix(entry, builder, layer.getName() + ".lora_down",
                layer.getNumInputs(), rank);
  if (failed(down))
    return failure();
  FailureOr<Value> up = addMatrix(entry, builder, layer.getName() + ".lora_up",
                                  rank, layer.getDeltaType().getDimSize(1));
  if (failed(up))
    return failure();
  Value factor =
      createConstant(builder, loc, {1}, ArrayRef<float>(scale.getValue()));
  Value first =
      arith::ConstantOp::create(builder, loc, builder.getI32TensorAttr({0}));
  Value input = layer.createInput(builder);
  layer.addDelta(builder,
                 LoraOp::create(builder, loc, layer.getDeltaType(), input,
                                *down, *up, factor, /*down_scale=*/Value(),
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
