//===- Generators.cpp - Tensors that follow a rule ------------------------===//
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

#include <cmath>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Zero of FLOAT without the attribute `value`.
static LogicalResult importConstantOfShape(NodeImporter &node) {
  std::optional<Shape> shape = getElements(node.getInput(0));
  if (!shape)
    return node.emitUnknown(0, "shape");
  if (!isReasonable(*shape))
    return node.emitError("result has an absurd shape " +
                          node.toString(*shape));
  ElementType type = ElementType::Float;
  TypedAttr element = node.b.getF32FloatAttr(0);
  if (const AttributeProto *value = node.findAttribute("value")) {
    if (!value->t)
      return node.emitError("attribute value is no tensor; expects one");
    FailureOr<Tensor> tensor = node.readTensor(*value->t);
    if (failed(tensor))
      return failure();
    if (tensor->constant.getNumElements() != 1)
      return node.emitError("attribute value has " +
                            Twine(tensor->constant.getNumElements()) +
                            " elements; expects one");
    type = tensor->type;
    element = cast<TypedAttr>(*tensor->constant.getValues<Attribute>().begin());
  }
  RankedTensorType tensorType = node.getType(type, *shape);
  if (tensorType.hasStaticShape())
    return node.setOutput(
        0, createConstant(type, DenseElementsAttr::get(tensorType, element)));
  Value scalar = arith::ConstantOp::create(node.b, element);
  return node.setOutput(0, type, *shape,
                        node.createFilled(scalar, type, *shape));
}

//===----------------------------------------------------------------------===//
// Range
//===----------------------------------------------------------------------===//

/// The most elements of a range of floats, which is a constant.
static constexpr int64_t kMaxFloatRange = 1 << 24;

/// start + i * delta for floats that are constant: ceil((limit - start) /
/// delta) of them.
template <class T>
static LogicalResult setFloatRange(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  auto get = [&](unsigned index) {
    return *node.getInput(index).constant.getValues<T>().begin();
  };
  T start = get(0), delta = get(2);
  T size = std::ceil((get(1) - start) / delta);
  // NaN is no size either.
  if (!(size <= static_cast<T>(kMaxFloatRange)))
    return node.emitError("Range with delta " + Twine(std::to_string(delta)) +
                          " has an absurd size; expects at most 2^24 floats");
  SmallVector<T> numbers;
  for (int64_t i = 0; static_cast<T>(i) < size; ++i)
    numbers.push_back(start + static_cast<T>(i) * delta);
  auto tensorType = RankedTensorType::get(static_cast<int64_t>(numbers.size()),
                                          getMlirType(type, node.getContext()));
  return node.setOutput(
      0, createConstant(type,
                        DenseElementsAttr::get(tensorType, ArrayRef(numbers))));
}

/// start + i * delta for integers, of which start and limit may follow from the
/// shapes of the model's inputs.
static LogicalResult setIntegerRange(NodeImporter &node, AffineExpr start,
                                     AffineExpr limit, int64_t delta) {
  ElementType type = node.getInput(0).type;
  std::optional<int64_t> first = getConstant(start), end = getConstant(limit);
  AffineExpr size;
  if (first && end) {
    int64_t distance;
    if (delta > 0 ? llvm::SubOverflow(*end, *first, distance)
                  : llvm::SubOverflow(*first, *end, distance))
      return node.emitError("range of more than 2^63 numbers; expects fewer");
    size = node.getConstantSize(
        distance <= 0 ? 0 : llvm::divideCeil(distance, std::abs(delta)));
  } else if (delta > 0) {
    size = (limit - start).ceilDiv(delta);
  } else {
    return node.emitError("range that steps back from a dynamic size; expects "
                          "a positive delta");
  }
  if (!isReasonable(size))
    return node.emitError("range has an absurd size " + node.toString(size));
  Value step = node.createScalar(type, delta);
  Type elementType = getMlirType(type, node.getContext());
  Value origin =
      arith::IndexCastOp::create(node.b, elementType, node.getSizeValue(start));
  Value value =
      createGeneric(node, type, size, {},
                    [&](ImplicitLocOpBuilder &b, ArrayRef<Value>) -> Value {
                      Value index = arith::IndexCastOp::create(
                          b, elementType, linalg::IndexOp::create(b, 0));
                      return arith::AddIOp::create(
                          b, origin, arith::MulIOp::create(b, index, step));
                    });
  return node.setOutput(0, type, {size}, value);
}

