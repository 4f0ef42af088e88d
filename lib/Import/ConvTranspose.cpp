//===- ConvTranspose.cpp - Transposed convolution -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The convolution of the input, spread out with `stride - 1` zeros between its
// elements, by the weight reversed in space:
//
//   y[n, g, m, o] = sum_{c, k} s[n, g, c, o + k * dilation]
//                            * w[g, c, m, kernel - 1 - k]
//   s = 0 but for  s[lo + i * stride] = x[i],  lo = extent - pad before
//
// over groups g; m and c count channels in a group, and o, i and k have as many
// dimensions as there are in space.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
/// One spatial dimension.
struct Spread {
  int64_t size;
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t padBefore;
  /// Negative for results that are larger than what the input reaches.
  int64_t padAfter;
  int64_t outputPadding;

  /// The distance between the first and the last element of the kernel.
  int64_t getExtent() const { return dilation * (kernel - 1); }
  int64_t getSpreadSize() const { return (size - 1) * stride + 1; }
  /// Without padding.
  int64_t getFullSize() const {
    return getSpreadSize() + outputPadding + getExtent();
  }
  int64_t getResultSize() const { return getFullSize() - padBefore - padAfter; }
  /// Zeros, or elements to leave out if negative, around the spread input.
  int64_t getLow() const { return getExtent() - padBefore; }
  int64_t getHigh() const { return getExtent() - padAfter + outputPadding; }
};
} // namespace

