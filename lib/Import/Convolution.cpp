//===- Convolution.cpp - Conv ---------------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Channels are last inside, where those of a place lie side by side; those of
// ONNX are dimension 1.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include "OpTable.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "quantc/Dialect/Quant/Transforms/Convolution.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The permutation that puts the channels behind all other dimensions.
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

/// The indexing maps of a convolution, channels last, in loops over the batch,
/// places, groups if there are several, outputs, the window and channels.
static SmallVector<AffineMap> getConvolutionMaps(MLIRContext *context,
                                                 ArrayRef<Window> windows,
                                                 bool hasGroups) {
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

/// The sums over the window and the channels of `input`, padded, as a tensor of
/// `shape`, all channels last: terms are added along the window, then along
/// channels.
static Value createSums(NodeImporter &node, Tensor &input, Tensor &weight,
                        ArrayRef<Window> windows, const Shape &shape,
                        bool hasGroups) {
  ElementType type = input.type;
  Value init = node.createFilled(node.createScalar(type, 0), type, shape);
  Value operands[] = {node.getValue(input), node.getValue(weight)};
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  iterators.append(windows.size() + 1, utils::IteratorType::reduction);
  auto conv = linalg::GenericOp::create(
      node.b, init.getType(), operands, init,
      getConvolutionMaps(node.getContext(), windows, hasGroups), iterators,
      [&](OpBuilder &builder, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder b(loc, builder);
        Value product = createMul(b, type, elements[0], elements[1]);
        linalg::YieldOp::create(b, createAdd(b, type, elements[2], product));
      });
  // A linear layer wherever it can be one, so that all that looks for layers
  // finds it.
  IRRewriter rewriter(node.b);
  FailureOr<Value> layer = convertConvToMatmul(rewriter, conv);
  return succeeded(layer) ? *layer : conv.getResult(0);
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

/// The convolution of `input`, padded, in `groups`, of which each sees its
/// share of the channels, which are last everywhere.
static Tensor convolve(NodeImporter &node, Tensor &input, Tensor &weight,
                       int64_t groups, ArrayRef<Window> windows,
                       const Shape &shape) {
  if (groups == 1)
    return makeTensor(input.type, shape,
                      createSums(node, input, weight, windows, shape,
                                 /*hasGroups=*/false));
  // [..., C] -> [..., G, C / G], [F, ...] -> [G, F / G, ...].
  Tensor parts = splitDim(node, input, input.getRank() - 1, groups);
  Tensor kernels = splitDim(node, weight, 0, groups);
  Shape split = shape;
  split.back() = node.getConstantSize(groups);
  split.push_back(node.getConstantSize(*getConstant(shape.back()) / groups));
  Tensor result = makeTensor(
      input.type, split,
      createSums(node, parts, kernels, windows, split, /*hasGroups=*/true));
  return reshapeTensor(node, result, shape);
}

/// Adds `bias`, one number for each channel, which are last.
static LogicalResult addBias(NodeImporter &node, Tensor &tensor, Tensor &bias) {
  int64_t rank = tensor.getRank();
  if (bias.getRank() != 1 || bias.shape[0] != tensor.shape.back())
    return node.emitError(node.getOpType() + " with a bias of shape " +
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

/// Fails for shapes that do not go together, else returns the groups.
static FailureOr<int64_t> getGroups(NodeImporter &node, Tensor &input,
                                    Tensor &weight) {
  int64_t rank = input.getRank(), groups = node.getInt("group", 1);
  SmallVector<int64_t> weightShape = getStaticShape(weight.shape);
  std::string shapes = (node.getOpType() + " of " + node.toString(input.shape) +
                        " by " + node.toString(weight.shape))
                           .str();
  if (rank < 3 || weight.getRank() != input.getRank() ||
      ShapedType::isDynamicShape(weightShape))
    return node.emitError(shapes + "; expects at least one spatial dimension "
                                   "and a weight of known shape");
  if (groups < 1 || groups > weightShape[0] || weightShape[0] % groups != 0 ||
      !isConstant(input.shape[1], weightShape[1] * groups))
    return node.emitError(shapes + " in " + Twine(groups) +
                          " groups; expects outputs that groups divide and "
                          "input channels that are groups times those of the "
                          "weight");
  return groups;
}

FailureOr<Tensor> onnx::createConvolution(NodeImporter &node, Tensor &input,
                                          Tensor &weight, Tensor *bias) {
  FailureOr<int64_t> groups = getGroups(node, input, weight);
  if (failed(groups))
    return failure();
  FailureOr<SmallVector<Window>> windows = getWindows(
      node, ArrayRef(input.shape).drop_front(2),
      getStaticShape(ArrayRef<AffineExpr>(weight.shape).drop_front(2)));
  if (failed(windows))
    return failure();
  FailureOr<Tensor> padded =
      createPad(node, input, *windows, node.createScalar(input.type, 0));
  if (failed(padded))
    return failure();
  SmallVector<int64_t> channelsLast = getChannelsLast(input.getRank());
  Shape shape = getWindowedShape(node, input, weight.shape[0], *windows);
  applyPermutationToVector(shape, channelsLast);
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape");
  Tensor last = transposeTensor(node, *padded, channelsLast);
  Tensor kernel = transposeTensor(node, weight, channelsLast);
  Tensor result = convolve(node, last, kernel, *groups, *windows, shape);
  if (bias && failed(addBias(node, result, *bias)))
    return failure();
  return transposeTensor(node, result, invertPermutationVector(channelsLast));
}

static LogicalResult importConv(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  FailureOr<Tensor> result =
      createConvolution(node, node.getInput(0), node.getInput(1),
                        node.hasInput(2) ? &node.getInput(2) : nullptr);
  if (failed(result))
    return failure();
  return node.setOutput(0, *result);
}

static constexpr OpRow kRows[] = {
    {"Conv", 1, 2, 3, importConv},
};

ArrayRef<OpRow> onnx::getConvolutionOps() { return kRows; }