static LogicalResult importRange(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  static constexpr llvm::StringLiteral names[] = {"start", "limit", "delta"};
  for (unsigned index = 0; index < 3; ++index) {
    Tensor &input = node.getInput(index);
    if (input.type != type || input.getRank() != 0)
      return node.emitError("Range from " + getName(input.type) + " of shape " +
                            node.toString(input.shape) +
                            "; expects scalars of one type");
    if (isFloat(type) ? !input.constant : !getElements(input))
      return node.emitUnknown(index, names[index]);
  }
  if (type == ElementType::Float)
    return setFloatRange<float>(node);
  if (type == ElementType::Double)
    return setFloatRange<double>(node);
  if (!isInteger(type))
    return node.emitError("Range of " + getName(type) + "; expects numbers");
  auto get = [&](unsigned index) {
    return getElements(node.getInput(index))->front();
  };
  std::optional<int64_t> delta = getConstant(get(2));
  if (!delta || *delta == 0 || *delta < -kMaxElements || *delta > kMaxElements)
    return node.emitError("Range with delta 0, one that is computed or more "
                          "than 2^40; expects another constant");
  return setIntegerRange(node, get(0), get(1), *delta);
}

//===----------------------------------------------------------------------===//
// Diagonals
//===----------------------------------------------------------------------===//

/// Ones where column - row = k.
static LogicalResult importEyeLike(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  auto type = static_cast<ElementType>(
      node.getInt("dtype", static_cast<int64_t>(input.type)));
  if (input.getRank() != 2)
    return node.emitError("EyeLike of rank " + Twine(input.getRank()) +
                          "; expects a matrix");
  if (!getMlirType(type, node.getContext()))
    return node.emitError("EyeLike of the unsupported element type " +
                          getName(type));
  Value k = node.createScalar(ElementType::Int64, node.getInt("k", 0));
  Value one = node.createScalar(type, 1), zero = node.createScalar(type, 0);
  Value value = createGeneric(
      node, type, input.shape, {},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value>) -> Value {
        Value distance =
            arith::SubIOp::create(b, createIndex(b, 1), createIndex(b, 0));
        Value isOne =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, distance, k);
        return arith::SelectOp::create(b, isOne, one, zero);
      });
  return node.setOutput(0, type, input.shape, value);
}

/// The elements where column - row >= k, or <= k, zero elsewhere.
static LogicalResult importTrilu(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  int64_t rank = input.getRank();
  bool isUpper = node.getInt("upper", 1);
  int64_t k = 0;
  if (node.hasInput(1)) {
    std::optional<SmallVector<int64_t>> given = getIntegers(node.getInput(1));
    if (!given)
      return node.emitUnknown(1, "k");
    if (given->size() != 1)
      return node.emitError("k has " + Twine(given->size()) +
                            " elements; expects one");
    k = given->front();
  }
  if (rank < 2)
    return node.emitError("Trilu of rank " + Twine(rank) +
                          "; expects matrices");
  Value bound = node.createScalar(ElementType::Int64, k);
  Value zero = node.createScalar(input.type, 0);
  Value value = createElementwise(
      node, input.type, input.shape, &input,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value distance = arith::SubIOp::create(b, createIndex(b, rank - 1),
                                               createIndex(b, rank - 2));
        Value isKept = arith::CmpIOp::create(
            b, isUpper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
            distance, bound);
        return arith::SelectOp::create(b, isKept, x[0], zero);
      });
  return node.setOutput(0, input.type, input.shape, value);
}

//===----------------------------------------------------------------------===//
// OneHot
//===----------------------------------------------------------------------===//

