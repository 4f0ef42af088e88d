//===- Scatter.cpp - Elements at computed positions -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

static LogicalResult expectIndices(NodeImporter &node) {
  ElementType type = node.getInput(1).type;
  if (type == ElementType::Int32 || type == ElementType::Int64)
    return success();
  return node.emitError("indices are " + getName(type) +
                        "; expects INT32 or INT64");
}

/// `number`, counted from the end of `size` positions if it is negative.
static Value createIndexFromEnd(ImplicitLocOpBuilder &b, Value number,
                                Value size) {
  Value index = arith::IndexCastOp::create(b, b.getIndexType(), number);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, zero);
  Value fromEnd = arith::AddIOp::create(b, index, size);
  return arith::SelectOp::create(b, isNegative, fromEnd, index);
}

/// The same; one that is out of range becomes the nearest position.
static Value createPosition(ImplicitLocOpBuilder &b, Value number, Value size) {
  Value index = createIndexFromEnd(b, number, size);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value last = arith::SubIOp::create(b, size, one);
  index = arith::MinSIOp::create(b, index, last);
  return arith::MaxSIOp::create(b, index, zero);
}

static SmallVector<Value> getSizeValues(NodeImporter &node,
                                        const Tensor &tensor) {
  return llvm::map_to_vector(
      tensor.shape, [&](AffineExpr size) { return node.getSizeValue(size); });
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

/// out[p] = data[p with indices[p] along the axis].
static LogicalResult importGatherElements(NodeImporter &node) {
  Tensor &data = node.getInput(0), &indices = node.getInput(1);
  int64_t rank = data.getRank();
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", 0), rank);
  if (failed(axis) || failed(expectIndices(node)))
    return failure();
  if (static_cast<int64_t>(indices.getRank()) != rank)
    return node.emitError("indices have rank " + Twine(indices.getRank()) +
                          "; expects that of the data, " + Twine(rank));
  for (int64_t dim = 0; dim < rank; ++dim) {
    std::optional<int64_t> size = getConstant(data.shape[dim]);
    std::optional<int64_t> used = getConstant(indices.shape[dim]);
    bool fits =
        size && used ? *used <= *size : data.shape[dim] == indices.shape[dim];
    if (dim != *axis && !fits)
      return node.emitError("indices have shape " +
                            node.toString(indices.shape) + "; expects sizes " +
                            "within those of " + node.toString(data.shape));
  }
  Value source = node.getValue(data);
  Value size = node.getSizeValue(data.shape[*axis]);
  Value value = createGeneric(
      node, data.type, indices.shape,
      Operand{node.getValue(indices), node.b.getMultiDimIdentityMap(rank)},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        SmallVector<Value> point;
        for (int64_t dim = 0; dim < rank; ++dim)
          point.push_back(dim == *axis ? createPosition(b, x[0], size)
                                       : linalg::IndexOp::create(b, dim));
        return tensor::ExtractOp::create(b, source, point);
      });
  return node.setOutput(0, data.type, indices.shape, value);
}

/// The maps to entry 0, 1, ... of the last dimension of indices, whose other
/// dimensions are loops from `firstLoop` on, of `numLoops`.
static SmallVector<AffineMap> getEntryMaps(NodeImporter &node,
                                           const Tensor &indices, int64_t count,
                                           int64_t firstLoop,
                                           int64_t numLoops) {
  SmallVector<AffineMap> maps;
  for (int64_t entry = 0; entry < count; ++entry) {
    SmallVector<AffineExpr> exprs;
    for (size_t dim = 0; dim + 1 < indices.getRank(); ++dim)
      exprs.push_back(getAffineDimExpr(firstLoop + dim, node.getContext()));
    exprs.push_back(node.getConstantSize(entry));
    maps.push_back(AffineMap::get(numLoops, 0, exprs, node.getContext()));
  }
  return maps;
}

/// How many dimensions of `data` after `batchDims` a row of `indices` fixes, or
/// an error.
static FailureOr<int64_t> getTupleSize(NodeImporter &node, const Tensor &data,
                                       const Tensor &indices,
                                       int64_t batchDims) {
  if (indices.getRank() == 0)
    return node.emitError("indices are a scalar; expects rank 1 at least");
  std::optional<int64_t> size = getConstant(indices.shape.back());
  if (!size || *size > static_cast<int64_t>(data.getRank()) - batchDims ||
      *size < 1)
    return node.emitError("indices have shape " + node.toString(indices.shape) +
                          "; expects the last size to be constant and at most "
                          "the rank of the data, " +
                          Twine(data.getRank()));
  return *size;
}

