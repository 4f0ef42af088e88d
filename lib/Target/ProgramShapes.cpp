//===- ProgramShapes.cpp - Sizes of inputs and outputs --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/ProgramMetadata.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace quantc;

/// A shape and type for people: `[batch, 784] float32`.
template <class Sizes, class Print>
static std::string format(const Sizes &sizes, DataType type, Print print) {
  std::string text = "[";
  raw_string_ostream os(text);
  interleaveComma(sizes, os, [&](const auto &size) { os << print(size); });
  os << "] " << getNumpyName(type);
  return text;
}

static Error makeInputError(const PortMetadata &port,
                            ArrayRef<std::string> dims, const TensorView &input,
                            const Twine &why) {
  return createStringError(
      "input \"" + port.name + "\": expected " +
      format(port.shape, port.type,
             [&](const SizeExpr &size) { return size.str(dims); }) +
      ", got " +
      format(input.shape, input.type,
             [](int64_t size) { return std::to_string(size); }) +
      why);
}

Expected<SmallVector<int64_t>>
ProgramMetadata::getDims(ArrayRef<TensorView> tensors) const {
  if (tensors.size() != inputs.size())
    return createStringError("expected " + Twine(inputs.size()) +
                             " inputs, got " + Twine(tensors.size()));
  // A dimension is what the first input that has it by itself says.
  SmallVector<std::optional<int64_t>> known(dims.size());
  for (auto [port, tensor] : zip_equal(inputs, tensors)) {
    if (tensor.type != port.type || tensor.shape.size() != port.shape.size())
      return makeInputError(port, dims, tensor, "");
    for (auto [expr, size] : zip_equal(port.shape, tensor.shape))
      if (std::optional<size_t> dim = expr.getDim(); dim && !known[*dim])
        known[*dim] = size;
  }
  SmallVector<int64_t> sizes;
  for (auto [name, size] : zip_equal(dims, known)) {
    if (!size)
      return createStringError("no input has dimension \"" + name +
                               "\" by itself, so its size is unknown");
    sizes.push_back(*size);
  }
  for (auto [port, tensor] : zip_equal(inputs, tensors))
    for (auto [expr, size] : zip_equal(port.shape, tensor.shape))
      if (int64_t expected = expr.evaluate(sizes); expected != size)
        return makeInputError(port, dims, tensor,
                              expr.getConstant()
                                  ? ""
                                  : ", but " + expr.str(dims) + " is " +
                                        std::to_string(expected));
  return sizes;
}

SmallVector<int64_t>
ProgramMetadata::getOutputShape(size_t index, ArrayRef<int64_t> sizes) const {
  SmallVector<int64_t> shape;
  for (const SizeExpr &expr : outputs[index].shape)
    shape.push_back(expr.evaluate(sizes));
  return shape;
}

int64_t ProgramMetadata::getNumRows(ArrayRef<int64_t> sizes) const {
  return inputs.empty() || inputs.front().shape.empty()
             ? 1
             : inputs.front().shape.front().evaluate(sizes);
}
