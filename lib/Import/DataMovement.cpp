//===- DataMovement.cpp - Operators that move elements --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Support/Permute.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

/// The elements of `constant` in the order `permutation`; null for elements
/// that are not whole bytes.
static DenseElementsAttr transposeConstant(DenseElementsAttr constant,
                                           ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(constant.getType());
  auto result = type.clone(permuteShape(type.getShape(), permutation));
  if (constant.isSplat() || constant.empty())
    return constant.reshape(result);
  unsigned bits = type.getElementTypeBitWidth();
  if (bits % 8 != 0)
    return {};
  std::vector<char> bytes = permuteElements(constant.getRawData(), bits / 8,
                                            type.getShape(), permutation);
  return DenseElementsAttr::getFromRawBuffer(result, bytes);
}

static LogicalResult importTranspose(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  int64_t rank = input.getRank();
  SmallVector<int64_t> permutation =
      node.getInts("perm").value_or(llvm::to_vector(
          llvm::reverse(llvm::to_vector(llvm::seq<int64_t>(rank)))));
  FailureOr<SmallVector<int64_t>> sorted = node.getAxes(permutation, rank);
  if (failed(sorted))
    return failure();
  if (static_cast<int64_t>(permutation.size()) != rank)
    return node.emitError("perm has " + Twine(permutation.size()) +
                          " entries; expects " + Twine(rank));
  for (int64_t &dim : permutation)
    dim = dim < 0 ? dim + rank : dim;
  if (llvm::is_sorted(permutation))
    return node.setOutput(0, input);
  // A constant weight stays one.
  if (input.constant)
    if (DenseElementsAttr constant =
            transposeConstant(input.constant, permutation))
      return node.setOutput(0,
                            createConstant(input.type, constant, input.name));
  Shape shape = llvm::map_to_vector<4>(
      permutation, [&](int64_t dim) { return input.shape[dim]; });
  Value value = createTranspose(node, node.getInputValue(0), input.type,
                                input.shape, permutation);
  return node.setOutput(0, input.type, shape, value);
}

//===----------------------------------------------------------------------===//
// Concat and Split
//===----------------------------------------------------------------------===//

static LogicalResult importConcat(NodeImporter &node) {
  Tensor &first = node.getInput(0);
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", 0), first.getRank());
  if (failed(axis))
    return failure();
  Shape shape = first.shape;
  shape[*axis] = node.getConstantSize(0);
  std::optional<Shape> elements;
  elements.emplace();
  for (Tensor *input : node.getInputs()) {
    if (!input || input->type != first.type ||
        input->getRank() != first.getRank())
      return node.emitError("inputs differ in type or rank; expects the same");
    for (auto [dim, size] : llvm::enumerate(input->shape))
      if (static_cast<int64_t>(dim) != *axis && size != shape[dim])
        return node.emitError(
            "inputs have shapes " + node.toString(first.shape) + " and " +
            node.toString(input->shape) +
            "; expects them to differ in dimension " + Twine(*axis) + " only");
    shape[*axis] = shape[*axis] + input->shape[*axis];
    if (!isReasonable(shape))
      return node.emitError("result has an absurd shape");
    std::optional<Shape> part = getElements(*input);
    if (elements && part &&
        elements->size() + part->size() <= kMaxFoldedElements)
      elements->append(*part);
    else
      elements.reset();
  }
  if (elements)
    return node.setOutput(0, makeElements(first.type, shape, *elements));

  size_t rank = first.getRank();
  SmallVector<OpFoldResult> offsets(rank, node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, node.b.getIndexAttr(1));
  AffineExpr offset = node.getConstantSize(0);
  Value result = node.createEmpty(first.type, shape);
  for (Tensor *input : node.getInputs()) {
    offsets[*axis] = node.getSize(offset);
    SmallVector<OpFoldResult> sizes = node.getSizes(input->shape);
    result = tensor::InsertSliceOp::create(node.b, node.getValue(*input),
                                           result, offsets, sizes, strides);
    offset = offset + input->shape[*axis];
  }
  return node.setOutput(0, first.type, shape, result);
}

