//===- ToLLVM.h - From a program to LLVM's dialect --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PIPELINES_TOLLVM_H
#define QUANTC_PIPELINES_TOLLVM_H

#include "mlir/Pass/PassOptions.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/Parameters.h"

namespace mlir {
class OpPassManager;
}

namespace quantc {

/// How a program becomes code.
struct CodegenOptions : public mlir::PassPipelineOptions<CodegenOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("What to compile for: native, x86-64-v3, aarch64+dotprod, "
                     "...; by default what the module says, or native")};
  Option<std::string> name{
      *this, "name",
      llvm::cl::desc("The prefix of the symbols that the object exports"),
      llvm::cl::init("model")};
  Option<int64_t> maxConstantBytes{
      *this, "max-constant-bytes",
      llvm::cl::desc("How many bytes of constants the object may hold; more "
                     "go to a file of parameters"),
      llvm::cl::init(kMaxConstantBytes)};
  Option<int64_t> threads{
      *this, "threads",
      llvm::cl::desc("The most threads of the caller's executor that a call "
                     "uses; with 1, the default, none is ever looked at"),
      llvm::cl::init(1)};
  Option<int64_t> threadWork{
      *this, "thread-work",
      llvm::cl::desc("The least multiply-accumulates that are worth a thread"),
      llvm::cl::init(kThreadWork)};
};

/// From a program in float, simulated or integer form to LLVM's dialect, with
/// the C interface of `quant-emit-entry`.
void buildToLLVMPipeline(mlir::OpPassManager &pm,
                         const CodegenOptions &options);

/// Registers --quant-to-llvm.
void registerToLLVMPipeline();

} // namespace quantc

#endif // QUANTC_PIPELINES_TOLLVM_H
