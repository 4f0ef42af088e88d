//===- Linear.cpp - MatMul and Gemm ---------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Einsum.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

Value onnx::createMatmul(NodeImporter &node, ElementType type, Value lhs,
                         Value rhs, ArrayRef<AffineExpr> shape,
                         bool isRhsTransposed) {
  Value init = node.createFilled(node.createScalar(type, 0), type, shape);
  SmallVector<NamedAttribute> attributes;
  if (isRhsTransposed) {
    AffineExpr m, n, k;
    bindDims(node.getContext(), m, n, k);
    SmallVector<AffineExpr, 4> exprs[] = {{m, k}, {n, k}, {m, n}};
    SmallVector<AffineMap> maps =
        AffineMap::inferFromExprList(ArrayRef(exprs), node.getContext());
    attributes.push_back(node.b.getNamedAttr(
        "indexing_maps", node.b.getAffineMapArrayAttr(maps)));
  }
  return linalg::MatmulOp::create(node.b, init.getType(), ValueRange{lhs, rhs},
                                  init, attributes)
      .getResult(0);
}

/// `scale * constant`, each element rounded to its type.
static DenseElementsAttr scaleConstant(DenseElementsAttr constant,
                                       float scale) {
  auto floats = cast<DenseFPElementsAttr>(constant);
  return floats.mapValues(constant.getElementType(), [&](const APFloat &value) {
    APFloat factor(scale);
    bool losesInfo;
    factor.convert(value.getSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return (value * factor).bitcastToAPInt();
  });
}

/// `scale * tensor`, folded into a constant.
static Tensor scaleTensor(NodeImporter &node, Tensor &tensor, float scale) {
  if (scale == 1.0f) {
    node.getValue(tensor);
    return tensor;
  }
  if (tensor.constant)
    return createConstant(tensor.type, scaleConstant(tensor.constant, scale));
  Value factor = node.createScalar(tensor.type, scale);
  Value scaled = createElementwise(
      node, tensor.type, tensor.shape, &tensor,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::MulFOp::create(b, elements[0], factor);
      });
  return makeTensor(tensor.type, tensor.shape, scaled);
}

