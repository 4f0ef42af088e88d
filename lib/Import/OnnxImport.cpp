//===- OnnxImport.cpp - ONNX models to the float form ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Import/OnnxImport.h"

#include "GraphImporter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace quantc;

OwningOpRef<ModuleOp> quantc::importOnnx(llvm::MemoryBufferRef buffer,
                                         MLIRContext *context) {
  DialectRegistry registry;
  registerQuantExtension(registry);
  context->appendDialectRegistry(registry);
  context->loadDialect<arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       quant::QuantDialect, tensor::TensorDialect>();
  StringRef path = buffer.getBufferIdentifier();
  Location loc = FileLineColLoc::get(context, path, 0, 0);
  std::optional<onnx::ModelProto> model = onnx::parseModel(buffer.getBuffer());
  if (!model || !model->graph || model->opsets.empty()) {
    emitError(loc, model ? "is not an ONNX model"
                         : "is truncated or not an ONNX model")
        << "; expects a file that onnx.save wrote";
    return nullptr;
  }
  OwningOpRef<ModuleOp> module =
      onnx::GraphImporter(*model, path, context).import();
  if (module && failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> quantc::importOnnx(StringRef path, MLIRContext *context) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> file =
      llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                  /*RequiresNullTerminator=*/false);
  if (!file) {
    emitError(FileLineColLoc::get(context, path, 0, 0))
        << "cannot open: " << file.getError().message();
    return nullptr;
  }
  return importOnnx((*file)->getMemBufferRef(), context);
}

void quantc::registerOnnxImport() {
  static TranslateToMLIRRegistration registration(
      "import-onnx", "Import an ONNX model as a program in float form",
      [](llvm::SourceMgr &sources, MLIRContext *context) {
        const llvm::MemoryBuffer *buffer =
            sources.getMemoryBuffer(sources.getMainFileID());
        return OwningOpRef<Operation *>(
            importOnnx(buffer->getMemBufferRef(), context).release());
      });
}
