//===- SampleRows.cpp - Operations on a batch, sample by sample -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleRows.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quantc;

using RowOperands = std::optional<llvm::BitVector>;

static RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Row operands
//===----------------------------------------------------------------------===//

/// The first operand alone.
static RowOperands getFirstOperand(Operation *op) {
  llvm::BitVector rows(op->getNumOperands());
  rows.set(0);
  return rows;
}

/// The loop whose index is that of the rows of all results, and nothing else to
/// the body; none if there is no such loop.
static std::optional<unsigned> getRowLoop(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return std::nullopt;
  AffineMap map = op.getIndexingMapsArray().back();
  if (map.getNumResults() == 0 || !isa<AffineDimExpr>(map.getResult(0)))
    return std::nullopt;
  auto row = cast<AffineDimExpr>(map.getResult(0));
  auto startsWithRow = [&](OpOperand &init) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    return map.getNumResults() != 0 && map.getResult(0) == row;
  };
  if (!llvm::all_of(op.getDpsInitsMutable(), startsWithRow) ||
      op.getIteratorTypesArray()[row.getPosition()] !=
          utils::IteratorType::parallel)
    return std::nullopt;
  bool isIndex = false;
  op.getBlock()->walk([&](linalg::IndexOp index) {
    isIndex |= index.getDim() == row.getPosition();
  });
  return isIndex ? std::nullopt : std::optional(row.getPosition());
}

static RowOperands getRowOperands(linalg::LinalgOp op) {
  std::optional<unsigned> loop = getRowLoop(op);
  if (!loop)
    return std::nullopt;
  llvm::BitVector rows(op->getNumOperands());
  for (OpOperand &operand : op->getOpOperands())
    for (auto [dim, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      if (!expr.isFunctionOfDim(*loop))
        continue;
      if (dim != 0 || !isa<AffineDimExpr>(expr))
        return std::nullopt;
      rows.set(operand.getOperandNumber());
    }
  return rows;
}

/// Nothing is added to the rows, and what is added does not depend on them.
static RowOperands getRowOperands(tensor::PadOp op) {
  if (!isConstantIntValue(op.getMixedLowPad()[0], 0) ||
      !isConstantIntValue(op.getMixedHighPad()[0], 0) ||
      !op.getConstantPaddingValue())
    return std::nullopt;
  return getFirstOperand(op);
}

/// Whether `size` is that of the first dimension of `value`.
static bool isNumRows(OpFoldResult size, Value value) {
  FailureOr<bool> isEqual =
      ValueBoundsConstraintSet::areEqual(size, {value, /*dim=*/0});
  return succeeded(isEqual) && *isEqual;
}

/// Whether `slice`, of `whole`, has all of its rows, in their order.
static bool hasAllRows(OffsetSizeAndStrideOpInterface slice, Value whole,
                       Value part) {
  if (getTensorType(whole).getRank() != getTensorType(part).getRank() ||
      !isConstantIntValue(slice.getMixedOffsets()[0], 0) ||
      !isConstantIntValue(slice.getMixedStrides()[0], 1))
    return false;
  return isNumRows(slice.getMixedSizes()[0], whole);
}

/// Whether parameters of type `type` are for a row each: they have the rank of
/// the input or more, and are not for all rows at once.
static bool hasRows(Value parameters) {
  RankedTensorType type = getTensorType(parameters);
  return type.getRank() > 1 && type.getDimSize(0) != 1;
}

/// Scales and the like are for the whole tensor, or for blocks of it.
static RowOperands getQuantizerOperands(Operation *op) {
  llvm::BitVector rows = *getFirstOperand(op);
  int64_t numRows = getTensorType(op->getOperand(0)).getDimSize(0);
  for (OpOperand &operand : op->getOpOperands().drop_front()) {
    if (!hasRows(operand.get()))
      continue;
    // A block of several rows might be of several samples.
    if (getTensorType(operand.get()).getDimSize(0) != numRows)
      return std::nullopt;
    rows.set(operand.getOperandNumber());
  }
  return rows;
}

/// A range, or a scale, for each row.
static RowOperands getRowOperands(ObserveOp op) {
  RankedTensorType input = getTensorType(op.getInput());
  if (!hasRows(op.getRange()) ||
      getTensorType(op.getRange()).getDimSize(0) != input.getDimSize(0))
    return std::nullopt;
  return getFirstOperand(op);
}

static RowOperands getRowOperands(LinearOp op) {
  llvm::BitVector rows = *getFirstOperand(op);
  for (MutableOperandRange operands :
       {op.getInputScaleMutable(), op.getInputZeroPointMutable(),
        op.getAddendMutable()})
    for (OpOperand &operand : operands)
      if (hasRows(operand.get()))
        rows.set(operand.getOperandNumber());
  return rows;
}

RowOperands quantc::getRowOperands(Operation *op) {
  auto hasRank = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() != 0;
  };
  if (!llvm::all_of(op->getResultTypes(), hasRank))
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, RowOperands>(op)
      .Case<linalg::LinalgOp, tensor::PadOp, LinearOp, ObserveOp>(
          [](auto op) { return ::getRowOperands(op); })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp, RequantizeOp,
            ChooseParamsOp>([](Operation *op) { return getFirstOperand(op); })
      .Case([](RescaleOp op) {
        // A scale for each sample is no row of the first operand.
        ArrayRef<int64_t> scale = op.getScale().getType().getShape();
        return scale.empty() || scale.front() == 1 ? getFirstOperand(op)
                                                   : std::nullopt;
      })
      .Case([](tensor::ExtractSliceOp op) {
        return hasAllRows(op, op.getSource(), op.getResult())
                   ? getFirstOperand(op)
                   : std::nullopt;
      })
      .Case([](tensor::InsertSliceOp op) -> RowOperands {
        if (!hasAllRows(op, op.getDest(), op.getSource()))
          return std::nullopt;
        llvm::BitVector rows = *getFirstOperand(op);
        rows.set(op.getDestMutable().getOperandNumber());
        return rows;
      })
      .Case([](UnpackOp op) {
        // Of a single dimension, it is the rows that become twice as many.
        return op.getInput().getType().getRank() > 1 ? getFirstOperand(op)
                                                     : std::nullopt;
      })
      .Case<QuantizeOp, DequantizeOp, FakeQuantOp>(
          [](Operation *op) { return getQuantizerOperands(op); })
      .Default([](Operation *) { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Rows of results
//===----------------------------------------------------------------------===//

/// The product of the sizes of all dimensions of `group` but the first one;
/// none if it is not known.
static std::optional<int64_t> getInnerSize(RankedTensorType type,
                                           ArrayRef<int64_t> group) {
  int64_t size = 1;
  for (int64_t dim : group.drop_front()) {
    if (type.isDynamicDim(dim))
      return std::nullopt;
    size *= type.getDimSize(dim);
  }
  return size;
}

static std::optional<int64_t> getResultRows(tensor::CollapseShapeOp op,
                                            int64_t rowsBefore, Value) {
  std::optional<int64_t> size =
      getInnerSize(op.getSrcType(), op.getReassociationIndices()[0]);
  return size && !ShapedType::isDynamic(rowsBefore) ? rowsBefore * *size
                                                    : ShapedType::kDynamic;
}

static std::optional<int64_t> getResultRows(tensor::ExpandShapeOp op,
                                            int64_t rowsBefore, Value batch) {
  std::optional<int64_t> size =
      getInnerSize(op.getResultType(), op.getReassociationIndices()[0]);
  if (size && !ShapedType::isDynamic(rowsBefore))
    return *size != 0 && rowsBefore % *size == 0
               ? std::optional(rowsBefore / *size)
               : std::nullopt;
  OpBuilder b(op);
  SmallVector<OpFoldResult> shape =
      getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), b);
  return isNumRows(shape[0], batch) ? std::optional<int64_t>(1) : std::nullopt;
}

std::optional<int64_t> quantc::getResultRows(Operation *op, int64_t rowsBefore,
                                             Value batch) {
  return llvm::TypeSwitch<Operation *, std::optional<int64_t>>(op)
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](auto op) { return ::getResultRows(op, rowsBefore, batch); })
      .Default([&](Operation *) { return rowsBefore; });
}

