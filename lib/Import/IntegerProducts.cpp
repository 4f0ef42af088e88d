//===- IntegerProducts.cpp - Products of integers -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMulInteger, ConvInteger and what onnxruntime makes of the chains around
// them. Both operands are integers of 8 bits less their zero points; sums are
// those of i32, modulo 2^32.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "OpTable.h"
#include "QuantizedTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// `zeroPoint` with the rank of `input` or 0: one for all, one for each index
/// of `axis`, or sizes that are those of `input` or 1.
static FailureOr<Tensor> getBroadcastZeroPoint(NodeImporter &node,
                                               const Tensor &input,
                                               Tensor &zeroPoint,
                                               int64_t axis) {
  if (zeroPoint.type == input.type) {
    if (Product(zeroPoint.shape) == Product())
      return reshapeTensor(node, zeroPoint, {});
    if (zeroPoint.getRank() == 1 && axis >= 0 &&
        zeroPoint.shape[0] == input.shape[axis]) {
      Shape shape(input.getRank(), node.getConstantSize(1));
      shape[axis] = zeroPoint.shape[0];
      return reshapeTensor(node, zeroPoint, shape);
    }
    bool isBroadcast =
        zeroPoint.getRank() == input.getRank() &&
        llvm::all_of(llvm::zip(zeroPoint.shape, input.shape), [](auto sizes) {
          auto [size, full] = sizes;
          return size == full || isConstant(size, 1);
        });
    if (isBroadcast)
      return zeroPoint;
  }
  return node.emitError(node.getOpType() + " of " + node.toString(input.shape) +
                        " with a zero point of type " +
                        getName(zeroPoint.type) + " and shape " +
                        node.toString(zeroPoint.shape) +
                        "; expects the type of the operand and one element, or "
                        "one for each row of the first or column of the second "
                        "operand");
}

/// `input` less its zero point, if there is one, in i32.
static FailureOr<Tensor> createCentered(NodeImporter &node, Tensor &input,
                                        Tensor *zeroPoint, int64_t axis) {
  ElementType type = input.type;
  if (type != ElementType::Int8 && type != ElementType::UInt8)
    return node.emitError(node.getOpType() + " of " + getName(type) +
                          "; expects INT8 or UINT8");
  SmallVector<Tensor *> operands = {&input};
  FailureOr<Tensor> broadcast;
  if (zeroPoint) {
    broadcast = getBroadcastZeroPoint(node, input, *zeroPoint, axis);
    if (failed(broadcast))
      return failure();
    operands.push_back(&*broadcast);
  }
  Value centered = createElementwise(
      node, ElementType::Int32, input.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        auto widen = [&](Value element) {
          return createCast(b, element, type, ElementType::Int32);
        };
        Value wide = widen(elements[0]);
        if (elements.size() == 1)
          return wide;
        return arith::SubIOp::create(b, wide, widen(elements[1]));
      });
  return makeTensor(ElementType::Int32, input.shape, centered);
}

/// numpy.matmul of `lhs` and `rhs` less their zero points.
static FailureOr<Tensor> createProduct(NodeImporter &node, Tensor &lhs,
                                       Tensor &rhs, Tensor *lhsZeroPoint,
                                       Tensor *rhsZeroPoint) {
  auto getAxis = [](const Tensor &tensor, int64_t fromEnd) {
    return static_cast<int64_t>(tensor.getRank()) - fromEnd;
  };
  FailureOr<Tensor> first =
      createCentered(node, lhs, lhsZeroPoint, getAxis(lhs, 2));
  if (failed(first))
    return failure();
  FailureOr<Tensor> second =
      createCentered(node, rhs, rhsZeroPoint, getAxis(rhs, 1));
  if (failed(second))
    return failure();
  FailureOr<SmallVector<Tensor>> product =
      importAs(node, "MatMul", {&*first, &*second});
  if (failed(product))
    return failure();
  return product->front();
}

static LogicalResult importMatMulInteger(NodeImporter &node) {
  FailureOr<Tensor> product =
      createProduct(node, node.getInput(0), node.getInput(1), node.findInput(2),
                    node.findInput(3));
  return failed(product) ? failure() : node.setOutput(0, *product);
}

