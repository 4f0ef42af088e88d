//===- LinkVariants.cpp - One object for several targets ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each variant is the program compiled for its target, its functions with that
// target's features. What it would export becomes internal, and the exported
// functions here call the variant that was chosen:
//
//   i32 <name>_variant()  the index of the variant, or -1 if the machine can
//                         run none
//
// The choice is made at the first call and kept in a variable, 0 before that.
// Threads that come at the same time choose the same, so that a relaxed load
// and store are enough, and no code runs when the object is loaded.
//
//===----------------------------------------------------------------------===//

#include "DetectCpu.h"
#include "EmitObject.h"
#include "quantc/Target/EntryAbi.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Transforms/IPO/ConstantMerge.h"

using namespace llvm;
using namespace quantc;

bool quantc::usesTiles(const Module &module) {
  return any_of(module, [](const Function &function) {
    return function.isIntrinsic() &&
           (function.getName().starts_with("llvm.x86.tile") ||
            function.getName().starts_with("llvm.x86.ldtilecfg"));
  });
}

//===----------------------------------------------------------------------===//
// Preparing modules
//===----------------------------------------------------------------------===//

/// Removes the string `<name>_metadata`.
static void eraseMetadata(Module &module, StringRef name) {
  module.getNamedGlobal((name + kMetadataSuffix).str())->eraseFromParent();
}

/// Adds the string `<name>_metadata`.
static void addMetadata(Module &module, const ProgramMetadata &metadata) {
  std::string name = metadata.name + kMetadataSuffix.str();
  Constant *text =
      ConstantDataArray::getString(module.getContext(), metadata.toJson());
  new GlobalVariable(module, text->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, text, name);
}

/// What the functions of variant `index` are renamed by.
static std::string getSuffix(size_t index) {
  return "." + std::to_string(index);
}

/// Renames what `module` exports, and lets LLVM know that nobody compares the
/// addresses of constants, so that those with equal bytes can become one.
static void prepare(Module &module, StringRef suffix) {
  for (Function &function : module)
    if (!function.isDeclaration() && !function.hasLocalLinkage())
      function.setName(function.getName() + suffix);
  for (GlobalVariable &global : module.globals())
    if (global.isConstant() && global.hasLocalLinkage())
      global.setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
}

/// Makes the functions of all variants internal. The linker drops internal
/// functions that nobody calls yet.
static void internalize(Module &module) {
  for (Function &function : module)
    if (!function.isDeclaration())
      function.setLinkage(GlobalValue::InternalLinkage);
}

//===----------------------------------------------------------------------===//
// The exported functions
//===----------------------------------------------------------------------===//

namespace {
class DispatchEmitter {
public:
  DispatchEmitter(Module &module, const ProgramMetadata &metadata)
      : module(module), metadata(metadata), builder(module.getContext()) {}

  void emit();

private:
  Function *startFunction(StringRef suffix, FunctionType *type);
  Function *emitVariant();
  /// Emits `<name><suffix>`, which calls that of the chosen variant or gives
  /// `otherwise`.
  void emitDispatch(StringRef suffix, Function *getVariant, uint64_t otherwise);

  Module &module;
  const ProgramMetadata &metadata;
  IRBuilder<> builder;
};
} // namespace

Function *DispatchEmitter::startFunction(StringRef suffix, FunctionType *type) {
  auto *function = Function::Create(type, GlobalValue::ExternalLinkage,
                                    metadata.name + suffix, module);
  function->addFnAttr(Attribute::NoUnwind);
  // Every machine has to be able to run it.
  bool isArm = module.getTargetTriple().isAArch64();
  function->addFnAttr("target-cpu", isArm ? "generic" : "x86-64");
  builder.SetInsertPoint(
      BasicBlock::Create(module.getContext(), "entry", function));
  return function;
}

