//===- QuantLoraOp.cpp - quant.lora in the interpreter --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Lora.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;
using numerics::Evaluate;

/// The matrix [rows, columns] in `slot` of `tensor` as f32 (lora_a2); integers
/// have a scale for each column, or for each row where `scales` has as many.
static std::vector<float> readMatrix(const HostTensor &tensor,
                                     const HostTensor *scales, int64_t slot) {
  int64_t rows = tensor.shape[1], columns = tensor.shape[2];
  std::vector<float> values(rows * columns);
  Evaluate a;
  for (int64_t i = 0, e = rows * columns; i < e; ++i) {
    Scalar element = load(tensor, slot * e + i);
    values[i] = scales
                    ? numerics::loraElement(
                          a, static_cast<int32_t>(element.integer),
                          scales->values<float>()[slot * columns + i % columns])
                    : element.f32;
  }
  return values;
}

/// x [K] by the [K, N] matrix `values`: fma from +0, k ascending.
static std::vector<float> multiply(ArrayRef<float> x, ArrayRef<float> values) {
  size_t columns = x.empty() ? 0 : values.size() / x.size();
  std::vector<float> sums(columns);
  Evaluate a;
  for (size_t k = 0; k < x.size(); ++k)
    for (size_t n = 0; n < columns; ++n)
      sums[n] =
          numerics::addFloatElement(a, sums[n], x[k], values[k * columns + n]);
  return sums;
}

static LogicalResult runLora(LoraOp op, Frame &frame) {
  auto get = [&](Value value) {
    return value ? &frame.getTensor(value) : nullptr;
  };
  const HostTensor &input = *get(op.getInput()), &down = *get(op.getDown());
  const HostTensor &up = *get(op.getUp());
  ArrayRef<int32_t> slots = get(op.getSlots())->values<int32_t>();
  ArrayRef<float> scales = get(op.getScale())->values<float>();
  int64_t numRows = input.shape[0], depth = input.shape[1];
  int64_t numColumns = up.shape[2], numParts = slots.size();
  HostTensor result(DataType::F32, {numRows, numColumns});
  llvm::fill(result.values<float>(), numerics::kNoDelta);
  if (numRows != 0 && numParts == 0)
    return op.emitOpError("expects a slot for each part of the rows");
  int64_t rowsPerPart =
      llvm::divideCeil(numRows, std::max<int64_t>(numParts, 1));

  Evaluate a;
  for (int64_t m = 0; m < numRows; ++m) {
    int64_t slot = slots[m / rowsPerPart];
    if (slot >= static_cast<int64_t>(scales.size()))
      return op.emitOpError("expects slots below ")
             << scales.size() << ", got " << slot;
    if (slot < 0)
      continue;
    std::vector<float> u =
        multiply(input.values<float>().slice(m * depth, depth),
                 readMatrix(down, get(op.getDownScale()), slot));
    std::vector<float> delta =
        multiply(u, readMatrix(up, get(op.getUpScale()), slot));
    for (int64_t n = 0; n < numColumns; ++n)
      result.values<float>()[m * numColumns + n] =
          numerics::finishDelta(a, delta[n], scales[slot]);
  }
  frame.set(op, std::move(result));
  return success();
}

void reference::addQuantLoraOp(OpTable &table) { table.add<LoraOp>(runLora); }
