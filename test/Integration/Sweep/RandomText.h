//===- RandomText.h - Random constants in MLIR's syntax ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_RANDOMTEXT_H
#define QUANTC_TEST_INTEGRATION_SWEEP_RANDOMTEXT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <random>
#include <string>
#include <vector>

namespace quantc::sweep {

/// The body of a function, written one operation at a time.
class RandomText {
protected:
  explicit RandomText(unsigned seed) : random(seed) {}

  // Numbers. The standard says what this engine gives, but not what its
  // distributions do.
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % (high - low + 1));
  }
  bool flip() { return pick(0, 1); }
  float pickFloat(float low, float high) {
    return low + (high - low) * (random() >> 8) * 0x1p-24f;
  }
  template <class T>
  T pickOf(std::initializer_list<T> values) {
    return values.begin()[pick(0, values.size() - 1)];
  }

  // Text.
  std::string add(const std::string &operation) {
    std::string name = llvm::formatv("%v{0}", next++);
    body += llvm::formatv("  {0} = {1}\n", name, operation);
    return name;
  }
  template <class T>
  std::string addConstant(llvm::ArrayRef<T> values, const std::string &type) {
    llvm::StringRef bytes(reinterpret_cast<const char *>(values.data()),
                          values.size() * sizeof(T));
    return add(llvm::formatv("arith.constant dense<\"0x{0}\"> : {1}",
                             llvm::toHex(bytes), type));
  }
  std::string addScalar(float value) {
    return addConstant<float>(value, "tensor<f32>");
  }
  std::string addScalar(int8_t value) {
    return addConstant<int8_t>(value, "tensor<i8>");
  }
  /// A constant of `shape` with integers in [low, high].
  std::string addIntegers(int64_t count, int64_t low, int64_t high,
                          const std::string &type) {
    std::vector<int8_t> values(count);
    for (int8_t &value : values)
      value = pick(0, 15) ? pick(low, high) : pickOf({low, high});
    return addConstant<int8_t>(values, type);
  }
  std::string addFloats(int64_t count, float low, float high,
                        const std::string &type) {
    std::vector<float> values(count);
    for (float &value : values)
      value = pickFloat(low, high);
    return addConstant<float>(values, type);
  }

  std::mt19937 random;
  unsigned next = 0;
  std::string body;
};

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_RANDOMTEXT_H
