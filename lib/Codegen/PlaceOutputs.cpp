//===- PlaceOutputs.cpp - Compute outputs where they belong ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
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

/// The sizes of `value`, an output, seen in the shape `expanded`; nothing where
/// they do not follow from it: a dimension is unknown and becomes several.
static FailureOr<SmallVector<OpFoldResult>>
getExpandedSizes(OpBuilder &builder, Location loc, Value value,
                 ArrayRef<int64_t> expanded,
                 ArrayRef<ReassociationIndices> reassociation) {
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, group] : llvm::enumerate(reassociation))
    for (int64_t index : group) {
      if (!ShapedType::isDynamic(expanded[index])) {
        sizes.push_back(builder.getIndexAttr(expanded[index]));
        continue;
      }
      if (group.size() != 1)
        return failure();
      Value position = arith::ConstantIndexOp::create(builder, loc, dim);
      sizes.push_back(
          memref::DimOp::create(builder, loc, value, position).getResult());
    }
  return sizes;
}

/// A result that is computed in panels is written to a view of the output in
/// panels:
///
///   materialize(collapse_shape(v), output)
///     -> materialize(v, expand_shape(output))
///
/// so that `v` may be computed there.
static void
writeToExpandedOutput(RewriterBase &rewriter,
                      bufferization::MaterializeInDestinationOp op) {
  Value source = op.getSource();
  auto widened = source.getDefiningOp<tensor::CastOp>();
  if (widened)
    source = widened.getSource();
  auto collapse = source.getDefiningOp<tensor::CollapseShapeOp>();
  auto output = dyn_cast<BlockArgument>(op.getDest());
  if (!collapse || !output || !isa<MemRefType>(output.getType()))
    return;
  auto shape = collapse.getSrcType().getShape();
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  FailureOr<MemRefType> type = memref::ExpandShapeOp::computeExpandedType(
      cast<MemRefType>(output.getType()), shape, groups);
  if (failed(type))
    return;
  rewriter.setInsertionPointToStart(output.getOwner());
  FailureOr<SmallVector<OpFoldResult>> sizes =
      getExpandedSizes(rewriter, op.getLoc(), output, shape, groups);
  if (failed(sizes))
    return;
  Value expanded = memref::ExpandShapeOp::create(rewriter, op.getLoc(), *type,
                                                 output, groups, *sizes);
  rewriter.setInsertionPoint(op);
  rewriter.replaceOpWithNewOp<bufferization::MaterializeInDestinationOp>(
      op, /*result=*/Type(), collapse.getSrc(), expanded, op.getRestrict(),
      op.getWritable());
  // They would be readers of what is computed in the output.
  if (widened && widened->use_empty())
    rewriter.eraseOp(widened);
  if (collapse->use_empty())
    rewriter.eraseOp(collapse);
}

/// Gives each operation that writes to an empty tensor one of its own: those of
/// one size were found to be the same value, and what one of them becomes says
/// nothing of the others.
static void splitEmptyTensors(RewriterBase &rewriter, Operation *module) {
  SmallVector<tensor::EmptyOp> tensors;
  module->walk([&](tensor::EmptyOp op) { tensors.push_back(op); });
  for (tensor::EmptyOp op : tensors) {
    bool isTaken = false;
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      if (isa<tensor::DimOp>(use.getOwner()))
        continue;
      if (isTaken) {
        rewriter.setInsertionPoint(op);
        Operation *copy = rewriter.clone(*op);
        rewriter.modifyOpInPlace(use.getOwner(),
                                 [&] { use.set(copy->getResult(0)); });
      }
      isTaken = true;
    }
  }
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
    IRRewriter rewriter(&getContext());
    splitEmptyTensors(rewriter, getOperation());
    SmallVector<bufferization::MaterializeInDestinationOp> writes;
    getOperation()->walk([&](bufferization::MaterializeInDestinationOp op) {
      writes.push_back(op);
    });
    for (bufferization::MaterializeInDestinationOp op : writes)
      writeToExpandedOutput(rewriter, op);
    bufferization::OneShotBufferizationOptions options;
    options.allowReturnAllocsFromLoops = true;
    options.bufferizeFunctionBoundaries = true;
    bufferization::OneShotAnalysisState state(getOperation(), options);
    if (failed(bufferization::analyzeModuleOp(getOperation(), state)) ||
        failed(bufferization::eliminateEmptyTensors(rewriter, getOperation(),
                                                    state, getDestination)))
      signalPassFailure();
  }
};
} // namespace