static LogicalResult importSplit(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", 0), input.getRank());
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("split", 1);
  if (failed(axis) || failed(given))
    return failure();
  std::optional<int64_t> total = getConstant(input.shape[*axis]);
  if (!total)
    return node.emitError("cannot split a dynamic dimension");
  int64_t numParts = node.getNumOutputs();
  SmallVector<int64_t> sizes;
  if (*given) {
    sizes = **given;
  } else {
    // Equal parts, the last of which may be smaller.
    int64_t size = llvm::divideCeil(*total, numParts);
    for (int64_t part = 0; part < numParts; ++part)
      sizes.push_back(std::clamp<int64_t>(*total - part * size, 0, size));
  }
  int64_t offset = 0;
  bool isValid = static_cast<int64_t>(sizes.size()) == numParts;
  for (int64_t size : sizes) {
    isValid = isValid && size >= 0 && size <= *total - offset;
    offset += isValid ? size : 0;
  }
  if (!isValid || offset != *total)
    return node.emitError("cannot split size " + Twine(*total) + " into " +
                          Twine(numParts) +
                          " parts of the given sizes; expects a size for "
                          "each that add up");
  offset = 0;
  for (auto [index, size] : llvm::enumerate(sizes)) {
    if (failed(node.setOutput(index,
                              extractPart(node, input, *axis, offset, size))))
      return failure();
    offset += size;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Tile, DepthToSpace, SpaceToDepth
//===----------------------------------------------------------------------===//

/// The input `repeats[d]` times along dimension d: each size becomes (repeats,
/// size), of which the first is broadcast.
static LogicalResult importTile(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  std::optional<SmallVector<int64_t>> repeats = getIntegers(node.getInput(1));
  if (!repeats)
    return node.emitUnknown(1, "repeats");
  if (repeats->size() != input.getRank() ||
      llvm::any_of(*repeats, [](int64_t count) {
        return count < 0 || count > kMaxElements;
      }))
    return node.emitError("Tile has " + Twine(repeats->size()) +
                          " repeats; expects one of at least 0 for each of " +
                          Twine(input.getRank()) + " dimensions");
  Shape split, repeated, shape;
  for (auto [size, count] : llvm::zip_equal(input.shape, *repeats)) {
    if (count != 1) {
      split.push_back(node.getConstantSize(1));
      repeated.push_back(node.getConstantSize(count));
    }
    split.push_back(size);
    repeated.push_back(size);
    Product product(size);
    product.multiply(node.getConstantSize(count));
    shape.push_back(product.getExpr(node.getContext()));
  }
  if (!isReasonable(shape) || !isReasonable(repeated))
    return node.emitError("result has an absurd shape " + node.toString(shape));
  if (shape == input.shape)
    return node.setOutput(0, input);
  Tensor parts = reshapeTensor(node, input, split);
  Value value = createElementwise(
      node, input.type, repeated, &parts,
      [](ImplicitLocOpBuilder &, ArrayRef<Value> x) { return x[0]; });
  return node.setOutput(
      0, input.type, shape,
      createReshape(node, value, input.type, repeated, shape));
}

/// `input` with its dimensions split to `split`, those permuted, and merged to
/// `shape`.
static LogicalResult setRearranged(NodeImporter &node, const Shape &split,
                                   ArrayRef<int64_t> permutation,
                                   const Shape &shape) {
  Tensor &input = node.getInput(0);
  Tensor parts = reshapeTensor(node, input, split);
  Value value = createTranspose(node, node.getValue(parts), input.type, split,
                                permutation);
  Shape permuted = llvm::map_to_vector<4>(
      permutation, [&](int64_t dim) { return split[dim]; });
  return node.setOutput(
      0, input.type, shape,
      createReshape(node, value, input.type, permuted, shape));
}

/// Whether blocks are the outer part of the channels (DCR) or the inner one
/// (CRD).
static FailureOr<bool> areBlocksOuter(NodeImporter &node, int64_t block) {
  StringRef mode = node.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.emitError("mode '" + mode + "'; expects DCR or CRD");
  if (node.getInput(0).getRank() != 4 || block < 1 || block > (1 << 20))
    return node.emitError("blocks of " + Twine(block) + " in " +
                          node.toString(node.getInput(0).shape) +
                          "; expects blocks of at least 1 and rank 4");
  return mode == "DCR";
}

/// `size` / `divisor`, or an error.
static FailureOr<AffineExpr> divideSize(NodeImporter &node, AffineExpr size,
                                        int64_t divisor) {
  if (std::optional<Product> quotient =
          Product(size).divide(Product(node.getConstantSize(divisor))))
    return quotient->getExpr(node.getContext());
  return node.emitError("size " + node.toString(size) +
                        " is not a multiple of " + Twine(divisor));
}

static LogicalResult importDepthToSpace(NodeImporter &node) {
  ArrayRef<AffineExpr> shape = node.getInput(0).shape;
  int64_t block = node.getInt("blocksize", 0);
  FailureOr<bool> isOuter = areBlocksOuter(node, block);
  if (failed(isOuter))
    return failure();
  FailureOr<AffineExpr> depth = divideSize(node, shape[1], block * block);
  if (failed(depth))
    return failure();
  AffineExpr b = node.getConstantSize(block);
  Shape result = {shape[0], *depth, shape[2] * block, shape[3] * block};
  if (*isOuter)
    return setRearranged(node, {shape[0], b, b, *depth, shape[2], shape[3]},
                         {0, 3, 4, 1, 5, 2}, result);
  return setRearranged(node, {shape[0], *depth, b, b, shape[2], shape[3]},
                       {0, 1, 4, 2, 5, 3}, result);
}

static LogicalResult importSpaceToDepth(NodeImporter &node) {
  ArrayRef<AffineExpr> shape = node.getInput(0).shape;
  int64_t block = node.getInt("blocksize", 0);
  FailureOr<bool> isOuter = areBlocksOuter(node, block);
  if (failed(isOuter))
    return failure();
  FailureOr<AffineExpr> height = divideSize(node, shape[2], block);
  FailureOr<AffineExpr> width = divideSize(node, shape[3], block);
  if (failed(height) || failed(width))
    return failure();
  AffineExpr b = node.getConstantSize(block);
  Shape split = {shape[0], shape[1], *height, b, *width, b};
  Shape result = {shape[0], shape[1] * (block * block), *height, *width};
  if (*isOuter)
    return setRearranged(node, split, {0, 3, 5, 1, 2, 4}, result);
  return setRearranged(node, split, {0, 1, 3, 5, 2, 4}, result);
}

static constexpr OpRow kRows[] = {
    {"Concat", 4, 1, kVariadic, importConcat, Halves::Keep},
    {"DepthToSpace", 1, 1, 1, importDepthToSpace, Halves::Keep},
    {"SpaceToDepth", 1, 1, 1, importSpaceToDepth, Halves::Keep},
    {"Split", 2, 1, 2, importSplit, Halves::Keep},
    {"Tile", 6, 2, 2, importTile, Halves::Keep},
    {"Transpose", 1, 1, 1, importTranspose, Halves::Keep},
};

ArrayRef<OpRow> onnx::getDataMovementOps() { return kRows; }
