//===- FeatureGroups.cpp - Layers of several groups of features -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FeatureGroups.h"

#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

std::optional<GroupedLayer> GroupedLayer::get(Operation *op) {
  GroupedLayer layer;
  layer.op = op;
  if ((layer.linear = dyn_cast<LinearOp>(op))) {
    layer.numGroups = layer.linear.getFeatureGroups();
    layer.numOutputs = layer.linear.getWeight().getType().getDimSize(0);
    layer.depth = layer.linear.getWeight().getType().getDimSize(1);
  } else {
    std::string reason;
    FailureOr<LinearLayer> matrix = matchLinearLayer(op, reason);
    if (failed(matrix))
      return std::nullopt;
    layer.matrix = *matrix;
    layer.numGroups = matrix->featureGroups;
    layer.numOutputs = matrix->getN();
    layer.depth = matrix->getK();
  }
  return layer.numGroups == 1 ? std::nullopt : std::optional(layer);
}

std::optional<std::vector<float>> GroupedLayer::getFloatWeight() const {
  auto weight = ConstantElements<float>::get(matrix.weight);
  if (!weight)
    return std::nullopt;
  return matrix.isWeightTransposed
             ? transpose(weight->values(), depth, numOutputs)
             : weight->values().vec();
}
