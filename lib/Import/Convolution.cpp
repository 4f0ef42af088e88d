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
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "quantc/Dialect/Quant/Transforms/Convolution.h"

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

/// The permutation that puts the channels, dimension 1, behind all others.
static SmallVector<int64_t> getChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation = {0};
  llvm::append_range(permutation, llvm::seq<int64_t>(2, rank));
  permutation.push_back(1);
  return permutation;
}

static Tensor transposeTensor(NodeImporter &node, Tensor &tensor,
                              ArrayRef<int64_t> permutation) {
  Shape shape = llvm::map_to_vector<4>(
      permutation, [&](int64_t dim) { return tensor.shape[dim]; });
  return makeTensor(tensor.type, shape,
                    createTranspose(node, node.getValue(tensor), tensor.type,
                                    tensor.shape, permutation));
}

/// `input`, channels last, with zeros around its spatial dimensions.
static Tensor createPad(NodeImporter &node, Tensor &input,
                        ArrayRef<Window> windows) {
  SmallVector<OpFoldResult> low(input.getRank(), node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> high = low;
  Shape shape = input.shape;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    low[dim + 1] = node.b.getIndexAttr(window.padBefore);
    high[dim + 1] = node.b.getIndexAttr(window.padAfter);
    shape[dim + 1] = shape[dim + 1] + window.padBefore + window.padAfter;
  }
  if (shape == input.shape)
    return input;
  Value zero = node.createScalar(input.type, 0);
  Value padded = tensor::PadOp::create(node.b, node.getType(input.type, shape),
                                       node.getValue(input), low, high, zero);
  return makeTensor(input.type, shape, padded);
}

/// The indexing maps of a convolution, channels last, in loops over the batch,
/// places, groups if there are several, outputs, the window and channels.
static SmallVector<AffineMap> getConvolutionMaps(NodeImporter &node,
                                                 ArrayRef<Window> windows,
                                                 bool hasGroups) {
  MLIRContext *context = node.getContext();
  unsigned next = 0;
  auto loop = [&] { return getAffineDimExpr(next++, context); };
  SmallVector<AffineExpr> input, weight, result, group;
  input.push_back(loop());
  result.push_back(input.front());
  for (size_t dim = 0; dim < windows.size(); ++dim)
    result.push_back(loop());
  if (hasGroups)
    group.push_back(loop());
  llvm::append_range(result, group);
  weight = group;
  AffineExpr output = loop();
  weight.push_back(output);
  result.push_back(output);
  for (auto [dim, window] : llvm::enumerate(windows)) {
    weight.push_back(loop());
    input.push_back(result[dim + 1] * window.stride +
                    weight.back() * window.dilation);
  }
  llvm::append_range(input, group);
  weight.push_back(loop());
  input.push_back(weight.back());
  return {AffineMap::get(next, 0, input, context),
          AffineMap::get(next, 0, weight, context),
          AffineMap::get(next, 0, result, context)};
}

/// The sum over the window and the channels of `input`, channels last and
/// padded, as a tensor of `shape`. `order` is that of the dimensions of
/// `weight` in the sum: terms are added along the window, then along channels.
static Value createConvolution(NodeImporter &node, Tensor &input,
                               Tensor &weight, ArrayRef<int64_t> order,
                               ArrayRef<Window> windows, const Shape &shape,
                               bool hasGroups) {
  Value init =
      node.createFilled(node.createScalar(input.type, 0), input.type, shape);
  Value operands[] = {node.getValue(input),
                      transposeTensor(node, weight, order).value};
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  iterators.append(windows.size() + 1, utils::IteratorType::reduction);
  auto conv = linalg::GenericOp::create(
      node.b, init.getType(), operands, init,
      getConvolutionMaps(node, windows, hasGroups), iterators,
      [](OpBuilder &builder, Location loc, ValueRange elements) {
        Value product =
            arith::MulFOp::create(builder, loc, elements[0], elements[1]);
        Value sum = arith::AddFOp::create(builder, loc, elements[2], product);
        linalg::YieldOp::create(builder, loc, sum);
      });
  // A linear layer wherever it can be one, so that all that looks for layers
  // finds it.
  IRRewriter rewriter(node.b);
  FailureOr<Value> layer = convertConvToMatmul(rewriter, conv);
  return succeeded(layer) ? *layer : conv.getResult(0);
}

/// The shape of the result, channels last, or an error.
static FailureOr<Shape> getResultShape(NodeImporter &node, Tensor &padded,
                                       ArrayRef<Window> windows) {
  Tensor &weight = node.getInput(1);
  Shape shape = {padded.shape[0]};
  for (auto [dim, window] : llvm::enumerate(windows)) {
    std::optional<int64_t> size = getConstant(padded.shape[dim + 1]);
    if (!size || window.kernel < 1 || *size <= window.getExtent())
      return node.emitError("Conv of " + node.toString(node.getInput(0).shape) +
                            " by " + node.toString(weight.shape) +
                            "; expects spatial sizes that are known and "
                            "windows that fit");
    shape.push_back(node.getConstantSize(
        (*size - window.getExtent() - 1) / window.stride + 1));
  }
  shape.push_back(weight.shape[0]);
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape");
  return shape;
}