/// out[b, u, r] = data[b, indices[b, u], r].
static LogicalResult importGatherND(NodeImporter &node) {
  Tensor &data = node.getInput(0), &indices = node.getInput(1);
  int64_t batchDims = node.getInt("batch_dims", 0);
  if (failed(expectIndices(node)))
    return failure();
  if (batchDims < 0 || batchDims >= static_cast<int64_t>(indices.getRank()) ||
      batchDims >= static_cast<int64_t>(data.getRank()) ||
      ArrayRef(data.shape).take_front(batchDims) !=
          ArrayRef(indices.shape).take_front(batchDims))
    return node.emitError("batch_dims is " + Twine(batchDims) +
                          "; expects so many equal sizes at the front of " +
                          node.toString(data.shape) + " and " +
                          node.toString(indices.shape));
  FailureOr<int64_t> count = getTupleSize(node, data, indices, batchDims);
  if (failed(count))
    return failure();
  Shape shape(ArrayRef(indices.shape).drop_back());
  int64_t numIndexLoops = shape.size();
  shape.append(data.shape.begin() + batchDims + *count, data.shape.end());
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape " + node.toString(shape));
  SmallVector<Operand> operands;
  Value numbers = node.getValue(indices);
  for (AffineMap map :
       getEntryMaps(node, indices, *count, /*firstLoop=*/0, shape.size()))
    operands.push_back({numbers, map});
  Value source = node.getValue(data);
  SmallVector<Value> sizes = getSizeValues(node, data);
  Value value =
      createGeneric(node, data.type, shape, operands,
                    [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
                      SmallVector<Value> point;
                      for (int64_t dim = 0; dim < batchDims; ++dim)
                        point.push_back(linalg::IndexOp::create(b, dim));
                      for (int64_t entry = 0; entry < *count; ++entry)
                        point.push_back(createPosition(
                            b, x[entry], sizes[batchDims + entry]));
                      for (int64_t loop = numIndexLoops, end = shape.size();
                           loop < end; ++loop)
                        point.push_back(linalg::IndexOp::create(b, loop));
                      return tensor::ExtractOp::create(b, source, point);
                    });
  return node.setOutput(0, data.type, shape, value);
}

//===----------------------------------------------------------------------===//
// Scattering
//===----------------------------------------------------------------------===//

namespace {
using Combine = Value (*)(ImplicitLocOpBuilder &, ElementType, Value, Value);
} // namespace

/// What the node does with an element and an update of it.
static FailureOr<Combine> getCombine(NodeImporter &node) {
  StringRef kind = node.getString("reduction", "none");
  ElementType type = node.getInput(0).type;
  if (node.getInput(2).type != type)
    return node.emitError("updates are " + getName(node.getInput(2).type) +
                          "; expects the type of the data, " + getName(type));
  if (kind == "none")
    return Combine([](ImplicitLocOpBuilder &, ElementType, Value,
                      Value update) { return update; });
  if (!isFloat(type) && !isInteger(type))
    return node.emitError("reduction of " + getName(type) +
                          "; expects numbers");
  if (kind == "add")
    return Combine(createAdd);
  if (kind == "mul")
    return Combine(createMul);
  if (kind == "max")
    return Combine(createMax);
  if (kind == "min")
    return Combine(createMin);
  return node.emitError("reduction '" + kind +
                        "'; expects none, add, mul, max or min");
}

/// acc where the update is for another element, else both combined.
static Value createUpdate(ImplicitLocOpBuilder &b, ElementType type,
                          Combine combine, Value isHere, Value element,
                          Value update) {
  Value combined = combine(b, type, element, update);
  return arith::SelectOp::create(b, isHere, combined, element);
}

static Value createIsEqual(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, rhs);
}

