//===- PlanWorkspace.cpp - All temporary buffers in one -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Transforms.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "quantc/Codegen/BoundProgram.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/EntryAbi.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_PLANWORKSPACEPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {
/// Computes index values again elsewhere, from the dimensions of the arguments
/// of the function that they are in.
class SizeCloner {
public:
  using MakeDimFn = std::function<Value(BlockArgument, int64_t)>;

  SizeCloner(OpBuilder &builder, MakeDimFn makeDim)
      : builder(builder), makeDim(std::move(makeDim)) {}

  /// Whether `value` depends on nothing but dimensions of arguments.
  static bool canClone(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (getArgumentDim(op))
      return true;
    return isPure(op) && op->getNumRegions() == 0 &&
           llvm::all_of(op->getOperands(), canClone);
  }

  /// The copy of `value`, for which `canClone` holds.
  Value clone(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (auto dim = getArgumentDim(op)) {
      mapping.map(value, makeDim(dim->first, dim->second));
      return mapping.lookup(value);
    }
    for (Value operand : op->getOperands())
      clone(operand);
    builder.clone(*op, mapping);
    return mapping.lookup(value);
  }

private:
  /// The argument and the dimension of it that `op` reads, if it does.
  static std::optional<std::pair<BlockArgument, int64_t>>
  getArgumentDim(Operation *op) {
    auto dim = dyn_cast<memref::DimOp>(op);
    if (!dim || !dim.getConstantIndex())
      return std::nullopt;
    auto arg = dyn_cast<BlockArgument>(dim.getSource());
    if (!arg || !isa<FunctionOpInterface>(arg.getOwner()->getParentOp()))
      return std::nullopt;
    return std::make_pair(arg, *dim.getConstantIndex());
  }

  OpBuilder &builder;
  MakeDimFn makeDim;
  IRMapping mapping;
};

/// Builds the plan at the start of the program.
class SizeBuilder {
public:
  explicit SizeBuilder(func::FuncOp program)
      : builder(OpBuilder::atBlockBegin(&program.front())),
        loc(program.getLoc()),
        cloner(builder, [this](BlockArgument arg, int64_t dim) -> Value {
          return builder.createOrFold<memref::DimOp>(loc, arg, dim);
        }) {}

  Value getConstant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  Value add(Value lhs, Value rhs) {
    return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs);
  }

  Value multiply(Value lhs, int64_t rhs) {
    return builder.createOrFold<arith::MulIOp>(loc, lhs, getConstant(rhs));
  }

  Value max(Value lhs, Value rhs) {
    return builder.createOrFold<arith::MaxUIOp>(loc, lhs, rhs);
  }

  /// The bytes that a buffer of `alloc` takes, rounded up to the alignment;
  /// an upper bound where the size changes from iteration to iteration.
  FailureOr<Value> getBytes(memref::AllocOp alloc) {
    MemRefType type = alloc.getType();
    int64_t constant = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    for (int64_t size : type.getShape())
      if (!ShapedType::isDynamic(size))
        constant *= size;
    if (type.hasStaticShape())
      return getConstant(llvm::alignTo(constant, kBufferAlignment));

    SmallVector<Value> factors;
    for (Value size : alloc.getDynamicSizes()) {
      FailureOr<Value> bound = getBound(size);
      if (failed(bound))
        return alloc.emitError("cannot bound the size of a temporary buffer by "
                               "the dimensions of the inputs");
      factors.push_back(*bound);
    }
    return getProduct(constant, factors);
  }

