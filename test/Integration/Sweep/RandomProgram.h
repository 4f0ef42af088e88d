//===- RandomProgram.h - Random feed-forward networks -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_RANDOMPROGRAM_H
#define QUANTC_TEST_INTEGRATION_SWEEP_RANDOMPROGRAM_H

#include "quantc/Support/HostTensor.h"
#include <string>
#include <vector>

namespace quantc::sweep {

struct RandomProgram {
  /// The MLIR text of one program with one output.
  std::string text;
  /// Its layers, for people.
  std::string summary;
  /// The inputs of each call.
  std::vector<std::vector<HostTensor>> calls;
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
};
FloatProgram makeFloatProgram(unsigned seed);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_RANDOMPROGRAM_H
