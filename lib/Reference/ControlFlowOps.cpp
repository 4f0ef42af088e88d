//===- ControlFlowOps.cpp - func and scf in the interpreter ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

/// Deeper calls are taken for a recursion without end.
static constexpr unsigned kMaxCallDepth = 64;

static LogicalResult runCall(func::CallOp op, Frame &frame) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee || callee.isExternal() || !callee.getBody().hasOneBlock())
    return op.emitError("calls '") << op.getCallee() << "', which has no body";
  if (frame.getCallDepth() == kMaxCallDepth)
    return op.emitError("calls are nested deeper than ") << kMaxCallDepth;
  Frame inner(frame.getCallDepth() + 1);
  inner.assignFrom(frame, callee.getArguments(), op.getOperands());
  if (failed(inner.run(callee.front())))
    return failure();
  frame.assignFrom(inner, op.getResults(),
                   callee.front().getTerminator()->getOperands());
  return success();
}

static LogicalResult runFor(scf::ForOp op, Frame &frame) {
  int64_t step = frame.getIndex(op.getStep());
  int64_t end = frame.getIndex(op.getUpperBound());
  if (step <= 0)
    return op.emitError("expects a positive step, got ") << step;
  frame.assign(op.getRegionIterArgs(), op.getInitArgs());
  for (int64_t i = frame.getIndex(op.getLowerBound()); i < end; i += step) {
    Scalar index;
    index.integer = i;
    frame.set(op.getInductionVar(), index);
    if (failed(frame.run(*op.getBody())))
      return failure();
    frame.assign(op.getRegionIterArgs(),
                 op.getBody()->getTerminator()->getOperands());
  }
  frame.assign(op.getResults(), op.getRegionIterArgs());
  return success();
}

static LogicalResult runIf(scf::IfOp op, Frame &frame) {
  Region &region = frame.getIndex(op.getCondition()) ? op.getThenRegion()
                                                     : op.getElseRegion();
  if (region.empty())
    return success();
  if (failed(frame.run(region.front())))
    return failure();
  frame.assign(op.getResults(), region.front().getTerminator()->getOperands());
  return success();
}

static LogicalResult runWhile(scf::WhileOp op, Frame &frame) {
  scf::ConditionOp condition = op.getConditionOp();
  frame.assign(op.getBeforeArguments(), op.getInits());
  while (true) {
    if (failed(frame.run(*op.getBeforeBody())))
      return failure();
    if (!frame.getIndex(condition.getCondition()))
      break;
    frame.assign(op.getAfterArguments(), condition.getArgs());
    if (failed(frame.run(*op.getAfterBody())))
      return failure();
    frame.assign(op.getBeforeArguments(), op.getYieldOp().getResults());
  }
  frame.assign(op.getResults(), condition.getArgs());
  return success();
}

void reference::addControlFlowOps(OpTable &table) {
  table.add<func::CallOp>(runCall);
  table.add<scf::ForOp>(runFor);
  table.add<scf::IfOp>(runIf);
  table.add<scf::WhileOp>(runWhile);
  table.addTerminators<func::ReturnOp, scf::ConditionOp, scf::YieldOp>();
}
