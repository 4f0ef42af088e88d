/*===- quantc-c/Quantc.h - The C API ------------------------------*- C -*-===*\
|*                                                                            *|
|* Part of quantc, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* On top of MLIR's C API (mlir-c), for programs in other languages that      *|
|* import, quantize and compile models. Errors are diagnostics of the         *|
|* context, see mlirContextAttachDiagnosticHandler.                           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef QUANTC_C_QUANTC_H
#define QUANTC_C_QUANTC_H

#include "mlir-c/IR.h"
#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Registers the extended quant dialect, the upstream dialects that programs
 *  use, and the interfaces that pipelines need. */
MLIR_CAPI_EXPORTED void quantcRegisterAllDialects(MlirDialectRegistry registry);

/** Registers all passes and pipelines with the global registry. */
MLIR_CAPI_EXPORTED void quantcRegisterAllPasses(void);

/** Imports the ONNX model in file `path`. The module is null on failure,
 *  otherwise it belongs to the caller. */
MLIR_CAPI_EXPORTED MlirModule quantcImportOnnx(MlirContext context,
                                               MlirStringRef path);

/** Runs a pipeline, in MLIR's syntax, on `module`: for example
 *  `quant-ptq{weight-bits=4 mode=dynamic}`. The passes have to be registered.
 *  After a failure the module is only good for destroying. */
MLIR_CAPI_EXPORTED MlirLogicalResult quantcRunPipeline(MlirModule module,
                                                       MlirStringRef pipeline);

/** Compiles `module` to an object file and, unless `header` is empty, a C
 * header that declares what the object exports. The target is `native`,
 * `x86-64-v3`, `aarch64+dotprod` and so on, several of them separated by commas
 * with the best first, `multi`, or empty for what the module says.
 * Files are written completely or not at all; the module is only good for
 * destroying. */
MLIR_CAPI_EXPORTED MlirLogicalResult
quantcCompileToObject(MlirModule module, MlirStringRef target,
                      MlirStringRef object, MlirStringRef header);

#ifdef __cplusplus
}
#endif

#endif /* QUANTC_C_QUANTC_H */
