//===- Convolution.cpp - Conv ---------------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Bound on strides, dilations and paddings, so that arithmetic on them does
/// not overflow.
static constexpr int64_t kMaxWindow = int64_t(1) << 20;

namespace {
/// How the window moves along one spatial dimension.
struct Window {
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t padBefore;
  int64_t padAfter;

  /// The distance between the first and the last element it covers.
  int64_t getExtent() const { return dilation * (kernel - 1); }
};
} // namespace

/// Fails unless the attribute has `size` entries in [low, kMaxWindow]; all are
/// `fallback` without it.
static FailureOr<SmallVector<int64_t>> getWindowInts(NodeImporter &node,
                                                     StringRef name,
                                                     size_t size, int64_t low,
                                                     int64_t fallback) {
  SmallVector<int64_t> ints =
      node.getInts(name).value_or(SmallVector<int64_t>(size, fallback));
  if (ints.size() != size || llvm::any_of(ints, [&](int64_t value) {
        return value < low || value > kMaxWindow;
      }))
    return node.emitError("Conv with unsupported " + name + "; expects " +
                          Twine(size) + " numbers of at least " + Twine(low));
  return ints;
}

/// Distributes the padding that makes the result `ceil(size / stride)` large.
static LogicalResult setAutomaticPadding(NodeImporter &node, bool isUpper,
                                         ArrayRef<AffineExpr> sizes,
                                         MutableArrayRef<Window> windows) {
  for (auto [size, window] : llvm::zip(sizes, windows)) {
    std::optional<int64_t> constant = getConstant(size);
    if (!constant)
      return node.emitError("Conv with automatic padding of a dynamic size; "
                            "expects pads");
    int64_t result = llvm::divideCeil(*constant, window.stride);
    int64_t padding = std::max<int64_t>(
        0, (result - 1) * window.stride + window.getExtent() + 1 - *constant);
    int64_t smaller = padding / 2;
    window.padBefore = isUpper ? smaller : padding - smaller;
    window.padAfter = padding - window.padBefore;
  }
  return success();
}

static FailureOr<SmallVector<Window>> getWindows(NodeImporter &node,
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
  SmallVector<Window> windows;
  for (size_t dim = 0; dim < rank; ++dim)
    windows.push_back({kernel[dim], (*strides)[dim], (*dilations)[dim],
                       (*pads)[dim], (*pads)[rank + dim]});
  StringRef mode = node.getString("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode == "VALID")
    return windows;
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER")
    return node.emitError("Conv with auto_pad '" + mode +
                          "'; expects NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  if (failed(setAutomaticPadding(node, mode == "SAME_UPPER", sizes, windows)))
    return failure();
  return windows;
}

/// `input` with zeros around its spatial dimensions.
static Tensor createPad(NodeImporter &node, Tensor &input,
                        ArrayRef<Window> windows) {
  SmallVector<OpFoldResult> low(2, node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> high = low;
  Shape shape = input.shape;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    low.push_back(node.b.getIndexAttr(window.padBefore));
    high.push_back(node.b.getIndexAttr(window.padAfter));
    shape[dim + 2] = shape[dim + 2] + window.padBefore + window.padAfter;
  }
  if (shape == input.shape)
    return input;
  Value zero = node.createScalar(input.type, 0);
  Value padded = tensor::PadOp::create(node.b, node.getType(input.type, shape),
                                       node.getValue(input), low, high, zero);
  return makeTensor(input.type, shape, padded);
}

/// A convolution of one group over one or two spatial dimensions.
static LogicalResult importConv(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  Tensor &input = node.getInput(0);
  Tensor &weight = node.getInput(1);
  size_t rank = input.getRank();
  SmallVector<int64_t> weightShape = getStaticShape(weight.shape);
  if ((rank != 3 && rank != 4) || weight.getRank() != rank ||
      ShapedType::isDynamicShape(weightShape))
    return node.emitError("Conv of " + node.toString(input.shape) + " by " +
                          node.toString(weight.shape) +
                          "; expects one or two spatial dimensions and a "
                          "weight of known shape");
  if (node.getInt("group", 1) != 1 || input.shape[1] != weight.shape[1])
    return node.emitError("Conv of " + node.toString(input.shape) + " by " +
                          node.toString(weight.shape) + " in " +
                          Twine(node.getInt("group", 1)) +
                          " groups; expects one group and equal channels");
  FailureOr<SmallVector<Window>> windows =
      getWindows(node, ArrayRef(input.shape).drop_front(2),
                 ArrayRef(weightShape).drop_front(2));
  if (failed(windows))
    return failure();

  Tensor padded = createPad(node, input, *windows);
  Shape shape = {input.shape[0], weight.shape[0]};
  SmallVector<int64_t> strides, dilations;
  for (auto [dim, window] : llvm::enumerate(*windows)) {
    std::optional<int64_t> size = getConstant(padded.shape[dim + 2]);
    if (!size || window.kernel < 1 || *size <= window.getExtent())
      return node.emitError("Conv of " + node.toString(input.shape) + " by " +
                            node.toString(weight.shape) +
                            "; expects spatial sizes that are known and "
                            "windows that fit");
    shape.push_back(node.getConstantSize(
        (*size - window.getExtent() - 1) / window.stride + 1));
    strides.push_back(window.stride);
    dilations.push_back(window.dilation);
  }
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape");
  Value init =
      node.createFilled(node.createScalar(input.type, 0), input.type, shape);
  Value operands[] = {node.getValue(padded), node.getValue(weight)};
  DenseIntElementsAttr strideAttr = node.b.getI64TensorAttr(strides);
  DenseIntElementsAttr dilationAttr = node.b.getI64TensorAttr(dilations);
  Operation *conv;
  if (rank == 3)
    conv = linalg::Conv1DNcwFcwOp::create(node.b, init.getType(), operands,
                                          init, strideAttr, dilationAttr);
  else
    conv = linalg::Conv2DNchwFchwOp::create(node.b, init.getType(), operands,
                                            init, strideAttr, dilationAttr);
  Tensor result = makeTensor(input.type, shape, conv->getResult(0));
  if (!node.hasInput(2))
    return node.setOutput(0, result);

  Tensor &bias = node.getInput(2);
  if (bias.getRank() != 1 || bias.shape[0] != shape[1])
    return node.emitError("Conv with a bias of shape " +
                          node.toString(bias.shape) +
                          "; expects one number for each channel");
  AffineMap byChannel =
      AffineMap::get(rank, 0, getAffineDimExpr(1, node.getContext()));
  Value sum = createGeneric(
      node, input.type, shape,
      {{result.value, node.b.getMultiDimIdentityMap(rank)},
       {node.getValue(bias), byChannel}},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
  return node.setOutput(0, input.type, shape, sum);
}

static constexpr OpRow kRows[] = {
    {"Conv", 1, 2, 3, importConv},
};

ArrayRef<OpRow> onnx::getConvolutionOps() { return kRows; }
