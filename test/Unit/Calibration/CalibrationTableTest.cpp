//===- CalibrationTableTest.cpp - Merging, ranges and the file ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <random>

using namespace quantc;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

/// What quant.observe and quant.histogram give for `data`, in the plainest way.
CalibrationTable collect(llvm::ArrayRef<float> data, uint64_t samples = 1,
                         bool withHistogram = true) {
  HostTensor range(DataType::F32, {2}), histogram(DataType::I64, {65536});
  float min = inf, max = -inf;
  for (float x : data) {
    ++histogram.values<int64_t>()[llvm::bit_cast<uint32_t>(x) >> 16];
    if (std::isfinite(x)) {
      min = std::min(min, x + 0.0f);
      max = std::max(max, x + 0.0f);
    }
  }
  range.values<float>()[0] = min;
  range.values<float>()[1] = max;
  CalibrationTable table;
  if (withHistogram)
    llvm::cantFail(
        table.addRun({"t.range", "t.histogram"}, {range, histogram}, samples));
  else
    llvm::cantFail(table.addRun({std::string("t.range")}, {range}, samples));
  return table;
}

CalibrationTable merge(CalibrationTable lhs, const CalibrationTable &rhs) {
  lhs.merge(rhs);
  return lhs;
}

std::string print(const CalibrationTable &table) {
  std::string text;
  llvm::raw_string_ostream os(text);
  table.print(os);
  return text;
}

template <class T>
std::string getError(llvm::Expected<T> value) {
  return value ? "no error" : llvm::toString(value.takeError());
}

