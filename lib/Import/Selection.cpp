//===- Selection.cpp - Extremes and their positions -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <limits>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Whether `lhs` goes before `rhs`.
static Value createBefore(ImplicitLocOpBuilder &b, ElementType type,
                          bool largestFirst, Value lhs, Value rhs) {
  return largestFirst ? createGreater(b, type, lhs, rhs)
                      : createGreater(b, type, rhs, lhs);
}

static Value createEqual(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                         Value rhs) {
  if (isFloat(type))
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, lhs, rhs);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, rhs);
}

static LogicalResult expectNumbers(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  if (isFloat(type) || isInteger(type))
    return success();
  return node.emitError("order of " + getName(type) + "; expects numbers");
}

//===----------------------------------------------------------------------===//
// ArgMax, ArgMin
//===----------------------------------------------------------------------===//

/// The extreme along `axis`, NaN if there is one.
static Value createExtreme(NodeImporter &node, Tensor &input, int64_t axis,
                           bool isMax) {
  ElementType type = input.type;
  Value identity;
  if (isFloat(type)) {
    double infinity = std::numeric_limits<double>::infinity();
    identity = node.createScalar(type, isMax ? -infinity : infinity);
  } else {
    unsigned width = getBitWidth(type);
    APInt low = isUnsigned(type) ? APInt::getMinValue(width)
                                 : APInt::getSignedMinValue(width);
    APInt high = isUnsigned(type) ? APInt::getMaxValue(width)
                                  : APInt::getSignedMaxValue(width);
    identity = arith::ConstantOp::create(
        node.b, node.b.getIntegerAttr(getMlirType(type, node.getContext()),
                                      isMax ? low : high));
  }
  return createReduction(node, input, axis, identity,
                         [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) {
                           return isMax ? createMax(b, type, x[1], x[0])
                                        : createMin(b, type, x[1], x[0]);
                         });
}

/// The first, or the last, position along `axis` of the element that `extreme`
/// has. NaN counts as the extreme.
static Value createPosition(NodeImporter &node, Tensor &input, Value extreme,
                            int64_t axis, bool isLast) {
  ElementType type = input.type;
  int64_t rank = input.getRank();
  int64_t worst = isLast ? -1 : std::numeric_limits<int64_t>::max();
  Value identity =
      arith::ConstantOp::create(node.b, node.b.getI64IntegerAttr(worst));
  Value init = node.createFilled(identity, ElementType::Int64,
                                 getReducedShape(input, axis));
  return createReduction(
      node, init, axis,
      {Operand{node.getValue(input), node.b.getMultiDimIdentityMap(rank)},
       Operand{extreme, getReducedMap(node, axis, rank)}},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value isFound = createEqual(b, type, x[0], x[1]);
        if (isFloat(type)) {
          Value isNaN =
              arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x[0], x[0]);
          isFound = arith::OrIOp::create(b, isFound, isNaN);
        }
        Value index = createIndex(b, axis);
        Value position = arith::SelectOp::create(b, isFound, index, identity);
        if (isLast)
          return arith::MaxSIOp::create(b, x[2], position);
        return arith::MinSIOp::create(b, x[2], position);
      });
}

template <bool isMax>
static LogicalResult importArgExtreme(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", 0), input.getRank());
  if (failed(expectNumbers(node)) || failed(axis))
    return failure();
  if (isConstant(input.shape[*axis], 0))
    return node.emitError("no element along axis " + Twine(*axis) +
                          "; expects one at least");
  Value extreme = createExtreme(node, input, *axis, isMax);
  Value position = createPosition(node, input, extreme, *axis,
                                  node.getInt("select_last_index", 0));
  Shape reduced = getReducedShape(input, *axis);
  if (!node.getInt("keepdims", 1))
    return node.setOutput(0, ElementType::Int64, reduced, position);
  Shape kept = input.shape;
  kept[*axis] = node.getConstantSize(1);
  return node.setOutput(
      0, ElementType::Int64, kept,
      createReshape(node, position, ElementType::Int64, reduced, kept));
}

/// 1 at the first extreme along the axis, 0 elsewhere.
static LogicalResult importHardmax(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  int64_t rank = input.getRank();
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", -1), rank);
  if (failed(node.expectFloats(1)) || failed(axis))
    return failure();
  Value extreme = createExtreme(node, input, *axis, /*isMax=*/true);
  Value position =
      createPosition(node, input, extreme, *axis, /*isLast=*/false);
  Value one = node.createScalar(input.type, 1);
  Value zero = node.createScalar(input.type, 0);
  Value value =
      createGeneric(node, input.type, input.shape,
                    Operand{position, getReducedMap(node, *axis, rank)},
                    [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
                      Value isHere =
                          arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                x[0], createIndex(b, *axis));
                      return arith::SelectOp::create(b, isHere, one, zero);
                    });
  return node.setOutput(0, input.type, input.shape, value);
}

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

