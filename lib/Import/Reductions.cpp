//===- Reductions.cpp - Reductions and global pooling ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
enum class Reduction {
  Sum,
  Mean,
  Max,
  Min,
  Prod,
  /// Of |x|, and of x^2.
  L1,
  SumSquare,
  /// Functions of the sums of x^2, x and e^x.
  L2,
  LogSum,
  LogSumExp
};
} // namespace

static Value createIdentity(NodeImporter &node, Reduction kind,
                            ElementType type) {
  if (kind == Reduction::Prod)
    return node.createScalar(type, 1);
  if (kind != Reduction::Max && kind != Reduction::Min)
    return node.createScalar(type, 0);
  bool isMax = kind == Reduction::Max;
  if (isFloat(type)) {
    double infinity = std::numeric_limits<double>::infinity();
    return node.createScalar(type, isMax ? -infinity : infinity);
  }
  auto elementType = cast<IntegerType>(getMlirType(type, node.getContext()));
  unsigned width = elementType.getWidth();
  APInt end;
  if (isUnsigned(type) || type == ElementType::Bool)
    end = isMax ? APInt::getMinValue(width) : APInt::getMaxValue(width);
  else
    end = isMax ? APInt::getSignedMinValue(width)
                : APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(node.b,
                                   node.b.getIntegerAttr(elementType, end));
}

/// What `element` adds to a sum.
static Value createTerm(ImplicitLocOpBuilder &b, Reduction kind,
                        ElementType type, Value element) {
  switch (kind) {
  case Reduction::L1:
    if (isFloat(type))
      return math::AbsFOp::create(b, element);
    return isUnsigned(type) ? element
                            : math::AbsIOp::create(b, element).getResult();
  case Reduction::L2:
  case Reduction::SumSquare:
    return createMul(b, type, element, element);
  default:
    return element;
  }
}

static Value combine(ImplicitLocOpBuilder &b, Reduction kind, ElementType type,
                     Value result, Value element) {
  switch (kind) {
  case Reduction::Max:
    return createMax(b, type, result, element);
  case Reduction::Min:
    return createMin(b, type, result, element);
  case Reduction::Prod:
    return createMul(b, type, result, element);
  default:
    return createAdd(b, type, result, createTerm(b, kind, type, element));
  }
}

/// Without dimensions for `axes`.
static Value createReduced(NodeImporter &node, Reduction kind, Tensor &input,
                           ArrayRef<int64_t> axes) {
  ElementType type = input.type;
  return createReduction(
      node, input, axes, createIdentity(node, kind, type),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return combine(b, kind, type, elements[1], elements[0]);
      });
}

/// A formula of each of `elements` of shape `shape`.
static Value
applyTo(NodeImporter &node, ElementType type, const Shape &shape,
        Value elements,
        llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> formula) {
  Tensor tensor = makeTensor(type, shape, elements);
  return createElementwise(node, type, shape, &tensor,
                           [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) {
                             return formula(b, x[0]);
                           });
}

/// ln sum e^x = m + ln sum e^(x - m), m the maximum, so that nothing overflows;
/// m = 0 where the maximum is infinite.
static Value createLogSumExp(NodeImporter &node, Tensor &input,
                             ArrayRef<int64_t> axes) {
  ElementType type = input.type;
  Shape reduced = getReducedShape(input, axes);
  Value zero = node.createScalar(type, 0);
  Value infinity =
      node.createScalar(type, std::numeric_limits<double>::infinity());
  Value maximum = createReduced(node, Reduction::Max, input, axes);
  maximum = applyTo(node, type, reduced, maximum,
                    [&](ImplicitLocOpBuilder &b, Value x) -> Value {
                      Value isFinite = arith::CmpFOp::create(
                          b, arith::CmpFPredicate::OLT,
                          math::AbsFOp::create(b, x), infinity);
                      return arith::SelectOp::create(b, isFinite, x, zero);
                    });
  int64_t rank = input.getRank();
  Value sum = createReduction(
      node, node.createFilled(zero, type, reduced), axes,
      {Operand{node.getValue(input), node.b.getMultiDimIdentityMap(rank)},
       Operand{maximum, getReducedMap(node, axes, rank)}},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value power =
            math::ExpOp::create(b, arith::SubFOp::create(b, x[0], x[1]));
        return arith::AddFOp::create(b, x[2], power);
      });
  Tensor sumTensor = makeTensor(type, reduced, sum);
  Tensor maximumTensor = makeTensor(type, reduced, maximum);
  return createElementwise(
      node, type, reduced, {&sumTensor, &maximumTensor},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        return arith::AddFOp::create(b, math::LogOp::create(b, x[0]), x[1]);
      });
}

