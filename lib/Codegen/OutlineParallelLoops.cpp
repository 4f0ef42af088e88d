//===- OutlineParallelLoops.cpp - Loops for the caller's threads ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InternalFunction.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"
#include "quantc/Codegen/BoundProgram.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/EntryAbi.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_OUTLINEPARALLELLOOPSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

namespace {
/// Outlines the parallel loops of one function.
class Outliner {
public:
  Outliner(func::FuncOp program, BlockArgument executor)
      : program(program), executor(executor), builder(program.getContext()),
        converter(program.getContext()),
        pointerType(LLVM::LLVMPointerType::get(program.getContext())),
        i64(builder.getI64Type()) {}

  LogicalResult outline(scf::ParallelOp loop, unsigned index);

private:
  /// Computes again inside of `region` what is cheap to compute, and returns
  /// the values of outside that are left.
  SmallVector<Value> sinkDefinitions(Region &region);

  /// Adds an internal function.
  func::FuncOp createFunction(Location loc, const Twine &suffix,
                              ArrayRef<Type> arguments);

  /// The function of `captured` and the thread with the body of `loop`.
  func::FuncOp createPart(scf::ParallelOp loop, ArrayRef<Value> captured,
                          unsigned index);

  /// The task that loads the arguments of `part` from a struct of type `data`.
  func::FuncOp createTask(func::FuncOp part, LLVM::LLVMStructType data,
                          unsigned index);

  /// Calls `task` for all threads in place of `loop`.
  void createCalls(scf::ParallelOp loop, func::FuncOp task, Value data);

  Value getField(Location loc, Value data, Type type, int32_t index) {
    return LLVM::GEPOp::create(builder, loc, pointerType, type, data,
                               ArrayRef<LLVM::GEPArg>{0, index});
  }

  func::FuncOp program;
  BlockArgument executor;
  OpBuilder builder;
  LLVMTypeConverter converter;
  Type pointerType, i64;
};
} // namespace

SmallVector<Value> Outliner::sinkDefinitions(Region &region) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(region, used);
  SetVector<Operation *> cheap;
  SmallVector<Value> pending = used.takeVector();
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (op && isPure(op) && op->getNumRegions() == 0 && cheap.insert(op))
      llvm::append_range(pending, op->getOperands());
  }
  builder.setInsertionPointToStart(&region.front());
  IRMapping mapping;
  for (Operation *op : topologicalSort(cheap)) {
    Operation *copy = builder.clone(*op, mapping);
    for (auto [outside, inside] :
         llvm::zip_equal(op->getResults(), copy->getResults()))
      replaceAllUsesInRegionWith(outside, inside, region);
  }
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(region, captured);
  return captured.takeVector();
}

func::FuncOp Outliner::createFunction(Location loc, const Twine &suffix,
                                      ArrayRef<Type> arguments) {
  builder.setInsertionPoint(program);
  return createInternalFunction(builder, loc, program.getName() + suffix,
                                arguments);
}

func::FuncOp Outliner::createPart(scf::ParallelOp loop,
                                  ArrayRef<Value> captured, unsigned index) {
  Location loc = loop.getLoc();
  SmallVector<Type> types(ValueRange(captured).getTypes());
  types.push_back(builder.getIndexType());
  func::FuncOp part = createFunction(loc, "_part_" + Twine(index), types);
  // Pointers that do not alias in the program do not alias here.
  for (auto [position, value] : llvm::enumerate(captured))
    if (auto arg = dyn_cast<BlockArgument>(value);
        arg && arg.getOwner() == &program.front())
      part.setArgAttrs(position, program.getArgAttrDict(arg.getArgNumber()));

  IRMapping mapping;
  mapping.map(captured, part.getArguments().drop_back());
  mapping.map(loop.getInductionVars().front(), part.getArguments().back());
  builder.setInsertionPointToStart(&part.front());
  for (Operation &op : loop.getBody()->without_terminator())
    builder.clone(op, mapping);
  func::ReturnOp::create(builder, loc);
  return part;
}