std::vector<float> makeData(unsigned seed, size_t size) {
  std::mt19937 random(seed);
  std::student_t_distribution<float> distribution(2);
  std::vector<float> data(size);
  for (float &x : data)
    x = distribution(random);
  return data;
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

TEST(CalibrationTableTest, MergingPartsEqualsCollectingTheWhole) {
  std::vector<float> data = makeData(1, 999);
  data[7] = inf;
  data[8] = -0.0f;
  llvm::ArrayRef<float> all(data);
  CalibrationTable whole = collect(all, 3);
  CalibrationTable a = collect(all.take_front(100)),
                   b = collect(all.slice(100, 5)),
                   c = collect(all.drop_front(105));
  EXPECT_EQ(merge(merge(a, b), c), whole);
  EXPECT_EQ(merge(a, merge(b, c)), whole);
  EXPECT_EQ(merge(merge(c, a), b), whole);
  EXPECT_EQ(print(merge(b, merge(c, a))), print(whole));
}

/// Every combination of parts with and without data, histogram, finite values.
TEST(CalibrationTableTest, MergeIsACommutativeMonoid) {
  const float infinite[] = {inf};
  std::vector<CalibrationTable> parts = {CalibrationTable(),
                                         collect({}, 0),
                                         collect({}, 0, false),
                                         collect(infinite),
                                         collect(makeData(2, 9)),
                                         collect(makeData(3, 9)),
                                         collect(makeData(4, 9), 2, false)};
  for (const auto &a : parts)
    for (const auto &b : parts) {
      EXPECT_EQ(print(merge(a, b)), print(merge(b, a)));
      for (const auto &c : parts)
        EXPECT_EQ(merge(merge(a, b), c), merge(a, merge(b, c)));
    }
  EXPECT_EQ(merge(CalibrationTable(), parts[4]), parts[4]);
}

TEST(CalibrationTableTest, CountsSaturate) {
  TensorStatistics statistics;
  statistics.samples = UINT64_MAX - 1;
  statistics.merge(statistics);
  EXPECT_EQ(statistics.samples, UINT64_MAX);
}

TEST(CalibrationTableTest, OutputsThatAreNoStatistics) {
  CalibrationTable table;
  HostTensor range(DataType::F32, {2}), other(DataType::I8, {2});
  EXPECT_EQ(llvm::toString(table.addRun({std::string("y")}, {range}, 1)),
            "y: is not an output of a calibration program");
  EXPECT_EQ(llvm::toString(table.addRun({std::string("y.range")}, {other}, 1)),
            "y.range: is not an output of a calibration program");
  EXPECT_EQ(llvm::toString(table.addRun({std::string("y.range")}, {}, 1)),
            "expects a name for each output");
  EXPECT_TRUE(table.getTensors().empty());
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

TEST(CalibrationTableTest, MinMaxRange) {
  const float data[] = {-1.25f, 3, inf, 0.5f};
  FloatRange range =
      llvm::cantFail(collect(data).getRange("t", RangeMethod::MinMax, 99.99));
  EXPECT_EQ(range.min, -1.25f);
  EXPECT_EQ(range.max, 3);
}

/// The k-th element from each end lies in the range, and the range ends within
/// its bucket (128 to an octave) and within the data.
TEST(CalibrationTableTest, PercentileRange) {
  std::vector<float> data = makeData(5, 4001);
  CalibrationTable table = collect(data);
  std::sort(data.begin(), data.end());
  for (double percentile : {50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    FloatRange range = llvm::cantFail(
        table.getRange("t", RangeMethod::Percentile, percentile));
    auto k = static_cast<size_t>(4001 * (100 - percentile) / 200);
    float lower = data[k], upper = data[data.size() - 1 - k];
    EXPECT_LE(range.min, lower);
    EXPECT_GE(range.min, lower - std::abs(lower) / 128);
    EXPECT_GE(range.max, upper);
    EXPECT_LE(range.max, upper + std::abs(upper) / 128);
    EXPECT_GE(range.min, data.front());
    EXPECT_LE(range.max, data.back());
  }
}

TEST(CalibrationTableTest, PercentileOfZerosIsPositiveZero) {
  const float data[] = {-0.0f, 0.0f, -0.0f};
  FloatRange range =
      llvm::cantFail(collect(data).getRange("t", RangeMethod::Percentile, 99));
  EXPECT_EQ(llvm::bit_cast<uint32_t>(range.min), 0u);
  EXPECT_EQ(llvm::bit_cast<uint32_t>(range.max), 0u);
}

TEST(CalibrationTableTest, RangesThatDoNotExist) {
  const float finite[] = {1}, infinite[] = {inf},
              notANumber[] = {1, std::nanf("")};
  auto get = [](const CalibrationTable &table, RangeMethod method,
                double percentile = 99) {
    return getError(table.getRange("t", method, percentile));
  };
  EXPECT_EQ(get(CalibrationTable(), RangeMethod::MinMax),
            "has no statistics; calibrate this model");
  EXPECT_EQ(get(collect({}, 0), RangeMethod::MinMax),
            "has no samples; calibrate with at least one");
  EXPECT_EQ(get(collect(notANumber), RangeMethod::MinMax),
            "was NaN 1 times; look for NaN in the data and in the weights "
            "before it");
  EXPECT_EQ(get(collect(infinite), RangeMethod::MinMax),
            "had no finite element; look for NaN and infinities in the data "
            "and in the weights before it");
  EXPECT_EQ(get(collect(finite, 1, false), RangeMethod::Percentile),
            "has no histogram, which the percentile method needs; calibrate "
            "with histograms");
  for (double percentile : {49.9, 100.1, -1.0, std::nan("")})
    EXPECT_NE(get(collect(finite), RangeMethod::Percentile, percentile),
              "no error");
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

TEST(CalibrationTableTest, FileRoundTripsExactly) {
  CalibrationTable table = collect(makeData(6, 1000), 512);
  const float extremes[] = {-std::numeric_limits<float>::max(), 0.1f,
                            std::numeric_limits<float>::denorm_min()};
  TensorStatistics statistics = collect(extremes).getTensors().at("t");
  statistics.samples = UINT64_MAX;
  table.add("a \"quoted\"/name", statistics);
  table.add("range only", collect(extremes, 1, false).getTensors().at("t"));
  table.add("infinite", collect({inf}).getTensors().at("t"));

  llvm::SmallString<64> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("table", "json", path));
  ASSERT_FALSE(llvm::errorToBool(table.write(path)));
  llvm::Expected<CalibrationTable> read = CalibrationTable::read(path);
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(*read, table);
  EXPECT_EQ(print(*read), print(table));
  llvm::sys::fs::remove(path);
}

TEST(CalibrationTableTest, FilesThatCannotBeReadOrWritten) {
  EXPECT_EQ(getError(CalibrationTable::read("/nowhere/table.json")),
            "/nowhere/table.json: No such file or directory");
  std::string error =
      llvm::toString(CalibrationTable().write("/nowhere/table.json"));
  EXPECT_EQ(error.rfind("/nowhere/table.json: ", 0), 0u) << error;
}

TEST(CalibrationTableTest, EveryPrefixOfAFileIsAnError) {
  std::string text = print(collect(makeData(7, 40)));
  for (size_t size = 0; size + 2 < text.size(); ++size)
    EXPECT_NE(getError(CalibrationTable::parse(text.substr(0, size))),
              "no error");
}

TEST(CalibrationTableTest, HostileFiles) {
  auto parseTensor = [](const std::string &tensor) {
    return getError(CalibrationTable::parse(
        R"({"format": "quantc-calibration", "version": 1, "tensors": {"t": )" +
        tensor + "}}"));
  };
  EXPECT_EQ(parseTensor(R"({"samples": 1, "min": 0, "max": 1})"), "no error");
  const char *order = "t: expects finite numbers in 'min' and 'max', in order";
  EXPECT_EQ(parseTensor(R"({"samples": 1, "min": 2, "max": 1})"), order);
  EXPECT_EQ(parseTensor(R"({"samples": 1, "min": 2})"), order);
  EXPECT_EQ(parseTensor(R"({"samples": 1, "min": 0, "max": 1e300})"), order);
  EXPECT_EQ(parseTensor(R"({"samples": 1, "min": "0", "max": 1})"), order);
  EXPECT_EQ(parseTensor(R"({"samples": -1})"),
            "t: expects a count in 'samples'");
  EXPECT_EQ(parseTensor("[]"), "t: expects an object");
  EXPECT_EQ(parseTensor(R"({"samples": 1, "histogram": 3})"),
            "t: expects a list in 'histogram'");
  EXPECT_EQ(parseTensor(R"({"samples": 1, "histogram": [[1]]})"),
            "t: expects [bucket, count] in 'histogram'");
  EXPECT_EQ(parseTensor(R"({"samples": 1, "histogram": [[65536, 1]]})"),
            "t: expects buckets of 0 to 65535 and positive counts in "
            "'histogram'");
  EXPECT_EQ(parseTensor(R"({"samples": 1, "histogram": [[2, 1], [2, 1]]})"),
            "t: expects ascending buckets in 'histogram'");
  EXPECT_EQ(getError(CalibrationTable::parse("{}")),
            "is no calibration table; expects \"format\": "
            "\"quantc-calibration\"");
  EXPECT_EQ(getError(CalibrationTable::parse(
                R"({"format": "quantc-calibration", "version": 2})")),
            "expects \"version\": 1");
  EXPECT_EQ(getError(CalibrationTable::parse(
                R"({"format": "quantc-calibration", "version": 1})")),
            "expects an object in 'tensors'");
  EXPECT_EQ(getError(CalibrationTable::parse(std::string(1 << 20, '['))),
            "is no calibration table; its lists nest too deep");
}

} // namespace
