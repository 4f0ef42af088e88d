//===- BoundProgram.h - A program on the caller's memory --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `quant-bind-interface` makes of a program: a function without results
// on memrefs, inputs first, then outputs, later the executor and the workspace.
//
//   func.func @main(
//       %x: memref<?x784xf32> {quant.name = "image",
//                              quant.shape = affine_map<(d0) -> (d0, 784)>},
//       %y: memref<?x10xf32> {quant.output, quant.name = "logits",
//                             quant.shape = affine_map<(d0) -> (d0, 10)>})
//       attributes {quant.dims = ["batch"]}
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CODEGEN_BOUNDPROGRAM_H
#define QUANTC_CODEGEN_BOUNDPROGRAM_H

#include "quantc/Dialect/Quant/IR/ProgramInterface.h"

namespace quantc {

/// Marks an argument that is an output, and one that is the workspace.
inline constexpr llvm::StringLiteral kOutputAttr = "quant.output";
inline constexpr llvm::StringLiteral kWorkspaceAttr = "quant.workspace";

/// On the argument that is the caller's executor, a pointer that is not null:
/// the largest number of threads that is used.
inline constexpr llvm::StringLiteral kExecutorAttr = "quant.executor";

/// On the function: the symbol of the one that computes the bytes of workspace
/// from the dynamic dimensions.
inline constexpr llvm::StringLiteral kWorkspaceSizeAttr =
    "quant.workspace_size";

/// The bound program of `module`, or null if it has none.
mlir::func::FuncOp getBoundProgram(mlir::ModuleOp module);

/// The same; emits an error if it has none.
mlir::FailureOr<mlir::func::FuncOp> requireBoundProgram(mlir::ModuleOp module);

/// The argument of `program` that is the executor; null if it has none.
mlir::BlockArgument getExecutor(mlir::func::FuncOp program);

/// The largest number of threads that `program` uses.
int64_t getMaxThreads(mlir::func::FuncOp program);

/// The interface of a bound program.
ProgramInterface getBoundInterface(mlir::func::FuncOp program);

} // namespace quantc

#endif // QUANTC_CODEGEN_BOUNDPROGRAM_H
