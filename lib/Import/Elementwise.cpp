//===- Elementwise.cpp - Arithmetic on elements ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

static LogicalResult importAdd(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return createAdd(b, type, elements[0], elements[1]);
      });
}

static LogicalResult importRelu(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  Value zero = node.createScalar(type, 0);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::MaximumFOp::create(b, elements[0], zero);
      });
}

static constexpr OpRow kRows[] = {
    {"Add", 7, 2, 2, importAdd},
    {"Relu", 6, 1, 1, importRelu},
};

ArrayRef<OpRow> onnx::getElementwiseOps() { return kRows; }
