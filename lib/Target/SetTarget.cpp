//===- SetTarget.cpp - Choose the machine to compile for ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "quantc/Target/Passes.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_SETTARGETPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

namespace {
struct SetTarget : public quantc::impl::SetTargetPassBase<SetTarget> {
  using SetTargetPassBase::SetTargetPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (target.empty() &&
        module->hasAttr(LLVM::LLVMDialect::getTargetAttrName()))
      return;
    FailureOr<quantc::TargetSpec> spec =
        quantc::parseTarget(target.empty() ? "native" : StringRef(target),
                            [&] { return mlir::emitError(module.getLoc()); });
    if (failed(spec))
      return signalPassFailure();
    quantc::setTarget(module, *spec);
  }
};
} // namespace
