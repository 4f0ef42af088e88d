//===- ProgramBuilder.cpp - The program while it is imported --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgramBuilder.h"

#include "quantc/Support/Diagnostics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

Tensor onnx::createConstant(ElementType type, DenseElementsAttr elements,
                            StringRef name) {
  Tensor tensor;
  tensor.type = type;
  for (int64_t size : elements.getType().getShape())
    tensor.shape.push_back(getAffineConstantExpr(size, elements.getContext()));
  tensor.constant = elements;
  tensor.name = name.str();
  return tensor;
}

ProgramBuilder::ProgramBuilder(Block *block, MLIRContext *context,
                               StringRef path, StringRef name)
    : externalData(path), block(block), context(context), modelName(name) {}

Location ProgramBuilder::getLoc(StringRef name) const {
  return getNamedLoc(context, modelName, name);
}

AffineExpr ProgramBuilder::getSymbol(StringRef name) {
  auto [entry, isNew] = symbolNumbers.try_emplace(name, symbolNames.size());
  if (isNew)
    symbolNames.push_back(name.str());
  return getAffineSymbolExpr(entry->second, context);
}

RankedTensorType ProgramBuilder::getType(ElementType type,
                                         ArrayRef<AffineExpr> shape) const {
  return RankedTensorType::get(getStaticShape(shape),
                               getMlirType(type, context));
}

void ProgramBuilder::defineSymbol(AffineExpr symbol, Value tensor,
                                  int64_t dim) {
  if (!isa<AffineSymbolExpr>(symbol) || sizes.contains(symbol))
    return;
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  sizes[symbol] = tensor::DimOp::create(builder, tensor.getLoc(), tensor, dim);
}

Value ProgramBuilder::getSizeValue(AffineExpr size, ImplicitLocOpBuilder &b) {
  if (Value known = sizes.lookup(size))
    return known;
  if (std::optional<int64_t> constant = getConstant(size))
    return sizes[size] = arith::ConstantIndexOp::create(b, *constant);
  auto binary = cast<AffineBinaryOpExpr>(size);
  Value lhs = getSizeValue(binary.getLHS(), b);
  Value rhs = getSizeValue(binary.getRHS(), b);
  Value value;
  switch (size.getKind()) {
  case AffineExprKind::Add:
    value = arith::AddIOp::create(b, lhs, rhs);
    break;
  case AffineExprKind::Mul:
    value = arith::MulIOp::create(b, lhs, rhs);
    break;
  case AffineExprKind::FloorDiv:
    value = arith::DivUIOp::create(b, lhs, rhs);
    break;
  case AffineExprKind::CeilDiv:
    value = arith::CeilDivUIOp::create(b, lhs, rhs);
    break;
  case AffineExprKind::Mod:
    value = arith::RemUIOp::create(b, lhs, rhs);
    break;
  default:
    llvm_unreachable("a size is a constant, a symbol or an operation on two");
  }
  return sizes[size] = value;
}

OpFoldResult ProgramBuilder::getSize(AffineExpr size, ImplicitLocOpBuilder &b) {
  if (std::optional<int64_t> constant = getConstant(size))
    return b.getIndexAttr(*constant);
  return getSizeValue(size, b);
}

Value ProgramBuilder::getValue(Tensor &tensor, ImplicitLocOpBuilder &b) {
  if (tensor.value)
    return tensor.value;
  if (tensor.constant) {
    Location loc = tensor.name.empty() ? b.getLoc() : getLoc(tensor.name);
    return tensor.value = arith::ConstantOp::create(b, loc, tensor.constant);
  }
  // Sizes that are used as data.
  Type elementType = getMlirType(tensor.type, context);
  SmallVector<Value> elements;
  for (AffineExpr element : *tensor.elements)
    elements.push_back(
        arith::IndexCastOp::create(b, elementType, getSizeValue(element, b)));
  return tensor.value = tensor::FromElementsOp::create(
             b, getType(tensor.type, tensor.shape), elements);
}

std::optional<Shape> onnx::getElements(const Tensor &tensor) {
  if (tensor.elements)
    return tensor.elements;
  if (!tensor.constant || !isInteger(tensor.type) || tensor.getRank() > 1 ||
      tensor.constant.getNumElements() > kMaxFoldedElements)
    return std::nullopt;
  Shape elements;
  for (const APInt &value : tensor.constant.getValues<APInt>()) {
    int64_t element = isUnsigned(tensor.type)
                          ? static_cast<int64_t>(value.getZExtValue())
                          : value.getSExtValue();
    elements.push_back(
        getAffineConstantExpr(element, tensor.constant.getContext()));
  }
  return elements;
}

std::optional<SmallVector<int64_t>> onnx::getIntegers(const Tensor &tensor) {
  std::optional<Shape> elements = getElements(tensor);
  if (!elements || !llvm::all_of(*elements, [](AffineExpr element) {
        return isa<AffineConstantExpr>(element);
      }))
    return std::nullopt;
  return llvm::map_to_vector(
      *elements, [](AffineExpr element) { return *getConstant(element); });
}
