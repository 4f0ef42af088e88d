/*===- quantc.c - A program that uses the C API ---------------------------===*\
|*                                                                            *|
|* Part of quantc, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* quantc-capi-test <model.onnx> <pipeline>: prints the program.              *|
|* quantc-capi-test <model.onnx> <pipeline> <target> <model.o> <model.h>      *|
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

/* The strings are the arguments of the program. */
static int run(MlirContext context, int count, const MlirStringRef *strings) {
  MlirModule module = quantcImportOnnx(context, strings[0]);
  if (mlirModuleIsNull(module))
    return 1;
  MlirLogicalResult result = quantcRunPipeline(module, strings[1]);
  if (mlirLogicalResultIsSuccess(result)) {
    if (count == 2)
      mlirOperationPrint(mlirModuleGetOperation(module), print, stdout);
    else
      result =
          quantcCompileToObject(module, strings[2], strings[3], strings[4]);
  }
  mlirModuleDestroy(module);
  return mlirLogicalResultIsFailure(result);
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 6)
    return 2;
  MlirStringRef strings[5];
  for (int i = 1; i < argc; ++i)
    strings[i - 1] = mlirStringRefCreateFromCString(argv[i]);
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  quantcRegisterAllDialects(registry);
  quantcRegisterAllPasses();
  MlirContext context =
      mlirContextCreateWithRegistry(registry, /*threadingEnabled=*/false);
  mlirContextAttachDiagnosticHandler(context, printError, NULL, NULL);
  int status = run(context, argc - 1, strings);
  mlirContextDestroy(context);
  mlirDialectRegistryDestroy(registry);
  return status;
}
