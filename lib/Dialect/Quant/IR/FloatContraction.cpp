//===- FloatContraction.cpp - Layers that stay f32 ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/FloatContraction.h"

using namespace mlir;
using namespace quantc;

arith::AddFOp quantc::getFloatContractionBody(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return {};
  Block &body = *op.getBlock();
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || !add.getType().isF32() || body.getOperations().size() != 3)
    return {};
  Value product = add.getLhs(), sum = add.getRhs();
  if (product == body.getArgument(2))
    std::swap(product, sum);
  auto mul = product.getDefiningOp<arith::MulFOp>();
  if (!mul || sum != body.getArgument(2))
    return {};
  Value x = body.getArgument(0), y = body.getArgument(1);
  if ((mul.getLhs() == x && mul.getRhs() == y) ||
      (mul.getLhs() == y && mul.getRhs() == x))
    return add;
  return {};
}
