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
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace quantc;

OwningOpRef<ModuleOp> quantc::importOnnx(llvm::MemoryBufferRef buffer,
                                         MLIRContext *context,
                                         const OnnxImportOptions &options) {
  DialectRegistry registry;
  registerQuantExtension(registry);
  context->appendDialectRegistry(registry);
  context->loadDialect<arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       quant::QuantDialect, tensor::TensorDialect>();
  StringRef path = buffer.getBufferIdentifier();
  StringRef name = options.name.empty() ? path : StringRef(options.name);
  Location loc = FileLineColLoc::get(context, name, 0, 0);
  std::optional<onnx::ModelProto> model = onnx::parseModel(buffer.getBuffer());
  if (!model || !model->graph || model->opsets.empty()) {
    emitError(loc, model ? "is not an ONNX model"
                         : "is truncated or not an ONNX model")
        << "; expects a file that onnx.save wrote";
    return nullptr;
  }
  OwningOpRef<ModuleOp> module =
      onnx::GraphImporter(*model, path, name, context, options).import();
  if (module && failed(verify(*module)))
    return nullptr;
  if (module && options.foldAffine && failed(foldAffine(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> quantc::importOnnx(StringRef path, MLIRContext *context,
                                         const OnnxImportOptions &options) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> file =
      llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                  /*RequiresNullTerminator=*/false);
  if (!file) {
    emitError(FileLineColLoc::get(context, path, 0, 0))
        << "cannot open: " << file.getError().message();
    return nullptr;
  }
  return importOnnx((*file)->getMemBufferRef(), context, options);
}

/// The values of arguments `NAME=FILE`.
static FailureOr<OnnxImportOptions>
readConstants(ArrayRef<std::string> arguments, MLIRContext *context) {
  OnnxImportOptions options;
  for (StringRef argument : arguments) {
    auto [name, path] = argument.split('=');
    if (name.empty() || path.empty())
      return emitError(UnknownLoc::get(context))
             << "--constant " << argument << "; expects NAME=FILE.npy";
    llvm::Expected<std::vector<NamedTensor>> file = readNumpyFile(path);
    if (!file)
      return emitError(UnknownLoc::get(context))
             << llvm::toString(file.takeError());
    if (file->size() != 1)
      return emitError(UnknownLoc::get(context))
             << path << ": has " << file->size()
             << " arrays; expects a .npy file";
    options.constants.emplace_back(name, std::move(file->front().second));
  }
  return options;
}

void quantc::registerOnnxImport() {
  static llvm::cl::list<std::string> constants(
      "constant", llvm::cl::value_desc("NAME=FILE.npy"),
      llvm::cl::desc("An input of --import-onnx that becomes a constant, and "
                     "its value"));
  static TranslateToMLIRRegistration registration(
      "import-onnx", "Import an ONNX model as a program in float form",
      [](llvm::SourceMgr &sources, MLIRContext *context) {
        const llvm::MemoryBuffer *buffer =
            sources.getMemoryBuffer(sources.getMainFileID());
        FailureOr<OnnxImportOptions> options =
            readConstants(constants, context);
        if (failed(options))
          return OwningOpRef<Operation *>();
        return OwningOpRef<Operation *>(
            importOnnx(buffer->getMemBufferRef(), context, *options).release());
      });
}