/// values[1] at the index, counted from the end where it is negative, and
/// values[0] elsewhere, also for an index that is out of range.
static LogicalResult importOneHot(NodeImporter &node) {
  Tensor &indices = node.getInput(0), &values = node.getInput(2);
  Tensor depthTensor = node.getInput(1);
  if (depthTensor.constant && isFloat(depthTensor.type))
    return node.emitError("depth is " + getName(depthTensor.type) +
                          "; expects an integer");
  std::optional<SmallVector<int64_t>> depths = getIntegers(depthTensor);
  if (!depths)
    return node.emitUnknown(1, "depth");
  if (depths->size() != 1 || depths->front() < 0 || values.getRank() != 1)
    return node.emitError("OneHot expects one depth of at least 0, and two "
                          "values");
  int64_t depth = depths->front(), rank = indices.getRank() + 1;
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", -1), rank);
  if (failed(axis))
    return failure();
  Shape shape = indices.shape;
  shape.insert(shape.begin() + *axis, node.getConstantSize(depth));
  Value size = node.createScalar(ElementType::Int64, depth);
  Value zero = node.createScalar(ElementType::Int64, 0);
  AffineMap map = getReducedMap(node, *axis, rank);
  AffineMap off =
      AffineMap::get(rank, 0, {node.getConstantSize(0)}, node.getContext());
  AffineMap on =
      AffineMap::get(rank, 0, {node.getConstantSize(1)}, node.getContext());
  Value choice = node.getValue(values);
  Value value = createGeneric(
      node, values.type, shape,
      {Operand{node.getValue(indices), map}, Operand{choice, off},
       Operand{choice, on}},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value number = createCast(b, x[0], indices.type, ElementType::Int64);
        Value isNegative =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, zero);
        Value fromEnd = arith::AddIOp::create(b, number, size);
        number = arith::SelectOp::create(b, isNegative, fromEnd, number);
        Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                             number, createIndex(b, *axis));
        return arith::SelectOp::create(b, isHere, x[2], x[1]);
      });
  return node.setOutput(0, values.type, shape, value);
}

//===----------------------------------------------------------------------===//
// CumSum, CumProd
//===----------------------------------------------------------------------===//

/// out[i] = sum, or product, of x[j], j ascending, over j <= i; j < i if
/// exclusive; from the other end if reverse.
template <bool isProduct>
static LogicalResult importCumulative(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  int64_t rank = input.getRank();
  std::optional<SmallVector<int64_t>> given = getIntegers(node.getInput(1));
  if (!given)
    return node.emitUnknown(1, "axis");
  if (given->size() != 1 || (!isFloat(type) && !isInteger(type)))
    return node.emitError("cumulation of " + getName(type) + " along " +
                          Twine(given->size()) +
                          " axes; expects numbers and one axis");
  FailureOr<int64_t> axis = node.getAxis(given->front(), rank);
  if (failed(axis))
    return failure();
  bool isExclusive = node.getInt("exclusive", 0);
  bool isReverse = node.getInt("reverse", 0);
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < rank; ++dim)
    exprs.push_back(
        getAffineDimExpr(dim == *axis ? rank : dim, node.getContext()));
  AffineMap map = AffineMap::get(rank + 1, 0, exprs, node.getContext());
  Value identity = node.createScalar(type, isProduct ? 1 : 0);
  Value value = createReduction(
      node, node.createFilled(identity, type, input.shape), rank,
      Operand{node.getValue(input), map},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value to = createIndex(b, *axis), from = createIndex(b, rank);
        if (isReverse)
          std::swap(to, from);
        Value isIncluded = arith::CmpIOp::create(
            b,
            isExclusive ? arith::CmpIPredicate::slt : arith::CmpIPredicate::sle,
            from, to);
        Value more = isProduct ? createMul(b, type, x[1], x[0])
                               : createAdd(b, type, x[1], x[0]);
        return arith::SelectOp::create(b, isIncluded, more, x[1]);
      });
  return node.setOutput(0, type, input.shape, value);
}

static constexpr OpRow kRows[] = {
    {"ConstantOfShape", 9, 1, 1, importConstantOfShape, Halves::Keep},
    {"CumProd", 26, 2, 2, importCumulative<true>},
    {"CumSum", 11, 2, 2, importCumulative<false>},
    {"EyeLike", 9, 1, 1, importEyeLike, Halves::Keep},
    {"OneHot", 9, 3, 3, importOneHot, Halves::Keep},
    {"Range", 11, 3, 3, importRange},
    {"Trilu", 14, 1, 2, importTrilu, Halves::Keep},
};

ArrayRef<OpRow> onnx::getGeneratorOps() { return kRows; }
