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

/// The maximum along `axis`.
static Value createMaximum(NodeImporter &node, Tensor &input, int64_t axis) {
  ElementType type = input.type;
  Value lowest =
      node.createScalar(type, -std::numeric_limits<double>::infinity());
  return createReduction(
      node, input, axis, lowest,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return createMax(b, type, elements[1], elements[0]);
      });
}

/// `body` of x - m, where m lacks `axis`.
static Tensor mapDifference(NodeImporter &node, Tensor &input, Value maximum,
                            int64_t axis, ElementBody body) {
  return makeTensor(
      input.type, input.shape,
      createGeneric(node, input.type, input.shape,
                    withReduced(node, input, maximum, axis),
                    [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                      Value difference =
                          arith::SubFOp::create(b, elements[0], elements[1]);
                      return body(b, difference);
                    }));
}

/// p * (1 / sum p): a division for each element would cost as much as all the
/// rest. `createInverse` makes the factor from a sum.
static Value createNormalized(NodeImporter &node, Tensor &powers, int64_t axis,
                              ElementBody createInverse) {
  Shape rows = getReducedShape(powers, axis);
  Tensor sums = makeTensor(powers.type, rows, createSum(node, powers, axis));
  Value inverse =
      createElementwise(node, powers.type, rows, &sums, createInverse);
  return createGeneric(
      node, powers.type, powers.shape, withReduced(node, powers, inverse, axis),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::MulFOp::create(b, elements[0], elements[1]);
      });
}

/// With m the maximum along `axis`: p = e^(x - m), p * (1 / sum p). For the
/// logarithm: (x - m) - ln sum p.
static Value createSoftmax(NodeImporter &node, Tensor &input, int64_t axis,
                           bool isLogarithm) {
  ElementType type = input.type;
  Value maximum = createMaximum(node, input, axis);
  Tensor powers = mapDifference(
      node, input, maximum, axis,
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> difference) -> Value {
        return math::ExpOp::create(b, difference[0]);
      });
  if (!isLogarithm) {
    Value one = node.createScalar(type, 1);
    return createNormalized(
        node, powers, axis,
        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
          return arith::DivFOp::create(b, one, elements[0]);
        });
  }
  SmallVector<Operand> operands = withReduced(node, input, maximum, axis);
  Value sum = createSum(node, powers, axis);
  operands.push_back(withReduced(node, input, sum, axis)[1]);
  return createGeneric(
      node, type, input.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value difference = arith::SubFOp::create(b, elements[0], elements[1]);
        Value logarithm = math::LogOp::create(b, elements[2]);
        return arith::SubFOp::create(b, difference, logarithm);
      });
}

/// x == key ? value : x.
static Value replace(ImplicitLocOpBuilder &b, Value x, Value key, Value value) {
  Value isKey = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, key);
  return arith::SelectOp::create(b, isKey, value, x);
}

/// With every step rounded to `step`: p / sum p, where no sum is 0.
static Value createRoundedQuotient(NodeImporter &node, Tensor &powers,
                                   int64_t axis, ElementType step) {
  ElementType type = powers.type;
  Value zero = node.createScalar(type, 0), one = node.createScalar(type, 1);
  Value sum = createReduction(
      node, powers, axis, zero,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return roundFloat(b, createAdd(b, type, elements[1], elements[0]),
                          step);
      });
  return createGeneric(
      node, type, powers.shape, withReduced(node, powers, sum, axis),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Value divisor = replace(b, elements[1], zero, one);
        return roundFloat(b, arith::DivFOp::create(b, elements[0], divisor),
                          step);
      });
}

/// Of a row of -inf, m is taken for 0 and the sum, which is 0 then, for 1.
Value onnx::createMaskedSoftmax(NodeImporter &node, Tensor &input,
                                ElementType step) {
  ElementType type = input.type;
  int64_t axis = input.getRank() - 1;
  Shape rows = getReducedShape(input, axis);
  Value zero = node.createScalar(type, 0), one = node.createScalar(type, 1);
  Value lowest =
      node.createScalar(type, -std::numeric_limits<double>::infinity());
  Tensor maxima = makeTensor(type, rows, createMaximum(node, input, axis));
  Value maximum =
      createElementwise(node, type, rows, &maxima,
                        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                          return replace(b, elements[0], lowest, zero);
                        });
  Tensor powers =
      mapDifference(node, input, maximum, axis,
                    [&](ImplicitLocOpBuilder &b, ArrayRef<Value> difference) {
                      Value exponent = roundFloat(b, difference[0], step);
                      if (type == ElementType::Double)
                        exponent =
                            createCast(b, exponent, type, ElementType::Float);
                      Value power = math::ExpOp::create(b, exponent);
                      if (type == ElementType::Double)
                        return createCast(b, power, ElementType::Float, type);
                      return roundFloat(b, power, step);
                    });
  if (step != ElementType::Float)
    return createRoundedQuotient(node, powers, axis, step);
  return createNormalized(
      node, powers, axis,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::DivFOp::create(b, one,
                                     replace(b, elements[0], zero, one));
      });
}

