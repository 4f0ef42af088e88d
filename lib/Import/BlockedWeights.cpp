//===- BlockedWeights.cpp - MatMulNBits -----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// onnxruntime's weight-only layer. Its weight is [N, K] in blocks along K,
// which are stored as [N, K / block, bytes] with the first element of a byte
// lowest; each block has a scale and a zero point. The simulated form is a
// MatMul of the dequantized weight.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "QuantizedTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// `size` unsigned integers of `bits` for each of `rows` rows of whole bytes in
/// `data`, a byte each.
static SmallVector<char, 0> unpackRows(ArrayRef<char> data, int64_t rows,
                                       int64_t size, int64_t bits) {
  int64_t stride = llvm::divideCeil(size * bits, 8);
  int64_t perByte = 8 / bits, mask = (1 << bits) - 1;
  SmallVector<char, 0> elements;
  elements.reserve(rows * size);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t index = 0; index < size; ++index) {
      auto byte = static_cast<uint8_t>(data[row * stride + index / perByte]);
      elements.push_back(
          static_cast<char>(byte >> (index % perByte * bits) & mask));
    }
  return elements;
}

/// The constant [rows, size] that `packed` holds; fails for other sizes.
static FailureOr<Tensor> unpackConstant(NodeImporter &node, Tensor &packed,
                                        int64_t rows, int64_t size,
                                        int64_t bits) {
  int64_t numBytes = rows * llvm::divideCeil(size * bits, 8);
  if (!packed.constant || packed.type != ElementType::UInt8 ||
      packed.constant.getNumElements() != numBytes)
    return node.emitError(
        "MatMulNBits with weights or zero points of type " +
        getName(packed.type) + " and shape " + node.toString(packed.shape) +
        "; expects constants of " + Twine(numBytes) + " bytes");
  ElementType type = bits == 4 ? ElementType::UInt4 : ElementType::UInt8;
  // A splat is a single byte.
  SmallVector<char, 0> data;
  for (uint8_t byte : packed.constant.getValues<uint8_t>())
    data.push_back(static_cast<char>(byte));
  return createConstant(
      type,
      DenseElementsAttr::getFromRawBuffer(
          RankedTensorType::get({rows, size},
                                getMlirType(type, node.getContext())),
          unpackRows(data, rows, size, bits)),
      packed.name);
}

static LogicalResult importMatMulNBits(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  int64_t depth = node.getInt("K", 0), columns = node.getInt("N", 0);
  int64_t bits = node.getInt("bits", 4);
  int64_t blockSize = node.getInt("block_size", 0);
  if ((bits != 4 && bits != 8) || blockSize < 1 || depth < 1 || columns < 1 ||
      depth > kMaxElements / columns || depth % blockSize != 0 ||
      blockSize * bits % 8 != 0)
    return node.emitError(
        "MatMulNBits of K = " + Twine(depth) + ", N = " + Twine(columns) +
        ", bits = " + Twine(bits) + ", block_size = " + Twine(blockSize) +
        "; expects 4 or 8 bits and whole blocks along K");
  if (node.hasInput(4))
    return node.emitError(
        "MatMulNBits with g_idx; expects blocks of neighbours");
  int64_t numBlocks = depth / blockSize;
  FailureOr<Tensor> weight =
      unpackConstant(node, node.getInput(1), columns, depth, bits);
  if (failed(weight))
    return failure();
  Tensor &scales = node.getInput(2);
  Shape blocks = node.getConstantSizes({columns, numBlocks});
  if (!(Product(scales.shape) == Product(blocks)))
    return node.emitError("MatMulNBits with scales of shape " +
                          node.toString(scales.shape) + "; expects " +
                          node.toString(blocks));
  Tensor scale = reshapeTensor(node, scales, blocks);
  FailureOr<Tensor> zeroPoint;
  if (node.hasInput(3)) {
    zeroPoint =
        unpackConstant(node, node.getInput(3), columns, numBlocks, bits);
    if (failed(zeroPoint))
      return failure();
  } else {
    ElementType type = weight->type;
    zeroPoint = createConstant(
        type, DenseElementsAttr::get(
                  node.getType(type, blocks),
                  node.b.getIntegerAttr(getMlirType(type, node.getContext()),
                                        -getSignBit(type))));
  }
  FailureOr<Tensor> floats = createDequantized(
      node, *weight, {&scale, &*zeroPoint, /*axis=*/1, blockSize});
  if (failed(floats))
    return failure();
  FailureOr<SmallVector<Tensor>> transposed =
      importAs(node, "Transpose", &*floats);
  if (failed(transposed))
    return failure();
  FailureOr<SmallVector<Tensor>> product =
      importAs(node, "MatMul", {&input, &transposed->front()});
  if (failed(product) || !node.hasInput(5))
    return failed(product) ? failure() : node.setOutput(0, product->front());
  return setElementwiseOutput(
      node, product->front().type, {&product->front(), &node.getInput(5)},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
}

static constexpr OpRow kRows[] = {
    {"MatMulNBits", 1, 3, 6, importMatMulNBits},
};

ArrayRef<OpRow> onnx::getMicrosoftBlockedWeightOps() { return kRows; }