private:
  FailureOr<Value> getBound(Value size) {
    if (SizeCloner::canClone(size))
      return cloner.clone(size);
    Block *body = builder.getInsertionBlock();
    FailureOr<OpFoldResult> bound = arith::reifyValueBound(
        builder, loc, presburger::BoundType::UB, size,
        [body](Value value, std::optional<int64_t> dim,
               ValueBoundsConstraintSet &) {
          auto arg = dyn_cast<BlockArgument>(value);
          return arg && arg.getOwner() == body && dim;
        },
        /*closedUB=*/true);
    if (succeeded(bound))
      return getValueOrCreateConstantIndexOp(builder, loc, *bound);
    return getBoundOfRest(size);
  }

  /// The bound of what is left of a size behind the index of a loop, size - i:
  /// the size itself. Products of dimensions are nothing that other bounds can
  /// be of.
  FailureOr<Value> getBoundOfRest(Value rest) {
    auto apply = rest.getDefiningOp<affine::AffineApplyOp>();
    if (!apply)
      return failure();
    AffineMap map = apply.getAffineMap();
    AffineExpr expr = map.getResult(0);
    SmallVector<Value> operands;
    for (auto [index, operand] : llvm::enumerate(apply.getMapOperands())) {
      bool isDim = index < map.getNumDims();
      auto arg = dyn_cast<BlockArgument>(operand);
      bool isIndex = arg && isa<scf::ForOp>(arg.getOwner()->getParentOp());
      if (!isDim || !isIndex) {
        if (!SizeCloner::canClone(operand))
          return failure();
        operands.push_back(cloner.clone(operand));
        continue;
      }
      AffineExpr dim = getAffineDimExpr(index, rest.getContext());
      if (simplifyAffineExpr(expr + dim, map.getNumDims(), map.getNumSymbols())
              .isFunctionOfDim(index))
        return failure();
      operands.push_back(getConstant(0));
    }
    return affine::makeComposedAffineApply(builder, loc, map,
                                           getAsOpFoldResult(operands))
        .getResult();
  }

  /// The product, rounded up to the alignment: one value for equal factors.
  Value getProduct(int64_t constant, ArrayRef<Value> factors) {
    for (const Product &known : products)
      if (known.constant == constant && ArrayRef(known.factors) == factors)
        return known.value;
    Value bytes = getConstant(constant);
    for (Value factor : factors)
      bytes = builder.createOrFold<arith::MulIOp>(loc, bytes, factor);
    bytes = add(bytes, getConstant(kBufferAlignment - 1));
    bytes = builder.createOrFold<arith::AndIOp>(loc, bytes,
                                                getConstant(-kBufferAlignment));
    products.push_back({constant, llvm::to_vector(factors), bytes});
    return bytes;
  }

  struct Product {
    int64_t constant;
    SmallVector<Value> factors;
    Value value;
  };

  OpBuilder builder;
  Location loc;
  SizeCloner cloner;
  SmallVector<Product> products;
};

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// What a dynamic dimension is taken to be where sizes are compared.
constexpr int64_t kTypicalDim = 16;

/// A temporary buffer, alive from time `first` to `last`, that one not
/// included.
struct Buffer {
  memref::AllocOp alloc;
  unsigned first;
  unsigned last;
  /// Of one thread, if each has one of its own.
  Value threadBytes;
  Value bytes;
  /// `bytes` where dimensions are `kTypicalDim`.
  int64_t estimate = 0;
  unsigned slot = 0;
};

/// A place in the workspace that buffers take turns in. Buffers of threads,
/// which are at different places of a loop at the same time, take turns in
/// parts of it, one for each thread.
struct Slot {
  Value bytes;
  /// Of the part of a thread; null if there are none.
  Value threadBytes;
  int64_t estimate;
  SmallVector<const Buffer *> buffers;

  /// Whether no buffer of it is alive together with `buffer`.
  bool isFree(const Buffer &buffer) const {
    return llvm::none_of(buffers, [&](const Buffer *other) {
      return other->first < buffer.last && buffer.first < other->last;
    });
  }
};
} // namespace

/// The number of the thread that `op` runs on; null if all of the program runs
/// on one.
static Value getThread(Operation *op) {
  auto parallel = op->getParentOfType<scf::ParallelOp>();
  return parallel ? parallel.getInductionVars().front() : Value();
}

namespace {
/// When operations of a function run: `first` and `last` of one with regions
/// include all that is in them.
class Schedule {
public:
  explicit Schedule(func::FuncOp program) {
    unsigned time = 0;
    number(program.getBody(), time);
  }

  /// When `alloc` is alive, whose memory `views` show: from its own time to the
  /// last time that something reads or writes it. In a loop, that is the same
  /// in each iteration, unless the memory outlives it.
  std::pair<unsigned, unsigned> getLifetime(memref::AllocOp alloc,
                                            ArrayRef<Operation *> users) const;

private:
  void number(Region &region, unsigned &time) {
    for (Block &block : region)
      for (Operation &op : block) {
        unsigned first = time++;
        for (Region &inner : op.getRegions())
          number(inner, time);
        times[&op] = {first, time};
      }
  }

