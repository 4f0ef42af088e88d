//===- Generic.cpp - Builds linalg.generic from formulas ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// linalg.generic
//===----------------------------------------------------------------------===//

SmallVector<Value>
quantc::createGeneric(OpBuilder &builder, Location loc, mlir::ValueRange inputs,
                      mlir::ValueRange inits, ArrayRef<AffineMap> maps,
                      ArrayRef<utils::IteratorType> iterators, EmitBody body) {
  auto generic = linalg::GenericOp::create(
      builder, loc, inits.getTypes(), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, mlir::ValueRange elements) {
        Emit a(nested, loc);
        linalg::YieldOp::create(nested, loc, body(a, elements));
      });
  return llvm::to_vector_of<Value>(generic.getResults());
}

SmallVector<Value> quantc::createElementwise(OpBuilder &builder, Location loc,
                                             mlir::ValueRange inputs,
                                             ArrayRef<AffineMap> maps,
                                             ArrayRef<OpFoldResult> sizes,
                                             ArrayRef<Type> elementTypes,
                                             EmitBody body) {
  SmallVector<AffineMap> allMaps(maps);
  SmallVector<Value> inits;
  for (Type type : elementTypes) {
    inits.push_back(tensor::EmptyOp::create(builder, loc, sizes, type));
    allMaps.push_back(builder.getMultiDimIdentityMap(sizes.size()));
  }
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return createGeneric(builder, loc, inputs, inits, allMaps, iterators, body);
}

Value quantc::createZeros(OpBuilder &builder, Location loc,
                          ArrayRef<OpFoldResult> sizes, Type elementType) {
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, elementType);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(elementType));
  return linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
}

//===----------------------------------------------------------------------===//
// BlockLoops
//===----------------------------------------------------------------------===//

FailureOr<BlockLoops> BlockLoops::get(RankedTensorType tensor,
                                      ArrayRef<ArrayRef<int64_t>> parameters) {
  BlockLoops result;
  for (auto [dim, size] : llvm::enumerate(tensor.getShape())) {
    int64_t groups = 1;
    bool hasElements = false;
    for (ArrayRef<int64_t> shape : parameters) {
      if (shape.empty() || shape[dim] == 1)
        continue;
      if (shape[dim] == size) {
        hasElements = true;
        continue;
      }
      if (groups != 1 && groups != shape[dim])
        return failure();
      groups = shape[dim];
    }
    if (groups != 1 && hasElements)
      return failure();
    ReassociationIndices &loops = result.reassociation.emplace_back();
    if (groups != 1) {
      loops.push_back(result.numLoops++);
      result.expandedShape.push_back(groups);
    }
    loops.push_back(result.numLoops++);
    result.expandedShape.push_back(size / groups);
  }
  return result;
}

AffineMap BlockLoops::getIdentityMap(MLIRContext *context) const {
  return AffineMap::getMultiDimIdentityMap(numLoops, context);
}

SmallVector<AffineExpr>
BlockLoops::getParameterExprs(MLIRContext *context,
                              ArrayRef<int64_t> shape) const {
  SmallVector<AffineExpr> exprs;
  for (auto [dim, size] : llvm::enumerate(shape))
    exprs.push_back(
        size == 1 ? getAffineConstantExpr(0, context)
                  : getAffineDimExpr(reassociation[dim].front(), context));
  return exprs;
}

Value BlockLoops::expand(OpBuilder &builder, Location loc, Value tensor) const {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (numLoops == type.getRank())
    return tensor;
  return tensor::ExpandShapeOp::create(
      builder, loc, RankedTensorType::get(expandedShape, type.getElementType()),
      tensor, reassociation);
}

Value BlockLoops::collapse(OpBuilder &builder, Location loc,
                           Value expanded) const {
  if (numLoops == reassociation.size())
    return expanded;
  return tensor::CollapseShapeOp::create(builder, loc, expanded, reassociation);
}
