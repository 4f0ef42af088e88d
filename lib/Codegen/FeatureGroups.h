//===- FeatureGroups.h - Layers of several groups of features ---*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_FEATUREGROUPS_H
#define QUANTC_LIB_CODEGEN_FEATUREGROUPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Dialect/Quant/Transforms/Patches.h"
#include <optional>

namespace quantc {

/// A layer of several groups of features, float or integer: its input is
/// [M, G * K], its weight [N, K].
struct GroupedLayer {
  mlir::Operation *op = nullptr;
  /// In the integer form; otherwise `matrix` is it in the float form.
  LinearOp linear;
  LinearLayer matrix;
  int64_t numGroups = 1;
  int64_t numOutputs = 0;
  int64_t depth = 0;

  static std::optional<GroupedLayer> get(mlir::Operation *op);

  mlir::Value getInput() const { return op->getOperand(0); }
  mlir::RankedTensorType getResultType() const {
    return mlir::cast<mlir::RankedTensorType>(op->getResult(0).getType());
  }
  /// The weight of a float layer as [N, K], if it is constant.
  std::optional<std::vector<float>> getFloatWeight() const;
};

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_FEATUREGROUPS_H
