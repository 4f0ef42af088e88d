//===- DataMovement.cpp - Operators that move elements --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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
  auto result = type.clone(llvm::map_to_vector(
      permutation, [&](int64_t dim) { return type.getDimSize(dim); }));
  if (constant.isSplat() || constant.empty())
    return constant.reshape(result);
  unsigned bits = type.getElementTypeBitWidth();
  if (bits % 8 != 0)
    return {};
  size_t size = bits / 8;

  // The strides of the source in the order of the result.
  SmallVector<int64_t> strides(type.getRank(), 1);
  for (int64_t dim = type.getRank() - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * type.getDimSize(dim + 1);
  SmallVector<int64_t> steps = llvm::map_to_vector(
      permutation, [&](int64_t dim) { return strides[dim]; });

  ArrayRef<char> source = constant.getRawData();
  std::vector<char> bytes(source.size());
  SmallVector<int64_t> index(type.getRank(), 0);
  int64_t offset = 0;
  for (char *to = bytes.data(), *end = to + bytes.size(); to != end;
       to += size) {
    std::memcpy(to, source.data() + offset * size, size);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      offset += steps[dim];
      if (++index[dim] < result.getDimSize(dim))
        break;
      offset -= steps[dim] * index[dim];
      index[dim] = 0;
    }
  }
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
    if (elements && part)
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

/// The part of `input` with size `size` from `offset` on along `axis`.
static Tensor extractPart(NodeImporter &node, Tensor &input, int64_t axis,
                          int64_t offset, int64_t size, int64_t step = 1) {
  Shape shape = input.shape;
  shape[axis] = node.getConstantSize(size);
  SmallVector<OpFoldResult> offsets(input.getRank(), node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(input.getRank(), node.b.getIndexAttr(1));
  offsets[axis] = node.b.getIndexAttr(offset);
  strides[axis] = node.b.getIndexAttr(step);
  Value value = tensor::ExtractSliceOp::create(
      node.b, node.getType(input.type, shape), node.getValue(input), offsets,
      node.getSizes(shape), strides);
  return makeTensor(input.type, shape, value);
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
// Slice
//===----------------------------------------------------------------------===//

/// The tensor with `size` elements `start`, `start + step`, ... along `axis`,
/// where `step` is negative: a generic that reads backwards, since no
/// extract_slice does.
static Tensor extractBackwards(NodeImporter &node, Tensor &input, int64_t axis,
                               int64_t start, int64_t size, int64_t step) {
  Shape shape = input.shape;
  shape[axis] = node.getConstantSize(size);
  Value source = node.getValue(input);
  Value startValue = node.getSizeValue(node.getConstantSize(start));
  Value stepValue = node.getSizeValue(node.getConstantSize(-step));
  Value value = createGeneric(
      node, input.type, shape, {},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value>) -> Value {
        SmallVector<Value> indices;
        for (size_t dim = 0; dim < shape.size(); ++dim)
          indices.push_back(linalg::IndexOp::create(b, dim));
        Value distance = arith::MulIOp::create(b, indices[axis], stepValue);
        indices[axis] = arith::SubIOp::create(b, startValue, distance);
        return tensor::ExtractOp::create(b, source, indices);
      });
  return makeTensor(input.type, shape, value);
}

/// Exporters write such an end for "to the end": INT64_MAX, INT32_MAX, 10^9.
static constexpr int64_t kToTheEnd = 1'000'000'000;

/// One axis of a Slice, with the bounds as the model gives them.
struct AxisSlice {
  int64_t axis;
  int64_t start;
  int64_t end;
  int64_t step;
};

/// `input` cut along one axis.
static FailureOr<Tensor> sliceAxis(NodeImporter &node, Tensor &input,
                                   AxisSlice slice) {
  if (slice.step == 0)
    return node.emitError("Slice with step 0; expects another");
  AffineExpr total = input.shape[slice.axis];
  std::optional<int64_t> constant = getConstant(total);
  if (!constant) {
    if (slice.start == 0 && slice.step == 1 && slice.end >= kToTheEnd)
      return input;
    return node.emitError("cannot slice the dynamic dimension " +
                          Twine(slice.axis) + " of " +
                          node.toString(input.shape));
  }
  int64_t size = *constant;
  bool isForward = slice.step > 0;
  auto clampBound = [&](int64_t bound) {
    bound = bound < 0 ? std::max(bound, -size - 1) + size : bound;
    return isForward ? std::clamp<int64_t>(bound, 0, size)
                     : std::clamp<int64_t>(bound, -1, size - 1);
  };
  int64_t start = clampBound(slice.start);
  int64_t end = clampBound(slice.end);
  int64_t distance = isForward ? end - start : start - end;
  // A longer step than the dimension is as good as its size; -INT64_MIN is no
  // number.
  int64_t step = std::clamp(slice.step, -size - 1, size + 1);
  int64_t count = distance <= 0 || size == 0
                      ? 0
                      : llvm::divideCeil(distance, isForward ? step : -step);
  if (isForward && step == 1 && count == size)
    return input;
  if (input.elements) {
    Shape elements;
    for (int64_t i = 0; i < count; ++i)
      elements.push_back((*input.elements)[start + i * step]);
    return makeElements(input.type, node.getConstantSize(count), elements);
  }
  if (isForward)
    return extractPart(node, input, slice.axis, count ? start : 0, count,
                       count > 1 ? step : 1);
  return extractBackwards(node, input, slice.axis, count ? start : 0, count,
                          step);
}

static LogicalResult importSlice(NodeImporter &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> starts =
      node.getIntsOrInput("starts", 1);
  FailureOr<std::optional<SmallVector<int64_t>>> ends =
      node.getIntsOrInput("ends", 2);
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      node.getIntsOrInput("axes", 3);
  FailureOr<std::optional<SmallVector<int64_t>>> steps =
      node.getIntsOrInput("steps", 4);
  if (failed(starts) || failed(ends) || failed(axes) || failed(steps))
    return failure();
  if (!*starts || !*ends)
    return node.emitError("Slice without starts or ends; expects both");
  size_t count = (*starts)->size();
  if ((*ends)->size() != count || (*axes && (*axes)->size() != count) ||
      (*steps && (*steps)->size() != count))
    return node.emitError("starts, ends, axes and steps differ in length; "
                          "expects the same");
  Tensor result = node.getInput(0);
  if (!result.elements && result.constant)
    if (std::optional<Shape> elements = getElements(result))
      result = makeElements(result.type, result.shape, *elements);
  for (size_t i = 0; i < count; ++i) {
    FailureOr<int64_t> axis =
        node.getAxis(*axes ? (**axes)[i] : i, result.getRank());
    if (failed(axis))
      return failure();
    FailureOr<Tensor> sliced = sliceAxis(
        node, result,
        {*axis, (**starts)[i], (**ends)[i], *steps ? (**steps)[i] : 1});
    if (failed(sliced))
      return failure();
    result = *sliced;
  }
  return node.setOutput(0, result);
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

/// Rows of a table by their numbers: a generic over the result that extracts
/// from the table. Negative numbers count from the end; others outside of the
/// table, which ONNX does not allow, are clamped to it.
static Value createLookup(NodeImporter &node, Tensor &table, Tensor &numbers,
                          int64_t axis, ArrayRef<AffineExpr> shape) {
  size_t numbersRank = numbers.getRank();
  SmallVector<AffineExpr> exprs;
  for (size_t dim = 0; dim < numbersRank; ++dim)
    exprs.push_back(getAffineDimExpr(axis + dim, node.getContext()));
  Value source = node.getValue(table);
  Value size = node.getSizeValue(table.shape[axis]);
  Value zero = node.getSizeValue(node.getConstantSize(0));
  Value one = node.getSizeValue(node.getConstantSize(1));
  Value last = arith::SubIOp::create(node.b, size, one);
  return createGeneric(
      node, table.type, shape,
      Operand{node.getValue(numbers),
              AffineMap::get(shape.size(), 0, exprs, node.getContext())},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value number =
            arith::IndexCastOp::create(b, b.getIndexType(), elements[0]);
        Value isNegative =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, zero);
        Value fromEnd = arith::AddIOp::create(b, number, size);
        number = arith::SelectOp::create(b, isNegative, fromEnd, number);
        number = arith::MinSIOp::create(b, number, last);
        number = arith::MaxSIOp::create(b, number, zero);
        SmallVector<Value> indices;
        for (size_t dim = 0; dim < table.getRank(); ++dim) {
          size_t loop =
              static_cast<int64_t>(dim) <= axis ? dim : dim + numbersRank - 1;
          indices.push_back(static_cast<int64_t>(dim) == axis
                                ? number
                                : linalg::IndexOp::create(b, loop));
        }
        return tensor::ExtractOp::create(b, source, indices);
      });
}

