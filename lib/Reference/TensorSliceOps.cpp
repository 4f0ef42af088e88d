//===- TensorSliceOps.cpp - Slices of tensors in the interpreter ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

/// The part of a tensor that begins at `offsets` and takes `sizes` elements,
/// each `strides` from the one before.
struct Slice {
  SmallVector<int64_t> offsets, sizes, strides;

  /// The element of the tensor that element `point` of the slice is.
  SmallVector<int64_t> getSource(ArrayRef<int64_t> point) const {
    SmallVector<int64_t> source;
    for (size_t dim = 0; dim < point.size(); ++dim)
      source.push_back(offsets[dim] + point[dim] * strides[dim]);
    return source;
  }
};

/// Reads the slice of `op`; an error if it leaves a tensor of `shape`.
static FailureOr<Slice> getSlice(OffsetSizeAndStrideOpInterface op,
                                 ArrayRef<int64_t> shape, Frame &frame) {
  Slice slice{frame.getIndices(op.getMixedOffsets()),
              frame.getIndices(op.getMixedSizes()),
              frame.getIndices(op.getMixedStrides())};
  for (auto [dim, extent] : llvm::enumerate(shape)) {
    int64_t offset = slice.offsets[dim], size = slice.sizes[dim];
    int64_t last;
    bool overflows = llvm::MulOverflow(size - 1, slice.strides[dim], last) ||
                     llvm::AddOverflow(last, offset, last);
    bool isInside =
        !overflows && offset >= 0 && size >= 0 &&
        (size == 0 || (offset < extent && last >= 0 && last < extent));
    if (!isInside)
      return op->emitError("takes ")
             << size << " elements from " << offset << " in dimension " << dim
             << ", which has " << extent;
  }
  return slice;
}

static LogicalResult runExtractSlice(tensor::ExtractSliceOp op, Frame &frame) {
  const HostTensor &source = frame.getTensor(op.getSource());
  FailureOr<Slice> slice = getSlice(op, source.shape, frame);
  if (failed(slice))
    return failure();
  FailureOr<HostTensor> result =
      makeTensor(op, op.getType().getElementType(), slice->sizes);
  if (failed(result))
    return failure();
  int64_t next = 0;
  (void)forEachPoint(slice->sizes, [&](ArrayRef<int64_t> point) {
    copyElement(*result, next++, source,
                getPosition(slice->getSource(point), source.shape));
    return success();
  });
  // Dimensions that the result leaves out have size 1.
  result->shape.clear();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, size] : llvm::enumerate(slice->sizes))
    if (!dropped.test(dim))
      result->shape.push_back(size);
  frame.set(op, std::move(*result));
  return success();
}

static LogicalResult runInsertSlice(tensor::InsertSliceOp op, Frame &frame) {
  HostTensor result = frame.takeTensor(op.getDest(), op);
  const HostTensor &source = frame.getTensor(op.getSource());
  FailureOr<Slice> slice = getSlice(op, result.shape, frame);
  if (failed(slice))
    return failure();
  if (computeProduct(slice->sizes) != source.getNumElements())
    return op.emitError("inserts a tensor of another size than the slice");
  int64_t next = 0;
  (void)forEachPoint(slice->sizes, [&](ArrayRef<int64_t> point) {
    copyElement(result, getPosition(slice->getSource(point), result.shape),
                source, next++);
    return success();
  });
  frame.set(op, std::move(result));
  return success();
}

static LogicalResult runConcat(tensor::ConcatOp op, Frame &frame) {
  SmallVector<int64_t> shape = frame.getTensor(op.getInputs().front()).shape;
  int64_t dim = op.getDim();
  shape[dim] = 0;
  for (Value input : op.getInputs()) {
    SmallVector<int64_t> other = frame.getTensor(input).shape;
    shape[dim] += other[dim];
    other[dim] = shape[dim];
    if (other != shape)
      return op.emitError("expects inputs of one shape but for dimension ")
             << dim;
  }
  FailureOr<HostTensor> result =
      makeTensor(op, op.getType().getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t offset = 0;
  for (Value input : op.getInputs()) {
    const HostTensor &tensor = frame.getTensor(input);
    int64_t next = 0;
    (void)forEachPoint(tensor.shape, [&](ArrayRef<int64_t> point) {
      SmallVector<int64_t> target(point);
      target[dim] += offset;
      copyElement(*result, getPosition(target, shape), tensor, next++);
      return success();
    });
    offset += tensor.shape[dim];
  }
  frame.set(op, std::move(*result));
  return success();
}

/// Each element comes from the source where there is one, else from the body.
static LogicalResult runPad(tensor::PadOp op, Frame &frame) {
  const HostTensor &source = frame.getTensor(op.getSource());
  SmallVector<int64_t> low = frame.getIndices(op.getMixedLowPad());
  SmallVector<int64_t> high = frame.getIndices(op.getMixedHighPad());
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(source.shape))
    shape.push_back(low[dim] + size + high[dim]);
  FailureOr<HostTensor> result =
      makeTensor(op, op.getType().getElementType(), shape);
  if (failed(result))
    return failure();
  Block &body = op.getRegion().front();
  int64_t next = 0;
  LogicalResult status = forEachPoint(shape, [&](ArrayRef<int64_t> point) {
    SmallVector<int64_t> inner;
    for (auto [dim, index] : llvm::enumerate(point)) {
      inner.push_back(index - low[dim]);
      Scalar value;
      value.integer = index;
      frame.set(body.getArgument(dim), value);
    }
    if (isInside(inner, source.shape)) {
      copyElement(*result, next++, source, getPosition(inner, source.shape));
      return success();
    }
    if (failed(frame.run(body)))
      return failure();
    store(*result, next++,
          frame.getScalar(body.getTerminator()->getOperand(0)));
    return success();
  });
  frame.set(op, std::move(*result));
  return status;
}

void reference::addTensorSliceOps(OpTable &table) {
  table.add<tensor::ConcatOp>(runConcat);
  table.add<tensor::ExtractSliceOp>(runExtractSlice);
  table.add<tensor::InsertSliceOp>(runInsertSlice);
  table.add<tensor::PadOp>(runPad);
}
