//===- Quantc.cpp - The C API ---------------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc-c/Quantc.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Support.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "quantc/Import/OnnxImport.h"
#include "quantc/InitAll.h"
#include "quantc/Target/Compile.h"

using namespace mlir;

void quantcRegisterAllDialects(MlirDialectRegistry registry) {
  quantc::registerAllDialects(*unwrap(registry));
}

void quantcRegisterAllPasses() { quantc::registerAllPasses(); }

MlirModule quantcImportOnnx(MlirContext context, MlirStringRef path) {
  return wrap(quantc::importOnnx(unwrap(path), unwrap(context)).release());
}

MlirLogicalResult quantcRunPipeline(MlirModule module, MlirStringRef pipeline) {
  ModuleOp op = unwrap(module);
  PassManager manager(op->getName());
  std::string reason;
  llvm::raw_string_ostream os(reason);
  if (failed(parsePassPipeline(unwrap(pipeline), manager, os)))
    return wrap(LogicalResult(op.emitError() << StringRef(reason).rtrim()));
  return wrap(manager.run(op));
}

MlirLogicalResult quantcCompileToObject(MlirModule module, MlirStringRef target,
                                        MlirStringRef object,
                                        MlirStringRef header) {
  ModuleOp op = unwrap(module);
  quantc::CompileOptions options;
  if (target.length != 0) {
    FailureOr<std::vector<quantc::TargetSpec>> targets =
        quantc::parseTargets(unwrap(target), [&] { return op.emitError(); });
    if (failed(targets))
      return wrap(LogicalResult::failure());
    options.targets = std::move(*targets);
  }
  return wrap(
      quantc::compileToFile(op, options, unwrap(object), unwrap(header)));
}
