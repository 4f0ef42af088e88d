//===- GradientBuilder.cpp - Cotangents of values ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Differentiation/GradientBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Differentiation/DifferentiableOpInterface.h"

using namespace mlir;
using namespace quantc;

#include "quantc/Differentiation/DifferentiableOpInterface.cpp.inc"

bool quantc::hasCotangent(Type type) {
  Type element = getElementTypeOrSelf(type);
  return isa<FloatType>(element) || element.isInteger(8) ||
         element.isInteger(4);
}

llvm::SetVector<Value> quantc::getReadValues(Operation *op) {
  llvm::SetVector<Value> values;
  values.insert_range(op->getOperands());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

LogicalResult GradientBuilder::differentiate(ArrayRef<Operation *> operations,
                                             function_ref<void()> seed) {
  for (Operation *op : operations) {
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if ((rule && rule.isConstant()) ||
        llvm::none_of(getReadValues(op),
                      [&](Value value) { return isActive(value); }))
      continue;
    for (Value result : op->getResults())
      if (hasCotangent(result.getType()))
        activate(result);
  }
  seed();
  for (Operation *op : llvm::reverse(operations)) {
    if (llvm::none_of(op->getResults(),
                      [&](Value result) { return getCotangent(result); }))
      continue;
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if (!rule)
      return op->emitError() << "'" << op->getName()
                             << "' cannot be differentiated; docs/Training.md "
                                "lists the operations that have a rule";
    setLoc(op->getLoc());
    if (failed(rule.differentiate(*this)))
      return failure();
  }
  return success();
}

void GradientBuilder::accumulate(Value value, function_ref<Value()> build) {
  if (!isActive(value))
    return;
  Value term = build();
  if (!term)
    return;
  Value &sum = cotangents[value];
  sum = sum ? arith::AddFOp::create(*this, sum, term).getResult() : term;
}

Value GradientBuilder::createConstant(Value like, double number) {
  Type element = getElementTypeOrSelf(like.getType());
  FloatAttr value = getFloatAttr(element, number);
  auto type = dyn_cast<RankedTensorType>(like.getType());
  if (!type)
    return arith::ConstantOp::create(*this, value);
  if (type.hasStaticShape())
    return arith::ConstantOp::create(*this,
                                     DenseElementsAttr::get(type, value));
  Value scalar = arith::ConstantOp::create(*this, value);
  Value empty = tensor::EmptyOp::create(
      *this, tensor::getMixedSizes(*this, getLoc(), like), element);
  return linalg::FillOp::create(*this, scalar, empty).getResult(0);
}

Value GradientBuilder::createZeros(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return quantc::createZeros(*this, getLoc(),
                             tensor::getMixedSizes(*this, getLoc(), value),
                             isa<FloatType>(element) ? element : getF32Type());
}