Function *DispatchEmitter::emitVariant() {
  Type *i32 = builder.getInt32Ty();
  auto *chosen = new GlobalVariable(
      module, i32, /*isConstant=*/false, GlobalValue::InternalLinkage,
      builder.getInt32(0), metadata.name + "_chosen");
  Function *select =
      emitSelectTarget(module, metadata.name + "_select", metadata.variants);
  Function *function =
      startFunction(kVariantSuffix, FunctionType::get(i32, false));
  auto *choose = BasicBlock::Create(module.getContext(), "choose", function);
  auto *done = BasicBlock::Create(module.getContext(), "done", function);

  LoadInst *known = builder.CreateLoad(i32, chosen);
  known->setAtomic(AtomicOrdering::Monotonic);
  BasicBlock *entry = builder.GetInsertBlock();
  builder.CreateCondBr(builder.CreateIsNull(known), choose, done);
  builder.SetInsertPoint(choose);
  Value *index =
      builder.CreateAdd(builder.CreateCall(select), builder.getInt32(1));
  builder.CreateStore(index, chosen)->setAtomic(AtomicOrdering::Monotonic);
  builder.CreateBr(done);
  builder.SetInsertPoint(done);
  PHINode *number = builder.CreatePHI(i32, 2);
  number->addIncoming(known, entry);
  number->addIncoming(index, choose);
  Value *isNone =
      builder.CreateICmpUGT(number, builder.getInt32(metadata.variants.size()));
  builder.CreateRet(
      builder.CreateSelect(isNone, builder.getInt32(-1),
                           builder.CreateSub(number, builder.getInt32(1))));
  return function;
}

void DispatchEmitter::emitDispatch(StringRef suffix, Function *getVariant,
                                   uint64_t otherwise) {
  auto find = [&](size_t index) {
    return module.getFunction(metadata.name + suffix.str() + getSuffix(index));
  };
  Function *function = startFunction(suffix, find(0)->getFunctionType());
  auto *none = BasicBlock::Create(module.getContext(), "none", function);
  SwitchInst *choice = builder.CreateSwitch(builder.CreateCall(getVariant),
                                            none, metadata.variants.size());
  builder.SetInsertPoint(none);
  builder.CreateRet(ConstantInt::get(function->getReturnType(), otherwise));
  for (size_t index : seq(metadata.variants.size())) {
    auto *block = BasicBlock::Create(module.getContext(), "variant", function);
    choice->addCase(builder.getInt32(index), block);
    builder.SetInsertPoint(block);
    CallInst *call = builder.CreateCall(find(index), function->getArg(0));
    call->setTailCall();
    builder.CreateRet(call);
  }
}

void DispatchEmitter::emit() {
  Function *getVariant = emitVariant();
  emitDispatch(kRunSuffix, getVariant, uint64_t(EntryError::Cpu));
  emitDispatch(kWorkspaceSizeSuffix, getVariant, 0);
}

Expected<std::unique_ptr<Module>>
quantc::linkVariants(MutableArrayRef<Variant> variants,
                     ProgramMetadata &metadata) {
  // The machine must have what the last one needs.
  metadata = variants.back().metadata;
  for (Variant &variant : variants)
    eraseMetadata(*variant.module, metadata.name);
  if (variants.size() == 1) {
    addMetadata(*variants.front().module, metadata);
    return std::move(variants.front().module);
  }
  for (auto [index, variant] : enumerate(variants)) {
    metadata.variants.push_back(variant.metadata.target);
    metadata.threads = std::max(metadata.threads, variant.metadata.threads);
    prepare(*variant.module, getSuffix(index));
  }
  std::unique_ptr<Module> linked = std::move(variants.front().module);
  for (Variant &variant : variants.drop_front())
    if (Linker::linkModules(*linked, std::move(variant.module)))
      return createStringError("cannot link the variants of the program");
  internalize(*linked);
  DispatchEmitter(*linked, metadata).emit();
  addMetadata(*linked, metadata);

  ModuleAnalysisManager analyses;
  ConstantMergePass().run(*linked, analyses);
  return linked;
}
