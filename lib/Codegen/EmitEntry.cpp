//===- EmitEntry.cpp - The C interface of a program -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InternalFunction.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "quantc/Codegen/BoundProgram.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/EntryAbi.h"
#include "quantc/Target/Parameters.h"
#include "quantc/Target/ProgramMetadata.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_EMITENTRYPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

namespace {
/// Emits everything that `<name>_*` stands for.
class EntryEmitter {
  /// The fields of the argument struct, in the order of the header.
  enum class Field {
    Inputs,
    Outputs,
    Dims,
    Workspace,
    Executor,
    Adapters,
    AdapterOfRow,
    Parameters
  };

public:
  EntryEmitter(func::FuncOp program, func::FuncOp sizeFunction, StringRef name)
      : program(program), sizeFunction(sizeFunction), name(name),
        interface(getBoundInterface(program)),
        parameters(
            program->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(
                kParametersAttr)),
        loc(program.getLoc()), builder(program),
        pointerType(LLVM::LLVMPointerType::get(program.getContext())) {}

  LogicalResult emit();

private:
  /// Those that the caller gives.
  unsigned getNumDims() const { return interface.getCallerDims().size(); }

  /// Makes `func` internal, under a name that no other model has.
  void internalize(func::FuncOp func, StringRef suffix);

  /// Replaces memref argument `index` of the program by a pointer to a memref
  /// of `sizes`.
  void unpackArgument(unsigned index, ArrayRef<Value> sizes);

  /// Turns the program into a function of pointers and dimensions.
  LogicalResult unpackProgram();

  void emitRun();
  void emitWorkspaceSize();
  void emitMetadata();

  // Pieces of the exported functions.
  func::FuncOp startFunction(StringRef suffix, Type result);
  Value getInteger(Type type, int64_t value);
  Value getError(EntryError error) {
    return getInteger(builder.getI32Type(), int32_t(error));
  }
  Value isNull(Value pointer);
  Value loadField(Value args, Field field, unsigned index = 0);
  SmallVector<Value> loadDims(Value pointer, Value onNull, Value onRange);
  Value loadPort(Value args, Field field, unsigned index, const Port &port,
                 ValueRange dims);
  Value loadWorkspace(Value args, ValueRange dims);
  Value loadParameters(Value args);
  Value isMissingOrMisaligned(Value pointer);
  Value loadExecutor(Value args);
  /// Loads the pointers of adapters to `operands` and appends their dimensions
  /// to `dims`.
  void loadAdapters(Value args, SmallVector<Value> &operands,
                    SmallVector<Value> &dims);
  SmallVector<Value> getSizes(AffineMap shape, ValueRange dims);
  Value getWorkspaceSize(ValueRange dims);
  Value isNonZero(Value index);
  /// Continues only if `failed` is false; otherwise the function returns
  /// `result`.
  void returnIf(Value failed, Value result);

  func::FuncOp program;
  func::FuncOp sizeFunction;
  StringRef name;
  ProgramInterface interface;
  /// The constants that the caller passes, or null.
  ArrayAttr parameters;
  Location loc;
  OpBuilder builder;
  Type pointerType;
};
} // namespace

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

void EntryEmitter::internalize(func::FuncOp func, StringRef suffix) {
  (void)SymbolTable(program->getParentOp()).rename(func, (name + suffix).str());
  setInternal(func);
}

void EntryEmitter::unpackArgument(unsigned index, ArrayRef<Value> sizes) {
  BlockArgument arg = program.getArgument(index);
  auto type = cast<MemRefType>(arg.getType());
  bool isReadOnly = !program.getArgAttr(index, kOutputAttr) &&
                    !program.getArgAttr(index, kWorkspaceAttr);
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : arg.getUses())
    uses.push_back(&use);
  arg.setType(pointerType);
  SmallVector<Value> dynamicSizes;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (type.isDynamicDim(dim))
      dynamicSizes.push_back(size);
  Value memref = createMemref(builder, loc, type, arg, dynamicSizes);
  for (OpOperand *use : uses)
    use->set(memref);
  setPointerAttrs(program, index, isReadOnly);
}

