//===- EmitObject.cpp - LLVM IR to machine code ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitObject.h"
#include "LoopPasses.h"
#include "llvm/Analysis/LoopInfo.h"
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
#include "llvm/Transforms/Scalar/LoopPassManager.h"
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
  tuning.LoopUnrolling = false; // by `registerLoopPasses`
  PassBuilder builder(machine.get(), tuning);
  registerLoopPasses(builder);
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
