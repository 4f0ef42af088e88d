//===- LoopPasses.cpp - Where LLVM's choices for loops are not ours -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopPasses.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/Operator.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LoopStrengthReduce.h"
#include "llvm/Transforms/Scalar/LoopUnrollPass.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace llvm;
using namespace quantc;

/// Most reads and writes of a loop whose addresses are chosen by strength
/// reduction, which compares all ways to write them.
static constexpr int64_t kMostReducedAccesses = 32;

/// Whether `loop` has few accesses and carries a sum in vectors.
static bool isContraction(const Loop &loop) {
  if (!loop.isInnermost() ||
      none_of(loop.getHeader()->phis(), [](const PHINode &phi) {
        return phi.getType()->isVectorTy() || phi.getType()->isX86_AMXTy();
      }))
    return false;
  int64_t accesses = 0;
  for (const BasicBlock *block : loop.blocks())
    accesses += count_if(*block, [](const Instruction &instruction) {
      return isa<LoadInst, StoreInst>(instruction);
    });
  return accesses <= kMostReducedAccesses;
}

PreservedAnalyses ReduceContractions::run(Loop &loop,
                                          LoopAnalysisManager &analyses,
                                          LoopStandardAnalysisResults &results,
                                          LPMUpdater &updater) {
  if (!isContraction(loop))
    return PreservedAnalyses::all();
  return LoopStrengthReducePass().run(loop, analyses, results, updater);
}

/// Most iterations of a loop that are unrolled before loops are vectorized:
/// fewer than a register has floats.
static constexpr unsigned kMostUnrolledTrips = 7;

namespace {
/// Unrolls windows and the like. Left to itself, LLVM unrolls loops of any
/// length while their code is small: the quantization of a group of 16, a row
/// of several groups, becomes one block of scalars in the loop over rows, which
/// is then vectorized across memory. Code was up to ten times larger, and
/// slower.
struct UnrollWindows : PassInfoMixin<UnrollWindows> {
  PreservedAnalyses run(Loop &loop, LoopAnalysisManager &analyses,
                        LoopStandardAnalysisResults &results,
                        LPMUpdater &updater) {
    unsigned trips = results.SE.getSmallConstantTripCount(&loop);
    if (!loop.isInnermost() || trips == 0 || trips > kMostUnrolledTrips)
      return PreservedAnalyses::all();
    return LoopFullUnrollPass(OptimizationLevel::O3.getSpeedupLevel())
        .run(loop, analyses, results, updater);
  }
};
} // namespace

/// Whether `loop` reads or writes what is not side by side.
static bool hasSteps(const Loop &loop, ScalarEvolution &evolution) {
  for (BasicBlock *block : loop.blocks())
    for (Instruction &instruction : *block) {
      Value *pointer = getLoadStorePointerOperand(&instruction);
      const auto *address =
          pointer ? dyn_cast<SCEVAddRecExpr>(evolution.getSCEV(pointer))
                  : nullptr;
      if (address && address->getLoop() == &loop &&
          address->getStepRecurrence(evolution) !=
              evolution.getStoreSizeOfExpr(
                  evolution.getEffectiveSCEVType(pointer->getType()),
                  getLoadStoreType(&instruction)))
        return true;
    }
  return false;
}

namespace {
/// Keeps registers of unknown length (SVE) from loops that read or write in
/// steps. Where an iteration fills a register of the least length, LLVM 22 lets
/// as many iterations as fit share one, and still repeats what is one value for
/// an iteration for all of them (`narrowInterleaveGroups`).
struct FixLengthOfSteps : PassInfoMixin<FixLengthOfSteps> {
  PreservedAnalyses run(Function &function, FunctionAnalysisManager &analyses) {
    if (!function.hasFnAttribute(Attribute::VScaleRange))
      return PreservedAnalyses::all();
    auto &evolution = analyses.getResult<ScalarEvolutionAnalysis>(function);
    for (Loop *loop :
         analyses.getResult<LoopAnalysis>(function).getLoopsInPreorder())
      if (loop->isInnermost() && hasSteps(*loop, evolution))
        addStringMetadataToLoop(loop, "llvm.loop.vectorize.scalable.enable", 0);
    return PreservedAnalyses::all();
  }
};
} // namespace

/// Fewest operations on floats in an iteration that is interleaved with
/// another, and fewest iterations, if their number is known.
static constexpr int64_t kLongBody = 16;
static constexpr unsigned kLeastInterleavedTrips = 64;

/// Whether `loop` has a long body, whose iterations do not wait for each other.
static bool hasLongBody(const Loop &loop) {
  if (any_of(loop.getHeader()->phis(), [](const PHINode &phi) {
        return phi.getType()->isFPOrFPVectorTy();
      }))
    return false;
  int64_t operations = 0;
  for (const BasicBlock *block : loop.blocks())
    operations += count_if(*block, [](const Instruction &instruction) {
      return isa<FPMathOperator>(instruction);
    });
  return operations >= kLongBody;
}

namespace {
/// Interleaves two iterations of long bodies. Polynomials are chains of
/// operations: a core has registers for the results of two or three iterations
/// of erf, which it starts one after the other, so that most of its units wait.
/// Side by side they take two thirds of the time (Zen 3, AVX2); LLVM thinks of
/// bodies this long that they fill the units.
struct InterleaveLongBodies : PassInfoMixin<InterleaveLongBodies> {
  PreservedAnalyses run(Function &function, FunctionAnalysisManager &analyses) {
    auto &evolution = analyses.getResult<ScalarEvolutionAnalysis>(function);
    for (Loop *loop :
         analyses.getResult<LoopAnalysis>(function).getLoopsInPreorder()) {
      unsigned trips = evolution.getSmallConstantTripCount(loop);
      bool isShort = trips != 0 && trips < kLeastInterleavedTrips;
      if (loop->isInnermost() && !isShort && hasLongBody(*loop))
        addStringMetadataToLoop(loop, "llvm.loop.interleave.count", 2);
    }
    return PreservedAnalyses::all();
  }
};
} // namespace

void quantc::registerLoopPasses(PassBuilder &builder) {
  builder.registerLateLoopOptimizationsEPCallback(
      [](LoopPassManager &passes, OptimizationLevel) {
        passes.addPass(UnrollWindows());
      });
  builder.registerVectorizerStartEPCallback(
      [](FunctionPassManager &passes, OptimizationLevel) {
        passes.addPass(FixLengthOfSteps());
        passes.addPass(InterleaveLongBodies());
      });
  builder.registerVectorizerEndEPCallback([](FunctionPassManager &passes,
                                             OptimizationLevel level) {
    passes.addPass(LoopUnrollPass(LoopUnrollOptions(level.getSpeedupLevel())));
    passes.addPass(EarlyCSEPass());
    passes.addPass(InstCombinePass());
  });
}
