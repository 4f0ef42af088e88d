//===- Plugin.cpp - quantc inside stock mlir-opt --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entry points of `mlir-opt --load-dialect-plugin=libQuantc.so
// --load-pass-plugin=libQuantc.so`.
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Differentiation/DifferentiableOpInterface.h"
#include "quantc/InitAll.h"

using namespace mlir;

extern "C" DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "quantc", "0.1",
          [](DialectRegistry *registry) {
            quantc::registerQuantExtension(*registry);
            quantc::registerDifferentiationExtension(*registry);
          }};
}

extern "C" PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "quantc", "0.1",
          [] { quantc::registerAllPasses(); }};
}
