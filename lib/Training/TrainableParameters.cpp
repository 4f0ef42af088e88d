//===- TrainableParameters.cpp - What training changes --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Training/TrainableParameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Support/Diagnostics.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace quantc;

/// Whether `value` is a float constant of known shape with elements.
static bool isFloatConstant(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() && type.getRank() > 0 &&
         type.getNumElements() > 0 && matchPattern(value, m_Constant());
}

/// Whether at most one dimension is not 1.
static bool isVector(RankedTensorType type) {
  return llvm::count_if(type.getShape(), [](int64_t n) { return n != 1; }) <= 1;
}

/// The layer whose result `value` is, perhaps reshaped; null if it is none.
static Operation *getProducingLayer(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  std::optional<Layer> layer = op ? matchLayer(op) : std::nullopt;
  return layer && !layer->isEmbedding ? op : nullptr;
}

/// Where the weight that `operand` is in another shape is used.
static OpOperand &getWeightUse(OpOperand &operand) {
  Value source = getWeightSource(operand.get());
  OpOperand *use = &operand;
  while (use->get() != source)
    use = &use->get().getDefiningOp()->getOpOperand(0);
  return *use;
}

namespace {
class Finder {
public:
  SmallVector<TrainableParameter> find(ModuleOp module) {
    nameLayers(findLayers(module));
    module.walk<WalkOrder::PreOrder>([&](linalg::LinalgOp op) { visit(op); });
    module.walk(
        [&](tensor::GatherOp op) { add(op.getSourceMutable(), op, "weight"); });
    return std::move(parameters);
  }

private:
  void visit(linalg::LinalgOp op);
  void visitElementwise(linalg::GenericOp op);
  void add(OpOperand &use, Operation *layer, StringRef kind);

  SmallVector<TrainableParameter> parameters;
  llvm::StringSet<> names;
};
} // namespace

void Finder::add(OpOperand &use, Operation *layer, StringRef kind) {
  if (!isFloatConstant(use.get()))
    return;
  Attribute value;
  matchPattern(use.get(), m_Constant(&value));
  bool isSplat = cast<ElementsAttr>(value).isSplat();
  for (TrainableParameter &parameter : parameters)
    if (!isSplat && parameter.value == use.get()) {
      if (!llvm::is_contained(parameter.uses, &use))
        parameter.uses.push_back(&use);
      return;
    }
  std::string layerName = quantc::getName(layer->getLoc()).str();
  std::string stem = (layerName.empty() ? "" : layerName + ".") + kind.str();
  std::string name = stem;
  for (unsigned copy = 1; !names.insert(name).second; ++copy)
    name = stem + "_" + std::to_string(copy);
  parameters.push_back({name, use.get(), {&use}});
}

/// Vectors that are added or multiplied by in the body of `op`.
void Finder::visitElementwise(linalg::GenericOp op) {
  if (op.getNumParallelLoops() != op.getNumLoops() || op->getNumResults() != 1)
    return;
  Operation *producer = nullptr;
  for (Value input : op.getDpsInputs())
    if (!producer)
      producer = getProducingLayer(input);
  op.getBody()->walk([&](Operation *step) {
    if (!isa<arith::AddFOp, arith::MulFOp>(step))
      return;
    bool isSum = isa<arith::AddFOp>(step);
    for (Value scalar : step->getOperands()) {
      auto argument = dyn_cast<BlockArgument>(scalar);
      if (!argument || argument.getOwner() != op.getBody())
        continue;
      OpOperand &use = *op.getMatchingOpOperand(argument);
      auto type = dyn_cast<RankedTensorType>(use.get().getType());
      bool belongsToLayer = producer && isSum;
      // A single number is a setting of the model rather than a parameter.
      if (op.isDpsInput(&use) && type && type.hasStaticShape() &&
          isVector(type) && (type.getNumElements() > 1 || belongsToLayer))
        add(use, belongsToLayer ? producer : op.getOperation(),
            isSum ? "bias" : "weight");
    }
  });
}

void Finder::visit(linalg::LinalgOp op) {
  std::optional<Layer> layer = matchLayer(op);
  if (layer && layer->isEmbedding) {
    op->walk([&](tensor::ExtractOp extract) {
      add(extract.getTensorMutable(), op, "weight");
    });
    return;
  }
  if (layer && layer->linear) {
    add(getWeightUse(op->getOpOperand(1)), op, "weight");
    return;
  }
  if (linalg::isaConvolutionOpInterface(op)) {
    add(getWeightUse(*op.getDpsInputOperands().back()), op, "weight");
    return;
  }
  if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation()))
    visitElementwise(generic);
}

SmallVector<TrainableParameter>
quantc::findTrainableParameters(ModuleOp module) {
  return Finder().find(module);
}
