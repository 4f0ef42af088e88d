//===- DetectCpu.cpp - Code that finds out what a CPU has -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two instructions here have no intrinsic and are inline assembly: CPUID, and
// the system call that asks for AMX. There is no library to ask in an object
// that depends on none.
//
//===----------------------------------------------------------------------===//

#include "DetectCpu.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace quantc;

//===----------------------------------------------------------------------===//
// The tables
//===----------------------------------------------------------------------===//

namespace {
/// The outputs of CPUID, in the order of the assembly's results.
enum Output : unsigned { EAX, EBX, ECX, EDX };

/// Bits of XCR0: the registers that the system saves.
enum State : uint64_t {
  None = 0,
  Ymm = 0x6,
  Zmm = Ymm | 0xe0,
  Tiles = 0x60000,
};

struct X86Feature {
  StringLiteral name;
  uint32_t leaf, subleaf;
  Output output;
  unsigned bit;
  State state;
};

struct AArch64Feature {
  StringLiteral name;
  StringLiteral reg;
  unsigned shift;
  unsigned lowest;
};
} // namespace

static constexpr X86Feature kX86Features[] = {
#define QUANTC_X86_FEATURE(name, leaf, subleaf, output, bit, state)            \
  {name, leaf, subleaf, output, bit, state},
#include "quantc/Target/CpuFeatures.def"
};

static constexpr AArch64Feature kAArch64Features[] = {
#define QUANTC_AARCH64_FEATURE(name, reg, shift, lowest)                       \
  {name, reg, shift, lowest},
#include "quantc/Target/CpuFeatures.def"
};

// Bits and numbers of the architecture and of Linux.
static constexpr uint32_t kOsSavesStateBit = 27;
static constexpr uint32_t kExtendedLeaves = 0x80000000;
static constexpr uint64_t kSyscallArchPrctl = 158;
static constexpr uint64_t kRequestPermission = 0x1023;
static constexpr uint64_t kTileData = 18;

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

namespace {
/// Emits the questions at the start of a function and the tests after them.
class Detector {
public:
  explicit Detector(Function &function)
      : builder(BasicBlock::Create(function.getContext(), "entry", &function)),
        function(function) {}
  virtual ~Detector() = default;

  /// Whether the machine has all that `target` has, as i1.
  virtual Value *emitTest(const TargetSpec &target) = 0;

  /// Whether the system lets the program use what `target` has, as i1; null if
  /// nothing needs a permission.
  virtual Value *emitRequest(const TargetSpec &target) { return nullptr; }

  IRBuilder<> builder;

protected:
  BasicBlock *createBlock(const Twine &name) {
    return BasicBlock::Create(function.getContext(), name, &function);
  }

  Function &function;
};

class X86Detector : public Detector {
public:
  explicit X86Detector(Function &function);
  Value *emitTest(const TargetSpec &target) override;
  Value *emitRequest(const TargetSpec &target) override;

private:
  /// One output of CPUID for `leaf` and `subleaf`.
  Value *emitCpuid(uint32_t leaf, uint32_t subleaf, Output output);
  /// The same, or 0 unless `isThere`: a CPU may answer anything for a leaf that
  /// it lacks.
  Value *emitCpuidIf(Value *isThere, uint32_t leaf, uint32_t subleaf,
                     Output output) {
    return builder.CreateSelect(isThere, emitCpuid(leaf, subleaf, output),
                                builder.getInt32(0));
  }
  Value *hasLeaf(uint32_t leaf, uint32_t subleaf);
  Value *emitSavedState();
  Value *hasBits(Value *value, uint64_t mask);

  /// All outputs of CPUID for a leaf and a subleaf.
  MapVector<std::pair<uint32_t, uint32_t>, Value *> answers;
  using Word = std::tuple<uint32_t, uint32_t, Output>;
  MapVector<Word, Value *> words;
  Value *savedState;
};

class AArch64Detector : public Detector {
public:
  using Detector::Detector;
  Value *emitTest(const TargetSpec &target) override;

private:
  /// The ID register `name`, as i64.
  Value *readRegister(StringRef name);
};
} // namespace

X86Detector::X86Detector(Function &function) : Detector(function) {
  for (const X86Feature &feature : kX86Features) {
    Value *&word = words[{feature.leaf, feature.subleaf, feature.output}];
    if (!word)
      word = emitCpuidIf(hasLeaf(feature.leaf, feature.subleaf), feature.leaf,
                         feature.subleaf, feature.output);
  }
  savedState = emitSavedState();
}

Value *X86Detector::emitCpuid(uint32_t leaf, uint32_t subleaf, Output output) {
  Value *&answer = answers[{leaf, subleaf}];
  if (!answer) {
    Type *i32 = builder.getInt32Ty();
    auto *type = FunctionType::get(StructType::get(i32, i32, i32, i32),
                                   {i32, i32}, /*isVarArg=*/false);
    InlineAsm *cpuid =
        InlineAsm::get(type, "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}",
                       /*hasSideEffects=*/false);
    answer = builder.CreateCall(
        cpuid, {builder.getInt32(leaf), builder.getInt32(subleaf)});
  }
  return builder.CreateExtractValue(answer, output);
}

