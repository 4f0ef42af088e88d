//===- EntryAbi.h - The C interface of object files -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `quant-emit-entry` emits, the generated header declares, and `Program`
// calls. A change here is a new kAbiVersion.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_ENTRYABI_H
#define QUANTC_TARGET_ENTRYABI_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace quantc {

/// The suffixes of the exported symbols.
inline constexpr llvm::StringLiteral kRunSuffix = "_run";
inline constexpr llvm::StringLiteral kWorkspaceSizeSuffix = "_workspace_size";
inline constexpr llvm::StringLiteral kMetadataSuffix = "_metadata";
/// Only in objects of several variants.
inline constexpr llvm::StringLiteral kVariantSuffix = "_variant";

/// The suffix of the internal i64 that says where the parameters of the variant
/// start in the block that the caller passes.
inline constexpr llvm::StringLiteral kParametersStartSuffix =
    "_parameters_start";

/// The alignment of the workspace, of each buffer in it, and of constants.
inline constexpr int64_t kBufferAlignment = 64;

/// The largest dynamic dimension. Sizes are 64-bit products of dimensions.
inline constexpr int64_t kMaxDimension = INT32_MAX;

/// `quantc_executor` of the header, which documents it.
struct Executor {
  void (*parallelFor)(const Executor *self, void (*task)(void *data, int64_t i),
                      void *data, int64_t count);
  int64_t numThreads;
};

/// Its fields, for code that is generated.
enum class ExecutorField : int32_t { ParallelFor, NumThreads };

/// What `<name>_run` returns.
enum class EntryError : int32_t {
  None,
  NullArgs,
  NullPointer,
  Dimension,
  Workspace,
  Cpu,
  Parameters
};

struct EntryErrorInfo {
  EntryError code;
  llvm::StringLiteral name;
  llvm::StringLiteral text;
};

inline constexpr EntryErrorInfo kEntryErrors[] = {
    {EntryError::NullArgs, "NULL_ARGS", "args is null"},
    {EntryError::NullPointer, "NULL_POINTER",
     "an input, an output or dims is null; a tensor of 0 elements may be"},
    {EntryError::Dimension, "DIMENSION",
     "a dimension is negative or above 2147483647"},
    {EntryError::Workspace, "WORKSPACE",
     "the workspace is null, or not aligned to 64 bytes"},
    {EntryError::Cpu, "CPU",
     "the CPU can run none of the variants in the object"},
    {EntryError::Parameters, "PARAMETERS",
     "the parameters are null, or not aligned to 64 bytes"}};

} // namespace quantc

#endif // QUANTC_TARGET_ENTRYABI_H
