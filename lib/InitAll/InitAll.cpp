//===- InitAll.cpp - Registers everything that quantc has -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/InitAll.h"

#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/Passes.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Differentiation/DifferentiableOpInterface.h"
#include "quantc/Differentiation/Passes.h"
#include "quantc/Import/OnnxImport.h"
#include "quantc/Pipelines/Quantization.h"
#include "quantc/Pipelines/ToLLVM.h"
#include "quantc/Pipelines/Tosa.h"
#include "quantc/Pipelines/Training.h"
#include "quantc/Reference/Interpreter.h"
#include "quantc/Target/Compile.h"
#include "quantc/Target/Passes.h"
#include "quantc/Training/Passes.h"

using namespace mlir;

void quantc::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  registerQuantExtension(registry);
  registerDifferentiationExtension(registry);
}

void quantc::registerAllPasses() {
  mlir::registerTransformsPasses();
  memref::registerResolveShapedTypeResultDimsPass();
  registerCodegenPasses();
  registerConversionPasses();
  registerDifferentiationPasses();
  registerQuantPasses();
  registerQuantizationPipelines();
  registerTargetPasses();
  registerToLLVMPipeline();
  registerTosaPipeline();
  registerTrainingPasses();
  registerTrainingPipelines();
}

void quantc::registerAllTranslations() {
  registerInterpretTranslation();
  registerOnnxImport();
  registerToObjectTranslation();
}
