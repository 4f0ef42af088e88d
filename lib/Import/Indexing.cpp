//===- Indexing.cpp - Operators that choose elements ----------------------===//
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

Value onnx::createLookup(NodeImporter &node, Tensor &table, Tensor &numbers,
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

/// The first lens[b] elements along the time axis in the other order.
static LogicalResult importReverseSequence(NodeImporter &node) {
  Tensor &input = node.getInput(0), &lengths = node.getInput(1);
  int64_t rank = input.getRank();
  FailureOr<int64_t> time = node.getAxis(node.getInt("time_axis", 0), rank);
  FailureOr<int64_t> batch = node.getAxis(node.getInt("batch_axis", 1), rank);
  if (failed(time) || failed(batch))
    return failure();
  if (*time == *batch || lengths.type != ElementType::Int64 ||
      lengths.getRank() != 1 || lengths.shape[0] != input.shape[*batch])
    return node.emitError("lengths of " + getName(lengths.type) +
                          " and shape " + node.toString(lengths.shape) +
                          "; expects an INT64 for each element of a batch axis "
                          "that is not the time axis");
  Value source = node.getValue(input);
  Value size = node.getSizeValue(input.shape[*time]);
  AffineMap map =
      AffineMap::get(rank, 0, getAffineDimExpr(*batch, node.getContext()));
  Value value = createGeneric(
      node, input.type, input.shape, Operand{node.getValue(lengths), map},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        SmallVector<Value> point;
        for (int64_t dim = 0; dim < rank; ++dim)
          point.push_back(linalg::IndexOp::create(b, dim));
        Value place = point[*time];
        Value length = arith::MinSIOp::create(
            b, arith::IndexCastOp::create(b, b.getIndexType(), x[0]), size);
        Value one = arith::ConstantIndexOp::create(b, 1);
        Value last = arith::SubIOp::create(b, length, one);
        Value mirrored = arith::SubIOp::create(b, last, place);
        Value isInside =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, place, length);
        point[*time] = arith::SelectOp::create(b, isInside, mirrored, place);
        return tensor::ExtractOp::create(b, source, point);
      });
  return node.setOutput(0, input.type, input.shape, value);
}

static constexpr OpRow kRows[] = {
    {"Gather", 1, 2, 2, importGather, Halves::Keep},
    {"ReverseSequence", 10, 2, 2, importReverseSequence, Halves::Keep},
    {"Slice", 1, 1, 5, importSlice, Halves::Keep},
};

ArrayRef<OpRow> onnx::getIndexingOps() { return kRows; }
