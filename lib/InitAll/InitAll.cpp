//===- InitAll.cpp - Registers everything that quantc has -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/InitAll.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Transforms/Passes.h"
#include "quantc/Conversion/Passes.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Import/OnnxImport.h"
#include "quantc/Reference/Interpreter.h"

using namespace mlir;

void quantc::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registerQuantExtension(registry);
}

void quantc::registerAllPasses() {
  mlir::registerTransformsPasses();
  registerConversionPasses();
  registerQuantPasses();
}

void quantc::registerAllTranslations() {
  registerInterpretTranslation();
  registerOnnxImport();
}
