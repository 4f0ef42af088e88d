//===- PrefetchPanels.cpp - Weights on their way while others are used ----===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prefetches the next panel of weights in the loops over the present one. See
// Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_PREFETCHPANELSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The loop whose induction variable `value` is, null if it is none.
static scf::ForOp getLoop(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return {};
  auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
  return loop && loop.getInductionVar() == value ? loop : scf::ForOp();
}

/// The loop over panels if `read` reads a step of a panel: its first index is
/// the induction variable of that loop, another one that of the loop around it,
/// and loops over rows lie between them. Null otherwise.
static scf::ForOp getPanelLoop(vector::TransferReadOp read) {
  auto steps = dyn_cast<scf::ForOp>(read->getParentOp());
  auto type = dyn_cast<MemRefType>(read.getBase().getType());
  if (!steps || !type || read.getIndices().empty())
    return {};
  scf::ForOp panels = getLoop(read.getIndices().front());
  if (!panels || panels == steps || steps->getParentOp() == panels ||
      !isa<scf::ForOp>(steps->getParentOp()) ||
      !panels.isDefinedOutsideOfLoop(read.getBase()) ||
      !matchPattern(panels.getStep(), m_One()))
    return {};
  bool isAlongSteps = llvm::any_of(
      read.getIndices(), [&](Value index) { return getLoop(index) == steps; });
  return isAlongSteps ? panels : scf::ForOp();
}

/// The bytes of a panel, all dimensions of `type` but the first; 0 if that is
/// not known.
static int64_t getPanelBytes(MemRefType type) {
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t size : type.getShape().drop_front())
    bytes *= ShapedType::isDynamic(size) ? 0 : size;
  return bytes;
}

/// Prefetches from the next panel a part of what `read` reads from this one.
/// The loops over rows take turns: with `lines` cache lines in a step, the i-th
/// pass over the panel brings line i mod `lines`; more of them if there are
/// fewer passes.
static void prefetchNext(vector::TransferReadOp read, scf::ForOp panels) {
  auto rows = cast<scf::ForOp>(read->getParentOp()->getParentOp());
  int64_t elementBytes = read.getVectorType().getElementTypeBitWidth() / 8;
  int64_t lineSize = kCacheLineBytes / elementBytes;
  int64_t lines =
      llvm::divideCeil(read.getVectorType().getNumElements(), lineSize);
  int64_t perPass = 1;
  if (std::optional<APInt> passes = rows.getStaticTripCount())
    perPass = llvm::divideCeil(lines, passes->getZExtValue());

  Location loc = read.getLoc();
  OpBuilder builder(panels.getContext());
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  builder.setInsertionPointToStart(panels.getBody());
  Value last = arith::SubIOp::create(builder, loc, panels.getUpperBound(),
                                     panels.getStep());
  Value next = arith::AddIOp::create(builder, loc, panels.getInductionVar(),
                                     panels.getStep());
  next = arith::MinUIOp::create(builder, loc, next, last);

  builder.setInsertionPointToStart(rows.getBody());
  Value pass = arith::DivUIOp::create(builder, loc, rows.getInductionVar(),
                                      rows.getStep());
  SmallVector<Value> starts;
  for (int64_t i = 0; i < perPass; ++i) {
    Value number = arith::MulIOp::create(builder, loc, pass, constant(perPass));
    number = arith::AddIOp::create(builder, loc, number, constant(i));
    Value line = arith::RemUIOp::create(builder, loc, number, constant(lines));
    starts.push_back(
        arith::MulIOp::create(builder, loc, line, constant(lineSize)));
  }

  builder.setInsertionPoint(read);
  SmallVector<Value> indices(read.getIndices());
  indices.front() = next;
  for (Value start : starts) {
    indices.back() =
        arith::AddIOp::create(builder, loc, read.getIndices().back(), start);
    memref::PrefetchOp::create(builder, loc, read.getBase(), indices,
                               /*isWrite=*/false, kSecondCacheLocality,
                               /*isDataCache=*/true);
  }
}

namespace {
struct PrefetchPanels : quantc::impl::PrefetchPanelsPassBase<PrefetchPanels> {
  void runOnOperation() override {
    int64_t cache = selectVectorUnit(getTarget(getOperation())).cache;
    getOperation().walk([&](vector::TransferReadOp read) {
      scf::ForOp panels = getPanelLoop(read);
      if (!panels)
        return;
      int64_t bytes = getPanelBytes(cast<MemRefType>(read.getBase().getType()));
      // This panel, the next one and the rows share the second cache.
      if (bytes != 0 && bytes <= cache / 2)
        prefetchNext(read, panels);
    });
  }
};
} // namespace