LogicalResult EntryEmitter::unpackProgram() {
  unsigned numArgs = program.getNumArguments();
  for (unsigned index : llvm::seq<unsigned>(interface.dims.size()))
    if (failed(program.insertArgument(numArgs + index, builder.getIndexType(),
                                      {}, loc)))
      return failure();
  ValueRange dims = program.getArguments().drop_front(numArgs);
  builder.setInsertionPointToStart(&program.front());
  for (unsigned index : llvm::seq(numArgs)) {
    if (program.getArgument(index) == getExecutor(program))
      continue;
    SmallVector<Value> sizes;
    if (auto shape = program.getArgAttrOfType<AffineMapAttr>(index, kShapeAttr))
      sizes = getSizes(shape.getValue(), dims);
    else if (program.getArgAttr(index, kParametersAttr))
      sizes.push_back(getInteger(
          builder.getIndexType(),
          cast<MemRefType>(program.getArgumentTypes()[index]).getDimSize(0)));
    else
      sizes.push_back(getWorkspaceSize(dims));
    unpackArgument(index, sizes);
  }
  program.setType(builder.getFunctionType(program.front().getArgumentTypes(),
                                          program.getResultTypes()));
  program->removeAttr(kDimsAttr);
  program->removeAttr(kAdaptersAttr);
  program->removeAttr(kWorkspaceSizeAttr);
  return success();
}

//===----------------------------------------------------------------------===//
// Pieces of the exported functions
//===----------------------------------------------------------------------===//

func::FuncOp EntryEmitter::startFunction(StringRef suffix, Type result) {
  builder.setInsertionPoint(program);
  auto func =
      func::FuncOp::create(builder, loc, (name + suffix).str(),
                           builder.getFunctionType({pointerType}, {result}));
  builder.setInsertionPointToStart(func.addEntryBlock());
  return func;
}

Value EntryEmitter::getInteger(Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getIntegerAttr(type, value));
}

Value EntryEmitter::isNonZero(Value index) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, index,
                               getInteger(builder.getIndexType(), 0));
}

Value EntryEmitter::isNull(Value pointer) {
  Value null = LLVM::ZeroOp::create(builder, loc, pointerType);
  return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq, pointer,
                              null);
}

Value EntryEmitter::loadField(Value args, Field field, unsigned index) {
  auto getArray = [&](size_t size) {
    return LLVM::LLVMArrayType::get(pointerType, std::max<size_t>(size, 1));
  };
  SmallVector<Type> fields = {getArray(interface.getCallerInputs().size()),
                              getArray(interface.outputs.size()), pointerType,
                              pointerType, pointerType};
  if (interface.adapters)
    fields.append({pointerType, pointerType});
  if (parameters)
    fields.push_back(pointerType);
  // Fields that a program does not have take no room.
  int32_t position = int32_t(field);
  if (field == Field::Parameters)
    position = fields.size() - 1;
  Type structType =
      LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  SmallVector<LLVM::GEPArg> path = {0, position};
  if (field == Field::Inputs || field == Field::Outputs)
    path.push_back(int32_t(index));
  Value address =
      LLVM::GEPOp::create(builder, loc, pointerType, structType, args, path);
  return LLVM::LoadOp::create(builder, loc, pointerType, address);
}

SmallVector<Value> EntryEmitter::getSizes(AffineMap shape, ValueRange dims) {
  SmallVector<Value> sizes;
  for (AffineExpr expr : shape.getResults())
    sizes.push_back(affine::makeComposedAffineApply(
        builder, loc, AffineMap::get(dims.size(), 0, expr),
        getAsOpFoldResult(dims)));
  return sizes;
}

Value EntryEmitter::getWorkspaceSize(ValueRange dims) {
  SmallVector<Value> all(dims);
  // It does not depend on those of adapters.
  while (all.size() < interface.dims.size())
    all.push_back(getInteger(builder.getIndexType(), 0));
  return func::CallOp::create(builder, loc, sizeFunction, all).getResult(0);
}

void EntryEmitter::returnIf(Value failed, Value result) {
  Region *body = builder.getInsertionBlock()->getParent();
  Block *exit = new Block, *next = new Block;
  body->push_back(exit);
  body->push_back(next);
  cf::CondBranchOp::create(builder, loc, failed, exit, next);
  builder.setInsertionPointToStart(exit);
  func::ReturnOp::create(builder, loc, result);
  builder.setInsertionPointToStart(next);
}

/// The dynamic dimensions behind `pointer`; the function returns `onError` if
/// they are missing or out of range.
SmallVector<Value> EntryEmitter::loadDims(Value pointer, Value onNull,
                                          Value onRange) {
  SmallVector<Value> dims;
  if (getNumDims() == 0)
    return dims;
  returnIf(isNull(pointer), onNull);
  Type i64 = builder.getI64Type();
  Value isWrong = getInteger(builder.getI1Type(), 0);
  for (unsigned index : llvm::seq(getNumDims())) {
    Value address = LLVM::GEPOp::create(builder, loc, pointerType, i64, pointer,
                                        ArrayRef<LLVM::GEPArg>{int(index)});
    Value dim = LLVM::LoadOp::create(builder, loc, i64, address);
    // Unsigned, so that a negative dimension is too large.
    Value tooLarge =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, dim,
                              getInteger(i64, kMaxDimension));
    isWrong = arith::OrIOp::create(builder, loc, isWrong, tooLarge);
    dims.push_back(
        arith::IndexCastOp::create(builder, loc, builder.getIndexType(), dim));
  }
  returnIf(isWrong, onRange);
  return dims;
}