Value onnx::roundFloat(ImplicitLocOpBuilder &b, Value value, ElementType type) {
  if (!isHalf(type) || !value.getType().isF32())
    return value;
  Value rounded = createCast(b, value, ElementType::Float, type);
  return createCast(b, rounded, type, ElementType::Float);
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
// LayerNormalization and RMSNormalization
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

/// 1 / sqrt(mean x^2 + epsilon) along `axes`.
static Value createInverseRoot(NodeImporter &node, Tensor &input,
                               ArrayRef<int64_t> axes) {
  ElementType type = input.type;
  Tensor square = makeTensor(
      type, input.shape,
      createElementwise(
          node, type, input.shape, &input,
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::MulFOp::create(b, elements[0], elements[0]);
          }));
  Shape shape = getReducedShape(input, axes);
  Tensor mean = makeTensor(type, shape, createMean(node, square, axes));
  Value epsilon = node.createScalar(type, node.getFloat("epsilon", 1e-5f));
  Value one = node.createScalar(type, 1);
  return createElementwise(
      node, type, shape, &mean,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value sum = arith::AddFOp::create(b, elements[0], epsilon);
        return arith::DivFOp::create(b, one, math::SqrtOp::create(b, sum));
      });
}

/// (x * r) * scale + bias, where r lacks `axes` and `parameters` are scale and,
/// if there is one, bias.
static Value createScaled(NodeImporter &node, Tensor &input, Value inverse,
                          ArrayRef<int64_t> axes,
                          ArrayRef<Tensor *> parameters) {
  SmallVector<Operand> operands = withReduced(node, input, inverse, axes);
  for (Tensor *parameter : parameters)
    operands.push_back({node.getValue(*parameter),
                        getBroadcastMap(node, parameter->shape, input.shape)});
  bool hasBias = parameters.size() == 2;
  return createGeneric(
      node, input.type, input.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value normal = arith::MulFOp::create(b, elements[0], elements[1]);
        Value scaled = arith::MulFOp::create(b, normal, elements[2]);
        if (!hasBias)
          return scaled;
        return arith::AddFOp::create(b, scaled, elements[3]);
      });
}

/// The dimensions from attribute "axis" on, which are normalized together;
/// fails unless all inputs are floats of one type that broadcast to the first.
static FailureOr<SmallVector<int64_t>> getNormalizedAxes(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  int64_t rank = input.getRank();
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", -1), rank);
  if (failed(axis) || failed(node.expectFloats(node.getNumInputs())))
    return failure();
  FailureOr<Shape> shape = getBroadcastShape(node, node.getInputs());
  if (failed(shape))
    return failure();
  if (*shape != input.shape)
    return node.emitError("normalization of " + node.toString(input.shape) +
                          " with a larger scale or bias; expects ones that "
                          "broadcast to it");
  return llvm::to_vector(llvm::seq<int64_t>(*axis, rank));
}

/// With d = x - mean x and r = 1 / sqrt(mean d^2 + epsilon), over all
/// dimensions from `axis` on: (d * r) * scale + bias.
static LogicalResult importLayerNormalization(NodeImporter &node) {
  FailureOr<SmallVector<int64_t>> axes = getNormalizedAxes(node);
  if (failed(axes))
    return failure();
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  Value mean = createMean(node, input, *axes);
  Tensor deviation = makeTensor(
      type, input.shape,
      createGeneric(
          node, type, input.shape, withReduced(node, input, mean, *axes),
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::SubFOp::create(b, elements[0], elements[1]);
          }));
  Value inverse = createInverseRoot(node, deviation, *axes);
  Value result = createScaled(node, deviation, inverse, *axes,
                              node.getInputs().drop_front());
  if (failed(node.setOutput(0, type, input.shape, result)))
    return failure();

  // The optional outputs keep the reduced dimensions, with size 1.
  Shape reducedShape = getReducedShape(input, *axes);
  Shape keptShape = reducedShape;
  keptShape.append(axes->size(), node.getConstantSize(1));
  Value statistics[] = {mean, inverse};
  for (unsigned index = 1; index < node.getNumOutputs() && index < 3; ++index)
    if (failed(node.setOutput(index, type, keptShape,
                              createReshape(node, statistics[index - 1], type,
                                            reducedShape, keptShape))))
      return failure();
  return success();
}

/// With r = 1 / sqrt(mean x^2 + epsilon), over all dimensions from `axis` on:
/// (x * r) * scale.
static LogicalResult importRmsNormalization(NodeImporter &node) {
  FailureOr<SmallVector<int64_t>> axes = getNormalizedAxes(node);
  if (failed(axes))
    return failure();
  Tensor &input = node.getInput(0);
  Value inverse = createInverseRoot(node, input, *axes);
  return node.setOutput(
      0, input.type, input.shape,
      createScaled(node, input, inverse, *axes, node.getInputs().drop_front()));
}

static constexpr OpRow kRows[] = {
    {"LayerNormalization", 17, 2, 3, importLayerNormalization,
     Halves::ComputeFirst},
    {"LogSoftmax", 1, 1, 1, importFlatSoftmax<true>},
    {"LogSoftmax", 13, 1, 1, importSoftmax<true>},
    {"RMSNormalization", 23, 2, 2, importRmsNormalization},
    {"Softmax", 1, 1, 1, importFlatSoftmax<false>},
    {"Softmax", 13, 1, 1, importSoftmax<false>},
};

ArrayRef<OpRow> onnx::getNormalizationOps() { return kRows; }