static LogicalResult importConvInteger(NodeImporter &node) {
  FailureOr<Tensor> input =
      createCentered(node, node.getInput(0), node.findInput(2), /*axis=*/-1);
  if (failed(input))
    return failure();
  FailureOr<Tensor> weight =
      createCentered(node, node.getInput(1), node.findInput(3), /*axis=*/0);
  if (failed(weight))
    return failure();
  FailureOr<Tensor> result = createConvolution(node, *input, *weight);
  return failed(result) ? failure() : node.setOutput(0, *result);
}

static constexpr OpRow kRows[] = {
    {"ConvInteger", 10, 2, 4, importConvInteger},
    {"MatMulInteger", 10, 2, 4, importMatMulInteger},
};

ArrayRef<OpRow> onnx::getIntegerProductOps() { return kRows; }

//===----------------------------------------------------------------------===//
// com.microsoft
//===----------------------------------------------------------------------===//

/// f32(product) * (lhs scale * rhs scale) + bias, each step rounded, which
/// becomes output 0: what the chain of operators computes that is fused.
static LogicalResult setScaled(NodeImporter &node, Tensor &product,
                               Tensor &lhsScale, Tensor &rhsScale,
                               Tensor *bias) {
  SmallVector<Tensor *> operands = {&lhsScale, &rhsScale};
  if (bias)
    operands.push_back(bias);
  for (Tensor *operand : operands)
    if (operand->type != ElementType::Float)
      return node.emitError(node.getOpType() + " with scales or a bias of " +
                            getName(operand->type) + "; expects FLOAT");
  operands.push_back(&product);
  FailureOr<Shape> shape = getBroadcastShape(node, operands);
  FailureOr<Shape> scaleShape = getBroadcastShape(node, {&lhsScale, &rhsScale});
  if (failed(shape) || failed(scaleShape))
    return failure();
  if (*shape != product.shape)
    return node.emitError(
        node.getOpType() + " with scales or a bias that are larger than " +
        node.toString(product.shape) + "; expects ones that broadcast to it");
  Tensor scale = makeTensor(
      ElementType::Float, *scaleShape,
      createElementwise(
          node, ElementType::Float, *scaleShape, {&lhsScale, &rhsScale},
          [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
            return arith::MulFOp::create(b, elements[0], elements[1]);
          }));
  // One step each, as the chain has them: layers are recognized by that.
  auto createStep = [&](ArrayRef<Tensor *> inputs, ElementBody body) {
    return makeTensor(ElementType::Float, product.shape,
                      createElementwise(node, ElementType::Float, product.shape,
                                        inputs, body));
  };
  Tensor sum = createStep(&product, [](ImplicitLocOpBuilder &b,
                                       ArrayRef<Value> elements) {
    return createCast(b, elements[0], ElementType::Int32, ElementType::Float);
  });
  Tensor result = createStep(
      {&sum, &scale},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::MulFOp::create(b, elements[0], elements[1]);
      });
  if (bias)
    result = createStep(
        {&result, bias},
        [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
          return arith::AddFOp::create(b, elements[0], elements[1]);
        });
  return node.setOutput(0, result);
}

/// MatMulInteger of inputs 0 and 1 with scales 2 and 3.
static LogicalResult importMatMulIntegerToFloat(NodeImporter &node) {
  FailureOr<Tensor> product =
      createProduct(node, node.getInput(0), node.getInput(1), node.findInput(4),
                    node.findInput(5));
  if (failed(product))
    return failure();
  return setScaled(node, *product, node.getInput(2), node.getInput(3),
                   node.findInput(6));
}

/// The same after DynamicQuantizeLinear of the first operand.
static LogicalResult importDynamicQuantizeMatMul(NodeImporter &node) {
  FailureOr<SmallVector<Tensor>> lhs =
      importAs(node, "DynamicQuantizeLinear", &node.getInput(0),
               /*numOutputs=*/3);
  if (failed(lhs))
    return failure();
  Tensor &scale = (*lhs)[1];
  FailureOr<Tensor> product = createProduct(
      node, lhs->front(), node.getInput(1), &(*lhs)[2], node.findInput(3));
  if (failed(product))
    return failure();
  return setScaled(node, *product, scale, node.getInput(2), node.findInput(4));
}

static constexpr OpRow kMicrosoftRows[] = {
    {"DynamicQuantizeMatMul", 1, 3, 5, importDynamicQuantizeMatMul},
    {"MatMulIntegerToFloat", 1, 4, 7, importMatMulIntegerToFloat},
};

ArrayRef<OpRow> onnx::getMicrosoftIntegerProductOps() { return kMicrosoftRows; }