/// How many elements along the last dimension go before each one; of equal
/// ones the first goes before.
static Value createRanks(NodeImporter &node, Tensor &input, bool largestFirst) {
  ElementType type = input.type;
  int64_t rank = input.getRank(), self = rank - 1, other = rank;
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < rank; ++dim)
    exprs.push_back(getAffineDimExpr(dim, node.getContext()));
  AffineMap selfMap = AffineMap::get(rank + 1, 0, exprs, node.getContext());
  exprs.back() = getAffineDimExpr(other, node.getContext());
  AffineMap otherMap = AffineMap::get(rank + 1, 0, exprs, node.getContext());
  Value zero = node.createScalar(ElementType::Int64, 0);
  Value one = node.createScalar(ElementType::Int64, 1);
  Value value = node.getValue(input);
  return createReduction(
      node, node.createFilled(zero, ElementType::Int64, input.shape), other,
      {Operand{value, selfMap}, Operand{value, otherMap}},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value isBefore = createBefore(b, type, largestFirst, x[1], x[0]);
        Value isEqual = createEqual(b, type, x[1], x[0]);
        Value isEarlier =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                  createIndex(b, other), createIndex(b, self));
        Value counts = arith::OrIOp::create(
            b, isBefore, arith::AndIOp::create(b, isEqual, isEarlier));
        Value more = arith::AddIOp::create(b, x[2], one);
        return arith::SelectOp::create(b, counts, more, x[2]);
      });
}

/// Along the last dimension, what `elements` have where `ranks` are 0, 1, ...:
/// `shape[rank - 1]` of them.
static Value createSorted(NodeImporter &node, ElementType type,
                          const Shape &shape, Value ranks,
                          std::optional<Value> elements) {
  int64_t rank = shape.size(), place = rank - 1, source = rank;
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    exprs.push_back(getAffineDimExpr(dim, node.getContext()));
  exprs.push_back(getAffineDimExpr(source, node.getContext()));
  AffineMap map = AffineMap::get(rank + 1, 0, exprs, node.getContext());
  SmallVector<Operand> operands = {{ranks, map}};
  if (elements)
    operands.push_back({*elements, map});
  Value zero = node.createScalar(type, 0);
  return createReduction(
      node, node.createFilled(zero, type, shape), source, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x[0],
                                             createIndex(b, place));
        Value element = elements ? x[1] : createIndex(b, source);
        return arith::SelectOp::create(b, isHere, element, x.back());
      });
}

/// Sorts by counting what goes before each element, which takes no branches but
/// the square of the size.
static LogicalResult importTopK(NodeImporter &node) {
  Tensor input = node.getInput(0);
  int64_t rank = input.getRank();
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", -1), rank);
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("k", 1);
  if (failed(expectNumbers(node)) || failed(axis) || failed(given))
    return failure();
  int64_t k =
      *given && (*given)->size() == 1 ? (**given)[0] : node.getInt("k", -1);
  std::optional<int64_t> size = getConstant(input.shape[*axis]);
  if (k < 0 || (size && k > *size))
    return node.emitError("TopK of " + Twine(k) + " along axis " +
                          Twine(*axis) + " of " + node.toString(input.shape) +
                          "; expects at most as many as there are");
  // The axis becomes the last dimension.
  SmallVector<int64_t> permutation = getOtherAxes(*axis, rank);
  permutation.push_back(*axis);
  auto moveAxis = [&](Value value, ElementType type, const Shape &shape,
                      ArrayRef<int64_t> order) {
    return llvm::is_sorted(order)
               ? value
               : createTranspose(node, value, type, shape, order);
  };
  Tensor last = makeTensor(
      input.type,
      llvm::map_to_vector(permutation,
                          [&](int64_t dim) { return input.shape[dim]; }),
      moveAxis(node.getValue(input), input.type, input.shape, permutation));
  Value ranks = createRanks(node, last, node.getInt("largest", 1));
  Shape sorted = last.shape, shape = input.shape;
  sorted.back() = shape[*axis] = node.getConstantSize(k);
  SmallVector<int64_t> inverse(rank);
  for (auto [to, from] : llvm::enumerate(permutation))
    inverse[from] = to;
  Value values = createSorted(node, input.type, sorted, ranks, last.value);
  if (failed(node.setOutput(0, input.type, shape,
                            moveAxis(values, input.type, sorted, inverse))))
    return failure();
  if (node.getNumOutputs() < 2)
    return success();
  Value indices =
      createSorted(node, ElementType::Int64, sorted, ranks, std::nullopt);
  return node.setOutput(1, ElementType::Int64, shape,
                        moveAxis(indices, ElementType::Int64, sorted, inverse));
}

static constexpr OpRow kRows[] = {
    {"ArgMax", 1, 1, 1, importArgExtreme<true>},
    {"ArgMin", 1, 1, 1, importArgExtreme<false>},
    {"Hardmax", 13, 1, 1, importHardmax},
    {"TopK", 1, 1, 2, importTopK},
};

ArrayRef<OpRow> onnx::getSelectionOps() { return kRows; }