/// Splits dimension `dim` of `tensor` into `count` parts.
static Tensor splitDim(NodeImporter &node, Tensor &tensor, int64_t dim,
                       int64_t count) {
  Shape shape = tensor.shape;
  int64_t size = *getConstant(shape[dim]) / count;
  shape[dim] = node.getConstantSize(count);
  shape.insert(shape.begin() + dim + 1, node.getConstantSize(size));
  return reshapeTensor(node, tensor, shape);
}

/// The convolution of `padded` in `groups`, of which each sees its share of the
/// channels.
static Tensor convolve(NodeImporter &node, Tensor &padded, int64_t groups,
                       ArrayRef<Window> windows, const Shape &shape) {
  Tensor &weight = node.getInput(1);
  int64_t rank = padded.getRank();
  SmallVector<int64_t> order = getChannelsLast(rank);
  if (groups == 1)
    return makeTensor(padded.type, shape,
                      createConvolution(node, padded, weight, order, windows,
                                        shape, /*hasGroups=*/false));
  // [..., C] -> [..., G, C / G], [F, ...] -> [G, F / G, ...].
  Tensor parts = splitDim(node, padded, rank - 1, groups);
  Tensor kernels = splitDim(node, weight, 0, groups);
  for (int64_t &dim : order)
    ++dim;
  order.insert(order.begin(), 0);
  Shape split = shape;
  split.back() = node.getConstantSize(groups);
  split.push_back(node.getConstantSize(*getConstant(weight.shape[0]) / groups));
  Tensor result =
      makeTensor(padded.type, split,
                 createConvolution(node, parts, kernels, order, windows, split,
                                   /*hasGroups=*/true));
  return reshapeTensor(node, result, shape);
}

/// Adds the bias, one number for each channel, which are last.
static LogicalResult addBias(NodeImporter &node, Tensor &tensor) {
  if (!node.hasInput(2))
    return success();
  Tensor &bias = node.getInput(2);
  int64_t rank = tensor.getRank();
  if (bias.getRank() != 1 || bias.shape[0] != tensor.shape.back())
    return node.emitError("Conv with a bias of shape " +
                          node.toString(bias.shape) +
                          "; expects one number for each channel");
  AffineMap byChannel =
      AffineMap::get(rank, 0, getAffineDimExpr(rank - 1, node.getContext()));
  tensor.value = createGeneric(
      node, tensor.type, tensor.shape,
      {{tensor.value, node.b.getMultiDimIdentityMap(rank)},
       {node.getValue(bias), byChannel}},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
  return success();
}

/// One spatial dimension or more. Channels are last inside, where those of a
/// place lie side by side.
static LogicalResult importConv(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  Tensor &input = node.getInput(0);
  Tensor &weight = node.getInput(1);
  int64_t rank = input.getRank(), groups = node.getInt("group", 1);
  SmallVector<int64_t> weightShape = getStaticShape(weight.shape);
  if (rank < 3 || weight.getRank() != rank ||
      ShapedType::isDynamicShape(weightShape))
    return node.emitError("Conv of " + node.toString(input.shape) + " by " +
                          node.toString(weight.shape) +
                          "; expects at least one spatial dimension and a "
                          "weight of known shape");
  if (groups < 1 || groups > weightShape[0] || weightShape[0] % groups != 0 ||
      !isConstant(input.shape[1], weightShape[1] * groups))
    return node.emitError("Conv of " + node.toString(input.shape) + " by " +
                          node.toString(weight.shape) + " in " + Twine(groups) +
                          " groups; expects outputs that groups divide and "
                          "input channels that are groups times those of the "
                          "weight");
  FailureOr<SmallVector<Window>> windows =
      getWindows(node, ArrayRef(input.shape).drop_front(2),
                 ArrayRef(weightShape).drop_front(2));
  if (failed(windows))
    return failure();
  SmallVector<int64_t> channelsLast = getChannelsLast(rank);
  Tensor last = transposeTensor(node, input, channelsLast);
  Tensor padded = createPad(node, last, *windows);
  FailureOr<Shape> shape = getResultShape(node, padded, *windows);
  if (failed(shape))
    return failure();
  Tensor result = convolve(node, padded, groups, *windows, *shape);
  if (failed(addBias(node, result)))
    return failure();
  return node.setOutput(
      0, transposeTensor(node, result, invertPermutationVector(channelsLast)));
}

static constexpr OpRow kRows[] = {
    {"Conv", 1, 2, 3, importConv},
};

ArrayRef<OpRow> onnx::getConvolutionOps() { return kRows; }
