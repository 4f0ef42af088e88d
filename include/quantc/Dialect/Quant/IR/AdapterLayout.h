//===- AdapterLayout.h - The memory of a LoRA adapter -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An adapter of a compiled program is one block of bytes. For each layer, each
// part at a multiple of 64 bytes:
//
//   scale        f32
//   down         A transposed, [K, R] in storage type, R the largest rank
//   up           B transposed, [R, N] in storage type
//   down scale   f32 [R], only with 8-bit storage
//   up scale     f32 [N], only with 8-bit storage
//
// The program holds the layout as an attribute, in which offsets are implied:
//
//   quant.adapters = {storage = bf16, max_rank = 16 : i64,
//                     layers = [{name = "fc1", inputs = 784 : i64,
//                                outputs = 128 : i64}]}
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_IR_ADAPTERLAYOUT_H
#define QUANTC_DIALECT_QUANT_IR_ADAPTERLAYOUT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "quantc/Support/HostTensor.h"
#include <optional>
#include <string>

namespace quantc {

/// On the function of a program: the layout of its adapters.
inline constexpr llvm::StringLiteral kAdaptersAttr = "quant.adapters";

/// The alignment of an adapter and of each of its parts.
inline constexpr int64_t kAdapterAlignment = 64;

/// A layer of the model that adapters may change, K inputs to N outputs, with
/// the offsets of its parts in bytes.
struct AdapterLayer {
  std::string name;
  int64_t numInputs;
  int64_t numOutputs;
  int64_t scale = 0;
  int64_t down = 0;
  int64_t up = 0;
  int64_t downScale = 0;
  int64_t upScale = 0;
};

struct AdapterLayout {
  /// F32, BF16 or I8.
  DataType storage = DataType::F32;
  int64_t maxRank = 0;
  std::vector<AdapterLayer> layers;
  /// The bytes of one adapter.
  int64_t size = 0;

  bool hasStorageScales() const { return storage == DataType::I8; }

  /// Appends a layer behind the others.
  void addLayer(llvm::StringRef name, int64_t numInputs, int64_t numOutputs);

  mlir::Attribute toAttribute(mlir::MLIRContext *context) const;
  /// None if `attr` is no layout.
  static std::optional<AdapterLayout> fromAttribute(mlir::Attribute attr);
};

/// Whether adapters can be stored in `type`.
bool isAdapterStorage(DataType type);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_IR_ADAPTERLAYOUT_H
