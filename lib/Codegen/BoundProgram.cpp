//===- BoundProgram.cpp - A program on the caller's memory ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Codegen/BoundProgram.h"

using namespace mlir;
using namespace quantc;

func::FuncOp quantc::getBoundProgram(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    if (func.isPublic() && func->hasAttr(kDimsAttr) && !func.isExternal() &&
        llvm::all_of(func.getArguments(), [&](BlockArgument arg) {
          return isa<MemRefType>(arg.getType()) || arg == getExecutor(func);
        }))
      return func;
  return {};
}

BlockArgument quantc::getExecutor(func::FuncOp program) {
  for (BlockArgument arg : program.getArguments())
    if (program.getArgAttr(arg.getArgNumber(), kExecutorAttr))
      return arg;
  return {};
}

int64_t quantc::getMaxThreads(func::FuncOp program) {
  BlockArgument executor = getExecutor(program);
  if (!executor)
    return 1;
  return program
      .getArgAttrOfType<IntegerAttr>(executor.getArgNumber(), kExecutorAttr)
      .getInt();
}

FailureOr<func::FuncOp> quantc::requireBoundProgram(ModuleOp module) {
  if (func::FuncOp program = getBoundProgram(module))
    return program;
  return emitError(module.getLoc(), "expects a program that "
                                    "quant-bind-interface has bound to "
                                    "memrefs");
}

ProgramInterface quantc::getBoundInterface(func::FuncOp program) {
  ProgramInterface interface;
  for (StringRef name : program->getAttrOfType<ArrayAttr>(kDimsAttr)
                            .getAsValueRange<StringAttr>())
    interface.dims.push_back(name.str());
  interface.adapters =
      AdapterLayout::fromAttribute(program->getAttr(kAdaptersAttr));
  for (auto [index, type] : llvm::enumerate(program.getArgumentTypes())) {
    auto name = program.getArgAttrOfType<StringAttr>(index, kNameAttr);
    auto shape = program.getArgAttrOfType<AffineMapAttr>(index, kShapeAttr);
    if (!name || !shape)
      continue;
    auto memref = cast<MemRefType>(type);
    Type elementType = memref.getElementType();
    // quant-bind-interface has checked the type.
    FailureOr<std::optional<DataType>> callerType = getCallerType(
        program.getArgAttr(index, kTypeAttr), elementType, program.getLoc());
    Port port{name.str(), RankedTensorType::get(memref.getShape(), elementType),
              shape.getValue(),
              succeeded(callerType) ? *callerType : std::nullopt};
    bool isOutput = program.getArgAttr(index, kOutputAttr) != nullptr;
    (isOutput ? interface.outputs : interface.inputs).push_back(port);
  }
  return interface;
}