func::FuncOp Outliner::createTask(func::FuncOp part, LLVM::LLVMStructType data,
                                  unsigned index) {
  Location loc = part.getLoc();
  func::FuncOp task =
      createFunction(loc, "_task_" + Twine(index), {pointerType, i64});
  builder.setInsertionPointToStart(&task.front());
  SmallVector<Value> operands;
  for (auto [position, field] : llvm::enumerate(data.getBody())) {
    Value address = getField(loc, task.getArgument(0), data, position);
    operands.push_back(
        castTo(builder, loc, part.getArgument(position).getType(),
               LLVM::LoadOp::create(builder, loc, field, address)));
  }
  operands.push_back(arith::IndexCastOp::create(
      builder, loc, builder.getIndexType(), task.getArgument(1)));
  func::CallOp::create(builder, loc, part, operands);
  func::ReturnOp::create(builder, loc);
  return task;
}

void Outliner::createCalls(scf::ParallelOp loop, func::FuncOp task,
                           Value data) {
  Location loc = loop.getLoc();
  Value count = arith::IndexCastOp::create(builder, loc, i64,
                                           loop.getUpperBound().front());
  Value one =
      arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
  Value isSerial = arith::CmpIOp::create(builder, loc,
                                         arith::CmpIPredicate::sle, count, one);
  auto choice = scf::IfOp::create(builder, loc, isSerial,
                                  /*withElseRegion=*/true);
  builder.setInsertionPointToStart(choice.thenBlock());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0));
  func::CallOp::create(builder, loc, task, ValueRange{data, zero});

  builder.setInsertionPointToStart(choice.elseBlock());
  auto fields = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                                 {pointerType, i64});
  Value parallelFor = LLVM::LoadOp::create(
      builder, loc, pointerType,
      getField(loc, executor, fields, int32_t(ExecutorField::ParallelFor)));
  Value taskPointer =
      castTo(builder, loc, pointerType,
             func::ConstantOp::create(builder, loc, task.getFunctionType(),
                                      task.getName()));
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointerType, pointerType, pointerType, i64});
  LLVM::CallOp::create(
      builder, loc, type,
      ValueRange{parallelFor, executor, taskPointer, data, count});
}

LogicalResult Outliner::outline(scf::ParallelOp loop, unsigned index) {
  Location loc = loop.getLoc();
  SmallVector<Value> captured = sinkDefinitions(loop.getRegion());
  SmallVector<Type> fields;
  for (Value value : captured) {
    Type type = converter.convertType(value.getType());
    if (!type)
      return loop.emitError("uses a value of type ")
             << value.getType() << ", which LLVM has no type for";
    fields.push_back(type);
  }
  auto dataType =
      LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  func::FuncOp part = createPart(loop, captured, index);
  func::FuncOp task = createTask(part, dataType, index);

  // Once for the program, not for each turn of a loop around this one.
  builder.setInsertionPointToStart(&program.front());
  Value size = LLVM::ConstantOp::create(builder, loc, i64, 1);
  Value data =
      LLVM::AllocaOp::create(builder, loc, pointerType, dataType, size);
  builder.setInsertionPoint(loop);
  for (auto [position, value] : llvm::enumerate(captured))
    LLVM::StoreOp::create(builder, loc,
                          castTo(builder, loc, fields[position], value),
                          getField(loc, data, dataType, position));
  createCalls(loop, task, data);
  loop.erase();
  return success();
}

namespace {
struct OutlineParallelLoops
    : public quantc::impl::OutlineParallelLoopsPassBase<OutlineParallelLoops> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> programs;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && getExecutor(function))
        programs.push_back(function);
    for (func::FuncOp program : programs) {
      SmallVector<scf::ParallelOp> loops;
      program.walk([&](scf::ParallelOp loop) { loops.push_back(loop); });
      BlockArgument executor = getExecutor(program);
      Outliner outliner(program, executor);
      for (auto [index, loop] : llvm::enumerate(loops))
        if (failed(outliner.outline(loop, index)))
          return signalPassFailure();
      program.removeArgAttr(executor.getArgNumber(), kExecutorAttr);
    }
  }
};
} // namespace