/// Each element meets all updates along the axis, in their order, so that the
/// last one for it stays. Where the updates are fewer along other dimensions,
/// each element meets all of them.
static LogicalResult importScatterElements(NodeImporter &node) {
  Tensor &data = node.getInput(0), &indices = node.getInput(1);
  Tensor &updates = node.getInput(2);
  int64_t rank = data.getRank();
  FailureOr<int64_t> axis = node.getAxis(node.getInt("axis", 0), rank);
  FailureOr<Combine> combine = getCombine(node);
  if (failed(axis) || failed(combine) || failed(expectIndices(node)))
    return failure();
  if (static_cast<int64_t>(indices.getRank()) != rank ||
      indices.shape != updates.shape)
    return node.emitError("indices and updates have shapes " +
                          node.toString(indices.shape) + " and " +
                          node.toString(updates.shape) +
                          "; expects equal ones of rank " + Twine(rank));
  // The dimensions of the updates that are loops of their own.
  SmallVector<int64_t> own;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim == *axis || data.shape[dim] != indices.shape[dim])
      own.push_back(dim);
  SmallVector<AffineExpr> exprs;
  int64_t numLoops = rank;
  SmallVector<int64_t> loopOf, reductions;
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isOwn = llvm::is_contained(own, dim);
    loopOf.push_back(isOwn ? numLoops++ : dim);
    if (isOwn)
      reductions.push_back(loopOf.back());
    exprs.push_back(getAffineDimExpr(loopOf.back(), node.getContext()));
  }
  AffineMap map = AffineMap::get(numLoops, 0, exprs, node.getContext());
  Value size = node.getSizeValue(data.shape[*axis]);
  Value value = createReduction(
      node, node.getValue(data), reductions,
      {Operand{node.getValue(indices), map},
       Operand{node.getValue(updates), map}},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value isHere = createIsEqual(b, createIndexFromEnd(b, x[0], size),
                                     linalg::IndexOp::create(b, *axis));
        for (int64_t dim : own)
          if (dim != *axis)
            isHere = arith::AndIOp::create(
                b, isHere,
                createIsEqual(b, linalg::IndexOp::create(b, loopOf[dim]),
                              linalg::IndexOp::create(b, dim)));
        return createUpdate(b, data.type, *combine, isHere, x[2], x[1]);
      });
  return node.setOutput(0, data.type, data.shape, value);
}

/// data[indices[u], r] gets updates[u, r]: each element meets all u in order.
static LogicalResult importScatterND(NodeImporter &node) {
  Tensor &data = node.getInput(0), &indices = node.getInput(1);
  Tensor &updates = node.getInput(2);
  int64_t rank = data.getRank();
  FailureOr<Combine> combine = getCombine(node);
  if (failed(combine) || failed(expectIndices(node)))
    return failure();
  FailureOr<int64_t> count = getTupleSize(node, data, indices, /*batchDims=*/0);
  if (failed(count))
    return failure();
  Shape expected(ArrayRef(indices.shape).drop_back());
  int64_t numUpdateLoops = expected.size();
  expected.append(data.shape.begin() + *count, data.shape.end());
  if (expected != updates.shape)
    return node.emitError("updates have shape " + node.toString(updates.shape) +
                          "; expects " + node.toString(expected));
  int64_t numLoops = rank + numUpdateLoops;
  SmallVector<int64_t> reductions =
      llvm::to_vector(llvm::seq<int64_t>(rank, numLoops));
  SmallVector<AffineExpr> exprs;
  for (int64_t loop : reductions)
    exprs.push_back(getAffineDimExpr(loop, node.getContext()));
  for (int64_t dim = *count; dim < rank; ++dim)
    exprs.push_back(getAffineDimExpr(dim, node.getContext()));
  SmallVector<Operand> operands;
  Value numbers = node.getValue(indices);
  for (AffineMap map :
       getEntryMaps(node, indices, *count, /*firstLoop=*/rank, numLoops))
    operands.push_back({numbers, map});
  operands.push_back({node.getValue(updates),
                      AffineMap::get(numLoops, 0, exprs, node.getContext())});
  SmallVector<Value> sizes = getSizeValues(node, data);
  Value value = createReduction(
      node, node.getValue(data), reductions, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> x) -> Value {
        Value isHere;
        for (int64_t entry = 0; entry < *count; ++entry) {
          Value isEqual =
              createIsEqual(b, createIndexFromEnd(b, x[entry], sizes[entry]),
                            linalg::IndexOp::create(b, entry));
          isHere = isHere ? arith::AndIOp::create(b, isHere, isEqual) : isEqual;
        }
        return createUpdate(b, data.type, *combine, isHere, x[*count + 1],
                            x[*count]);
      });
  return node.setOutput(0, data.type, data.shape, value);
}

static constexpr OpRow kRows[] = {
    {"GatherElements", 11, 2, 2, importGatherElements, Halves::Keep},
    {"GatherND", 11, 2, 2, importGatherND, Halves::Keep},
    {"Scatter", 9, 3, 3, importScatterElements},
    {"ScatterElements", 11, 3, 3, importScatterElements},
    {"ScatterND", 11, 3, 3, importScatterND},
};

ArrayRef<OpRow> onnx::getScatterOps() { return kRows; }