Value *X86Detector::hasLeaf(uint32_t leaf, uint32_t subleaf) {
  uint32_t first = leaf & kExtendedLeaves;
  Value *isThere =
      builder.CreateICmpUGE(emitCpuid(first, 0, EAX), builder.getInt32(leaf));
  if (subleaf == 0)
    return isThere;
  return builder.CreateICmpUGE(emitCpuidIf(isThere, leaf, 0, EAX),
                               builder.getInt32(subleaf));
}

Value *X86Detector::emitSavedState() {
  BasicBlock *start = builder.GetInsertBlock();
  BasicBlock *read = createBlock("read_state"), *next = createBlock("test");
  // Without this bit XGETBV is an illegal instruction.
  builder.CreateCondBr(
      hasBits(words.lookup({1, 0, ECX}), uint64_t(1) << kOsSavesStateBit), read,
      next);
  builder.SetInsertPoint(read);
  Value *state =
      builder.CreateIntrinsic(Intrinsic::x86_xgetbv, {builder.getInt32(0)});
  builder.CreateBr(next);
  builder.SetInsertPoint(next);
  PHINode *result = builder.CreatePHI(builder.getInt64Ty(), 2);
  result->addIncoming(builder.getInt64(0), start);
  result->addIncoming(state, read);
  return result;
}

Value *X86Detector::hasBits(Value *value, uint64_t mask) {
  Constant *bits = ConstantInt::get(value->getType(), mask);
  return builder.CreateICmpEQ(builder.CreateAnd(value, bits), bits);
}

Value *X86Detector::emitTest(const TargetSpec &target) {
  MapVector<Word, uint32_t> needed;
  uint64_t state = 0;
  for (const X86Feature &feature : kX86Features) {
    if (!target.hasFeature(feature.name))
      continue;
    needed[{feature.leaf, feature.subleaf, feature.output}] |= 1u
                                                               << feature.bit;
    state |= feature.state;
  }
  Value *result = hasBits(savedState, state);
  for (auto [word, mask] : needed)
    result = builder.CreateAnd(result, hasBits(words.lookup(word), mask));
  return result;
}

Value *X86Detector::emitRequest(const TargetSpec &target) {
  if (!target.hasFeature("amx-tile"))
    return nullptr;
  Type *i64 = builder.getInt64Ty();
  auto *type = FunctionType::get(i64, {i64, i64, i64}, /*isVarArg=*/false);
  InlineAsm *syscall = InlineAsm::get(
      type, "syscall", "={ax},{ax},{di},{si},~{rcx},~{r11},~{memory}",
      /*hasSideEffects=*/true);
  Value *error =
      builder.CreateCall(syscall, {builder.getInt64(kSyscallArchPrctl),
                                   builder.getInt64(kRequestPermission),
                                   builder.getInt64(kTileData)});
  return builder.CreateICmpEQ(error, builder.getInt64(0));
}

Value *AArch64Detector::readRegister(StringRef name) {
  LLVMContext &context = function.getContext();
  auto *node = MDNode::get(context, MDString::get(context, name));
  return builder.CreateIntrinsic(Intrinsic::read_register,
                                 {builder.getInt64Ty()},
                                 {MetadataAsValue::get(context, node)});
}

Value *AArch64Detector::emitTest(const TargetSpec &target) {
  Value *result = builder.getTrue();
  for (const AArch64Feature &feature : kAArch64Features) {
    if (!target.hasFeature(feature.name) || feature.lowest == 0)
      continue;
    Value *field = builder.CreateAnd(
        builder.CreateLShr(readRegister(feature.reg), feature.shift),
        builder.getInt64(0xf));
    result = builder.CreateAnd(
        result, builder.CreateICmpUGE(field, builder.getInt64(feature.lowest)));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------===//

Function *quantc::emitSelectTarget(Module &module, StringRef name,
                                   ArrayRef<TargetSpec> targets) {
  LLVMContext &context = module.getContext();
  auto *type = FunctionType::get(Type::getInt32Ty(context), false);
  auto *function =
      Function::Create(type, GlobalValue::InternalLinkage, name, module);
  function->addFnAttr(Attribute::NoUnwind);
  // Called once, and not for every CPU once inlined.
  function->addFnAttr(Attribute::NoInline);
  std::unique_ptr<Detector> detector;
  if (Triple(targets.front().triple).isAArch64()) {
    function->addFnAttr("target-cpu", "generic");
    detector = std::make_unique<AArch64Detector>(*function);
  } else {
    function->addFnAttr("target-cpu", "x86-64");
    function->addFnAttr("target-features", "+xsave");
    detector = std::make_unique<X86Detector>(*function);
  }

  IRBuilder<> &builder = detector->builder;
  for (auto [index, target] : enumerate(targets)) {
    auto *found = BasicBlock::Create(context, "found", function);
    auto *next = BasicBlock::Create(context, "next", function);
    auto *request = BasicBlock::Create(context, "request", function);
    builder.CreateCondBr(detector->emitTest(target), request, next);
    builder.SetInsertPoint(request);
    if (Value *granted = detector->emitRequest(target))
      builder.CreateCondBr(granted, found, next);
    else
      builder.CreateBr(found);
    builder.SetInsertPoint(found);
    builder.CreateRet(builder.getInt32(index));
    builder.SetInsertPoint(next);
  }
  builder.CreateRet(builder.getInt32(targets.size()));
  return function;
}
