//===- QOperators.cpp - Operators on quantized tensors --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// QLinearConv and the like, the format that onnxruntime calls QOperator. Each
// is imported as the simulated form of the same model with pairs of
// QuantizeLinear and DequantizeLinear: operands are dequantized, the operator
// on floats is imported, and its result is quantized. quant-simulated makes
// integer layers of that.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "QuantizedTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The operand at input `index`, which its scale and zero point follow;
/// parameters of rank 1 belong to `axis`.
static FailureOr<Tensor> getOperand(NodeImporter &node, unsigned index,
                                    int64_t axis = 0) {
  if (!node.hasInput(index) || !node.hasInput(index + 1))
    return node.emitError(node.getOpType() + " without input " +
                          Twine(node.hasInput(index) ? index + 1 : index) +
                          "; expects an operand and its scale");
  return createDequantized(
      node, node.getInput(index),
      {&node.getInput(index + 1), node.findInput(index + 2), axis});
}

/// Quantizes `result` with the scale at input `index` and the zero point behind
/// it, which says the type; it becomes output 0.
static LogicalResult setQuantized(NodeImporter &node, Tensor result,
                                  unsigned index, int64_t axis = 0) {
  ElementType type = ElementType::UInt8;
  if (node.hasInput(index + 1))
    type = node.getInput(index + 1).type;
  else if (node.hasInput(0) && isInteger(node.getInput(0).type))
    type = node.getInput(0).type;
  FailureOr<Tensor> quantized = createQuantized(
      node, result, {&node.getInput(index), node.findInput(index + 1), axis},
      type);
  return failed(quantized) ? failure() : node.setOutput(0, *quantized);
}

/// The standard's operator on `operands`, quantized.
static LogicalResult setOperator(NodeImporter &node, StringRef op,
                                 MutableArrayRef<Tensor> operands,
                                 unsigned resultIndex) {
  SmallVector<Tensor *> inputs =
      llvm::map_to_vector(operands, [](Tensor &tensor) { return &tensor; });
  FailureOr<SmallVector<Tensor>> result = importAs(node, op, inputs);
  if (failed(result))
    return failure();
  return setQuantized(node, result->front(), resultIndex);
}

