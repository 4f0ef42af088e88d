//===- Builders.cpp - What several operators are built from ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

Tensor onnx::makeTensor(ElementType type, ArrayRef<AffineExpr> shape,
                        Value value) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.value = value;
  return tensor;
}

Value onnx::createAdd(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                      Value rhs) {
  if (isFloat(type))
    return arith::AddFOp::create(b, lhs, rhs);
  return arith::AddIOp::create(b, lhs, rhs);
}

Value onnx::createMul(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                      Value rhs) {
  if (isFloat(type))
    return arith::MulFOp::create(b, lhs, rhs);
  return arith::MulIOp::create(b, lhs, rhs);
}

Value onnx::createMax(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                      Value rhs) {
  if (isFloat(type))
    return arith::MaximumFOp::create(b, lhs, rhs);
  if (isUnsigned(type) || type == ElementType::Bool)
    return arith::MaxUIOp::create(b, lhs, rhs);
  return arith::MaxSIOp::create(b, lhs, rhs);
}

Value onnx::createMin(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                      Value rhs) {
  if (isFloat(type))
    return arith::MinimumFOp::create(b, lhs, rhs);
  if (isUnsigned(type) || type == ElementType::Bool)
    return arith::MinUIOp::create(b, lhs, rhs);
  return arith::MinSIOp::create(b, lhs, rhs);
}

Value onnx::createGreater(ImplicitLocOpBuilder &b, ElementType type, Value lhs,
                          Value rhs) {
  if (isFloat(type))
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, lhs, rhs);
  bool ofUnsigned = isUnsigned(type) || type == ElementType::Bool;
  return arith::CmpIOp::create(
      b, ofUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt,
      lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------===//

FailureOr<Shape> onnx::getBroadcastShape(NodeImporter &node,
                                         ArrayRef<Tensor *> tensors) {
  size_t rank = 0;
  for (const Tensor *tensor : tensors)
    rank = std::max(rank, tensor->getRank());
  Shape result(rank, node.getConstantSize(1));
  for (const Tensor *tensor : tensors) {
    size_t offset = rank - tensor->getRank();
    for (auto [dim, size] : llvm::enumerate(tensor->shape)) {
      AffineExpr &known = result[offset + dim];
      if (isConstant(known, 1))
        known = size;
      else if (known != size && !isConstant(size, 1))
        return node.emitError("shapes " + node.toString(result) + " and " +
                              node.toString(tensor->shape) +
                              " do not broadcast; expects equal sizes, "
                              "or 1");
    }
  }
  if (!isReasonable(result))
    return node.emitError("result has an absurd shape " +
                          node.toString(result));
  return result;
}

AffineMap onnx::getBroadcastMap(NodeImporter &node, ArrayRef<AffineExpr> shape,
                                ArrayRef<AffineExpr> result) {
  size_t offset = result.size() - shape.size();
  SmallVector<AffineExpr> exprs;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    bool isRepeated =
        isConstant(size, 1) && !isConstant(result[offset + dim], 1);
    exprs.push_back(isRepeated
                        ? node.getConstantSize(0)
                        : getAffineDimExpr(offset + dim, node.getContext()));
  }
  return AffineMap::get(result.size(), 0, exprs, node.getContext());
}

/// `tensor` without leading sizes of 1 when it is constant: broadcasting adds
/// them again, and a bias then has one form.
static Tensor dropUnitDimensions(const Tensor &tensor) {
  if (!tensor.constant || !tensor.getRank() || !isConstant(tensor.shape[0], 1))
    return tensor;
  DenseElementsAttr elements = tensor.constant;
  auto type = cast<RankedTensorType>(elements.getType());
  ArrayRef<int64_t> shape =
      type.getShape().drop_while([](int64_t size) { return size == 1; });
  return createConstant(tensor.type, elements.reshape(type.clone(shape)),
                        tensor.name);
}

/// A generic over `iterators` with the result `init`.
static Value createGeneric(NodeImporter &node, Value init, AffineMap initMap,
                           ArrayRef<Operand> operands,
                           ArrayRef<utils::IteratorType> iterators,
                           ElementBody body) {
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (const Operand &operand : operands) {
    values.push_back(operand.value);
    maps.push_back(operand.map);
  }
  maps.push_back(initMap);
  auto generic = linalg::GenericOp::create(
      node.b, init.getType(), values, init, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder b(loc, builder);
        linalg::YieldOp::create(b, body(b, SmallVector<Value>(elements)));
      });
  return generic.getResult(0);
}

