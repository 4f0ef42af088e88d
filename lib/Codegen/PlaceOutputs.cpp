//===- PlaceOutputs.cpp - Compute outputs where they belong ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_PLACEOUTPUTSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The value that `use` lives on as, null where its operation only reads it.
static Value getSuccessor(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    return loop.getTiedLoopResult(&use);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return destination.isDpsInit(&use) ? destination.getTiedOpResult(&use)
                                       : Value();
  return {};
}

/// Whether `value` reaches `output` as the only user of each of its stages. A
/// stage that something else reads later must not lie in the output: what is
/// written to memory is ordered by nothing but its place in the program.
static bool isOnlyFor(Value value, Operation *output) {
  while (value) {
    OpOperand *only = nullptr;
    for (OpOperand &use : value.getUses()) {
      if (isa<tensor::DimOp>(use.getOwner()))
        continue;
      if (only)
        return false;
      only = &use;
    }
    if (!only)
      return false;
    if (only->getOwner() == output)
      return true;
    value = getSuccessor(*only);
  }
  return false;
}

/// The destination of `insertion` in place of `empty`, if it may be.
static Value getDestination(RewriterBase &rewriter,
                            SubsetInsertionOpInterface insertion,
                            tensor::EmptyOp empty, Operation *user) {
  if (isa<bufferization::MaterializeInDestinationOp>(insertion) &&
      !isOnlyFor(empty, insertion))
    return {};
  return bufferization::buildSubsetExtraction(rewriter, insertion, empty, user);
}

namespace {
struct PlaceOutputs : quantc::impl::PlaceOutputsPassBase<PlaceOutputs> {
  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.allowReturnAllocsFromLoops = true;
    options.bufferizeFunctionBoundaries = true;
    bufferization::OneShotAnalysisState state(getOperation(), options);
    IRRewriter rewriter(&getContext());
    if (failed(bufferization::analyzeModuleOp(getOperation(), state)) ||
        failed(bufferization::eliminateEmptyTensors(rewriter, getOperation(),
                                                    state, getDestination)))
      signalPassFailure();
  }
};
} // namespace
