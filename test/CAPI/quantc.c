/*===- quantc.c - A program that uses the C API ---------------------------===*\
|*                                                                            *|
|* Part of quantc, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* quantc-capi-test <model.onnx> <pipeline>: prints the program.              *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "quantc-c/Quantc.h"

#include "mlir-c/Diagnostics.h"
#include <stdio.h>

static void print(MlirStringRef text, void *file) {
  fwrite(text.data, 1, text.length, (FILE *)file);
}

static MlirLogicalResult printError(MlirDiagnostic diagnostic, void *unused) {
  fputs("error: ", stderr);
  mlirDiagnosticPrint(diagnostic, print, stderr);
  fputs("\n", stderr);
  return mlirLogicalResultSuccess();
}

static int run(MlirContext context, const char *path, const char *pipeline) {
  MlirModule module =
      quantcImportOnnx(context, mlirStringRefCreateFromCString(path));
  if (mlirModuleIsNull(module))
    return 1;
  MlirLogicalResult result =
      quantcRunPipeline(module, mlirStringRefCreateFromCString(pipeline));
  if (mlirLogicalResultIsSuccess(result))
    mlirOperationPrint(mlirModuleGetOperation(module), print, stdout);
  mlirModuleDestroy(module);
  return mlirLogicalResultIsFailure(result);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  quantcRegisterAllDialects(registry);
  quantcRegisterAllPasses();
  MlirContext context =
      mlirContextCreateWithRegistry(registry, /*threadingEnabled=*/false);
  mlirContextAttachDiagnosticHandler(context, printError, NULL, NULL);
  int status = run(context, argv[1], argv[2]);
  mlirContextDestroy(context);
  mlirDialectRegistryDestroy(registry);
  return status;
}
