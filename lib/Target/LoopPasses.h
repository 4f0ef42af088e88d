//===- LoopPasses.h - Where LLVM's choices for loops are not ours -*- C++
//-*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_LOOPPASSES_H
#define QUANTC_LIB_TARGET_LOOPPASSES_H

#include "llvm/Transforms/Scalar/LoopPassManager.h"

namespace llvm {
class PassBuilder;
}

namespace quantc {

/// Adds to the pipelines of `builder`, whose tuning must leave out unrolling:
/// before loops are vectorized short ones are unrolled, afterwards those that
/// LLVM chooses; loops that read or write in steps get registers of a known
/// length, and long bodies are interleaved.
void registerLoopPasses(llvm::PassBuilder &builder);

/// Strength reduction saves additions in the loops of contractions. Others gain
/// nothing, and in a training step it takes more time than all other passes.
struct ReduceContractions : llvm::PassInfoMixin<ReduceContractions> {
  llvm::PreservedAnalyses run(llvm::Loop &loop,
                              llvm::LoopAnalysisManager &analyses,
                              llvm::LoopStandardAnalysisResults &results,
                              llvm::LPMUpdater &updater);
};

} // namespace quantc

#endif // QUANTC_LIB_TARGET_LOOPPASSES_H
