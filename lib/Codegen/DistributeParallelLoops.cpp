//===- DistributeParallelLoops.cpp - Parallel loops in parts --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopWork.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "quantc/Codegen/BoundProgram.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/EntryAbi.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_DISTRIBUTEPARALLELLOOPSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

//===----------------------------------------------------------------------===//
// Whose memory is written
//===----------------------------------------------------------------------===//

/// Whether `value` changes with `iv`, through index arithmetic inside of the
/// loop.
static bool dependsOn(Value value, Value iv) {
  if (value == iv)
    return true;
  Operation *op = value.getDefiningOp();
  return op && isPure(op) && op->getNumRegions() == 0 &&
         llvm::any_of(op->getOperands(), [&](Value operand) {
           return operand.getType().isIndex() && dependsOn(operand, iv);
         });
}

/// Whether `op`, an access or a view, picks a place that depends on `iv`.
static bool hasPlaceOf(Operation *op, Value iv) {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return operand.getType().isIndex() && dependsOn(operand, iv);
  });
}

/// Whether what `op` writes through `memory` belongs to one iteration of
/// `loop`: a buffer that the iteration has allocated, or a part of another one
/// at a place that depends on the iteration.
static bool isOwned(Operation *op, Value memory, scf::ForOp loop) {
  Value iv = loop.getInductionVar();
  bool isPlaced = hasPlaceOf(op, iv);
  while (Operation *view = memory.getDefiningOp()) {
    if (!loop->isAncestor(view))
      break;
    auto viewLike = dyn_cast<ViewLikeOpInterface>(view);
    if (!viewLike)
      return isa<memref::AllocOp>(view);
    isPlaced |= hasPlaceOf(view, iv);
    memory = viewLike.getViewSource();
  }
  return isPlaced;
}

/// Why the iterations of `loop` cannot run at the same time; empty if they can.
static StringRef whySerial(scf::ForOp loop) {
  if (loop.getNumResults() != 0)
    return "it carries values";
  StringRef reason;
  loop.getBody()->walk([&](Operation *op) {
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface || !reason.empty())
      return;
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      if (!isa<MemoryEffects::Write>(effect.getEffect()))
        continue;
      if (!effect.getValue() || !isOwned(op, effect.getValue(), loop))
        reason = "iterations write the same memory";
    }
  });
  return reason;
}

/// Moves buffers that only iterations of `loop` use into it. What is the same
/// for all iterations has been moved out, their room with it.
static void sinkBuffers(scf::ForOp loop) {
  SmallVector<memref::AllocOp> buffers;
  loop->getParentOfType<func::FuncOp>().walk([&](memref::AllocOp alloc) {
    if (!loop->isAncestor(alloc) &&
        llvm::all_of(alloc->getUsers(), [&](Operation *user) {
          return loop->isProperAncestor(user);
        }))
      buffers.push_back(alloc);
  });
  for (memref::AllocOp alloc : buffers)
    alloc->moveBefore(loop.getBody(), loop.getBody()->begin());
}

//===----------------------------------------------------------------------===//
// Distribution
//===----------------------------------------------------------------------===//

namespace {
/// Rewrites the marked loops of one program.
class Distributor {
public:
  Distributor(func::FuncOp program, int64_t maxThreads, int64_t threadWork)
      : program(program), builder(program.getContext()), maxThreads(maxThreads),
        threadWork(threadWork) {}

  LogicalResult run();

private:
  /// Whether `loop` keeps all threads busy most of the time, as far as is known
  /// before it runs.
  bool isBalanced(scf::ForOp loop);

  /// Adds the executor to the arguments of the program.
  LogicalResult addExecutor();

  /// How many threads the program may use.
  Value getNumThreads();

  /// Lets the threads share `loop`, if it is worth it.
  void distribute(scf::ForOp loop);

  template <typename Op>
  Value fold(Location loc, Value lhs, Value rhs) {
    return builder.createOrFold<Op>(loc, lhs, rhs);
  }