//===----------------------------------------------------------------------===//
// Fewer rows
//===----------------------------------------------------------------------===//

/// `type` with `rows` for its first dimension.
static RankedTensorType withRows(RankedTensorType type, OpFoldResult rows) {
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = getConstantIntValue(rows).value_or(ShapedType::kDynamic);
  return type.clone(shape);
}

static SmallVector<OpFoldResult> withRows(SmallVector<OpFoldResult> sizes,
                                          OpFoldResult rows) {
  sizes[0] = rows;
  return sizes;
}

static Operation *cloneForRows(OpBuilder &b, tensor::ExpandShapeOp op,
                               ArrayRef<Value> operands, OpFoldResult rows) {
  SmallVector<OpFoldResult> shape =
      getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), b);
  return tensor::ExpandShapeOp::create(
      b, op.getLoc(), withRows(op.getResultType(), rows), operands[0],
      op.getReassociationIndices(), withRows(shape, rows));
}

static Operation *cloneForRows(OpBuilder &b, tensor::CollapseShapeOp op,
                               ArrayRef<Value> operands, OpFoldResult) {
  return tensor::CollapseShapeOp::create(b, op.getLoc(), operands[0],
                                         op.getReassociationIndices());
}

static Operation *cloneForRows(OpBuilder &b, tensor::ExtractSliceOp op,
                               ArrayRef<Value> operands, OpFoldResult rows) {
  return tensor::ExtractSliceOp::create(
      b, op.getLoc(), operands[0], op.getMixedOffsets(),
      withRows(op.getMixedSizes(), rows), op.getMixedStrides());
}

static Operation *cloneForRows(OpBuilder &b, tensor::InsertSliceOp op,
                               ArrayRef<Value> operands, OpFoldResult rows) {
  return tensor::InsertSliceOp::create(
      b, op.getLoc(), operands[0], operands[1], op.getMixedOffsets(),
      withRows(op.getMixedSizes(), rows), op.getMixedStrides());
}

Operation *quantc::cloneForRows(OpBuilder &builder, Operation *op,
                                ArrayRef<Value> operands,
                                OpFoldResult resultRows) {
  return llvm::TypeSwitch<Operation *, Operation *>(op)
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
            tensor::ExtractSliceOp, tensor::InsertSliceOp>([&](auto op) {
        return ::cloneForRows(builder, op, operands, resultRows);
      })
      .Default([&](Operation *op) {
        SmallVector<Type> types;
        for (Value result : op->getResults())
          types.push_back(withRows(getTensorType(result), resultRows));
        return clone(builder, op, types, operands);
      });
}