  DenseMap<Operation *, std::pair<unsigned, unsigned>> times;
};
} // namespace

std::pair<unsigned, unsigned>
Schedule::getLifetime(memref::AllocOp alloc,
                      ArrayRef<Operation *> users) const {
  Block *block = alloc->getBlock();
  auto isOutside = [&](Operation *user) {
    return !block->findAncestorOpInBlock(*user);
  };
  while (llvm::any_of(users, isOutside))
    block = block->getParentOp()->getBlock();
  auto [first, last] = times.at(block->findAncestorOpInBlock(*alloc));
  for (Operation *user : users)
    last = std::max(last, times.at(block->findAncestorOpInBlock(*user)).second);
  return {first, last};
}

/// The buffers of `program` with their lifetimes, in order of allocation.
static SmallVector<Buffer> collectBuffers(func::FuncOp program) {
  Schedule schedule(program);
  BufferViewFlowAnalysis views(program);
  SmallVector<Buffer> buffers;
  program.walk([&](memref::AllocOp alloc) {
    SmallVector<Operation *> users;
    for (Value view : views.resolve(alloc)) {
      llvm::append_range(users, view.getUsers());
      // What a loop carries is read in its next iteration.
      if (auto arg = dyn_cast<BlockArgument>(view))
        users.push_back(arg.getOwner()->getParentOp());
    }
    auto [first, last] = schedule.getLifetime(alloc, users);
    buffers.push_back({alloc, first, last, {}, {}});
  });
  return buffers;
}

/// The number of bytes that `value`, made by a SizeBuilder of `program`, is
/// where dimensions are typical.
static int64_t estimate(func::FuncOp program, Value value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant;
  Operation *op = value.getDefiningOp();
  Builder b(program.getContext());
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    auto arg = cast<BlockArgument>(dim.getSource());
    auto shape =
        program.getArgAttrOfType<AffineMapAttr>(arg.getArgNumber(), kShapeAttr);
    SmallVector<int64_t> dims(shape.getValue().getNumDims(), kTypicalDim);
    return shape.getValue().compose(dims)[*dim.getConstantIndex()];
  }
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands())
    operands.push_back(b.getIndexAttr(estimate(program, operand)));
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(operands, results)) || results.empty())
    return 0;
  return getConstantIntValue(results.front()).value_or(0);
}

/// Gives each buffer a slot: the largest first, each the smallest slot that is
/// free, so that small ones fill what large ones leave (greedy by size of
/// Pisarchyk and Lee, arXiv 2001.03288).
static SmallVector<Slot> assignSlots(MutableArrayRef<Buffer> buffers,
                                     SizeBuilder &sizes) {
  SmallVector<Buffer *> largestFirst =
      llvm::to_vector(llvm::make_pointer_range(buffers));
  llvm::sort(largestFirst, [](const Buffer *lhs, const Buffer *rhs) {
    return std::make_tuple(-lhs->estimate, lhs) <
           std::make_tuple(-rhs->estimate, rhs);
  });
  SmallVector<Slot> slots;
  for (Buffer *buffer : largestFirst) {
    Slot *best = nullptr;
    for (Slot &slot : slots)
      if (slot.isFree(*buffer) && (!best || slot.estimate < best->estimate))
        best = &slot;
    if (!best)
      best = &slots.emplace_back(
          Slot{buffer->bytes, /*threadBytes=*/{}, buffer->estimate, {}});
    // An estimate is no bound.
    best->bytes = sizes.max(best->bytes, buffer->bytes);
    if (buffer->threadBytes)
      best->threadBytes =
          best->threadBytes ? sizes.max(best->threadBytes, buffer->threadBytes)
                            : buffer->threadBytes;
    best->buffers.push_back(buffer);
    buffer->slot = best - slots.begin();
  }
  return slots;
}