/// Loads the pointer to `port`; the function returns an error if it is null and
/// the tensor has elements.
Value EntryEmitter::loadPort(Value args, Field field, unsigned index,
                             const Port &port, ValueRange dims) {
  Value pointer = loadField(args, field, index);
  Value count = getInteger(builder.getIndexType(), 1);
  for (Value size : getSizes(port.shape, dims))
    count = arith::MulIOp::create(builder, loc, count, size);
  returnIf(
      arith::AndIOp::create(builder, loc, isNull(pointer), isNonZero(count)),
      getError(EntryError::NullPointer));
  return pointer;
}

Value EntryEmitter::isMissingOrMisaligned(Value pointer) {
  Type i64 = builder.getI64Type();
  Value address = LLVM::PtrToIntOp::create(builder, loc, i64, pointer);
  Value low = arith::AndIOp::create(builder, loc, address,
                                    getInteger(i64, kBufferAlignment - 1));
  Value misaligned = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ne, low, getInteger(i64, 0));
  return arith::OrIOp::create(builder, loc, isNull(pointer), misaligned);
}

/// Loads the workspace; the function returns an error if one is needed and this
/// is none.
Value EntryEmitter::loadWorkspace(Value args, ValueRange dims) {
  Value pointer = loadField(args, Field::Workspace);
  Value isWrong = isMissingOrMisaligned(pointer);
  Value isNeeded = isNonZero(getWorkspaceSize(dims));
  returnIf(arith::AndIOp::create(builder, loc, isWrong, isNeeded),
           getError(EntryError::Workspace));
  return pointer;
}

/// Loads the parameters of a program that has some; the function returns an
/// error if they are not there. Where they start is 0 until variants are put
/// together.
Value EntryEmitter::loadParameters(Value args) {
  Value pointer = loadField(args, Field::Parameters);
  returnIf(isMissingOrMisaligned(pointer), getError(EntryError::Parameters));
  Type i64 = builder.getI64Type();
  LLVM::GlobalOp global;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(program);
    global = LLVM::GlobalOp::create(
        builder, loc, i64, /*isConstant=*/true, LLVM::Linkage::Internal,
        (name + kParametersStartSuffix).str(), builder.getI64IntegerAttr(0));
  }
  Value start = LLVM::LoadOp::create(
      builder, loc, i64, LLVM::AddressOfOp::create(builder, loc, global));
  return LLVM::GEPOp::create(builder, loc, pointerType, builder.getI8Type(),
                             pointer, start);
}

/// Loads the executor; in place of a null one, one of a single thread.
Value EntryEmitter::loadExecutor(Value args) {
  Value executor = loadField(args, Field::Executor);
  Type i64 = builder.getI64Type();
  LLVM::GlobalOp serial;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(program);
    auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                                 {pointerType, i64});
    serial = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                                    LLVM::Linkage::Internal,
                                    (name + "_serial").str(), Attribute());
    builder.createBlock(&serial.getInitializerRegion());
    Value value = LLVM::ZeroOp::create(builder, loc, type);
    value = LLVM::InsertValueOp::create(
        builder, loc, value, LLVM::ConstantOp::create(builder, loc, i64, 1),
        int64_t(ExecutorField::NumThreads));
    LLVM::ReturnOp::create(builder, loc, value);
  }
  return arith::SelectOp::create(
      builder, loc, isNull(executor),
      LLVM::AddressOfOp::create(builder, loc, serial), executor);
}

/// What `adapter_of_row` stands for when it is null: all rows use the first
/// adapter, or none where there are no adapters at all.
static Value createSlotOfAll(OpBuilder &builder, Location loc, StringRef name,
                             Operation *program, Value hasNoAdapters) {
  Type i32 = builder.getI32Type();
  auto type = LLVM::LLVMArrayType::get(i32, 2);
  LLVM::GlobalOp global;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(program);
    global = LLVM::GlobalOp::create(
        builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
        (name + "_slot_of_all").str(), builder.getI32TensorAttr({0, -1}));
  }
  Value slots = LLVM::AddressOfOp::create(builder, loc, global);
  Value index =
      arith::ExtUIOp::create(builder, loc, builder.getI64Type(), hasNoAdapters);
  return LLVM::GEPOp::create(builder, loc, slots.getType(), i32, slots, index);
}

