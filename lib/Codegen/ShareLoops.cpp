//===- ShareLoops.cpp - One function for equal loops ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InternalFunction.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/EntryAbi.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_SHARELOOPSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// A loop of fewer operations only fills or copies memory. All others become
/// more code than a call once they are vectorized.
static constexpr int64_t kFewestSharedOps = 6;

/// With more loops than this, all become functions: the time of LLVM's analyses
/// grows faster than the function that they look at.
static constexpr size_t kMostLoops = 48;

/// Of 128 bits, on x86-64 and on AArch64.
static constexpr int64_t kRegistersForArguments = 8;

/// Attributes of LLVM's function, of which all functions that are shared have
/// one.
static constexpr StringLiteral kPassthroughAttr = "passthrough";

/// Whether `value` is memory of which nothing but the start and what is known
/// of its size matters.
static bool isMemory(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  Operation *op = value.getDefiningOp();
  if (!type || !op)
    return false;
  return isa<memref::ViewOp, memref::GetGlobalOp>(op) ||
         (isa<UnrealizedConversionCastOp>(op) && type.hasStaticShape());
}

/// Whether `value` is a part of a constant, or no memory.
static bool isConstantPart(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return !isa<MemRefType>(value.getType()) ||
         value.getDefiningOp<memref::GetGlobalOp>();
}

/// Whether `op` does nothing but read constants.
static bool isConstantRead(Operation *op) {
  return hasSingleEffect<MemoryEffects::Read>(op) &&
         llvm::all_of(op->getOperands(), isConstantPart);
}

/// Whether equal loops may differ in `value`, so that it is an argument of
/// their function: memory, and what has no definition that can be repeated. All
/// else that a loop uses is computed again.
static bool isArgument(Value value) {
  Operation *op = value.getDefiningOp();
  return !op || isMemory(value) || !(isPure(op) || isConstantRead(op));
}

/// The sizes of the dynamic dimensions of `memory`.
static ValueRange getSizes(Value memory) {
  auto view = memory.getDefiningOp<memref::ViewOp>();
  return view ? ValueRange(view.getSizes()) : ValueRange();
}

namespace {
/// Whether a loop is another one with other arguments.
class LoopMatcher {
public:
  /// Whether the loops are equal. If so, `arguments` has those of the second
  /// one, in the order in which the first one uses its own.
  bool matchLoops(Operation *lhs, Operation *rhs);

  SetVector<Value> arguments;

private:
  bool matchValues(Value lhs, Value rhs);
  bool matchRanges(ValueRange lhs, ValueRange rhs);
  bool matchArguments(Value lhs, Value rhs);
  void setKnown(ValueRange lhs, ValueRange rhs);

  /// A value of the first loop, and that of the second one.
  DenseMap<Value, Value> known;
};
} // namespace

