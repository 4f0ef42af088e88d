//===- fuzz-onnx.cpp - Hostile ONNX models --------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Verifier.h"
#include "quantc/Import/OnnxImport.h"
#include "quantc/Support/Diagnostics.h"
#include <cstdlib>

using namespace mlir;

/// A model imports as a valid program, or with an error of one line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  quantc::DiagnosticCollector collector(&context);
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  OwningOpRef<ModuleOp> module =
      quantc::importOnnx(llvm::MemoryBufferRef(bytes, "model.onnx"), &context);
  if (module ? failed(verify(*module)) : collector.errors.empty())
    abort();
  for (const std::string &error : collector.errors)
    if (llvm::StringRef(error).contains('\n'))
      abort();
  return 0;
}