/// The offsets of `slots` and the sum of their sizes.
static std::pair<SmallVector<Value>, Value> placeSlots(ArrayRef<Slot> slots,
                                                       SizeBuilder &sizes) {
  SmallVector<Value> offsets(slots.size());
  Value total = sizes.getConstant(0);
  // Those of known sizes come first: known offsets tell LLVM what does not
  // overlap.
  for (bool isKnown : {true, false})
    for (auto [slot, offset] : llvm::zip_equal(slots, offsets)) {
      if (getConstantIntValue(slot.bytes).has_value() != isKnown)
        continue;
      offset = total;
      total = sizes.add(total, slot.bytes);
    }
  return {offsets, total};
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// Adds the private function from the dynamic dimensions to `total`.
static void emitWorkspaceSize(func::FuncOp program, Value total) {
  ProgramInterface interface = getBoundInterface(program);
  OpBuilder builder(program);
  Location loc = program.getLoc();
  SmallVector<Type> dims(interface.dims.size(), builder.getIndexType());
  auto func = func::FuncOp::create(
      builder, loc, (program.getName() + kWorkspaceSizeSuffix).str(),
      builder.getFunctionType(dims, builder.getIndexType()));
  func.setPrivate();
  SymbolTable(program->getParentOp()).insert(func);
  program->setAttr(kWorkspaceSizeAttr, FlatSymbolRefAttr::get(func));

  builder.setInsertionPointToStart(func.addEntryBlock());
  SizeCloner cloner(builder, [&](BlockArgument arg, int64_t dim) -> Value {
    auto shape =
        program.getArgAttrOfType<AffineMapAttr>(arg.getArgNumber(), kShapeAttr);
    return affine::makeComposedAffineApply(
        builder, loc, shape.getValue().getSubMap({unsigned(dim)}),
        getAsOpFoldResult(func.getArguments()));
  });
  func::ReturnOp::create(builder, loc, cloner.clone(total));
}

static LogicalResult planWorkspace(func::FuncOp program) {
  if (!program.getBody().hasOneBlock())
    return emitError(program.getLoc(),
                     "expects one block; control flow is structured");
  SmallVector<Buffer> buffers = collectBuffers(program);
  SizeBuilder sizes(program);
  for (Buffer &buffer : buffers) {
    if (!buffer.alloc.getType().getLayout().isIdentity())
      return buffer.alloc.emitError("expects temporary buffers without layout");
    FailureOr<Value> bytes = sizes.getBytes(buffer.alloc);
    if (failed(bytes))
      return failure();
    buffer.bytes = *bytes;
    if (getThread(buffer.alloc)) {
      buffer.threadBytes = *bytes;
      buffer.bytes = sizes.multiply(*bytes, getMaxThreads(program));
    }
    buffer.estimate = estimate(program, buffer.bytes);
  }
  SmallVector<Slot> slots = assignSlots(buffers, sizes);
  auto [offsets, total] = placeSlots(slots, sizes);

  OpBuilder builder(program.getContext());
  auto attrs = builder.getDictionaryAttr(
      builder.getNamedAttr(kWorkspaceAttr, builder.getUnitAttr()));
  auto bytesType =
      MemRefType::get({ShapedType::kDynamic}, builder.getIntegerType(8));
  unsigned index = program.getNumArguments();
  if (failed(program.insertArgument(index, bytesType, attrs, program.getLoc())))
    return failure();
  for (const Buffer &buffer : buffers) {
    memref::AllocOp alloc = buffer.alloc;
    builder.setInsertionPoint(alloc);
    Value offset = offsets[buffer.slot];
    if (Value thread = getThread(alloc))
      offset = builder.createOrFold<arith::AddIOp>(
          alloc.getLoc(), offset,
          builder.createOrFold<arith::MulIOp>(alloc.getLoc(), thread,
                                              slots[buffer.slot].threadBytes));
    Value view = memref::ViewOp::create(
        builder, alloc.getLoc(), alloc.getType(), program.getArgument(index),
        offset, alloc.getDynamicSizes());
    alloc.replaceAllUsesWith(view);
    alloc.erase();
  }
  emitWorkspaceSize(program, total);
  return success();
}

namespace {
struct PlanWorkspace
    : public quantc::impl::PlanWorkspacePassBase<PlanWorkspace> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> program = requireBoundProgram(getOperation());
    if (failed(program) || failed(planWorkspace(*program)))
      signalPassFailure();
  }
};
} // namespace