/// QLinear<op> of `numOperands` tensors, each with its scale and zero point,
/// which those of the result follow.
template <unsigned numOperands>
static LogicalResult importQLinear(NodeImporter &node) {
  StringRef op = node.getOpType();
  op.consume_front("QLinear");
  if (node.getInt("channels_last", 0))
    return node.emitError(node.getOpType() +
                          " with channels last; expects them second");
  SmallVector<Tensor> operands;
  for (unsigned index = 0; index < numOperands; ++index) {
    FailureOr<Tensor> operand = getOperand(node, 3 * index);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  return setOperator(node, op, operands, /*resultIndex=*/3 * numOperands);
}

/// Rows of the first operand and columns of the second one may have parameters
/// of their own.
static LogicalResult importQLinearMatMul(NodeImporter &node) {
  auto getAxis = [&](unsigned index, int64_t fromEnd) {
    auto rank = static_cast<int64_t>(node.getInput(index).getRank());
    return std::max<int64_t>(rank - fromEnd, 0);
  };
  FailureOr<Tensor> lhs = getOperand(node, 0, getAxis(0, 2));
  if (failed(lhs))
    return failure();
  FailureOr<Tensor> rhs = getOperand(node, 3, getAxis(3, 1));
  if (failed(rhs))
    return failure();
  Tensor operands[] = {*lhs, *rhs};
  return setOperator(node, "MatMul", operands, /*resultIndex=*/6);
}

/// The floats of a bias in INT32, whose scale is the product of the scales at
/// two inputs.
static FailureOr<Tensor> getBias(NodeImporter &node, Tensor &bias,
                                 Tensor &lhsScale, Tensor &rhsScale) {
  FailureOr<Shape> shape = getBroadcastShape(node, {&lhsScale, &rhsScale});
  if (failed(shape))
    return failure();
  Tensor scale;
  if (lhsScale.constant && rhsScale.constant &&
      lhsScale.constant.getNumElements() == 1) {
    float factor = *lhsScale.constant.getValues<float>().begin();
    SmallVector<float> products;
    for (float element : rhsScale.constant.getValues<float>())
      products.push_back(factor * element);
    scale =
        createConstant(ElementType::Float,
                       DenseElementsAttr::get(
                           cast<RankedTensorType>(rhsScale.constant.getType()),
                           ArrayRef(products)));
  } else {
    scale = makeTensor(
        ElementType::Float, *shape,
        createElementwise(
            node, ElementType::Float, *shape, {&lhsScale, &rhsScale},
            [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
              return arith::MulFOp::create(b, elements[0], elements[1]);
            }));
  }
  auto rank = static_cast<int64_t>(bias.getRank());
  return createDequantized(node, bias, {&scale, nullptr, /*axis=*/rank - 1});
}

/// Channels of the weight may have parameters of their own.
static LogicalResult importQLinearConv(NodeImporter &node) {
  SmallVector<Tensor> operands;
  for (unsigned index : {0, 3}) {
    FailureOr<Tensor> operand = getOperand(node, index, /*axis=*/0);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  if (Tensor *bias = node.findInput(8)) {
    FailureOr<Tensor> floats =
        getBias(node, *bias, node.getInput(1), node.getInput(4));
    if (failed(floats))
      return failure();
    operands.push_back(*floats);
  }
  return setOperator(node, "Conv", operands, /*resultIndex=*/6);
}

/// A' * B' + C, where columns of B' may have parameters of their own; a float
/// without a scale of the result.
static LogicalResult importQGemm(NodeImporter &node) {
  // The scale of C depends on alpha.
  if (node.getFloat("alpha", 1.0f) != 1.0f)
    return node.emitError("QGemm with alpha; expects 1");
  SmallVector<Tensor> operands;
  for (unsigned index : {0, 3}) {
    int64_t axis = node.getInt("transB", 0) ? 0 : 1;
    FailureOr<Tensor> operand = getOperand(node, index, axis);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  if (Tensor *bias = node.findInput(6)) {
    FailureOr<Tensor> floats =
        getBias(node, *bias, node.getInput(1), node.getInput(4));
    if (failed(floats))
      return failure();
    operands.push_back(*floats);
  }
  if (node.hasInput(7))
    return setOperator(node, "Gemm", operands, /*resultIndex=*/7);
  SmallVector<Tensor *> inputs =
      llvm::map_to_vector(operands, [](Tensor &tensor) { return &tensor; });
  FailureOr<SmallVector<Tensor>> result = importAs(node, "Gemm", inputs);
  return failed(result) ? failure() : node.setOutput(0, result->front());
}

/// The attribute `opset` says which Softmax is meant.
static LogicalResult importQLinearSoftmax(NodeImporter &node) {
  int64_t opset = node.getInt("opset", node.getOpset());
  if ((opset < 13) != (node.getOpset() < 13))
    return node.emitError("QLinearSoftmax of opset " + Twine(opset) +
                          " in a model of opset " + Twine(node.getOpset()) +
                          "; expects both before 13, or from it on");
  return importQLinear<1>(node);
}

/// The parameters of the result, then tensors with theirs.
static LogicalResult importQLinearConcat(NodeImporter &node) {
  SmallVector<Tensor> operands;
  for (unsigned index = 2; index < node.getNumInputs(); index += 3) {
    FailureOr<Tensor> operand = getOperand(node, index);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  return setOperator(node, "Concat", operands, /*resultIndex=*/0);
}

static constexpr OpRow kRows[] = {
    {"QLinearConv", 10, 8, 9, importQLinearConv},
    {"QLinearMatMul", 10, 8, 8, importQLinearMatMul},
};

ArrayRef<OpRow> onnx::getQOperators() { return kRows; }

static constexpr OpRow kMicrosoftRows[] = {
    {"QGemm", 1, 6, 9, importQGemm},
    {"QLinearAdd", 1, 7, 8, importQLinear<2>},
    {"QLinearAveragePool", 1, 4, 5, importQLinear<1>},
    {"QLinearConcat", 1, 5, kVariadic, importQLinearConcat},
    {"QLinearGlobalAveragePool", 1, 4, 5, importQLinear<1>},
    {"QLinearLeakyRelu", 1, 4, 5, importQLinear<1>},
    {"QLinearMul", 1, 7, 8, importQLinear<2>},
    {"QLinearSigmoid", 1, 4, 5, importQLinear<1>},
    {"QLinearSoftmax", 1, 4, 5, importQLinearSoftmax},
};

ArrayRef<OpRow> onnx::getMicrosoftQOperators() { return kMicrosoftRows; }
