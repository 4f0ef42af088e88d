//===- Normalization.cpp - Softmax and normalization ----------------------===//
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

/// `lhs` and `rhs` as operands of a generic over the shape of `lhs`, where
/// `rhs` lacks the dimensions `axes`.
static SmallVector<Operand> withReduced(NodeImporter &node, Tensor &lhs,
                                        Value rhs, ArrayRef<int64_t> axes) {
  int64_t rank = lhs.getRank();
  return {{node.getValue(lhs), node.b.getMultiDimIdentityMap(rank)},
          {rhs, getReducedMap(node, axes, rank)}};
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// With m the maximum along `axis`: p = e^(x - m), p * (1 / sum p). For the
/// logarithm: (x - m) - ln sum p. A division for each element would cost as
/// much as all the rest.
static Value createSoftmax(NodeImporter &node, Tensor &input, int64_t axis,
                           bool isLogarithm) {
  ElementType type = input.type;
  Value lowest =
      node.createScalar(type, -std::numeric_limits<double>::infinity());
  Value maximum =
      createReduction(node, input, axis, lowest,
                      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                        return createMax(b, type, elements[1], elements[0]);
                      });
  auto subtract = [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
    return arith::SubFOp::create(b, elements[0], elements[1]).getResult();
  };
  Tensor powers = makeTensor(
      type, input.shape,
      createGeneric(
          node, type, input.shape, withReduced(node, input, maximum, axis),
          [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return math::ExpOp::create(b, subtract(b, elements));
          }));
  Value sum = createSum(node, powers, axis);
  if (!isLogarithm) {
    Shape rows = getReducedShape(input, axis);
    Tensor sums = makeTensor(type, rows, sum);
    Value one = node.createScalar(type, 1);
    Value inverse = createElementwise(
        node, type, rows, &sums,
        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
          return arith::DivFOp::create(b, one, elements[0]);
        });
    return createGeneric(
        node, type, input.shape, withReduced(node, powers, inverse, axis),
        [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
          return arith::MulFOp::create(b, elements[0], elements[1]);
        });
  }
  SmallVector<Operand> operands = withReduced(node, input, maximum, axis);
  operands.push_back(withReduced(node, input, sum, axis)[1]);
  return createGeneric(
      node, type, input.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value logarithm = math::LogOp::create(b, elements[2]);
        return arith::SubFOp::create(b, subtract(b, elements), logarithm);
      });
}

template <bool isLogarithm>
static LogicalResult importSoftmax(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", -1), input.getRank());
  if (failed(axis) || failed(node.expectFloats(1)))
    return failure();
  return node.setOutput(0, input.type, input.shape,
                        createSoftmax(node, input, *axis, isLogarithm));
}

/// Before opset 13 all dimensions from `axis` on are normalized together.
template <bool isLogarithm>
static LogicalResult importFlatSoftmax(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<int64_t> axis =
      node.getAxis(node.getInt("axis", 1), input.getRank());
  if (failed(axis) || failed(node.expectFloats(1)))
    return failure();
  ArrayRef<AffineExpr> sizes = input.shape;
  Shape flatShape(sizes.take_front(*axis));
  flatShape.push_back(
      Product(sizes.drop_front(*axis)).getExpr(node.getContext()));
  Tensor flat = reshapeTensor(node, input, flatShape);
  Value result = createSoftmax(node, flat, *axis, isLogarithm);
  return node.setOutput(
      0, input.type, input.shape,
      createReshape(node, result, input.type, flatShape, input.shape));
}

//===----------------------------------------------------------------------===//
// LayerNormalization
//===----------------------------------------------------------------------===//

Value onnx::createMean(NodeImporter &node, Tensor &input,
                       ArrayRef<int64_t> axes) {
  Shape shape = getReducedShape(input, axes);
  Tensor sum = makeTensor(input.type, shape, createSum(node, input, axes));
  Value count = node.createCount(input, axes);
  return createElementwise(
      node, input.type, shape, &sum,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::DivFOp::create(b, elements[0], count);
      });
}

/// With d = x - mean x and r = 1 / sqrt(mean d^2 + epsilon), over all
/// dimensions from `axis` on: (d * r) * scale + bias.
static LogicalResult importLayerNormalization(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  int64_t rank = input.getRank();
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", -1), rank);
  if (failed(axis) || failed(node.expectFloats(3)))
    return failure();
  auto axes = llvm::to_vector(llvm::seq<int64_t>(*axis, rank));
  SmallVector<Tensor *> parameters = {&input, &node.getInput(1)};
  if (node.hasInput(2))
    parameters.push_back(&node.getInput(2));
  FailureOr<Shape> shape = getBroadcastShape(node, parameters);
  if (failed(shape))
    return failure();
  if (*shape != input.shape)
    return node.emitError("LayerNormalization of " +
                          node.toString(input.shape) +
                          " with a larger scale or bias; expects ones that "
                          "broadcast to it");

  Value mean = createMean(node, input, axes);
  Tensor deviation = makeTensor(
      type, input.shape,
      createGeneric(
          node, type, input.shape, withReduced(node, input, mean, axes),
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::SubFOp::create(b, elements[0], elements[1]);
          }));
  Tensor square = makeTensor(
      type, input.shape,
      createElementwise(
          node, type, input.shape, &deviation,
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::MulFOp::create(b, elements[0], elements[0]);
          }));
  Shape reducedShape(ArrayRef(input.shape).take_front(*axis));
  Tensor variance =
      makeTensor(type, reducedShape, createMean(node, square, axes));
  Value epsilon = node.createScalar(type, node.getFloat("epsilon", 1e-5f));
  Value one = node.createScalar(type, 1);
  Value inverse = createElementwise(
      node, type, reducedShape, &variance,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value sum = arith::AddFOp::create(b, elements[0], epsilon);
        return arith::DivFOp::create(b, one, math::SqrtOp::create(b, sum));
      });

  SmallVector<Operand> operands = withReduced(node, deviation, inverse, axes);
  for (Tensor *parameter : ArrayRef(parameters).drop_front())
    operands.push_back({node.getValue(*parameter),
                        getBroadcastMap(node, parameter->shape, input.shape)});
  Value result = createGeneric(
      node, type, input.shape, operands,
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value normal = arith::MulFOp::create(b, elements[0], elements[1]);
        Value scaled = arith::MulFOp::create(b, normal, elements[2]);
        if (elements.size() < 5)
          return scaled;
        return arith::AddFOp::create(b, scaled, elements[3]);
      });
  if (failed(node.setOutput(0, type, input.shape, result)))
    return failure();

  // The optional outputs keep the reduced dimensions, with size 1.
  Shape keptShape = reducedShape;
  keptShape.append(axes.size(), node.getConstantSize(1));
  Value statistics[] = {mean, inverse};
  for (unsigned index = 1; index < node.getNumOutputs() && index < 3; ++index)
    if (failed(node.setOutput(index, type, keptShape,
                              createReshape(node, statistics[index - 1], type,
                                            reducedShape, keptShape))))
      return failure();
  return success();
}

static constexpr OpRow kRows[] = {
    {"LayerNormalization", 17, 2, 3, importLayerNormalization},
    {"LogSoftmax", 1, 1, 1, importFlatSoftmax<true>},
    {"LogSoftmax", 13, 1, 1, importSoftmax<true>},
    {"Softmax", 1, 1, 1, importFlatSoftmax<false>},
    {"Softmax", 13, 1, 1, importSoftmax<false>},
};

ArrayRef<OpRow> onnx::getNormalizationOps() { return kRows; }
