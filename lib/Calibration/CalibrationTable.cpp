//===- CalibrationTable.cpp - Mergeable statistics ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

using namespace quantc;

llvm::cl::ValuesClass quantc::getRangeMethodValues() {
  return llvm::cl::values(
      clEnumValN(RangeMethod::MinMax, "minmax",
                 "from the smallest to the largest element"),
      clEnumValN(RangeMethod::Percentile, "percentile",
                 "without the outermost elements"));
}

//===----------------------------------------------------------------------===//
// Buckets
//===----------------------------------------------------------------------===//

/// The ends of a bucket. In a bucket of negative values the one with zeros in
/// its lower half is the largest.
static FloatRange getBucketRange(uint16_t bucket) {
  float towardsZero = llvm::bit_cast<float>(uint32_t(bucket) << 16);
  float awayFromZero =
      llvm::bit_cast<float>((uint32_t(bucket) << 16) | 0xFFFFu);
  if (std::signbit(towardsZero))
    return {awayFromZero, towardsZero + 0.0f}; // -0 becomes +0.
  return {towardsZero, awayFromZero};
}

/// Whether not all bits of the exponent are set, as in infinities and NaN.
static bool isFiniteBucket(uint16_t bucket) {
  return (bucket & 0x7F80) != 0x7F80;
}

/// The infinity of a sign has a bucket of its own: a NaN that arithmetic makes
/// has the upper bit of its mantissa set.
static bool isNaNBucket(uint16_t bucket) { return (bucket & 0x7FFF) > 0x7F80; }

/// The finite buckets that occur, in the order of their values.
static std::vector<std::pair<FloatRange, uint64_t>>
getFiniteBuckets(const TensorStatistics::Histogram &histogram) {
  std::vector<std::pair<FloatRange, uint64_t>> buckets;
  for (auto [bucket, count] : histogram)
    if (isFiniteBucket(bucket))
      buckets.emplace_back(getBucketRange(bucket), count);
  std::sort(buckets.begin(), buckets.end(), [](const auto &a, const auto &b) {
    return a.first.max < b.first.max;
  });
  return buckets;
}

/// The bucket of the element at position `index` of the sorted elements.
template <class Iterator>
static FloatRange findElement(Iterator begin, Iterator end, uint64_t index) {
  uint64_t seen = 0;
  return std::find_if(begin, end,
                      [&](const auto &bucket) {
                        seen = llvm::SaturatingAdd(seen, bucket.second);
                        return seen > index;
                      })
      ->first;
}

static FloatRange getPercentileRange(const TensorStatistics &statistics,
                                     double percentile) {
  auto buckets = getFiniteBuckets(*statistics.histogram);
  uint64_t count = 0;
  for (const auto &bucket : buckets)
    count = llvm::SaturatingAdd(count, bucket.second);
  if (count == 0)
    return {statistics.min, statistics.max};
  double cut =
      std::floor(static_cast<double>(count) * (100 - percentile) / 200);
  auto index = static_cast<uint64_t>(cut);
  float lower = findElement(buckets.begin(), buckets.end(), index).min;
  float upper = findElement(buckets.rbegin(), buckets.rend(), index).max;
  return {std::clamp(lower, statistics.min, statistics.max),
          std::clamp(upper, statistics.min, statistics.max)};
}

//===----------------------------------------------------------------------===//
// TensorStatistics
//===----------------------------------------------------------------------===//

void TensorStatistics::merge(const TensorStatistics &other) {
  if (other.samples == 0)
    return;
  if (samples == 0) {
    *this = other;
    return;
  }
  samples = llvm::SaturatingAdd(samples, other.samples);
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  if (!histogram || !other.histogram) {
    histogram.reset();
    return;
  }
  for (auto [bucket, count] : *other.histogram) {
    uint64_t &sum = (*histogram)[bucket];
    sum = llvm::SaturatingAdd(sum, count);
  }
}

uint64_t TensorStatistics::getNumNaNs() const {
  uint64_t count = 0;
  if (histogram)
    for (auto [bucket, bucketCount] : *histogram)
      if (isNaNBucket(bucket))
        count = llvm::SaturatingAdd(count, bucketCount);
  return count;
}

//===----------------------------------------------------------------------===//
// CalibrationTable
//===----------------------------------------------------------------------===//

template <class... Args>
static llvm::Error makeError(const char *format, const Args &...args) {
  return llvm::createStringError(format, args...);
}

static bool hasForm(const HostTensor &tensor, DataType type, int64_t count) {
  return tensor.type == type && tensor.getNumElements() == count;
}

llvm::Error CalibrationTable::addRun(llvm::ArrayRef<std::string> names,
                                     llvm::ArrayRef<HostTensor> outputs,
                                     uint64_t samples) {
  if (names.size() != outputs.size())
    return makeError("expects a name for each output");
  CalibrationTable run;
  for (auto [fullName, output] : llvm::zip_equal(names, outputs)) {
    llvm::StringRef name = fullName;
    if (name.consume_back(kRangeSuffix) && hasForm(output, DataType::F32, 2)) {
      TensorStatistics &statistics = run.tensors[name.str()];
      statistics.samples = samples;
      statistics.min = output.values<float>()[0];
      statistics.max = output.values<float>()[1];
    } else if (name.consume_back(kHistogramSuffix) &&
               hasForm(output, DataType::I64, kNumHistogramBuckets)) {
      TensorStatistics &statistics = run.tensors[name.str()];
      statistics.samples = samples;
      auto &histogram = statistics.histogram.emplace();
      for (auto [bucket, count] : llvm::enumerate(output.values<int64_t>()))
        if (count > 0)
          histogram.emplace(bucket, count);
    } else {
      return makeError("%s: is not an output of a calibration program",
                       fullName.c_str());
    }
  }
  merge(run);
  return llvm::Error::success();
}

llvm::Expected<FloatRange> CalibrationTable::getRange(llvm::StringRef tensor,
                                                      RangeMethod method,
                                                      double percentile) const {
  auto it = tensors.find(tensor.str());
  if (it == tensors.end())
    return makeError("has no statistics; calibrate this model");
  const TensorStatistics &statistics = it->second;
  if (statistics.samples == 0)
    return makeError("has no samples; calibrate with at least one");
  if (uint64_t nans = statistics.getNumNaNs())
    return makeError("was NaN %llu times; look for NaN in the data and in the "
                     "weights before it",
                     static_cast<unsigned long long>(nans));
  if (!statistics.hasFiniteElement())
    return makeError("had no finite element; look for NaN and infinities in "
                     "the data and in the weights before it");
  if (method == RangeMethod::MinMax)
    return FloatRange{statistics.min, statistics.max};
  if (!(percentile >= 50 && percentile <= 100))
    return makeError("has no percentile %g; expects 50 to 100", percentile);
  if (!statistics.histogram)
    return makeError("has no histogram, which the percentile method needs; "
                     "calibrate with histograms");
  return getPercentileRange(statistics, percentile);
}
