//===- TrainedMatrix.cpp - Matrices of adapters as inputs -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainedMatrix.h"

using namespace mlir;
using namespace quantc;

FailureOr<Value> quantc::addTrainedMatrix(func::FuncOp entry, const Twine &name,
                                          int64_t rows, int64_t columns) {
  MLIRContext *context = entry.getContext();
  auto type = RankedTensorType::get({rows, columns}, Float32Type::get(context));
  FailureOr<BlockArgument> matrix = addInput(entry, name.str(), type);
  if (failed(matrix))
    return failure();
  entry.setArgAttr(matrix->getArgNumber(), kTrainableAttr,
                   UnitAttr::get(context));
  return Value(*matrix);
}