/// Y = alpha * A' * B' + beta * C, where the prime is an optional transposition
/// and C broadcasts to the shape of Y.
static LogicalResult importGemm(NodeImporter &node) {
  if (failed(node.expectFloats(3)))
    return failure();
  Tensor lhs = node.getInput(0);
  Tensor rhs = node.getInput(1);
  if (lhs.getRank() != 2 || rhs.getRank() != 2)
    return node.emitError("Gemm of shapes " + node.toString(lhs.shape) +
                          " and " + node.toString(rhs.shape) +
                          "; expects matrices");
  bool isLhsTransposed = node.getInt("transA", 0);
  bool isRhsTransposed = node.getInt("transB", 0);
  AffineExpr rows = lhs.shape[isLhsTransposed ? 1 : 0];
  AffineExpr depth = lhs.shape[isLhsTransposed ? 0 : 1];
  AffineExpr columns = rhs.shape[isRhsTransposed ? 0 : 1];
  if (depth != rhs.shape[isRhsTransposed ? 1 : 0])
    return node.emitError("Gemm of shapes " + node.toString(lhs.shape) +
                          " and " + node.toString(rhs.shape) +
                          "; expects equal inner sizes");
  Shape shape = {rows, columns};

  float alpha = node.getFloat("alpha", 1.0f);
  bool isFolded = rhs.constant != nullptr;
  if (isFolded)
    rhs = scaleTensor(node, rhs, alpha);
  Value lhsValue = node.getInputValue(0);
  if (isLhsTransposed)
    lhsValue = createTranspose(node, lhsValue, lhs.type, lhs.shape, {1, 0});
  Tensor result =
      makeTensor(lhs.type, shape,
                 createMatmul(node, lhs.type, lhsValue, node.getValue(rhs),
                              shape, isRhsTransposed));
  if (!isFolded)
    result = scaleTensor(node, result, alpha);
  float beta = node.getFloat("beta", 1.0f);
  if (!node.hasInput(2) || beta == 0.0f)
    return node.setOutput(0, result);

  Tensor bias = scaleTensor(node, node.getInput(2), beta);
  FailureOr<Shape> sum = getBroadcastShape(node, {&result, &bias});
  if (failed(sum))
    return failure();
  if (*sum != shape)
    return node.emitError("Gemm with C of shape " + node.toString(bias.shape) +
                          "; expects one that broadcasts to " +
                          node.toString(shape));
  return setElementwiseOutput(
      node, lhs.type, {&result, &bias},
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
}

/// A contraction whose batch dimensions broadcast: those that an operand has
/// with size 1, where the other has more, are no dimensions of it.
static Value createBroadcastMatmul(NodeImporter &node, Tensor &lhs, Tensor &rhs,
                                   ArrayRef<AffineExpr> shape) {
  size_t batchRank = shape.size() - 2;
  auto getTerm = [&](Tensor &tensor, StringRef matrix) {
    Term term;
    Shape kept;
    size_t missing = shape.size() - tensor.getRank();
    for (auto [dim, size] :
         llvm::enumerate(ArrayRef(tensor.shape).drop_back(2))) {
      if (size != shape[missing + dim])
        continue;
      term.dims += static_cast<char>('0' + missing + dim);
      kept.push_back(size);
    }
    term.dims += matrix;
    kept.append(tensor.shape.end() - 2, tensor.shape.end());
    term.tensor = reshapeTensor(node, tensor, kept);
    return term;
  };
  std::string dims;
  for (size_t dim = 0; dim < batchRank; ++dim)
    dims += static_cast<char>('0' + dim);
  Tensor result =
      createEinsum(node, getTerm(lhs, "mk"), getTerm(rhs, "kn"), dims + "mn");
  return node.getValue(result);
}

/// The product of stacks of matrices of equal batch shape.
static Value createBatchMatmul(NodeImporter &node, Tensor &lhs, Tensor &rhs,
                               ArrayRef<AffineExpr> shape) {
  AffineExpr batch = Product(shape.drop_back(2)).getExpr(node.getContext());
  auto flatten = [&](Tensor &tensor) {
    Shape flat = {batch, tensor.shape[tensor.getRank() - 2],
                  tensor.shape.back()};
    return createReshape(node, node.getValue(tensor), tensor.type, tensor.shape,
                         flat);
  };
  Shape flat = {batch, shape[shape.size() - 2], shape.back()};
  ElementType type = lhs.type;
  Value operands[] = {flatten(lhs), flatten(rhs)};
  Value init = node.createFilled(node.createScalar(type, 0), type, flat);
  Value result =
      linalg::BatchMatmulOp::create(node.b, init.getType(), operands, init)
          .getResult(0);
  return createReshape(node, result, type, flat, shape);
}

/// `[..., K] * [K, N]` as one matmul of all rows.
static Value createLinear(NodeImporter &node, Tensor &lhs, Tensor &rhs,
                          ArrayRef<AffineExpr> shape) {
  AffineExpr rows =
      Product(ArrayRef(lhs.shape).drop_back()).getExpr(node.getContext());
  Shape flatLhs = {rows, lhs.shape.back()};
  Shape flatResult = {rows, shape.back()};
  Value flat =
      createReshape(node, node.getValue(lhs), lhs.type, lhs.shape, flatLhs);
  Value result = createMatmul(node, lhs.type, flat, node.getValue(rhs),
                              flatResult, /*isRhsTransposed=*/false);
  return createReshape(node, result, lhs.type, flatResult, shape);
}

/// A tensor of rank 1 as a matrix with a 1 before or after its size.
static Tensor toMatrix(NodeImporter &node, Tensor &vector, bool isRow) {
  Shape shape = vector.shape;
  shape.insert(isRow ? shape.begin() : shape.end(), node.getConstantSize(1));
  return makeTensor(vector.type, shape,
                    createReshape(node, node.getValue(vector), vector.type,
                                  vector.shape, shape));
}

/// numpy.matmul, which becomes output 0.
static LogicalResult importMatMul(NodeImporter &node) {
  node.getInputValue(0);
  node.getInputValue(1);
  Tensor lhs = node.getInput(0);
  Tensor rhs = node.getInput(1);
  if (lhs.type != rhs.type || lhs.type == ElementType::Bool)
    return node.emitError("MatMul of " + getName(lhs.type) + " and " +
                          getName(rhs.type) + "; expects equal number types");
  bool isMismatch = lhs.getRank() == 0 || rhs.getRank() == 0;
  isMismatch =
      isMismatch ||
      lhs.shape.back() != rhs.shape[std::max<size_t>(rhs.getRank(), 2) - 2];
  if (isMismatch)
    return node.emitError("MatMul of shapes " + node.toString(lhs.shape) +
                          " and " + node.toString(rhs.shape) +
                          "; expects equal inner sizes");
  bool isLhsVector = lhs.getRank() == 1;
  bool isRhsVector = rhs.getRank() == 1;
  if (isLhsVector)
    lhs = toMatrix(node, lhs, /*isRow=*/true);
  if (isRhsVector)
    rhs = toMatrix(node, rhs, /*isRow=*/false);

  Tensor lhsBatch = lhs, rhsBatch = rhs;
  lhsBatch.shape.pop_back_n(2);
  rhsBatch.shape.pop_back_n(2);
  FailureOr<Shape> shape = getBroadcastShape(node, {&lhsBatch, &rhsBatch});
  if (failed(shape))
    return failure();
  shape->append({lhs.shape[lhs.getRank() - 2], rhs.shape.back()});
  if (!isReasonable(*shape))
    return node.emitError("MatMul has an absurd result shape " +
                          node.toString(*shape));

  Value value;
  if (rhs.getRank() == 2)
    value = createLinear(node, lhs, rhs, *shape);
  else if (lhsBatch.shape == rhsBatch.shape)
    value = createBatchMatmul(node, lhs, rhs, *shape);
  else
    value = createBroadcastMatmul(node, lhs, rhs, *shape);

  // The sizes of 1 that vectors got are dropped again.
  Shape result = *shape;
  if (isRhsVector)
    result.pop_back();
  if (isLhsVector)
    result.erase(result.end() - (isRhsVector ? 1 : 2));
  value = createReshape(node, value, lhs.type, *shape, result);
  return node.setOutput(0, lhs.type, result, value);
}

static constexpr OpRow kRows[] = {
    {"Gemm", 7, 2, 3, importGemm},
    {"MatMul", 1, 2, 2, importMatMul},
};

ArrayRef<OpRow> onnx::getLinearOps() { return kRows; }
