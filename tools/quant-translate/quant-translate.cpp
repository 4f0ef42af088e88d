//===- quant-translate.cpp - Models in, code out --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Support/LogicalResult.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "quantc/InitAll.h"

int main(int argc, char **argv) {
  quantc::registerAllTranslations();
  return mlir::failed(mlir::mlirTranslateMain(
      argc, argv, "quantc, the quantizing compiler: translation driver"));
}