  Value getConstant(Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  func::FuncOp program;
  OpBuilder builder;
  int64_t maxThreads;
  int64_t threadWork;
  Value numThreads;
};
} // namespace

bool Distributor::isBalanced(scf::ForOp loop) {
  std::optional<APInt> trips = loop.getStaticTripCount();
  if (!trips)
    return true;
  // At least three quarters of all threads have a part of the last round.
  int64_t count = trips->getSExtValue();
  int64_t rounds = llvm::divideCeil(count, maxThreads);
  return 4 * count >= 3 * rounds * maxThreads;
}

LogicalResult Distributor::addExecutor() {
  auto type = LLVM::LLVMPointerType::get(program.getContext());
  unsigned index = program.getNumArguments();
  auto attrs = builder.getDictionaryAttr(builder.getNamedAttr(
      kExecutorAttr, builder.getI64IntegerAttr(maxThreads)));
  return program.insertArgument(index, type, attrs, program.getLoc());
}

Value Distributor::getNumThreads() {
  if (numThreads)
    return numThreads;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&program.front());
  Location loc = program.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(program.getContext());
  Type i64 = builder.getI64Type();
  auto fields =
      LLVM::LLVMStructType::getLiteral(program.getContext(), {pointer, i64});
  Value address = LLVM::GEPOp::create(
      builder, loc, pointer, fields, getExecutor(program),
      ArrayRef<LLVM::GEPArg>{0, int32_t(ExecutorField::NumThreads)});
  Value count = arith::IndexCastOp::create(
      builder, loc, builder.getIndexType(),
      LLVM::LoadOp::create(builder, loc, i64, address).getResult());
  numThreads = fold<arith::MinSIOp>(loc, count, getConstant(loc, maxThreads));
  return numThreads;
}

void Distributor::distribute(scf::ForOp loop) {
  Location loc = loop.getLoc();
  builder.setInsertionPoint(loop);
  Value trips = getTripCount(builder, loop);
  Value threads = fold<arith::DivSIOp>(loc, getWork(builder, loop),
                                       getConstant(loc, threadWork));
  threads = fold<arith::MinSIOp>(loc, threads, trips);
  std::optional<int64_t> most = getConstantIntValue(threads);
  if (most && *most <= 1)
    return;
  Value zero = getConstant(loc, 0), one = getConstant(loc, 1);
  threads = fold<arith::MinSIOp>(loc, threads, getNumThreads());
  threads = fold<arith::MaxSIOp>(loc, threads, one);

  Value low = loop.getLowerBound(), high = loop.getUpperBound();
  Value step = loop.getStep();
  auto parallel = scf::ParallelOp::create(builder, loc, zero, threads, one);
  Value thread = parallel.getInductionVars().front();
  builder.setInsertionPointToStart(parallel.getBody());
  // The first iteration of a thread: low + step * floor(trips * thread /
  // threads).
  auto getFirst = [&](Value thread) {
    Value first = fold<arith::DivSIOp>(
        loc, fold<arith::MulIOp>(loc, trips, thread), threads);
    return fold<arith::AddIOp>(loc, low, fold<arith::MulIOp>(loc, first, step));
  };
  Value first = getFirst(thread);
  Value end = getFirst(fold<arith::AddIOp>(loc, thread, one));
  // The last iteration may be a short one.
  end = fold<arith::MinSIOp>(loc, end, high);
  loop->moveBefore(parallel.getBody()->getTerminator());
  loop.setLowerBound(first);
  loop.setUpperBound(end);
}

LogicalResult Distributor::run() {
  if (failed(addExecutor()))
    return failure();
  SmallVector<scf::ForOp> loops;
  program.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
    if (!loop->hasAttr(kParallelAttr))
      return WalkResult::advance();
    sinkBuffers(loop);
    // An inner loop, of more iterations, may do better.
    bool hasInner = false;
    loop.getBody()->walk(
        [&](scf::ForOp inner) { hasInner |= inner->hasAttr(kParallelAttr); });
    if (!whySerial(loop).empty() || (hasInner && !isBalanced(loop)))
      return WalkResult::advance();
    loops.push_back(loop);
    return WalkResult::skip();
  });
  for (scf::ForOp loop : loops)
    distribute(loop);
  program.walk([](scf::ForOp loop) {
    loop->removeAttr(kParallelAttr);
    loop->removeAttr(kWorkAttr);
  });
  return success();
}

namespace {
struct DistributeParallelLoops
    : public quantc::impl::DistributeParallelLoopsPassBase<
          DistributeParallelLoops> {
  using DistributeParallelLoopsPassBase::DistributeParallelLoopsPassBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> program = requireBoundProgram(getOperation());
    if (failed(program) ||
        failed(Distributor(*program, maxThreads, threadWork).run()))
      signalPassFailure();
  }
};
} // namespace
