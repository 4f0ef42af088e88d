//===- RandomProgram.h - Random feed-forward networks -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_RANDOMPROGRAM_H
#define QUANTC_TEST_INTEGRATION_SWEEP_RANDOMPROGRAM_H

#include "quantc/Support/HostTensor.h"
#include <optional>
#include <string>
#include <vector>

namespace quantc::sweep {

/// LoRA adapters for a call, one block of bytes after the other, and the
/// adapter of each row.
struct AdapterBlocks {
  /// How A and B are stored.
  DataType storage;
  HostTensor blocks;
  HostTensor slots;
};

struct RandomProgram {
  /// The MLIR text of one program with one output.
  std::string text;
  /// Its layers, for people.
  std::string summary;
  /// The inputs of each call.
  std::vector<std::vector<HostTensor>> calls;
  /// Of all calls, if the program takes some.
  std::optional<AdapterBlocks> adapters = std::nullopt;
  /// Whether the number of rows is the dimension of a call, or constant.
  bool hasDynamicRows = true;
  /// The most threads that it is to be compiled for.
  int64_t threads = 1;
};

/// A feed-forward network of one to four layers in the integer form, each layer
/// with its own mode, bits, granularity, symmetry, bias and activation. The
/// same for a seed on every machine.
RandomProgram makeIntegerProgram(unsigned seed);

/// A network of the float form, and how to quantize it, as `quant-ptq` takes
/// it.
struct FloatProgram {
  RandomProgram program;
  std::string options;
  /// Set if its layers are to take adapters, which are made from it.
  std::optional<unsigned> adapterSeed = std::nullopt;
};
FloatProgram makeFloatProgram(unsigned seed);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_RANDOMPROGRAM_H
