//===- InsertSecondMoments.cpp - What the inputs of layers are like -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/LoraLayers.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Diagnostics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quantc {
#define GEN_PASS_DEF_INSERTSECONDMOMENTS
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// `op` as a linear layer in the float form, of one group of features: the
/// outputs of others have inputs of their own.
static std::optional<LinearLayer> matchFloatLayer(Operation *op) {
  std::optional<Layer> layer = matchLayer(op);
  if (!layer || !layer->linear || layer->linear->featureGroups != 1)
    return std::nullopt;
  return layer->linear;
}

/// The float input of `op`, a linear layer in any form; null for others.
static Value createInput(OpBuilder &builder, Operation *op) {
  if (std::optional<LoraLayer> layer = LoraLayer::get(op))
    return layer->createInput(builder);
  std::optional<LinearLayer> layer = matchFloatLayer(op);
  return layer ? layer->getInput() : Value();
}

/// x^T x: [K, K] of [M, K].
static Value createSecondMoments(OpBuilder &builder, Location loc, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t depth = type.getDimSize(1);
  Value empty = tensor::EmptyOp::create(
      builder, loc, ArrayRef<int64_t>{depth, depth}, type.getElementType());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  Value zeros = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  AffineExpr i, j, m;
  bindDims(builder.getContext(), i, j, m);
  auto map = [&](AffineExpr row, AffineExpr column) {
    return AffineMap::get(3, 0, {row, column}, builder.getContext());
  };
  return createProduct<linalg::MatmulOp>(builder, loc, x, x, zeros,
                                         {map(m, i), map(m, j), map(i, j)});
}

/// M of [M, K], as tensor<f32>.
static Value createNumRows(OpBuilder &builder, Location loc, Value x) {
  Value rows = tensor::DimOp::create(builder, loc, x, 0);
  rows = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), rows);
  rows = arith::SIToFPOp::create(builder, loc, builder.getF32Type(), rows);
  Value empty = tensor::EmptyOp::create(builder, loc, ArrayRef<int64_t>{},
                                        builder.getF32Type());
  return linalg::FillOp::create(builder, loc, rows, empty).getResult(0);
}

namespace {
struct InsertSecondMoments
    : quantc::impl::InsertSecondMomentsBase<InsertSecondMoments> {
  using InsertSecondMomentsBase::InsertSecondMomentsBase;

  void runOnOperation() override {
    if (failed(insert()))
      signalPassFailure();
  }

private:
  LogicalResult insert();
  /// The linear layers whose names are chosen.
  FailureOr<SmallVector<Operation *>> chooseLayers(func::FuncOp entry);
};
} // namespace

FailureOr<SmallVector<Operation *>>
InsertSecondMoments::chooseLayers(func::FuncOp entry) {
  SmallVector<Operation *> found;
  llvm::SmallDenseSet<size_t> matched;
  for (Operation &op : entry.front()) {
    if (!LoraLayer::get(&op) && !matchFloatLayer(&op))
      continue;
    bool isChosen = layers.empty();
    for (auto [index, pattern] : llvm::enumerate(layers))
      if (matchesName(pattern, quantc::getName(op.getLoc()))) {
        matched.insert(index);
        isChosen = true;
      }
    if (isChosen)
      found.push_back(&op);
  }
  for (auto [index, pattern] : llvm::enumerate(layers))
    if (!matched.contains(index))
      return emitError(entry.getLoc())
             << "layer pattern '" << pattern << "' matches no linear layer";
  return found;
}

LogicalResult InsertSecondMoments::insert() {
  FailureOr<func::FuncOp> entry = getEntry(getOperation());
  if (failed(entry))
    return failure();
  nameLayers(findLayers(getOperation()));
  FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
  FailureOr<SmallVector<Operation *>> chosen = chooseLayers(*entry);
  if (failed(interface) || failed(chosen))
    return failure();
  SmallVector<Value> outputs;
  SmallVector<Port> ports;
  for (Operation *op : *chosen) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    Value x = createInput(builder, op);
    for (auto [suffix, value] :
         {std::pair(".second_moments", createSecondMoments(builder, loc, x)),
          std::pair(".rows", createNumRows(builder, loc, x))}) {
      outputs.push_back(value);
      ports.push_back(getStaticPort(*interface,
                                    (quantc::getName(loc) + suffix).str(),
                                    cast<RankedTensorType>(value.getType())));
    }
  }
  setOutputs(*entry, outputs, ports, *interface);
  return success();
}