/// Whether both are the same operations, all but for the values they use.
static bool haveSameForm(Operation *lhs, Operation *rhs) {
  return OperationEquivalence::isEquivalentTo(
      lhs, rhs, OperationEquivalence::ignoreValueEquivalence,
      /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
}

/// All operations in `loop`, itself first.
static SmallVector<Operation *> getOperations(Operation *loop) {
  SmallVector<Operation *> operations;
  loop->walk<WalkOrder::PreOrder>(
      [&](Operation *op) { operations.push_back(op); });
  return operations;
}

bool LoopMatcher::matchLoops(Operation *lhs, Operation *rhs) {
  if (!haveSameForm(lhs, rhs))
    return false;
  for (auto [l, r] : llvm::zip_equal(getOperations(lhs), getOperations(rhs))) {
    if (!matchRanges(l->getOperands(), r->getOperands()))
      return false;
    setKnown(l->getResults(), r->getResults());
    for (auto [region, other] :
         llvm::zip_equal(l->getRegions(), r->getRegions()))
      setKnown(region.getArguments(), other.getArguments());
  }
  return true;
}

void LoopMatcher::setKnown(ValueRange lhs, ValueRange rhs) {
  for (auto [l, r] : llvm::zip_equal(lhs, rhs))
    known[l] = r;
}

bool LoopMatcher::matchRanges(ValueRange lhs, ValueRange rhs) {
  return llvm::equal(lhs, rhs,
                     [this](Value l, Value r) { return matchValues(l, r); });
}

bool LoopMatcher::matchValues(Value lhs, Value rhs) {
  if (Value other = known.lookup(lhs))
    return other == rhs;
  if (lhs.getType() != rhs.getType() || isArgument(lhs) != isArgument(rhs))
    return false;
  known[lhs] = rhs;
  if (isArgument(lhs))
    return matchArguments(lhs, rhs);
  Operation *op = lhs.getDefiningOp(), *other = rhs.getDefiningOp();
  return cast<OpResult>(lhs).getResultNumber() ==
             cast<OpResult>(rhs).getResultNumber() &&
         op->getNumRegions() == 0 && haveSameForm(op, other) &&
         matchRanges(op->getOperands(), other->getOperands());
}

bool LoopMatcher::matchArguments(Value lhs, Value rhs) {
  // The pointers of a function do not alias.
  if (!arguments.insert(rhs))
    return false;
  if (!isa<MemRefType>(lhs.getType()))
    return true;
  return isMemory(lhs) && isMemory(rhs) &&
         matchRanges(getSizes(lhs), getSizes(rhs));
}

namespace {
/// Equal loops, each with its arguments.
struct LoopGroup {
  /// Whether argument `index` of all loops is the result of one of `Ops`.
  template <class... Ops>
  bool allArguments(unsigned index) const {
    return llvm::all_of(arguments, [&](ArrayRef<Value> values) {
      return isa_and_nonnull<Ops...>(values[index].getDefiningOp());
    });
  }

  SmallVector<Operation *> loops;
  SmallVector<SmallVector<Value>> arguments;
};

/// Makes one function of a group of loops.
class LoopSharer {
public:
  LoopSharer(ModuleOp module) : symbols(module), builder(module.getContext()) {}

  void share(LoopGroup &group);

  /// Erases the loops that calls have taken the place of. Until then results of
  /// theirs may be arguments of other loops.
  void eraseLoops() {
    for (Operation *loop : shared)
      loop->erase();
  }

private:
  func::FuncOp createFunction(const LoopGroup &group);

  /// The value of the function for `value` of the program, computed again if
  /// `mapping` does not have it.
  Value rebuild(Value value, IRMapping &mapping);

  SymbolTable symbols;
  OpBuilder builder;
  /// The arguments of the function for memory of the program.
  DenseMap<Value, Value> pointers;
  /// Loops without uses, and what took the place of their results.
  SmallVector<Operation *> shared;
  IRMapping replacements;
};
} // namespace

Value LoopSharer::rebuild(Value value, IRMapping &mapping) {
  if (Value copy = mapping.lookupOrNull(value))
    return copy;
  if (Value pointer = pointers.lookup(value)) {
    SmallVector<Value> sizes;
    for (Value size : getSizes(value))
      sizes.push_back(rebuild(size, mapping));
    mapping.map(value, createMemref(builder, value.getLoc(),
                                    cast<MemRefType>(value.getType()), pointer,
                                    sizes));
    return mapping.lookup(value);
  }
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    rebuild(operand, mapping);
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

func::FuncOp LoopSharer::createFunction(const LoopGroup &group) {
  Operation *loop = group.loops.front();
  ArrayRef<Value> arguments = group.arguments.front();
  Location loc = loop->getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto types = llvm::map_to_vector(arguments, [&](Value value) -> Type {
    return isa<MemRefType>(value.getType()) ? pointer : value.getType();
  });
  auto program = loop->getParentOfType<func::FuncOp>();
  builder.setInsertionPoint(program);
  func::FuncOp function =
      createInternalFunction(builder, loc, program.getName() + "_loop", types,
                             llvm::to_vector(loop->getResultTypes()));
  symbols.insert(function);
  function->setAttr(kPassthroughAttr, builder.getStrArrayAttr({"noinline"}));

  IRMapping mapping;
  pointers.clear();
  for (auto [index, value] : llvm::enumerate(arguments)) {
    Value argument = function.getArgument(index);
    if (!isa<MemRefType>(value.getType())) {
      mapping.map(value, argument);
      continue;
    }
    pointers[value] = argument;
    setPointerAttrs(
        function, index,
        /*isReadOnly=*/group.allArguments<memref::GetGlobalOp>(index));
    // The memory of the interface is aligned as the caller likes.
    if (group.allArguments<memref::ViewOp, memref::GetGlobalOp>(index))
      function.setArgAttr(index, LLVM::LLVMDialect::getAlignAttrName(),
                          builder.getI32IntegerAttr(kBufferAlignment));
  }
  builder.setInsertionPointToStart(&function.front());
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(loop->getRegions(), used);
  used.insert_range(loop->getOperands());
  for (Value value : used)
    rebuild(value, mapping);
  Operation *copy = builder.clone(*loop, mapping);
  func::ReturnOp::create(builder, loc, copy->getResults());
  return function;
}

void LoopSharer::share(LoopGroup &group) {
  for (SmallVector<Value> &arguments : group.arguments)
    for (Value &value : arguments)
      value = replacements.lookupOrDefault(value);
  func::FuncOp function = createFunction(group);
  for (auto [loop, arguments] : llvm::zip_equal(group.loops, group.arguments)) {
    Location loc = loop->getLoc();
    builder.setInsertionPoint(loop);
    SmallVector<Value> operands;
    for (Value value : arguments)
      operands.push_back(isa<MemRefType>(value.getType())
                             ? getPointer(builder, loc, value)
                             : value);
    auto call = func::CallOp::create(builder, loc, function, operands);
    replacements.map(loop->getResults(), call.getResults());
    loop->replaceAllUsesWith(call);
    shared.push_back(loop);
  }
}

/// A number that equal loops have in common.
static llvm::hash_code hashLoop(Operation *loop) {
  llvm::hash_code hash(0);
  loop->walk<WalkOrder::PreOrder>([&](Operation *op) {
    hash = llvm::hash_combine(hash, op->getName(),
                              llvm::hash_combine_range(op->getResultTypes()));
  });
  return hash;
}

/// Whether a function for `op` and its like would save code.
static bool isShareable(Operation *op) {
  if (!isa<scf::ForOp, scf::IfOp>(op))
    return false;
  int64_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count >= kFewestSharedOps;
}

/// Adds to `loops` those in `region` that may become functions: in place of a
/// loop over samples, those in it.
static void findLoops(Region &region, SmallVectorImpl<Operation *> &loops) {
  for (Block &block : region)
    for (Operation &op : block)
      if (op.hasAttr(kSamplesAttr))
        findLoops(op.getRegion(0), loops);
      else if (isShareable(&op))
        loops.push_back(&op);
}

/// Whether all vectors and floats of `arguments` are passed in registers. What
/// would be left none is read better where it is used, and code generation for
/// AArch64 crashes on a vector of three floats there.
static bool fitRegisters(ArrayRef<Value> arguments) {
  int64_t count = 0;
  for (Value value : arguments)
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      count += llvm::divideCeil(
          vector.getNumElements() * vector.getElementTypeBitWidth(), 128);
    else
      count += isa<FloatType>(value.getType());
  return count <= kRegistersForArguments;
}

/// Adds `loop` to the group that it belongs to, or makes one for it.
static void addToGroup(Operation *loop, SmallVectorImpl<LoopGroup> &groups) {
  for (LoopGroup &group : groups) {
    LoopMatcher matcher;
    if (!matcher.matchLoops(group.loops.front(), loop))
      continue;
    group.loops.push_back(loop);
    group.arguments.push_back(matcher.arguments.takeVector());
    return;
  }
  // Equal to itself, if all that it uses can be an argument.
  LoopMatcher matcher;
  if (matcher.matchLoops(loop, loop) &&
      fitRegisters(matcher.arguments.getArrayRef()))
    groups.push_back({{loop}, {matcher.arguments.takeVector()}});
}

namespace {
struct ShareLoops : public quantc::impl::ShareLoopsPassBase<ShareLoops> {
  void runOnOperation() override {
    SmallVector<Operation *> loops;
    // Loops over tiles are functions already.
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function->hasAttr(kPassthroughAttr))
        findLoops(function.getBody(), loops);
    llvm::MapVector<size_t, SmallVector<LoopGroup>> groups;
    for (Operation *loop : loops)
      addToGroup(loop, groups[hashLoop(loop)]);
    LoopSharer sharer(getOperation());
    for (auto &[hash, sameHash] : groups)
      for (LoopGroup &group : sameHash)
        if (group.loops.size() > 1 || loops.size() > kMostLoops)
          sharer.share(group);
    sharer.eraseLoops();
  }
};
} // namespace
