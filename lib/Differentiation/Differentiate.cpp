//===- Differentiate.cpp - Append the gradients of a loss -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Differentiation/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Differentiation/GradientBuilder.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "quantc/Differentiation/Passes.h.inc"
} // namespace quantc

using namespace quantc;

static constexpr StringLiteral kIntegerWeights =
    "quantized layers are for inference; train with quantization-aware "
    "training, then convert";

/// The arguments of `entry` that are trained. Emits an error if there are none,
/// or if one is an integer.
static FailureOr<SmallVector<unsigned>> getTrainable(func::FuncOp entry) {
  SmallVector<unsigned> trainable;
  for (BlockArgument argument : entry.getArguments()) {
    if (!entry.getArgAttr(argument.getArgNumber(), kTrainableAttr))
      continue;
    if (!getElementTypeOrSelf(argument.getType()).isF32())
      return emitError(argument.getLoc(), kIntegerWeights);
    trainable.push_back(argument.getArgNumber());
  }
  if (!trainable.empty())
    return trainable;
  bool isQuantized = false;
  entry.walk([&](LinearOp op) {
    isQuantized = true;
    op.emitError(kIntegerWeights);
    return WalkResult::interrupt();
  });
  if (isQuantized)
    return failure();
  return emitError(entry.getLoc(), "no argument is trained; mark those that "
                                   "are with ")
         << kTrainableAttr;
}

/// The value of the result `name`, or of the first result. Emits an error
/// unless it is a tensor<f32>.
static FailureOr<Value>
getLoss(func::FuncOp entry, const ProgramInterface &interface, StringRef name) {
  const Port *port = interface.outputs.begin();
  if (!name.empty())
    port = llvm::find_if(interface.outputs,
                         [&](const Port &port) { return port.name == name; });
  if (port == interface.outputs.end())
    return emitError(entry.getLoc(), "there is no result '") << name << "'";
  if (port->type.getRank() != 0 || !port->type.getElementType().isF32())
    return emitError(entry.getLoc(), "the loss '")
           << port->name << "' is a " << port->type
           << "; expects a tensor<f32>";
  return entry.front().getTerminator()->getOperand(port -
                                                   interface.outputs.begin());
}

/// Appends the gradients of `loss` by the arguments `trainable`.
static LogicalResult appendGradients(func::FuncOp entry, Value loss,
                                     ArrayRef<unsigned> trainable,
                                     const GradientOptions &options) {
  Operation *terminator = entry.front().getTerminator();
  GradientBuilder builder(OpBuilder(terminator), loss.getLoc(), options);
  for (unsigned index : trainable)
    builder.activate(entry.getArgument(index));
  SmallVector<Operation *> operations;
  for (Operation &op : entry.front().without_terminator())
    operations.push_back(&op);
  bool isUseful = false;
  auto seed = [&] {
    isUseful = builder.isActive(loss);
    builder.accumulate(loss, [&] { return builder.createConstant(loss, 1); });
  };
  if (failed(builder.differentiate(operations, seed)))
    return failure();
  if (!isUseful)
    return emitError(loss.getLoc(), "the loss depends on no argument that is "
                                    "trained");
  for (unsigned index : trainable) {
    BlockArgument argument = entry.getArgument(index);
    builder.setLoc(argument.getLoc());
    Value gradient = builder.getCotangent(argument);
    if (!gradient)
      gradient = builder.createZeros(argument);
    (void)entry.insertResult(entry.getNumResults(), gradient.getType(), {});
    terminator->insertOperands(terminator->getNumOperands(), gradient);
  }
  return success();
}

namespace {
struct Differentiate : quantc::impl::DifferentiateBase<Differentiate> {
  using DifferentiateBase::DifferentiateBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    FailureOr<func::FuncOp> entry = getEntry(getOperation());
    if (failed(entry))
      return failure();
    FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
    if (failed(interface))
      return failure();
    FailureOr<SmallVector<unsigned>> trainable = getTrainable(*entry);
    if (failed(trainable))
      return failure();
    FailureOr<Value> value = getLoss(*entry, *interface, loss);
    if (failed(value) ||
        failed(appendGradients(*entry, *value, *trainable, {learnedStepSize})))
      return failure();
    for (unsigned index : *trainable) {
      Port port = interface->inputs[index];
      port.name += kGradientSuffix;
      interface->outputs.push_back(port);
    }
    setProgramInterface(*entry, *interface);
    return success();
  }
};
} // namespace
