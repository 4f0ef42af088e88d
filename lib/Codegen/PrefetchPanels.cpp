//===- PrefetchPanels.cpp - Weights on their way while others are used ----===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prefetches weights in the loops over a panel: the rest of it, and the next
// one. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
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

/// What is used so soon that a line asked for now would come too late: those
/// that a panel is read ahead by.
static constexpr int64_t kLinesAhead = 16;

/// The loop whose induction variable `value` is, null if it is none.
static scf::ForOp getLoop(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return {};
  auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
  return loop && loop.getInductionVar() == value ? loop : scf::ForOp();
}

/// What `index` is computed from: blocks of K start at the induction variable
/// of a loop around the steps, and affine maps add the two.
static SmallVector<Value> getTerms(Value index) {
  if (auto apply = index.getDefiningOp<affine::AffineApplyOp>())
    return SmallVector<Value>(apply.getMapOperands());
  return {index};
}

static Value createIndex(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

namespace {
/// A read in the innermost loop of the passes over a panel, which runs along K.
struct PanelRead {
  vector::TransferReadOp read;
  /// The innermost loop.
  scf::ForOp steps;
  /// The loop around those that the indices of the read depend on: each of its
  /// iterations reads the panel again.
  scf::ForOp passes;
  /// What a pass reads; 0 if that is not known.
  int64_t passBytes;

  int64_t getElementBytes() const {
    return vector::TransferReadOp(read)
               .getVectorType()
               .getElementTypeBitWidth() /
           8;
  }
  int64_t getNumElements() const {
    return vector::TransferReadOp(read).getVectorType().getNumElements();
  }
  /// The elements of a cache line, and the lines of a step.
  int64_t getLine() const { return kCacheLineBytes / getElementBytes(); }
  int64_t getNumLines() const {
    return llvm::divideCeil(getNumElements(), getLine());
  }
};
} // namespace

/// `read` with its loops; null `passes` if no loop reads it again.
static PanelRead findPasses(vector::TransferReadOp read) {
  PanelRead result{read, dyn_cast<scf::ForOp>(read->getParentOp()), {}, 0};
  auto type = dyn_cast<MemRefType>(read.getBase().getType());
  // Sums that wait in memory between blocks of K are read around the steps.
  bool isInnermost =
      result.steps && result.steps.getBody()->getOps<scf::ForOp>().empty();
  if (!isInnermost || !type || !type.getLayout().isIdentity() ||
      !type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() < 8 || read.getIndices().empty())
    return result;
  result.passBytes = result.getNumElements() * result.getElementBytes();
  SmallVector<SmallVector<Value>> indices =
      llvm::map_to_vector(read.getIndices(), getTerms);
  SmallVector<scf::ForOp> loops;
  for (scf::ForOp loop = result.steps; loop;
       loop = dyn_cast<scf::ForOp>(loop->getParentOp())) {
    bool isUsed = llvm::any_of(indices, [&](ArrayRef<Value> terms) {
      return llvm::any_of(terms,
                          [&](Value term) { return getLoop(term) == loop; });
    });
    if (!isUsed) {
      // Two loops that move one index read some of it twice.
      bool isSame = llvm::all_of(indices, [&](ArrayRef<Value> terms) {
        int64_t numInside = llvm::count_if(terms, [&](Value term) {
          return llvm::is_contained(loops, getLoop(term));
        });
        int64_t numOutside = llvm::count_if(terms, [&](Value term) {
          return loop.isDefinedOutsideOfLoop(term);
        });
        return numInside <= 1 &&
               numInside + numOutside == int64_t(terms.size());
      });
      bool isAgain = loop != result.steps && isSame &&
                     loop.isDefinedOutsideOfLoop(read.getBase());
      result.passes = isAgain ? loop : scf::ForOp();
      return result;
    }
    loops.push_back(loop);
    std::optional<APInt> count = loop.getStaticTripCount();
    result.passBytes *= count ? count->getZExtValue() : 0;
  }
  return result;
}

/// Prefetches into the first cache what this pass reads next. A panel that is
/// larger waits in the second one, and the machine by itself fetches from there
/// too late to keep its multipliers busy.
static void prefetchAhead(const PanelRead &panel) {
  vector::TransferReadOp read = panel.read;
  OpBuilder builder(read);
  SmallVector<Value> indices(read.getIndices());
  for (int64_t i = 0, e = panel.getNumLines(); i < e; ++i) {
    indices.back() =
        arith::AddIOp::create(builder, read.getLoc(), read.getIndices().back(),
                              createIndex(builder, read.getLoc(),
                                          (kLinesAhead + i) * panel.getLine()));
    memref::PrefetchOp::create(builder, read.getLoc(), read.getBase(), indices,
                               /*isWrite=*/false, kFirstCacheLocality,
                               /*isDataCache=*/true);
  }
}

/// The loop over panels if `panel` is one of many: its first index is the
/// induction variable of that loop. Null otherwise.
static scf::ForOp getPanelLoop(const PanelRead &panel) {
  vector::TransferReadOp read = panel.read;
  scf::ForOp steps = panel.steps, passes = panel.passes;
  scf::ForOp panels = getLoop(read.getIndices().front());
  if (!panels || steps->getParentOp() != passes ||
      !panels->isProperAncestor(passes) ||
      !panels.isDefinedOutsideOfLoop(read.getBase()) ||
      !matchPattern(panels.getStep(), m_One()) ||
      !matchPattern(steps.getStep(), m_One()) ||
      !matchPattern(steps.getLowerBound(), m_Zero()))
    return {};
  return panels;
}

/// The indices of what the first of `steps` reads.
static SmallVector<Value> getFirstIndices(OpBuilder &builder,
                                          vector::TransferReadOp read,
                                          scf::ForOp steps) {
  IRMapping first;
  first.map(steps.getInductionVar(), steps.getLowerBound());
  SmallVector<Value> indices;
  for (Value index : read.getIndices()) {
    auto apply = index.getDefiningOp<affine::AffineApplyOp>();
    bool isOfStep = apply && llvm::is_contained(apply.getMapOperands(),
                                                steps.getInductionVar());
    indices.push_back(isOfStep ? builder.clone(*apply, first)->getResult(0)
                               : first.lookupOrDefault(index));
  }
  return indices;
}

/// Prefetches from the next panel what this pass has to bring, evenly: of P
/// passes with S steps of E elements each, step k of pass p brings
///
///   element (p * S + k) * ceil(E / P)
///
/// of the panel, or of the same block of it, with its cache line.
static void prefetchNext(const PanelRead &panel, scf::ForOp panels) {
  vector::TransferReadOp read = panel.read;
  scf::ForOp steps = panel.steps, passes = panel.passes;
  Location loc = read.getLoc();
  OpBuilder builder(panels.getContext());
  auto constant = [&](int64_t value) {
    return createIndex(builder, loc, value);
  };
  builder.setInsertionPointToStart(panels.getBody());
  Value last = arith::SubIOp::create(builder, loc, panels.getUpperBound(),
                                     panels.getStep());
  Value next = arith::AddIOp::create(builder, loc, panels.getInductionVar(),
                                     panels.getStep());
  next = arith::MinUIOp::create(builder, loc, next, last);

  builder.setInsertionPoint(passes);
  int64_t numFetches = 1;
  Value perStep;
  if (std::optional<APInt> count = passes.getStaticTripCount()) {
    int64_t elements =
        llvm::divideCeil(panel.getNumElements(), count->getZExtValue());
    numFetches = llvm::divideCeil(elements, panel.getLine());
    perStep = constant(elements);
  } else {
    Value range = arith::SubIOp::create(builder, loc, passes.getUpperBound(),
                                        passes.getLowerBound());
    Value number =
        arith::CeilDivUIOp::create(builder, loc, range, passes.getStep());
    // Without rows there is no pass, and still no division by zero.
    number = arith::MaxUIOp::create(builder, loc, number, constant(1));
    perStep = arith::CeilDivUIOp::create(
        builder, loc, constant(panel.getNumElements()), number);
  }
  Value perPass =
      arith::MulIOp::create(builder, loc, perStep, steps.getUpperBound());

  builder.setInsertionPointToStart(passes.getBody());
  Value pass = arith::DivUIOp::create(
      builder, loc,
      arith::SubIOp::create(builder, loc, passes.getInductionVar(),
                            passes.getLowerBound()),
      passes.getStep());
  Value start = arith::MulIOp::create(builder, loc, pass, perPass);

  // The panel is contiguous: its last index counts all of its elements.
  builder.setInsertionPoint(read);
  SmallVector<Value> indices = getFirstIndices(builder, read, steps);
  indices.front() = next;
  Value first = indices.back();
  Value offset = arith::AddIOp::create(
      builder, loc, start,
      arith::MulIOp::create(builder, loc, steps.getInductionVar(), perStep));
  if (!matchPattern(first, m_Zero()))
    offset = arith::AddIOp::create(builder, loc, first, offset);
  for (int64_t i = 0; i < numFetches; ++i) {
    indices.back() = arith::AddIOp::create(builder, loc, offset,
                                           constant(i * panel.getLine()));
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
      PanelRead panel = findPasses(read);
      if (!panel.passes)
        return;
      // This panel, the next one and the rows share the second cache.
      if (panel.passBytes != 0 && panel.passBytes <= cache / 2)
        if (scf::ForOp panels = getPanelLoop(panel))
          prefetchNext(panel, panels);
      if (panel.passBytes > kFirstCacheBytes)
        prefetchAhead(panel);
    });
  }
};
} // namespace
