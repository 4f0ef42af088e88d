//===- ChannelDims.cpp - Where the outputs of a layer are -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/ChannelDims.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace quantc;

ChannelDims::ChannelDims(int64_t dim, int64_t size) {
  if (size == 1)
    return;
  dims.push_back(dim);
  sizes.push_back(size);
}

/// A dimension becomes several, in order.
LogicalResult ChannelDims::split(ArrayRef<ReassociationIndices> groups,
                                 ArrayRef<int64_t> shape) {
  SmallVector<int64_t> newDims, newSizes;
  for (int64_t dim : dims)
    for (int64_t part : groups[dim]) {
      if (ShapedType::isDynamic(shape[part]))
        return failure();
      if (shape[part] == 1)
        continue;
      newDims.push_back(part);
      newSizes.push_back(shape[part]);
    }
  dims = std::move(newDims);
  sizes = std::move(newSizes);
  return success();
}

/// Several dimensions, of `shape`, become one: all of them count outputs, one
/// after the other, or none does.
LogicalResult ChannelDims::merge(ArrayRef<ReassociationIndices> groups,
                                 ArrayRef<int64_t> shape) {
  SmallVector<int64_t> newDims, newSizes;
  size_t next = 0;
  while (next < dims.size()) {
    const ReassociationIndices *group =
        llvm::find_if(groups, [&](const ReassociationIndices &group) {
          return llvm::is_contained(group, dims[next]);
        });
    int64_t size = 1;
    for (int64_t part : *group) {
      if (shape[part] == 1)
        continue;
      if (next == dims.size() || dims[next] != part)
        return failure();
      size *= sizes[next++];
    }
    newDims.push_back(group - groups.begin());
    newSizes.push_back(size);
  }
  dims = std::move(newDims);
  sizes = std::move(newSizes);
  return success();
}

LogicalResult ChannelDims::moveToResult(Operation *op) {
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return split(expand.getReassociationIndices(),
                 expand.getResultType().getShape());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return merge(collapse.getReassociationIndices(),
                 collapse.getSrcType().getShape());
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  if (!transpose || !transpose.hasPureTensorSemantics())
    return failure();
  SmallVector<int64_t> inverse =
      invertPermutationVector(transpose.getPermutation());
  for (int64_t &dim : dims)
    dim = inverse[dim];
  return success();
}

LogicalResult ChannelDims::moveToOperand(Operation *op) {
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return merge(expand.getReassociationIndices(),
                 expand.getResultType().getShape());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return split(collapse.getReassociationIndices(),
                 collapse.getSrcType().getShape());
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  if (!transpose || !transpose.hasPureTensorSemantics())
    return failure();
  for (int64_t &dim : dims)
    dim = transpose.getPermutation()[dim];
  return success();
}

void ChannelDims::setCoordinates(int64_t channel,
                                 MutableArrayRef<int64_t> coordinates) const {
  for (auto [dim, size] : llvm::reverse(llvm::zip_equal(dims, sizes))) {
    coordinates[dim] = channel % size;
    channel /= size;
  }
}

ChannelDims::Counter::Counter(const ChannelDims &channels,
                              ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides = computeStrides(shape);
  int64_t weight = 1;
  for (auto [dim, size] :
       llvm::reverse(llvm::zip_equal(channels.dims, channels.sizes))) {
    digits.push_back({strides[dim], size, weight});
    weight *= size;
  }
}

int64_t ChannelDims::Counter::operator()(int64_t index) const {
  int64_t channel = 0;
  for (const Digit &digit : digits)
    channel += index / digit.stride % digit.size * digit.weight;
  return channel;
}
