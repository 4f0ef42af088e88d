//===- TensorOps.cpp - The tensor dialect in the interpreter --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Support/TensorAttribute.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

//===----------------------------------------------------------------------===//
// New tensors
//===----------------------------------------------------------------------===//

static FailureOr<HostTensor> makeResult(Operation *op, ValueRange dynamicSizes,
                                        Frame &frame) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return makeTensor(op, type.getElementType(),
                    fillDynamic(type, frame.getIndices(dynamicSizes)));
}

static LogicalResult runEmpty(tensor::EmptyOp op, Frame &frame) {
  FailureOr<HostTensor> result = makeResult(op, op.getDynamicSizes(), frame);
  if (failed(result))
    return failure();
  frame.set(op, std::move(*result));
  return success();
}

static LogicalResult runSplat(tensor::SplatOp op, Frame &frame) {
  FailureOr<HostTensor> result = makeResult(op, op.getDynamicSizes(), frame);
  if (failed(result))
    return failure();
  for (int64_t i = 0, size = result->getNumElements(); i < size; ++i)
    store(*result, i, frame.getScalar(op.getInput()));
  frame.set(op, std::move(*result));
  return success();
}

static LogicalResult runFromElements(tensor::FromElementsOp op, Frame &frame) {
  FailureOr<HostTensor> result = makeResult(op, {}, frame);
  if (failed(result))
    return failure();
  for (auto [i, element] : llvm::enumerate(op.getElements()))
    store(*result, i, frame.getScalar(element));
  frame.set(op, std::move(*result));
  return success();
}

/// The scalar that `block`, whose arguments are indices, yields at `point`.
static FailureOr<Scalar> runAt(Block &block, ArrayRef<int64_t> point,
                               Frame &frame) {
  for (auto [argument, index] : llvm::zip_equal(block.getArguments(), point)) {
    Scalar value;
    value.integer = index;
    frame.set(argument, value);
  }
  if (failed(frame.run(block)))
    return failure();
  return frame.getScalar(block.getTerminator()->getOperand(0));
}

static LogicalResult runGenerate(tensor::GenerateOp op, Frame &frame) {
  FailureOr<HostTensor> result = makeResult(op, op.getDynamicExtents(), frame);
  if (failed(result))
    return failure();
  int64_t next = 0;
  LogicalResult status = forEachPoint(result->shape, [&](auto point) {
    FailureOr<Scalar> value = runAt(op.getBody().front(), point, frame);
    if (succeeded(value))
      store(*result, next++, *value);
    return LogicalResult(value);
  });
  frame.set(op, std::move(*result));
  return status;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static LogicalResult reportOutside(Operation *op, ArrayRef<int64_t> point,
                                   ArrayRef<int64_t> shape) {
  InFlightDiagnostic diagnostic = op->emitError("accesses [");
  llvm::interleaveComma(point, diagnostic);
  diagnostic << "] of a tensor of shape [";
  llvm::interleaveComma(shape, diagnostic);
  return diagnostic << "]";
}

static LogicalResult runExtract(tensor::ExtractOp op, Frame &frame) {
  const HostTensor &tensor = frame.getTensor(op.getTensor());
  SmallVector<int64_t> point = frame.getIndices(op.getIndices());
  if (!isInside(point, tensor.shape))
    return reportOutside(op, point, tensor.shape);
  frame.set(op.getResult(), load(tensor, getPosition(point, tensor.shape)));
  return success();
}

static LogicalResult runInsert(tensor::InsertOp op, Frame &frame) {
  HostTensor tensor = frame.takeTensor(op.getDest(), op);
  SmallVector<int64_t> point = frame.getIndices(op.getIndices());
  if (!isInside(point, tensor.shape))
    return reportOutside(op, point, tensor.shape);
  store(tensor, getPosition(point, tensor.shape),
        frame.getScalar(op.getScalar()));
  frame.set(op, std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static LogicalResult runDim(tensor::DimOp op, Frame &frame) {
  const HostTensor &tensor = frame.getTensor(op.getSource());
  int64_t dim = frame.getIndex(op.getIndex());
  if (dim < 0 || dim >= static_cast<int64_t>(tensor.shape.size()))
    return op.emitError("expects a dimension below ")
           << tensor.shape.size() << ", got " << dim;
  Scalar size;
  size.integer = tensor.shape[dim];
  frame.set(op.getResult(), size);
  return success();
}

static LogicalResult runRank(tensor::RankOp op, Frame &frame) {
  Scalar rank;
  rank.integer = frame.getTensor(op.getTensor()).shape.size();
  frame.set(op.getResult(), rank);
  return success();
}

/// Sets the result to `source` with another shape, which must have as many
/// elements and agree with the result's type.
static LogicalResult reshape(Operation *op, Value source,
                             ArrayRef<int64_t> shape, Frame &frame) {
  HostTensor tensor = frame.takeTensor(source, op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t numElements = tensor.getNumElements();
  bool fits = succeeded(verifyCompatibleShape(type.getShape(), shape)) &&
              llvm::all_of(shape, [](int64_t size) { return size >= 0; });
  tensor.shape.assign(shape.begin(), shape.end());
  if (!fits || tensor.getNumElements() != numElements) {
    InFlightDiagnostic diagnostic = op->emitError("expects a shape that fits ")
                                    << type << ", got [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "]";
  }
  frame.set(op->getResult(0), std::move(tensor));
  return success();
}

static LogicalResult runCast(tensor::CastOp op, Frame &frame) {
  SmallVector<int64_t> shape = frame.getTensor(op.getSource()).shape;
  return reshape(op, op.getSource(), shape, frame);
}

static LogicalResult runCollapse(tensor::CollapseShapeOp op, Frame &frame) {
  ArrayRef<int64_t> source = frame.getTensor(op.getSrc()).shape;
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= source[dim];
  }
  return reshape(op, op.getSrc(), shape, frame);
}

static LogicalResult runExpand(tensor::ExpandShapeOp op, Frame &frame) {
  return reshape(op, op.getSrc(), frame.getIndices(op.getMixedOutputShape()),
                 frame);
}

static LogicalResult runReshape(tensor::ReshapeOp op, Frame &frame) {
  const HostTensor &sizes = frame.getTensor(op.getShape());
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < sizes.getNumElements(); ++i)
    shape.push_back(load(sizes, i).integer);
  return reshape(op, op.getSource(), shape, frame);
}

void reference::addTensorOps(OpTable &table) {
  table.add<tensor::CastOp>(runCast);
  table.add<tensor::CollapseShapeOp>(runCollapse);
  table.add<tensor::DimOp>(runDim);
  table.add<tensor::EmptyOp>(runEmpty);
  table.add<tensor::ExpandShapeOp>(runExpand);
  table.add<tensor::ExtractOp>(runExtract);
  table.add<tensor::FromElementsOp>(runFromElements);
  table.add<tensor::GenerateOp>(runGenerate);
  table.add<tensor::InsertOp>(runInsert);
  table.add<tensor::RankOp>(runRank);
  table.add<tensor::ReshapeOp>(runReshape);
  table.add<tensor::SplatOp>(runSplat);
  table.addTerminators<tensor::YieldOp>();
}
