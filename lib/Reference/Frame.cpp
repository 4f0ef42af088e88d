//===- Frame.cpp - Values and operations of the interpreter ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Support/TensorAttribute.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

const OpTable &OpTable::get() {
  static const OpTable table = [] {
    OpTable table;
    addAffineOps(table);
    addArithOps(table);
    addControlFlowOps(table);
    addLinalgOps(table);
    addMathOps(table);
    addQuantOps(table);
    addQuantLinearOp(table);
    addQuantLoraOp(table);
    addTensorOps(table);
    addTensorSliceOps(table);
    return table;
  }();
  return table;
}

const Handler *OpTable::getHandler(Operation *op) const {
  auto it = handlers.find(op->getName().getTypeID());
  if (it != handlers.end())
    return &it->second;
  static const Handler structured = runStructured;
  return isa<linalg::LinalgOp>(op) ? &structured : nullptr;
}

const ScalarFunction *OpTable::getScalarFunction(Operation *op) const {
  auto it = scalars.find(op->getName().getTypeID());
  return it == scalars.end() ? nullptr : &it->second;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

unsigned Frame::getSlot(Value value) {
  auto [it, isNew] = slotOf.try_emplace(value, slots.size());
  if (isNew)
    slots.emplace_back();
  return it->second;
}

SmallVector<unsigned> Frame::getSlots(ValueRange values) {
  return llvm::map_to_vector(values,
                             [&](Value value) { return getSlot(value); });
}

int64_t Frame::getIndex(OpFoldResult value) {
  if (auto attr = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(attr).getInt();
  return getScalar(cast<Value>(value)).integer;
}

SmallVector<int64_t> Frame::getIndices(ArrayRef<OpFoldResult> values) {
  return llvm::map_to_vector(
      values, [&](OpFoldResult value) { return getIndex(value); });
}

SmallVector<int64_t> Frame::getIndices(ValueRange values) {
  return llvm::map_to_vector(values,
                             [&](Value value) { return getIndex(value); });
}

HostTensor Frame::takeTensor(Value value, Operation *op) {
  std::shared_ptr<HostTensor> &tensor = slots[getSlot(value)].tensor;
  bool isLastUse = value.hasOneUse() && tensor.use_count() == 1 &&
                   value.getParentRegion() == op->getParentRegion();
  return isLastUse ? std::move(*tensor) : *tensor;
}

void Frame::set(Value value, HostTensor tensor) {
  slots[getSlot(value)].tensor =
      std::make_shared<HostTensor>(std::move(tensor));
}

void Frame::assignFrom(Frame &other, ValueRange to, ValueRange from) {
  SmallVector<Slot> values;
  for (Value value : from)
    values.push_back(other.slots[other.getSlot(value)]);
  for (auto [value, slot] : llvm::zip_equal(to, values))
    slots[getSlot(value)] = slot;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

const Steps *Frame::getSteps(Block &block) {
  if (auto it = stepsOf.find(&block); it != stepsOf.end())
    return &it->second;
  Steps steps;
  for (Operation &op : block) {
    Step step;
    step.op = &op;
    step.scalar = OpTable::get().getScalarFunction(&op);
    step.handler = OpTable::get().getHandler(&op);
    if (!step.scalar && !step.handler) {
      op.emitError("the interpreter does not know operation '")
          << op.getName() << "'";
      return nullptr;
    }
    for (Value operand : op.getOperands())
      step.operands.push_back(getSlot(operand));
    if (step.scalar) {
      Type to = op.getResult(0).getType();
      Type from = op.getNumOperands() ? op.getOperand(0).getType() : to;
      std::optional<DataType> fromType =
          getDataType(getElementTypeOrSelf(from));
      std::optional<DataType> toType = getDataType(getElementTypeOrSelf(to));
      if (!fromType || !toType || isa<VectorType>(to)) {
        op.emitError("the interpreter does not know operation '")
            << op.getName() << "' on " << (fromType ? to : from);
        return nullptr;
      }
      step.operandType = *fromType;
      step.resultType = *toType;
      step.isElementwise = isa<TensorType>(to);
      step.result = getSlot(op.getResult(0));
    }
    steps.push_back(std::move(step));
  }
  return &stepsOf.emplace(&block, std::move(steps)).first->second;
}

LogicalResult Frame::run(const Steps &steps) {
  for (const Step &step : steps) {
    if (step.handler) {
      if (failed((*step.handler)(step.op, *this)))
        return failure();
      continue;
    }
    if (step.isElementwise) {
      if (failed(runElementwise(step)))
        return failure();
      continue;
    }
    Scalar arguments[3];
    size_t count = 0;
    for (unsigned operand : step.operands)
      arguments[count++] = slots[operand].scalar;
    if (failed((*step.scalar)(step, {arguments, count},
                              slots[step.result].scalar)))
      return failure();
  }
  return success();
}

LogicalResult Frame::run(Block &block) {
  const Steps *steps = getSteps(block);
  return steps ? run(*steps) : failure();
}

/// Applies a scalar function to tensors of the same shape, beside which an
/// operand may be one scalar.
LogicalResult Frame::runElementwise(const Step &step) {
  const HostTensor *first = nullptr;
  for (unsigned operand : step.operands)
    if (const HostTensor *tensor = slots[operand].tensor.get()) {
      if (first && first->shape != tensor->shape)
        return step.op->emitError("expects operands of one shape");
      first = tensor;
    }
  FailureOr<HostTensor> result = makeTensor(
      step.op, getElementTypeOrSelf(step.op->getResult(0)), first->shape);
  if (failed(result))
    return failure();
  for (int64_t i = 0, size = result->getNumElements(); i < size; ++i) {
    Scalar arguments[3], value;
    size_t count = 0;
    for (unsigned operand : step.operands) {
      const Slot &slot = slots[operand];
      arguments[count++] = slot.tensor ? load(*slot.tensor, i) : slot.scalar;
    }
    if (failed((*step.scalar)(step, {arguments, count}, value)))
      return failure();
    store(*result, i, value);
  }
  set(step.op->getResult(0), std::move(*result));
  return success();
}