void EntryEmitter::loadAdapters(Value args, SmallVector<Value> &operands,
                                SmallVector<Value> &dims) {
  Value adapters = loadField(args, Field::Adapters);
  Value adapterOfRow = loadField(args, Field::AdapterOfRow);
  Value hasNone = isNull(adapters);
  // Rows are those of the first input.
  AffineMap shape = interface.inputs.front().shape;
  Value one = getInteger(builder.getIndexType(), 1);
  Value numRows =
      interface.getCallerInputs().empty() || shape.getNumResults() == 0
          ? one
          : getSizes(shape.getMajorSubMap(1), dims).front();
  Value isEmpty =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, numRows,
                            getInteger(builder.getIndexType(), 0));
  Value isForAll = arith::OrIOp::create(
      builder, loc, arith::OrIOp::create(builder, loc, hasNone, isEmpty),
      isNull(adapterOfRow));
  Value slotOfAll = createSlotOfAll(builder, loc, name, program, hasNone);
  operands.append({adapters, adapters,
                   arith::SelectOp::create(builder, loc, isForAll, slotOfAll,
                                           adapterOfRow)});
  // How many adapters there are is for the caller to know.
  dims.push_back(getInteger(builder.getIndexType(), kMaxDimension));
  dims.push_back(arith::SelectOp::create(builder, loc, isForAll, one, numRows));
}

//===----------------------------------------------------------------------===//
// The exported symbols
//===----------------------------------------------------------------------===//

void EntryEmitter::emitRun() {
  Value args = startFunction(kRunSuffix, builder.getI32Type()).getArgument(0);
  returnIf(isNull(args), getError(EntryError::NullArgs));
  SmallVector<Value> dims =
      loadDims(loadField(args, Field::Dims), getError(EntryError::NullPointer),
               getError(EntryError::Dimension));
  SmallVector<Value> operands;
  for (auto [index, port] : llvm::enumerate(interface.getCallerInputs()))
    operands.push_back(loadPort(args, Field::Inputs, index, port, dims));
  if (interface.adapters)
    loadAdapters(args, operands, dims);
  for (auto [index, port] : llvm::enumerate(interface.outputs))
    operands.push_back(loadPort(args, Field::Outputs, index, port, dims));
  if (parameters)
    operands.push_back(loadParameters(args));
  if (getExecutor(program))
    operands.push_back(loadExecutor(args));
  operands.push_back(loadWorkspace(args, dims));
  llvm::append_range(operands, dims);
  func::CallOp::create(builder, loc, program, operands);
  func::ReturnOp::create(builder, loc, getError(EntryError::None));
}

void EntryEmitter::emitWorkspaceSize() {
  Type i64 = builder.getI64Type();
  Value pointer = startFunction(kWorkspaceSizeSuffix, i64).getArgument(0);
  Value none = getInteger(i64, 0);
  SmallVector<Value> dims = loadDims(pointer, none, none);
  func::ReturnOp::create(
      builder, loc,
      arith::IndexCastOp::create(builder, loc, i64, getWorkspaceSize(dims))
          .getResult());
}

void EntryEmitter::emitMetadata() {
  auto module = cast<ModuleOp>(program->getParentOp());
  std::string text = getProgramMetadata(interface, name, getTarget(module),
                                        getMaxThreads(program))
                         .toJson();
  // A C string.
  text.push_back('\0');
  builder.setInsertionPoint(program);
  LLVM::GlobalOp::create(
      builder, loc, LLVM::LLVMArrayType::get(builder.getI8Type(), text.size()),
      /*isConstant=*/true, LLVM::Linkage::External,
      (name + kMetadataSuffix).str(), builder.getStringAttr(text));
}

LogicalResult EntryEmitter::emit() {
  internalize(program, "_main");
  internalize(sizeFunction, "_main_workspace_size");
  if (failed(unpackProgram()))
    return failure();
  emitRun();
  emitWorkspaceSize();
  emitMetadata();
  return success();
}

/// Whether `name` can begin the name of a C function.
static bool isIdentifier(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

namespace {
struct EmitEntry : public quantc::impl::EmitEntryPassBase<EmitEntry> {
  using EmitEntryPassBase::EmitEntryPassBase;

  void runOnOperation() override {
    func::FuncOp program = getBoundProgram(getOperation());
    auto size =
        program ? program->getAttrOfType<FlatSymbolRefAttr>(kWorkspaceSizeAttr)
                : FlatSymbolRefAttr();
    auto sizeFunction =
        size ? getOperation().lookupSymbol<func::FuncOp>(size) : func::FuncOp();
    if (!sizeFunction) {
      emitError(getOperation().getLoc(),
                "expects a program that quant-plan-workspace has planned");
      return signalPassFailure();
    }
    if (!isIdentifier(name)) {
      emitError(getOperation().getLoc(), "'")
          << name << "' cannot begin C names; use letters, digits and '_'";
      return signalPassFailure();
    }
    if (failed(EntryEmitter(program, sizeFunction, name).emit()))
      signalPassFailure();
  }
};
} // namespace