/// Without dimensions for `axes`.
static Value createReductionOf(NodeImporter &node, Reduction kind,
                               Tensor &input, ArrayRef<int64_t> axes) {
  if (kind == Reduction::LogSumExp)
    return createLogSumExp(node, input, axes);
  ElementType type = input.type;
  Shape reduced = getReducedShape(input, axes);
  Value value = createReduced(node, kind, input, axes);
  switch (kind) {
  case Reduction::Mean: {
    Value count = node.createCount(input, axes);
    return applyTo(node, type, reduced, value,
                   [&](ImplicitLocOpBuilder &b, Value x) -> Value {
                     return arith::DivFOp::create(b, x, count);
                   });
  }
  case Reduction::L2:
    return applyTo(node, type, reduced, value,
                   [](ImplicitLocOpBuilder &b, Value x) -> Value {
                     return math::SqrtOp::create(b, x);
                   });
  case Reduction::LogSum:
    return applyTo(node, type, reduced, value,
                   [](ImplicitLocOpBuilder &b, Value x) -> Value {
                     return math::LogOp::create(b, x);
                   });
  default:
    return value;
  }
}

/// Whether elements of `type` can be reduced.
static bool isReducible(Reduction kind, ElementType type) {
  switch (kind) {
  case Reduction::Max:
  case Reduction::Min:
    return isFloat(type) || isInteger(type) || type == ElementType::Bool;
  case Reduction::Sum:
  case Reduction::Prod:
  case Reduction::L1:
  case Reduction::SumSquare:
    return isFloat(type) || isInteger(type);
  case Reduction::Mean:
  case Reduction::L2:
    return isFloat(type);
  case Reduction::LogSum:
  case Reduction::LogSumExp:
    // There is no formula for DOUBLE.
    return isFloat(type) && type != ElementType::Double;
  }
  return false;
}

static LogicalResult setReduction(NodeImporter &node, Reduction kind,
                                  ArrayRef<int64_t> axes, bool keepDims) {
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  if (!isReducible(kind, type))
    return node.emitError("reduction of " + getName(type) +
                          "; expects numbers, for functions of sums floating "
                          "point");
  Value value = createReductionOf(node, kind, input, axes);
  Shape reduced = getReducedShape(input, axes);
  if (!keepDims)
    return node.setOutput(0, type, reduced, value);
  Shape kept = input.shape;
  for (int64_t axis : axes)
    kept[axis] = node.getConstantSize(1);
  return node.setOutput(0, type, kept,
                        createReshape(node, value, type, reduced, kept));
}

/// Without axes all are reduced, or none with noop_with_empty_axes: then each
/// element by itself.
template <Reduction kind>
static LogicalResult importReduction(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("axes", 1);
  if (failed(given))
    return failure();
  SmallVector<int64_t> axes = given->value_or(SmallVector<int64_t>());
  if (axes.empty() && !node.getInt("noop_with_empty_axes", 0))
    axes = llvm::to_vector(llvm::seq<int64_t>(input.getRank()));
  FailureOr<SmallVector<int64_t>> normalized =
      node.getAxes(axes, input.getRank());
  if (failed(normalized))
    return failure();
  return setReduction(node, kind, *normalized, node.getInt("keepdims", 1));
}

template <Reduction kind>
static LogicalResult importGlobalPool(NodeImporter &node) {
  int64_t rank = node.getInput(0).getRank();
  if (failed(node.expectFloats(1)))
    return failure();
  if (rank < 3)
    return node.emitError("global pooling of rank " + Twine(rank) +
                          "; expects batch, channels and more");
  return setReduction(node, kind, llvm::to_vector(llvm::seq<int64_t>(2, rank)),
                      /*keepDims=*/true);
}

static constexpr OpRow kRows[] = {
    {"GlobalAveragePool", 1, 1, 1, importGlobalPool<Reduction::Mean>},
    {"GlobalMaxPool", 1, 1, 1, importGlobalPool<Reduction::Max>},
    {"ReduceL1", 1, 1, 2, importReduction<Reduction::L1>},
    {"ReduceL2", 1, 1, 2, importReduction<Reduction::L2>},
    {"ReduceLogSum", 1, 1, 2, importReduction<Reduction::LogSum>},
    {"ReduceLogSumExp", 1, 1, 2, importReduction<Reduction::LogSumExp>},
    {"ReduceMax", 1, 1, 2, importReduction<Reduction::Max>},
    {"ReduceMean", 1, 1, 2, importReduction<Reduction::Mean>},
    {"ReduceMin", 1, 1, 2, importReduction<Reduction::Min>},
    {"ReduceProd", 1, 1, 2, importReduction<Reduction::Prod>},
    {"ReduceSum", 1, 1, 2, importReduction<Reduction::Sum>},
    {"ReduceSumSquare", 1, 1, 2, importReduction<Reduction::SumSquare>},
};

ArrayRef<OpRow> onnx::getReductionOps() { return kRows; }
