//===- CalibrationTable.h - Mergeable statistics ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What calibration collects about the activations of a program, and the JSON
// file that it is kept in. Statistics of two parts of the data merge to those
// of the whole, in any order and grouping, so they can be collected batch by
// batch and on several machines.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CALIBRATION_CALIBRATIONTABLE_H
#define QUANTC_CALIBRATION_CALIBRATIONTABLE_H

#include "quantc/Support/HostTensor.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include <limits>
#include <map>
#include <optional>
#include <string>

namespace quantc {

/// The outputs of a calibration program are called like the tensor that they
/// describe with one of these behind, and hold the result of quant.observe
/// (f32 [2]) and of quant.histogram (i64 [65536]).
inline constexpr llvm::StringLiteral kRangeSuffix = ".range";
inline constexpr llvm::StringLiteral kHistogramSuffix = ".histogram";

/// The buckets of a histogram, one for each value of the upper half of an f32.
inline constexpr int64_t kNumHistogramBuckets = 1 << 16;

/// How the range of a tensor follows from its statistics.
enum class RangeMethod {
  /// From the smallest to the largest finite element.
  MinMax,
  /// From the k-th smallest to the k-th largest finite element, where
  /// `k = floor(count * (100 - percentile) / 200)`, rounded outwards to the
  /// ends of their histogram buckets but not past the smallest and the largest
  /// element.
  Percentile
};

/// The values of options of this type.
llvm::cl::ValuesClass getRangeMethodValues();

struct FloatRange {
  float min;
  float max;
};

/// The statistics of one tensor.
struct TensorStatistics {
  /// How often each bucket occurs; a bucket is the upper half of the bits of an
  /// f32, as in quant.histogram. Buckets that never occur are left out.
  using Histogram = std::map<uint16_t, uint64_t>;

  /// The samples (not elements) that were seen. Nothing else is set without.
  uint64_t samples = 0;
  /// The smallest and the largest finite element, [+inf, -inf] without one.
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  /// Missing where a part of the data was collected without one.
  std::optional<Histogram> histogram;

  /// Makes these the statistics of both parts of the data. A commutative monoid
  /// with `TensorStatistics()` as identity:
  ///
  ///   samples, count[b]: sum (saturating)   min: min   max: max
  void merge(const TensorStatistics &other);

  bool hasFiniteElement() const { return min <= max; }
  /// The NaN elements, as far as a histogram tells.
  uint64_t getNumNaNs() const;

  friend bool operator==(const TensorStatistics &lhs,
                         const TensorStatistics &rhs) {
    return lhs.samples == rhs.samples && lhs.min == rhs.min &&
           lhs.max == rhs.max && lhs.histogram == rhs.histogram;
  }
};

/// The statistics of the tensors of a program, by name.
class CalibrationTable {
public:
  /// Adds the outputs of one run of a calibration program over `samples`
  /// samples. Fails on an output that is no statistic.
  llvm::Error addRun(llvm::ArrayRef<std::string> names,
                     llvm::ArrayRef<HostTensor> outputs, uint64_t samples);

  void add(llvm::StringRef tensor, const TensorStatistics &statistics) {
    tensors[tensor.str()].merge(statistics);
  }
  void merge(const CalibrationTable &other) {
    for (const auto &[name, statistics] : other.tensors)
      add(name, statistics);
  }

  /// The range of `tensor`, finite and with `min <= max`. Fails when the table
  /// has no such tensor or no finite element of it, when a NaN occurred, and
  /// for a percentile (50 to 100) without a histogram.
  llvm::Expected<FloatRange>
  getRange(llvm::StringRef tensor, RangeMethod method, double percentile) const;

  /// Reads or writes the JSON form. Errors start with `path: `. A file is
  /// written whole or not at all.
  static llvm::Expected<CalibrationTable> read(llvm::StringRef path);
  llvm::Error write(llvm::StringRef path) const;

  static llvm::Expected<CalibrationTable> parse(llvm::StringRef json);
  void print(llvm::raw_ostream &os) const;

  const std::map<std::string, TensorStatistics> &getTensors() const {
    return tensors;
  }

  friend bool operator==(const CalibrationTable &lhs,
                         const CalibrationTable &rhs) {
    return lhs.tensors == rhs.tensors;
  }

private:
  std::map<std::string, TensorStatistics> tensors;
};

} // namespace quantc

#endif // QUANTC_CALIBRATION_CALIBRATIONTABLE_H
