//===- EmitObject.cpp - LLVM IR to machine code ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitObject.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopStrengthReduce.h"
#include "llvm/Transforms/Scalar/LoopUnrollPass.h"
#include "llvm/Transforms/Utils/LowerMemIntrinsics.h"

using namespace llvm;
using namespace quantc;

/// The functions of libc that code may call.
static constexpr StringLiteral kAllowedCalls[] = {"memcpy", "memset"};

/// LLVM must not turn loops into calls of other functions.
static TargetLibraryInfoImpl getLibraryInfo(const Module &module) {
  TargetLibraryInfoImpl info(module.getTargetTriple());
  info.disableAllFunctions();
  info.setAvailable(LibFunc_memcpy);
  info.setAvailable(LibFunc_memset);
  return info;
}

/// Turns moves of memory that may overlap back into loops. LLVM makes them of
/// loops over one buffer, whatever the library has.
static void expandMemMoves(Module &module, TargetMachine &machine) {
  SmallVector<MemMoveInst *> moves;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *move = dyn_cast<MemMoveInst>(&instruction))
        moves.push_back(move);
  for (MemMoveInst *move : moves)
    if (expandMemMoveAsLoop(
            move, machine.getTargetTransformInfo(*move->getFunction())))
      move->eraseFromParent();
}

/// The block at whose end or in which the value of `use` is needed.
static BasicBlock *getUseBlock(const Use &use) {
  auto *user = cast<Instruction>(use.getUser());
  auto *phi = dyn_cast<PHINode>(user);
  return phi ? phi->getIncomingBlock(use) : user->getParent();
}

/// Whether `load` is of a vector that nothing writes while the function runs,
/// which may be loaded anywhere: a constant, also if layers share the code.
static bool isConstantLoad(const LoadInst &load) {
  if (!load.getType()->isVectorTy() || !load.isSimple())
    return false;
  const Value *object = getUnderlyingObject(load.getPointerOperand());
  if (const auto *argument = dyn_cast<Argument>(object))
    return argument->hasNoAliasAttr() && argument->onlyReadsMemory();
  const auto *global = dyn_cast<GlobalVariable>(object);
  return global && global->isConstant();
}

/// Whether `load` was taken out of a loop with others in it, in which `use` is.
static bool isHoisted(const LoadInst &load, const Use &use,
                      const LoopInfo &loops) {
  const Loop *loop = loops.getLoopFor(getUseBlock(use));
  return loop && !loop->isInnermost() && !loop->contains(&load);
}

/// Puts what was hoisted out of a loop back where it is used. The parameters of
/// a panel are constants, so LLVM loads them once for all rows; then there are
/// fewer registers for the loop along K, and it moves accumulators to the stack
/// in each iteration. Loading them again for each block of rows costs nothing.
static void sinkConstantLoads(Function &function) {
  DominatorTree dominators(function);
  LoopInfo loops(dominators);
  SmallVector<LoadInst *> loads;
  for (Instruction &instruction : instructions(function))
    if (auto *load = dyn_cast<LoadInst>(&instruction);
        load && isConstantLoad(*load))
      loads.push_back(load);
  for (LoadInst *load : loads) {
    DenseMap<BasicBlock *, Instruction *> copies;
    for (Use &use : make_early_inc_range(load->uses())) {
      if (!isHoisted(*load, use, loops))
        continue;
      BasicBlock *block = getUseBlock(use);
      Instruction *&copy = copies[block];
      if (!copy) {
        copy = load->clone();
        copy->insertBefore(*block, block->getFirstInsertionPt());
      }
      use.set(copy);
    }
    if (load->use_empty())
      load->eraseFromParent();
  }
}

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

namespace {
/// Strength reduction saves additions in the loops of contractions. Others gain
/// nothing, and in a training step it takes more time than all other passes.
struct ReduceContractions : PassInfoMixin<ReduceContractions> {
  PreservedAnalyses run(Loop &loop, LoopAnalysisManager &analyses,
                        LoopStandardAnalysisResults &results,
                        LPMUpdater &updater) {
    if (!isContraction(loop))
      return PreservedAnalyses::all();
    return LoopStrengthReducePass().run(loop, analyses, results, updater);
  }
};
} // namespace

/// Most iterations of a loop that are unrolled before loops are vectorized:
/// fewer than a register has floats.
static constexpr unsigned kMostUnrolledTrips = 7;

