//===- Elementwise.cpp - Arithmetic on elements ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Fails unless all inputs have the same number type.
static LogicalResult expectEqualNumbers(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  for (const Tensor *input : node.getInputs())
    if (!input || input->type != type || type == ElementType::Bool)
      return node.emitError(
          "inputs have element types " + getName(type) + " and " +
          (input ? getName(input->type) : std::string("none")) +
          "; expects the same number type");
  return success();
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

static Value createSub(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                       Value rhs) {
  if (isFloat(type))
    return arith::SubFOp::create(b, lhs, rhs);
  return arith::SubIOp::create(b, lhs, rhs);
}

static Value createDiv(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                       Value rhs) {
  if (isFloat(type))
    return arith::DivFOp::create(b, lhs, rhs);
  if (isUnsigned(type))
    return arith::DivUIOp::create(b, lhs, rhs);
  return arith::DivSIOp::create(b, lhs, rhs);
}

using BinaryBuilder = Value (*)(ImplicitLocOpBuilder &, ElementType, Value,
                                Value);

/// An operator on two tensors: `fold` computes it on shapes, `build` on data.
template <BinaryBuilder build, SymbolicFold fold>
static LogicalResult importBinary(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  if (std::optional<Tensor> folded =
          foldElements(node, node.getInput(0), node.getInput(1), fold))
    return node.setOutput(0, *folded);
  ElementType type = node.getInput(0).type;
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return build(b, type, elements[0], elements[1]);
      });
}

/// An operator on any number of tensors.
template <BinaryBuilder build>
static LogicalResult importVariadic(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Value result = elements.front();
        for (Value element : elements.drop_front())
          result = build(b, type, result, element);
        return result;
      });
}

/// x^y, where y may have any number type.
static LogicalResult importPow(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  ElementType exponentType = node.getInput(1).type;
  if (!isFloat(type) || (exponentType != type && !isInteger(exponentType)))
    return node.emitError("Pow of " + getName(type) + " and " +
                          getName(exponentType) +
                          "; expects a floating-point base and an exponent of "
                          "its type or an integer");
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value exponent = elements[1];
        Type floatType = elements[0].getType();
        if (isUnsigned(exponentType))
          exponent = arith::UIToFPOp::create(b, floatType, exponent);
        else if (isInteger(exponentType))
          exponent = arith::SIToFPOp::create(b, floatType, exponent);
        return math::PowFOp::create(b, elements[0], exponent);
      });
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// An operator on floating-point elements that is one operation.
template <class Op>
static LogicalResult importUnary(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  return setElementwiseOutput(
      node, node.getInput(0).type, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return Op::create(b, elements[0]);
      });
}

static LogicalResult importReciprocal(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value one = node.createScalar(type, 1);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return createDiv(b, type, one, elements[0]);
      });
}

static LogicalResult importNeg(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value zero = node.createScalar(type, 0);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (isFloat(type))
          return arith::NegFOp::create(b, elements[0]);
        return arith::SubIOp::create(b, zero, elements[0]);
      });
}

static LogicalResult importAbs(NodeImporter &node) {
  if (failed(expectEqualNumbers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  if (isUnsigned(type))
    return node.setOutput(0, node.getInput(0));
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (isFloat(type))
          return math::AbsFOp::create(b, elements[0]);
        return math::AbsIOp::create(b, elements[0]);
      });
}

static constexpr OpRow kRows[] = {
    {"Abs", 6, 1, 1, importAbs},
    {"Add", 7, 2, 2, importBinary<createAdd, foldAdd>},
    {"Ceil", 6, 1, 1, importUnary<math::CeilOp>},
    {"Div", 7, 2, 2, importBinary<createDiv, foldDiv>},
    {"Erf", 9, 1, 1, importUnary<math::ErfOp>},
    {"Exp", 6, 1, 1, importUnary<math::ExpOp>},
    {"Floor", 6, 1, 1, importUnary<math::FloorOp>},
    {"Log", 6, 1, 1, importUnary<math::LogOp>},
    {"Max", 6, 1, kVariadic, importVariadic<createMax>},
    {"Min", 6, 1, kVariadic, importVariadic<createMin>},
    {"Mul", 7, 2, 2, importBinary<createMul, foldMul>},
    {"Neg", 6, 1, 1, importNeg},
    {"Pow", 7, 2, 2, importPow},
    {"Reciprocal", 6, 1, 1, importReciprocal},
    {"Round", 11, 1, 1, importUnary<math::RoundEvenOp>},
    {"Sqrt", 6, 1, 1, importUnary<math::SqrtOp>},
    {"Sub", 7, 2, 2, importBinary<createSub, foldSub>},
    {"Sum", 6, 1, kVariadic, importVariadic<createAdd>},
    {"Tanh", 6, 1, 1, importUnary<math::TanhOp>},
};

ArrayRef<OpRow> onnx::getElementwiseOps() { return kRows; }
