//===- Windows.cpp - Windows that move over spatial dimensions ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Windows.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

int64_t Window::getOverhang() const {
  int64_t reached = (numPositions - 1) * stride + getExtent() + 1;
  return std::max<int64_t>(0, reached - (padBefore + size + padAfter));
}

FailureOr<SmallVector<int64_t>> onnx::getWindowInts(NodeImporter &node,
                                                    StringRef name, size_t size,
                                                    int64_t low,
                                                    int64_t fallback) {
  SmallVector<int64_t> ints =
      node.getInts(name).value_or(SmallVector<int64_t>(size, fallback));
  if (ints.size() != size || llvm::any_of(ints, [&](int64_t value) {
        return value < low || value > kMaxWindow;
      }))
    return node.emitError(node.getOpType() + " with unsupported " + name +
                          "; expects " + Twine(size) + " numbers of at least " +
                          Twine(low));
  return ints;
}

/// Distributes the padding that makes the result `ceil(size / stride)` large.
static void setAutomaticPadding(Window &window, bool isUpper) {
  int64_t result = llvm::divideCeil(window.size, window.stride);
  int64_t padding = std::max<int64_t>(
      0, (result - 1) * window.stride + window.getExtent() + 1 - window.size);
  int64_t smaller = padding / 2;
  window.padBefore = isUpper ? smaller : padding - smaller;
  window.padAfter = padding - window.padBefore;
}

/// How often the window fits. Rounded up, the last position may reach past the
/// padding, but must not begin behind what it pads.
static int64_t countPositions(const Window &window, bool isRoundedUp) {
  int64_t room =
      window.padBefore + window.size + window.padAfter - window.getExtent() - 1;
  if (room < 0)
    return 0;
  if (!isRoundedUp)
    return room / window.stride + 1;
  int64_t count = llvm::divideCeil(room, window.stride) + 1;
  if ((count - 1) * window.stride >= window.padBefore + window.size)
    --count;
  return count;
}

FailureOr<SmallVector<Window>> onnx::getWindows(NodeImporter &node,
                                                ArrayRef<AffineExpr> sizes,
                                                ArrayRef<int64_t> kernel) {
  size_t rank = kernel.size();
  FailureOr<SmallVector<int64_t>> strides =
      getWindowInts(node, "strides", rank, 1, 1);
  FailureOr<SmallVector<int64_t>> dilations =
      getWindowInts(node, "dilations", rank, 1, 1);
  FailureOr<SmallVector<int64_t>> pads =
      getWindowInts(node, "pads", 2 * rank, 0, 0);
  if (failed(strides) || failed(dilations) || failed(pads))
    return failure();
  StringRef mode = node.getString("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" &&
      mode != "SAME_LOWER")
    return node.emitError(node.getOpType() + " with auto_pad '" + mode +
                          "'; expects NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  bool isSame = mode.starts_with("SAME");
  SmallVector<Window> windows;
  for (size_t dim = 0; dim < rank; ++dim) {
    std::optional<int64_t> size = getConstant(sizes[dim]);
    Window window{size.value_or(0),  kernel[dim],  (*strides)[dim],
                  (*dilations)[dim], (*pads)[dim], (*pads)[rank + dim],
                  /*numPositions=*/0};
    if (mode == "VALID")
      window.padBefore = window.padAfter = 0;
    bool isKernelInRange = kernel[dim] >= 1 && kernel[dim] <= kMaxWindow;
    if (size && isKernelInRange) {
      if (isSame)
        setAutomaticPadding(window, mode == "SAME_UPPER");
      window.numPositions =
          countPositions(window, !isSame && node.getInt("ceil_mode", 0));
    }
    if (window.numPositions < 1)
      return node.emitError(
          node.getOpType() + " of " + node.toString(sizes) + " by windows of " +
          node.toString(node.getConstantSizes(kernel)) +
          "; expects spatial sizes that are known and windows that fit");
    windows.push_back(window);
  }
  return windows;
}

FailureOr<Tensor> onnx::createPad(NodeImporter &node, Tensor &input,
                                  ArrayRef<Window> windows, Value fill) {
  SmallVector<OpFoldResult> low(input.getRank(), node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> high = low;
  Shape shape = input.shape;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    int64_t padAfter = window.padAfter + window.getOverhang();
    low[dim + 2] = node.b.getIndexAttr(window.padBefore);
    high[dim + 2] = node.b.getIndexAttr(padAfter);
    AffineExpr &size = shape[dim + 2];
    size = size + window.padBefore + padAfter;
  }
  if (shape == input.shape)
    return input;
  if (!isReasonable(shape))
    return node.emitError("padding makes the absurd shape " +
                          node.toString(shape));
  Value padded = tensor::PadOp::create(node.b, node.getType(input.type, shape),
                                       node.getValue(input), low, high, fill);
  return makeTensor(input.type, shape, padded);
}

Shape onnx::getWindowedShape(NodeImporter &node, const Tensor &input,
                             AffineExpr channels, ArrayRef<Window> windows) {
  Shape shape = {input.shape[0], channels};
  for (const Window &window : windows)
    shape.push_back(node.getConstantSize(window.numPositions));
  return shape;
}
