//===- RotaryEmbedding.cpp - Rotations by positions -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The cosines or sines of input `index` for each batch and element of the
/// sequence, with a dimension of size 1 for the heads at `headDim` of [B, S].
static FailureOr<Tensor> getAngles(NodeImporter &node, unsigned index,
                                   AffineExpr batch, AffineExpr length,
                                   int64_t half, int64_t headDim) {
  Tensor table = node.getInput(index);
  AffineExpr size = node.getConstantSize(half);
  Shape shape = {batch, length, size};
  if (node.hasInput(3)) {
    Tensor &numbers = node.getInput(3);
    if (numbers.type != ElementType::Int64 ||
        numbers.shape != Shape{batch, length} || table.getRank() != 2 ||
        table.shape[1] != size)
      return node.emitError(
          "RotaryEmbedding with positions of type " + getName(numbers.type) +
          " and shape " + node.toString(numbers.shape) + " in a table of " +
          node.toString(table.shape) + "; expects an INT64 for each element, " +
          node.toString({batch, length}) + ", and " + Twine(half) +
          " angles for each position");
    table = makeTensor(table.type, shape,
                       createLookup(node, table, numbers, /*axis=*/0, shape));
  }
  if (table.shape != shape)
    return node.emitError("RotaryEmbedding with angles of shape " +
                          node.toString(table.shape) + "; expects " +
                          node.toString(shape));
  shape.insert(shape.begin() + headDim, node.getConstantSize(1));
  return reshapeTensor(node, table, shape);
}

/// Pairs of elements (x, y) of a head, its two halves or its neighbours, become
/// (cos x - sin y, sin x + cos y); what is past rotary_embedding_dim stays.
static LogicalResult importRotaryEmbedding(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  Tensor input = node.getInput(0);
  Shape inputShape = input.shape;
  size_t rank = input.getRank();
  if (rank != 3 && rank != 4)
    return node.emitError("RotaryEmbedding of " + node.toString(inputShape) +
                          "; expects rank 3 or 4");
  std::optional<int64_t> size = getConstant(input.shape.back());
  int64_t numHeads = node.getInt("num_heads", 0);
  if (size && rank == 3 && numHeads > 0 && *size % numHeads == 0) {
    size = *size / numHeads;
    input = reshapeTensor(node, input,
                          {inputShape[0], inputShape[1],
                           node.getConstantSize(numHeads),
                           node.getConstantSize(*size)});
  } else if (rank == 3) {
    return node.emitError("RotaryEmbedding of " + node.toString(inputShape) +
                          " with num_heads " + Twine(numHeads) +
                          "; expects as many equal parts of a constant size");
  }
  int64_t rotated = node.getInt("rotary_embedding_dim", 0);
  if (size && rotated == 0)
    rotated = *size;
  if (!size || rotated < 0 || rotated > *size || rotated % 2 != 0)
    return node.emitError("RotaryEmbedding of " + Twine(rotated) +
                          " elements of a head in " +
                          node.toString(inputShape) +
                          "; expects an even number, up to the constant size "
                          "of a head");
  int64_t half = rotated / 2;
  int64_t headDim = rank == 3 ? 2 : 1;
  AffineExpr length = input.shape[rank == 3 ? 1 : 2];
  FailureOr<Tensor> cosines =
      getAngles(node, 1, input.shape[0], length, half, headDim);
  FailureOr<Tensor> sines =
      getAngles(node, 2, input.shape[0], length, half, headDim);
  if (failed(cosines) || failed(sines))
    return failure();

  int64_t step = node.getInt("interleaved", 0) ? 2 : 1;
  int64_t second = step == 2 ? 1 : half;
  Tensor x = extractPart(node, input, 3, 0, half, step);
  Tensor y = extractPart(node, input, 3, second, half, step);
  auto rotate = [&](Tensor &first, Tensor &other, bool isDifference) {
    Tensor *operands[] = {&*cosines, &first, &*sines, &other};
    Value value = createElementwise(
        node, input.type, x.shape, operands,
        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
          Value lhs = arith::MulFOp::create(b, elements[0], elements[1]);
          Value rhs = arith::MulFOp::create(b, elements[2], elements[3]);
          if (isDifference)
            return arith::SubFOp::create(b, lhs, rhs);
          return arith::AddFOp::create(b, lhs, rhs);
        });
    return makeTensor(input.type, x.shape, value);
  };
  Value result = node.createEmpty(input.type, input.shape);
  auto insert = [&](Tensor part, int64_t offset, int64_t stride) {
    SmallVector<OpFoldResult> offsets(4, node.b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(4, node.b.getIndexAttr(1));
    offsets[3] = node.b.getIndexAttr(offset);
    strides[3] = node.b.getIndexAttr(stride);
    result = tensor::InsertSliceOp::create(node.b, node.getValue(part), result,
                                           offsets, node.getSizes(part.shape),
                                           strides);
  };
  insert(rotate(x, y, /*isDifference=*/true), 0, step);
  insert(rotate(y, x, /*isDifference=*/false), second, step);
  if (rotated < *size)
    insert(extractPart(node, input, 3, rotated, *size - rotated), rotated, 1);
  return node.setOutput(
      0, input.type, inputShape,
      createReshape(node, result, input.type, input.shape, inputShape));
}

static constexpr OpRow kRows[] = {
    {"RotaryEmbedding", 23, 3, 4, importRotaryEmbedding},
};

ArrayRef<OpRow> onnx::getRotaryOps() { return kRows; }
