//===- CopyCarriedTensors.cpp - Keep what a loop carries in one buffer ----===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_COPYCARRIEDTENSORSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether `op` only writes to its destination `init`, which then may as well
/// get memory of its own.
static bool isOverwritten(Operation *op, OpOperand &init) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  return structured && !structured.payloadUsesValueFromOperand(&init);
}

/// Whether `value` is computed in the memory of `origin`.
static bool isComputedIn(Value value, Value origin) {
  while (value != origin) {
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return false;
    Operation *op = result.getOwner();
    if (auto choice = dyn_cast<scf::IfOp>(op))
      return llvm::all_of(choice->getRegions(), [&](Region &region) {
        Operation *yield = region.front().getTerminator();
        return isComputedIn(yield->getOperand(result.getResultNumber()),
                            origin);
      });
    OpOperand *init = nullptr;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      init = loop.getTiedLoopInit(result);
    else if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
      init = destination.getTiedOpOperand(result);
    if (!init || isOverwritten(op, *init))
      return false;
    value = init->get();
  }
  return true;
}

namespace {
struct CopyCarriedTensors
    : quantc::impl::CopyCarriedTensorsPassBase<CopyCarriedTensors> {
  using CopyCarriedTensorsPassBase::CopyCarriedTensorsPassBase;

  void runOnOperation() override {
    getOperation()->walk([](scf::ForOp loop) {
      Operation *yield = loop.getBody()->getTerminator();
      OpBuilder builder(yield);
      for (auto [argument, yielded] :
           llvm::zip(loop.getRegionIterArgs(), yield->getOpOperands())) {
        Value value = yielded.get();
        if (!isa<RankedTensorType>(value.getType()) ||
            isComputedIn(value, argument))
          continue;
        yielded.set(
            bufferization::MaterializeInDestinationOp::create(
                builder, value.getLoc(), value.getType(), value, argument)
                .getResult());
      }
    });
  }
};
} // namespace
