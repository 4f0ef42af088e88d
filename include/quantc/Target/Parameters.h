//===- Parameters.h - Constants beside the code -----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constants of a program that are too many for its object: one block of
// bytes that the caller passes as `parameters`. On a module they are
//
//   quant.parameters = [dense<...> : tensor<64x4xi8>, ...]
//
// and lie in this order, each at the next multiple of 64 bytes. The file of the
// block is `<stem>.params`, beside the code. The metadata of the program has
// its size and a checksum, XXH3-64, which tells damage and the file of another
// program.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_PARAMETERS_H
#define QUANTC_TARGET_PARAMETERS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace quantc {

/// On the module: the constants that the caller passes.
inline constexpr llvm::StringLiteral kParametersAttr = "quant.parameters";

/// How many bytes of constants an object may hold unless it is told otherwise.
inline constexpr int64_t kMaxConstantBytes = int64_t(64) << 20;

/// The bytes that a buffer of `type` takes in the block.
int64_t getParameterBytes(mlir::ShapedType type);

/// Where the parameter behind one of `type` that starts at `start` does.
int64_t getParameterEnd(int64_t start, mlir::ShapedType type);

/// The parameters of the variants of a program, one after the other. Variants
/// with equal ones share them.
class ParameterBlocks {
public:
  /// Where the block of `parameters`, null for none, starts in bytes.
  int64_t add(mlir::ArrayAttr parameters);

  /// The parameters of all; null if there are none.
  mlir::ArrayAttr getAll() const;

private:
  llvm::SmallVector<std::pair<mlir::ArrayAttr, int64_t>> blocks;
  llvm::SmallVector<mlir::Attribute> elements;
};

/// What a program knows of the block that it takes.
struct ParametersInfo {
  int64_t bytes;
  uint64_t checksum;
};

/// The size of the block that `parameters`, an array of elements, make.
int64_t getParametersBytes(mlir::ArrayAttr parameters);

/// The block that `parameters` make, aligned to 64 bytes.
std::unique_ptr<llvm::MemoryBuffer>
createParameters(mlir::ArrayAttr parameters);

ParametersInfo getParametersInfo(const llvm::MemoryBuffer &parameters);

/// The file that goes with the code at `path`: `model.params` for `model.so`.
std::string getParametersPath(llvm::StringRef path);

/// Maps the file at `path`, which must hold the block that `info` tells of.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
mapParameters(llvm::StringRef path, const ParametersInfo &info);

} // namespace quantc

#endif // QUANTC_TARGET_PARAMETERS_H
