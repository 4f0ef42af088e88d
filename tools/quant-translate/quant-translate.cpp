//===- quant-translate.cpp - Models in, code out --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/InitAll.h"
#include "quantc/Support/TranslateMain.h"

int main(int argc, char **argv) {
  quantc::registerAllTranslations();
  return llvm::failed(quantc::translateMain(
      argc, argv, "quantc, the quantizing compiler: translation driver\n"));
}
