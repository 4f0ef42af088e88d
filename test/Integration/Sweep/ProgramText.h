//===- ProgramText.h - Random programs in MLIR's syntax ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_PROGRAMTEXT_H
#define QUANTC_TEST_INTEGRATION_SWEEP_PROGRAMTEXT_H

#include "RandomText.h"
#include "quantc/Support/HostTensor.h"
#include <optional>

namespace quantc::sweep {

/// Activations, [M, size]: f32, or i8 with a scale and a zero point, which are
/// the names of values.
struct Activations {
  std::string value;
  int64_t size;
  std::string scale, zeroPoint;
  /// M in a type.
  std::string rows = "?";

  bool isInteger() const { return !scale.empty(); }
  std::string getType() const {
    return llvm::formatv("tensor<{0}x{1}x{2}>", rows, size,
                         isInteger() ? "i8" : "f32");
  }
};

/// A scale and a zero point, the names of values.
struct Parameters {
  std::string scale, zeroPoint;
};

/// The operands of a `quant.linear`, names of values; empty ones are left out.
struct LinearOperands {
  std::string weight, weightType;
  /// `[N, G]` of the weight's scales and zero points in a type, "" for one.
  std::string shape;
  Parameters parameters;
  std::string multiplier, multiplierType;
  /// Of the activations: "MxK" in the types of their parameters, "" for one.
  std::string inputShape;
  std::string bias;
  Parameters output;
  std::string addend;
  /// With a result of i8.
  std::optional<int64_t> clampMin;
  int64_t featureGroups = 1;
};

/// The operations of programs, each written with what it needs.
class ProgramText : protected RandomText {
protected:
  using RandomText::RandomText;

  /// How to quantize a network, as `quant-ptq` takes it.
  std::string pickOptions();
  /// Ordinary numbers and a few that are not.
  HostTensor pickInput(llvm::ArrayRef<int64_t> shape);

  Parameters chooseParameters(const std::string &range,
                              const std::string &shape, int bits,
                              bool isSymmetric);
  Activations quantize(const Activations &x, const Parameters &parameters);
  Activations quantizeRows(const Activations &x, bool isSymmetric);
  Activations dequantize(const Activations &x);
  std::string addElementwise(const std::string &x, const std::string &type,
                             const std::string &operations);
  Activations addRelu(const Activations &x);
  Activations addBias(const Activations &x, float low, float high);
  std::string addZeros(const std::string &type, const std::string &like,
                       const std::string &likeType);
  std::string multiply(const std::string &lhs, const std::string &lhsType,
                       const std::string &rhs, const std::string &rhsType,
                       const std::string &type, const std::string &maps);
  /// 4-bit weights, two to a byte.
  std::string addNibbles(int64_t rows, int64_t depth, int64_t low, int64_t high,
                         const std::string &type);
  /// `x` in rows of groups of features, by [N, K].
  std::string multiplyGroups(const Activations &x, const std::string &weight,
                             int64_t groups, int64_t depth,
                             const Activations &result);
  Activations addLinear(const Activations &x, const LinearOperands &operands,
                        int64_t size);
  /// The program of `body`. `arguments` are its inputs after the first.
  std::string finish(const Activations &input,
                     llvm::ArrayRef<Activations> arguments,
                     const Activations &result) const;
};

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_PROGRAMTEXT_H