/// Sets the padding that gives the sizes of `output_shape`, or with automatic
/// padding those of the input times the strides.
static LogicalResult setPadding(NodeImporter &node,
                                MutableArrayRef<Spread> dims) {
  StringRef mode = node.getString("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" &&
      mode != "SAME_LOWER")
    return node.emitError("ConvTranspose with auto_pad '" + mode +
                          "'; expects NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  std::optional<SmallVector<int64_t>> shape = node.getInts("output_shape");
  if (shape && shape->size() == dims.size() + 2)
    shape->erase(shape->begin(), shape->begin() + 2);
  if (shape && shape->size() != dims.size())
    return node.emitError("ConvTranspose with output_shape of " +
                          Twine(shape->size()) + " sizes; expects " +
                          Twine(dims.size()));
  for (auto [index, dim] : llvm::enumerate(dims)) {
    if (mode == "VALID")
      dim.padBefore = dim.padAfter = 0;
    if (!shape && !mode.starts_with("SAME"))
      continue;
    int64_t result = shape ? (*shape)[index] : dim.size * dim.stride;
    if (result < 1 || result > kMaxElements)
      return node.emitError("ConvTranspose with output_shape of " +
                            Twine(result) + "; expects sizes of at least 1");
    // What the input does not reach is at the end.
    int64_t padding = std::max<int64_t>(dim.getFullSize() - result, 0);
    int64_t smaller = padding / 2;
    dim.padBefore = mode == "SAME_UPPER" ? smaller : padding - smaller;
    dim.padAfter = dim.getFullSize() - result - dim.padBefore;
  }
  return success();
}

/// The spatial dimensions of `input` and what the attributes say of them.
static FailureOr<SmallVector<Spread>>
getSpreads(NodeImporter &node, const Tensor &input, const Tensor &weight) {
  size_t rank = input.getRank() - 2;
  FailureOr<SmallVector<int64_t>> strides =
      getWindowInts(node, "strides", rank, 1, 1);
  FailureOr<SmallVector<int64_t>> dilations =
      getWindowInts(node, "dilations", rank, 1, 1);
  FailureOr<SmallVector<int64_t>> pads =
      getWindowInts(node, "pads", 2 * rank, 0, 0);
  FailureOr<SmallVector<int64_t>> outputPadding =
      getWindowInts(node, "output_padding", rank, 0, 0);
  if (failed(strides) || failed(dilations) || failed(pads) ||
      failed(outputPadding))
    return failure();
  SmallVector<Spread> dims;
  for (size_t dim = 0; dim < rank; ++dim) {
    std::optional<int64_t> size = getConstant(input.shape[dim + 2]);
    std::optional<int64_t> kernel = getConstant(weight.shape[dim + 2]);
    if (!size || !kernel || *size < 1 || *size > kMaxWindow || *kernel < 1 ||
        *kernel > kMaxWindow)
      return node.emitError("ConvTranspose of " + node.toString(input.shape) +
                            " by " + node.toString(weight.shape) +
                            "; expects spatial sizes that are known");
    dims.push_back({*size, *kernel, (*strides)[dim], (*dilations)[dim],
                    (*pads)[dim], (*pads)[rank + dim], (*outputPadding)[dim]});
  }
  if (failed(setPadding(node, dims)))
    return failure();
  if (llvm::any_of(dims, [](const Spread &dim) {
        return dim.getResultSize() < 1 ||
               dim.getSpreadSize() + dim.getLow() + dim.getHigh() >
                   kMaxElements;
      }))
    return node.emitError(
        "ConvTranspose of " + node.toString(input.shape) + " by " +
        node.toString(weight.shape) +
        "; expects less padding than the result has elements");
  return dims;
}

/// s above, with the channels of `input` in groups: [N, G, C, ...].
static FailureOr<Tensor> spreadInput(NodeImporter &node, Tensor &input,
                                     ArrayRef<AffineExpr> groups,
                                     ArrayRef<Spread> dims) {
  Tensor grouped = reshapeTensor(node, input, groups);
  Shape full(groups.take_front(3));
  SmallVector<OpFoldResult> first(3, node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> steps(3, node.b.getIndexAttr(1));
  SmallVector<OpFoldResult> cut = first;
  Shape shape = full;
  for (const Spread &dim : dims) {
    int64_t low = std::max<int64_t>(dim.getLow(), 0);
    int64_t high = std::max<int64_t>(dim.getHigh(), 0);
    full.push_back(node.getConstantSize(low + dim.getSpreadSize() + high));
    shape.push_back(node.getConstantSize(dim.getLow() + dim.getSpreadSize() +
                                         dim.getHigh()));
    first.push_back(node.b.getIndexAttr(low));
    steps.push_back(node.b.getIndexAttr(dim.stride));
    cut.push_back(node.b.getIndexAttr(low - dim.getLow()));
  }
  if (!isReasonable(full))
    return node.emitError(
        "ConvTranspose spreads its input to the absurd shape " +
        node.toString(full));
  Value zeros =
      node.createFilled(node.createScalar(input.type, 0), input.type, full);
  Value spread =
      tensor::InsertSliceOp::create(node.b, node.getValue(grouped), zeros,
                                    first, node.getSizes(groups), steps);
  if (full != shape) {
    SmallVector<OpFoldResult> ones(full.size(), node.b.getIndexAttr(1));
    spread =
        tensor::ExtractSliceOp::create(node.b, node.getType(input.type, shape),
                                       spread, cut, node.getSizes(shape), ones);
  }
  return makeTensor(input.type, shape, spread);
}

/// `weight`, [C, M, ...], reversed in all dimensions of space, which reverses
/// each row of the matrix [C * M, kernel], with the shape `groups`.
static Tensor reverseWeight(NodeImporter &node, Tensor &weight,
                            ArrayRef<AffineExpr> groups) {
  int64_t size = Product(ArrayRef(weight.shape).drop_front(2)).getCoefficient();
  if (size == 1)
    return reshapeTensor(node, weight, groups);
  if (weight.constant && !weight.constant.isSplat()) {
    ArrayRef<char> data = weight.constant.getRawData();
    size_t width = getBitWidth(weight.type) / 8, rowSize = size * width;
    SmallVector<char, 0> reversed(data.size());
    for (size_t row = 0; row < data.size(); row += rowSize)
      for (size_t element = 0; element < rowSize; element += width)
        std::copy_n(data.begin() + row + element, width,
                    reversed.begin() + row + rowSize - width - element);
    Tensor result = createConstant(weight.type,
                                   DenseElementsAttr::getFromRawBuffer(
                                       weight.constant.getType(), reversed),
                                   weight.name);
    return reshapeTensor(node, result, groups);
  }
  Shape matrix = {
      Product(ArrayRef(weight.shape).take_front(2)).getExpr(node.getContext()),
      node.getConstantSize(size)};
  Tensor rows = reshapeTensor(node, weight, matrix);
  AffineExpr row, column;
  bindDims(node.getContext(), row, column);
  AffineMap map =
      AffineMap::get(2, 0, {row, size - 1 - column}, node.getContext());
  Tensor reversed = makeTensor(
      weight.type, matrix,
      createGeneric(node, weight.type, matrix,
                    Operand{node.getValue(rows), map},
                    [](ImplicitLocOpBuilder &, ArrayRef<Value> elements) {
                      return elements[0];
                    }));
  return reshapeTensor(node, reversed, groups);
}

/// The contraction above of a reversed weight, [N, G, M, ...].
static Value createContraction(NodeImporter &node, Tensor &spread,
                               Tensor &weight, ArrayRef<AffineExpr> shape,
                               ArrayRef<Spread> dims) {
  MLIRContext *context = node.getContext();
  size_t rank = shape.size(), spatial = dims.size();
  auto loop = [&](size_t index) { return getAffineDimExpr(index, context); };
  AffineExpr channel = loop(rank);
  SmallVector<AffineExpr> input = {loop(0), loop(1), channel};
  SmallVector<AffineExpr> kernel = {loop(1), channel, loop(2)};
  for (auto [index, dim] : llvm::enumerate(dims)) {
    AffineExpr tap = loop(rank + 1 + index);
    input.push_back(loop(3 + index) + tap * dim.dilation);
    kernel.push_back(tap);
  }
  size_t numLoops = rank + 1 + spatial;
  AffineMap maps[] = {AffineMap::get(numLoops, 0, input, context),
                      AffineMap::get(numLoops, 0, kernel, context),
                      AffineMap::getMultiDimIdentityMap(numLoops, context)
                          .getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.append(1 + spatial, utils::IteratorType::reduction);
  ElementType type = spread.type;
  Value init = node.createFilled(node.createScalar(type, 0), type, shape);
  Value operands[] = {node.getValue(spread), node.getValue(weight)};
  return linalg::GenericOp::create(
             node.b, init.getType(), operands, init, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange elements) {
               ImplicitLocOpBuilder b(loc, builder);
               Value product = createMul(b, type, elements[0], elements[1]);
               linalg::YieldOp::create(
                   b, createAdd(b, type, elements[2], product));
             })
      .getResult(0);
}

static LogicalResult importConvTranspose(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  Tensor &input = node.getInput(0);
  Tensor &weight = node.getInput(1);
  int64_t groups = node.getInt("group", 1);
  bool hasSpace = input.getRank() >= 3 && weight.getRank() == input.getRank();
  std::optional<int64_t> channels, results;
  if (hasSpace) {
    channels = getConstant(weight.shape[0]);
    results = getConstant(weight.shape[1]);
  }
  if (!channels || !results || input.shape[1] != weight.shape[0] ||
      groups < 1 || *channels % groups != 0 || *results < 1)
    return node.emitError("ConvTranspose of " + node.toString(input.shape) +
                          " by " + node.toString(weight.shape) + " in " +
                          Twine(groups) +
                          " groups; expects batch, channels and more, and a "
                          "weight for each channel");
  FailureOr<SmallVector<Spread>> dims = getSpreads(node, input, weight);
  if (failed(dims))
    return failure();

  ElementType type = input.type;
  Shape head = {input.shape[0]};
  head.append(node.getConstantSizes({groups, *channels / groups}));
  Shape inputGroups = head;
  inputGroups.append(input.shape.begin() + 2, input.shape.end());
  FailureOr<Tensor> spread = spreadInput(node, input, inputGroups, *dims);
  if (failed(spread))
    return failure();
  Shape weightGroups = {head[1], head[2]};
  weightGroups.append(weight.shape.begin() + 1, weight.shape.end());
  Tensor kernel = reverseWeight(node, weight, weightGroups);
  Shape resultGroups = {head[0], head[1], weight.shape[1]};
  Shape shape = {head[0], node.getConstantSize(groups * *results)};
  for (const Spread &dim : *dims) {
    resultGroups.push_back(node.getConstantSize(dim.getResultSize()));
    shape.push_back(resultGroups.back());
  }
  if (!isReasonable(resultGroups))
    return node.emitError("ConvTranspose has the absurd result shape " +
                          node.toString(shape));
  Value value = createContraction(node, *spread, kernel, resultGroups, *dims);
  Tensor result = makeTensor(
      type, shape, createReshape(node, value, type, resultGroups, shape));
  Tensor *bias = node.findInput(2);
  if (!bias)
    return node.setOutput(0, result);
  if (bias->getRank() != 1 || bias->shape[0] != shape[1])
    return node.emitError("ConvTranspose with a bias of shape " +
                          node.toString(bias->shape) +
                          "; expects one number for each channel");
  Shape channel(shape.size() - 1, node.getConstantSize(1));
  channel[0] = shape[1];
  Tensor addend = reshapeTensor(node, *bias, channel);
  return setElementwiseOutput(
      node, type, {&result, &addend},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
}

static constexpr OpRow kRows[] = {
    {"ConvTranspose", 1, 2, 3, importConvTranspose},
};

ArrayRef<OpRow> onnx::getConvTransposeOps() { return kRows; }