static LogicalResult importGather(NodeImporter &node) {
  Tensor &table = node.getInput(0);
  Tensor &numbers = node.getInput(1);
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", 0), table.getRank());
  if (failed(axis))
    return failure();
  if (numbers.type != ElementType::Int32 && numbers.type != ElementType::Int64)
    return node.emitError("Gather by " + getName(numbers.type) +
                          "; expects INT32 or INT64");
  Shape shape(ArrayRef(table.shape).take_front(*axis));
  shape.append(numbers.shape);
  shape.append(table.shape.begin() + *axis + 1, table.shape.end());
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape " + node.toString(shape));

  std::optional<SmallVector<int64_t>> known = getIntegers(numbers);
  std::optional<int64_t> size = getConstant(table.shape[*axis]);
  if (known && size) {
    for (int64_t &number : *known) {
      if (number < -*size || number >= *size)
        return node.emitError("Gather of index " + Twine(number) +
                              " from a dimension of size " + Twine(*size));
      number = number < 0 ? number + *size : number;
    }
    if (std::optional<Shape> elements = getElements(table)) {
      Shape chosen;
      for (int64_t number : *known)
        chosen.push_back((*elements)[number]);
      return node.setOutput(0, makeElements(table.type, shape, chosen));
    }
    if (numbers.getRank() == 0) {
      Tensor part = extractPart(node, table, *axis, known->front(), 1);
      return node.setOutput(0, reshapeTensor(node, part, shape));
    }
  }
  return node.setOutput(0, table.type, shape,
                        createLookup(node, table, numbers, *axis, shape));
}

static constexpr OpRow kRows[] = {
    {"Concat", 4, 1, kVariadic, importConcat},
    {"Gather", 1, 2, 2, importGather},
    {"Slice", 1, 1, 5, importSlice},
    {"Split", 2, 1, 2, importSplit},
    {"Transpose", 1, 1, 1, importTranspose},
};

ArrayRef<OpRow> onnx::getDataMovementOps() { return kRows; }
