//===- Convolution.cpp - Conv ---------------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"

#include "OpTable.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

FailureOr<Tensor> onnx::createConvolution(NodeImporter &node, Tensor &input,
                                          Tensor &weight, Tensor *bias) {
  size_t rank = input.getRank();
  SmallVector<int64_t> weightShape = getStaticShape(weight.shape);
  if ((rank != 3 && rank != 4) || weight.getRank() != rank ||
      ShapedType::isDynamicShape(weightShape))
    return node.emitError(node.getOpType() + " of " +
                          node.toString(input.shape) + " by " +
                          node.toString(weight.shape) +
                          "; expects one or two spatial dimensions and a "
                          "weight of known shape");
  if (node.getInt("group", 1) != 1 || input.shape[1] != weight.shape[1])
    return node.emitError(
        node.getOpType() + " of " + node.toString(input.shape) + " by " +
        node.toString(weight.shape) + " in " + Twine(node.getInt("group", 1)) +
        " groups; expects one group and equal channels");
  FailureOr<SmallVector<Window>> windows =
      getWindows(node, ArrayRef(input.shape).drop_front(2),
                 ArrayRef(weightShape).drop_front(2));
  if (failed(windows))
    return failure();

  FailureOr<Tensor> padded =
      createPad(node, input, *windows, node.createScalar(input.type, 0));
  if (failed(padded))
    return failure();
  Shape shape = getWindowedShape(node, input, weight.shape[0], *windows);
  SmallVector<int64_t> strides, dilations;
  for (const Window &window : *windows) {
    strides.push_back(window.stride);
    dilations.push_back(window.dilation);
  }
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape");
  Value init =
      node.createFilled(node.createScalar(input.type, 0), input.type, shape);
  Value operands[] = {node.getValue(*padded), node.getValue(weight)};
  DenseIntElementsAttr strideAttr = node.b.getI64TensorAttr(strides);
  DenseIntElementsAttr dilationAttr = node.b.getI64TensorAttr(dilations);
  Operation *conv;
  if (rank == 3)
    conv = linalg::Conv1DNcwFcwOp::create(node.b, init.getType(), operands,
                                          init, strideAttr, dilationAttr);
  else
    conv = linalg::Conv2DNchwFchwOp::create(node.b, init.getType(), operands,
                                            init, strideAttr, dilationAttr);
  Tensor result = makeTensor(input.type, shape, conv->getResult(0));
  if (!bias)
    return result;
  if (bias->getRank() != 1 || bias->shape[0] != shape[1])
    return node.emitError(node.getOpType() + " with a bias of shape " +
                          node.toString(bias->shape) +
                          "; expects one number for each channel");
  AffineMap byChannel =
      AffineMap::get(rank, 0, getAffineDimExpr(1, node.getContext()));
  Value sum = createGeneric(
      node, input.type, shape,
      {{result.value, node.b.getMultiDimIdentityMap(rank)},
       {node.getValue(*bias), byChannel}},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
  return makeTensor(input.type, shape, sum);
}

static LogicalResult importConv(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  FailureOr<Tensor> result =
      createConvolution(node, node.getInput(0), node.getInput(1),
                        node.hasInput(2) ? &node.getInput(2) : nullptr);
  if (failed(result))
    return failure();
  return node.setOutput(0, *result);
}

static constexpr OpRow kRows[] = {
    {"Conv", 1, 2, 3, importConv},
};

ArrayRef<OpRow> onnx::getConvolutionOps() { return kRows; }