Value onnx::createGeneric(NodeImporter &node, ElementType type,
                          ArrayRef<AffineExpr> shape,
                          ArrayRef<Operand> operands, ElementBody body) {
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  return ::createGeneric(node, node.createEmpty(type, shape),
                         node.b.getMultiDimIdentityMap(shape.size()), operands,
                         iterators, body);
}

Value onnx::createElementwise(NodeImporter &node, ElementType type,
                              ArrayRef<AffineExpr> shape,
                              ArrayRef<Tensor *> tensors, ElementBody body) {
  SmallVector<Operand> operands;
  // The scalar of each constant with one element, null for the others.
  SmallVector<Value> scalars;
  for (Tensor *tensor : tensors) {
    if (tensor->constant && tensor->constant.getNumElements() == 1) {
      auto element =
          cast<TypedAttr>(*tensor->constant.getValues<Attribute>().begin());
      scalars.push_back(arith::ConstantOp::create(node.b, element));
      continue;
    }
    scalars.push_back({});
    Tensor operand = dropUnitDimensions(*tensor);
    operands.push_back(
        {node.getValue(operand), getBroadcastMap(node, operand.shape, shape)});
  }
  return onnx::createGeneric(
      node, type, shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> arguments) {
        SmallVector<Value> elements = scalars;
        for (Value &element : elements)
          if (!element) {
            element = arguments.front();
            arguments = arguments.drop_front();
          }
        return body(b, elements);
      });
}

LogicalResult onnx::setElementwiseOutput(NodeImporter &node, ElementType type,
                                         ArrayRef<Tensor *> tensors,
                                         ElementBody body) {
  FailureOr<Shape> shape = getBroadcastShape(node, tensors);
  if (failed(shape))
    return failure();
  Value value = createElementwise(node, type, *shape, tensors, body);
  return node.setOutput(0, type, *shape, value);
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

SmallVector<int64_t> onnx::getOtherAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> others;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      others.push_back(axis);
  return others;
}

Shape onnx::getReducedShape(const Tensor &tensor, ArrayRef<int64_t> axes) {
  Shape shape;
  for (int64_t axis : getOtherAxes(axes, tensor.getRank()))
    shape.push_back(tensor.shape[axis]);
  return shape;
}

AffineMap onnx::getReducedMap(NodeImporter &node, ArrayRef<int64_t> axes,
                              int64_t rank) {
  SmallVector<AffineExpr> exprs;
  for (int64_t axis : getOtherAxes(axes, rank))
    exprs.push_back(getAffineDimExpr(axis, node.getContext()));
  return AffineMap::get(rank, 0, exprs, node.getContext());
}

Value onnx::createReduction(NodeImporter &node, Tensor &tensor,
                            ArrayRef<int64_t> axes, Value identity,
                            ElementBody body) {
  Value init =
      node.createFilled(identity, tensor.type, getReducedShape(tensor, axes));
  return createReduction(
      node, init, axes,
      Operand{node.getValue(tensor),
              node.b.getMultiDimIdentityMap(tensor.getRank())},
      body);
}

Value onnx::createReduction(NodeImporter &node, Value init,
                            ArrayRef<int64_t> axes, ArrayRef<Operand> operands,
                            ElementBody body) {
  int64_t rank = operands.front().map.getNumDims();
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  for (int64_t axis : axes)
    iterators[axis] = utils::IteratorType::reduction;
  return ::createGeneric(node, init, getReducedMap(node, axes, rank), operands,
                         iterators, body);
}

Value onnx::createIndex(ImplicitLocOpBuilder &b, int64_t loop) {
  return arith::IndexCastOp::create(b, b.getI64Type(),
                                    linalg::IndexOp::create(b, loop));
}

Value onnx::createSum(NodeImporter &node, Tensor &tensor,
                      ArrayRef<int64_t> axes) {
  return createReduction(
      node, tensor, axes, node.createScalar(tensor.type, 0),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return createAdd(b, tensor.type, elements[1], elements[0]);
      });
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Dimensions of the old and of the new shape with equal products.
struct Group {
  ReassociationIndices from;
  ReassociationIndices to;
};
} // namespace