namespace {
/// Unrolls windows and the like. Left to itself, LLVM unrolls loops of any
/// length while their code is small: the quantization of a group of 16, a row
/// of several groups, becomes one block of scalars in the loop over rows, which
/// is then vectorized across memory. Code was up to ten times larger, and
/// slower.
struct UnrollShortLoops : PassInfoMixin<UnrollShortLoops> {
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

/// Registers the passes in place of LLVM's, which one option switches off:
/// before loops are vectorized short ones are unrolled, afterwards what LLVM
/// chooses.
static void registerUnrolling(PassBuilder &builder) {
  builder.registerLateLoopOptimizationsEPCallback(
      [](LoopPassManager &passes, OptimizationLevel) {
        passes.addPass(UnrollShortLoops());
      });
  builder.registerVectorizerEndEPCallback([](FunctionPassManager &passes,
                                             OptimizationLevel level) {
    passes.addPass(LoopUnrollPass(LoopUnrollOptions(level.getSpeedupLevel())));
    passes.addPass(EarlyCSEPass());
    passes.addPass(InstCombinePass());
  });
}

void quantc::optimize(Module &module, const TargetSpec &target) {
  std::unique_ptr<TargetMachine> machine = createTargetMachine(target);
  module.setTargetTriple(Triple(target.triple));
  module.setDataLayout(machine->createDataLayout());
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    // So that the IR gives the same code in any tool.
    function.addFnAttr("target-cpu", target.cpu);
    if (std::string features = target.getFeatureString(); !features.empty())
      function.addFnAttr("target-features", features);
    // Otherwise LLVM prefers half of a register on CPUs that were once slowed
    // down by whole ones, which our contractions use anyway.
    if (target.hasFeature("avx512f"))
      function.addFnAttr("prefer-vector-width", "512");
    // What the architecture allows for registers, in units of 128 bits.
    if (target.hasFeature("sve"))
      function.addFnAttr(Attribute::getWithVScaleRangeArgs(
          module.getContext(), /*MinValue=*/1, /*MaxValue=*/16));
    function.addFnAttr(Attribute::NoUnwind);
    // Otherwise wide registers are spilled across cache lines: it is too late
    // to align the stack once the frame pointer has been given away.
    if (target.hasFeature("avx"))
      function.addFnAttr("frame-pointer", "all");
  }

  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  tuning.LoopUnrolling = false;
  PassBuilder builder(machine.get(), tuning);
  registerUnrolling(builder);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  functions.registerPass(
      [&] { return TargetLibraryAnalysis(getLibraryInfo(module)); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
      .run(module, modules);
  expandMemMoves(module, *machine);
  FunctionPassManager reduce;
  reduce.addPass(createFunctionToLoopPassAdaptor(ReduceContractions()));
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    sinkConstantLoads(function);
    functions.clear(function, function.getName());
    reduce.run(function, functions);
  }
}

namespace {
/// Leaves out the strength reduction of code generation, which was done for all
/// loops that it is for.
struct CodegenGate : OptPassGate {
  bool isEnabled() const override { return true; }
  bool shouldRunPass(StringRef name, StringRef) const override {
    return name != "Loop Strength Reduction";
  }
};
} // namespace

Expected<std::string> quantc::emitCode(Module &module, const TargetSpec &target,
                                       EmitKind kind) {
  std::unique_ptr<TargetMachine> machine = createTargetMachine(target);
  CodeGenFileType type = kind == EmitKind::Assembly
                             ? CodeGenFileType::AssemblyFile
                             : CodeGenFileType::ObjectFile;
  SmallString<0> buffer;
  raw_svector_ostream os(buffer);
  // The context keeps it.
  static CodegenGate gate;
  module.getContext().setOptPassGate(gate);
  legacy::PassManager passes;
  TargetLibraryInfoImpl info = getLibraryInfo(module);
  passes.add(new TargetLibraryInfoWrapperPass(info));
  if (machine->addPassesToEmitFile(passes, os, /*DwoOut=*/nullptr, type))
    return createStringError("target " + target.triple +
                             " cannot emit this kind of file");
  passes.run(module);
  return buffer.str().str();
}

Error quantc::checkUndefinedSymbols(StringRef object) {
  auto file =
      object::ObjectFile::createObjectFile(MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    if (!flags)
      return flags.takeError();
    if (!name)
      return name.takeError();
    if ((*flags & object::SymbolRef::SF_Undefined) && !name->empty() &&
        !is_contained(kAllowedCalls, *name))
      return createStringError(
          "the code calls '" + *name +
          "'; an object may call nothing but memcpy and memset");
  }
  return Error::success();
}
