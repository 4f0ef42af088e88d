//===- Reductions.cpp - Reductions and global pooling ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
enum class Reduction { Sum, Mean, Max, Min, Prod };
} // namespace

/// The value that changes nothing: 0, 1, or the end of the range of `type`.
static Value createIdentity(NodeImporter &node, Reduction kind,
                            ElementType type) {
  if (kind == Reduction::Sum || kind == Reduction::Mean)
    return node.createScalar(type, 0);
  if (kind == Reduction::Prod)
    return node.createScalar(type, 1);
  bool isMax = kind == Reduction::Max;
  if (isFloat(type)) {
    double infinity = std::numeric_limits<double>::infinity();
    return node.createScalar(type, isMax ? -infinity : infinity);
  }
  auto elementType = cast<IntegerType>(getMlirType(type, node.getContext()));
  unsigned width = elementType.getWidth();
  APInt end;
  if (isUnsigned(type))
    end = isMax ? APInt::getMinValue(width) : APInt::getMaxValue(width);
  else
    end = isMax ? APInt::getSignedMinValue(width)
                : APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(node.b,
                                   node.b.getIntegerAttr(elementType, end));
}

/// Output 0 is input 0 reduced along `axes`, which are sorted.
static LogicalResult setReduction(NodeImporter &node, Reduction kind,
                                  ArrayRef<int64_t> axes, bool keepDims) {
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  if (!isFloat(type) && (!isInteger(type) || kind == Reduction::Mean))
    return node.emitError("reduction of " + getName(type) +
                          "; expects numbers, floating point for a mean");
  Value value =
      createReduction(node, input, axes, createIdentity(node, kind, type),
                      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                        Value element = elements[0], result = elements[1];
                        switch (kind) {
                        case Reduction::Max:
                          return createMax(b, type, result, element);
                        case Reduction::Min:
                          return createMin(b, type, result, element);
                        case Reduction::Prod:
                          return createMul(b, type, result, element);
                        case Reduction::Sum:
                        case Reduction::Mean:
                          break;
                        }
                        return createAdd(b, type, result, element);
                      });
  Shape reduced = getReducedShape(input, axes);
  if (kind == Reduction::Mean) {
    Value count = node.createCount(input, axes);
    Tensor sum = makeTensor(type, reduced, value);
    value = createElementwise(
        node, type, reduced, &sum,
        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
          return arith::DivFOp::create(b, elements[0], count);
        });
  }
  if (!keepDims)
    return node.setOutput(0, type, reduced, value);
  Shape kept = input.shape;
  for (int64_t axis : axes)
    kept[axis] = node.getConstantSize(1);
  return node.setOutput(0, type, kept,
                        createReshape(node, value, type, reduced, kept));
}

/// The axes are an attribute or an input, by opset; none means all.
template <Reduction kind>
static LogicalResult importReduction(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("axes", 1);
  if (failed(given))
    return failure();
  SmallVector<int64_t> axes = given->value_or(SmallVector<int64_t>());
  if (axes.empty()) {
    if (node.getInt("noop_with_empty_axes", 0))
      return node.setOutput(0, input);
    axes = llvm::to_vector(llvm::seq<int64_t>(input.getRank()));
  }
  FailureOr<SmallVector<int64_t>> normalized =
      node.getAxes(axes, input.getRank());
  if (failed(normalized))
    return failure();
  return setReduction(node, kind, *normalized, node.getInt("keepdims", 1));
}

/// Reduces all dimensions after batch and channel.
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
    {"ReduceMax", 1, 1, 2, importReduction<Reduction::Max>},
    {"ReduceMean", 1, 1, 2, importReduction<Reduction::Mean>},
    {"ReduceMin", 1, 1, 2, importReduction<Reduction::Min>},
    {"ReduceProd", 1, 1, 2, importReduction<Reduction::Prod>},
    {"ReduceSum", 1, 1, 2, importReduction<Reduction::Sum>},
};

ArrayRef<OpRow> onnx::getReductionOps() { return kRows; }
