//===- TrainedMatrix.cpp - Matrices of adapters as inputs -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainedMatrix.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"

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

Value quantc::foldUp(OpBuilder &builder, Operation *layer, Value up) {
  Value scales = createAdapterScales(builder, layer);
  if (!scales)
    return up;
  Location loc = layer->getLoc();
  AffineMap byColumn = AffineMap::get(2, 0, builder.getAffineDimExpr(1));
  return createElementwise(
             builder, loc, {up, scales},
             {builder.getMultiDimIdentityMap(2), byColumn},
             tensor::getMixedSizes(builder, loc, up), builder.getF32Type(),
             [](Emit &a, ValueRange elements) -> SmallVector<Value> {
               return {numerics::foldAdapter(a, elements[0], elements[1])};
             })
      .front();
}