/// The finest groups of neighbours with equal products, found from the left; a
/// single group when sizes cannot be compared.
static SmallVector<Group> groupDimensions(ArrayRef<AffineExpr> from,
                                          ArrayRef<AffineExpr> to) {
  SmallVector<Group> groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    Group &group = groups.emplace_back();
    Product fromProduct, toProduct;
    auto takeFrom = [&] {
      fromProduct.multiply(from[i]);
      group.from.push_back(i++);
    };
    auto takeTo = [&] {
      toProduct.multiply(to[j]);
      group.to.push_back(j++);
    };
    takeFrom();
    takeTo();
    while (!(fromProduct == toProduct)) {
      bool fromIsFactor = toProduct.divide(fromProduct).has_value();
      bool toIsFactor = fromProduct.divide(toProduct).has_value();
      bool more = false;
      if (i < from.size() && (fromIsFactor || !toIsFactor)) {
        takeFrom();
        more = true;
      }
      if (j < to.size() && !fromIsFactor) {
        takeTo();
        more = true;
      }
      if (!more)
        break;
    }
  }
  // What is left has size 1, or cannot be compared; in the last group both are
  // right.
  for (; i < from.size() && !groups.empty(); ++i)
    groups.back().from.push_back(i);
  for (; j < to.size() && !groups.empty(); ++j)
    groups.back().to.push_back(j);
  return groups;
}

Value onnx::createReshape(NodeImporter &node, Value value, ElementType type,
                          ArrayRef<AffineExpr> from, ArrayRef<AffineExpr> to) {
  if (from == to)
    return value;
  SmallVector<Group> groups = groupDimensions(from, to);
  SmallVector<ReassociationIndices> collapse, expand;
  Shape middle;
  for (Group &group : groups) {
    Product product;
    for (int64_t dim : group.from)
      product.multiply(from[dim]);
    middle.push_back(product.getExpr(node.getContext()));
    collapse.push_back(std::move(group.from));
    expand.push_back(std::move(group.to));
  }
  if (middle.size() != from.size())
    value = tensor::CollapseShapeOp::create(node.b, node.getType(type, middle),
                                            value, collapse);
  if (middle.size() == to.size())
    return value;
  return tensor::ExpandShapeOp::create(node.b, node.getType(type, to), value,
                                       expand, node.getSizes(to));
}

Tensor onnx::reshapeTensor(NodeImporter &node, Tensor &tensor,
                           ArrayRef<AffineExpr> to) {
  Tensor result;
  result.type = tensor.type;
  result.shape.assign(to.begin(), to.end());
  if (tensor.constant) {
    result.constant =
        tensor.constant.reshape(node.getType(tensor.type, result.shape));
    result.name = tensor.name;
    return result;
  }
  if (tensor.elements && to.size() <= 1) {
    result.elements = tensor.elements;
    return result;
  }
  result.value =
      createReshape(node, node.getValue(tensor), tensor.type, tensor.shape, to);
  return result;
}

Value onnx::createTranspose(NodeImporter &node, Value value, ElementType type,
                            ArrayRef<AffineExpr> shape,
                            ArrayRef<int64_t> permutation) {
  Shape result = llvm::map_to_vector<4>(
      permutation, [&](int64_t dim) { return shape[dim]; });
  Value init = node.createEmpty(type, result);
  return linalg::TransposeOp::create(node.b, value, init, permutation)
      ->getResult(0);
}

Tensor onnx::extractPart(NodeImporter &node, Tensor &input, int64_t axis,
                         int64_t offset, int64_t size, int64_t step) {
  Shape shape = input.shape;
  shape[axis] = node.getConstantSize(size);
  // A slice has to begin inside, where there may be no element.
  if (size == 0)
    return makeTensor(input.type, shape, node.createEmpty(input.type, shape));
  SmallVector<OpFoldResult> offsets(input.getRank(), node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(input.getRank(), node.b.getIndexAttr(1));
  offsets[axis] = node.b.getIndexAttr(offset);
  strides[axis] = node.b.getIndexAttr(step);
  Value value = tensor::ExtractSliceOp::create(
      node.b, node.getType(input.type, shape), node.getValue(input), offsets,
      node.getSizes(shape), strides);
  return makeTensor(input.type, shape, value);
}
