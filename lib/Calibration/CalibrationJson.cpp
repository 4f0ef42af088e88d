//===- CalibrationJson.cpp - The file of a calibration table --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {
//     "format": "quantc-calibration",
//     "version": 1,
//     "tensors": {
//       "fc1.input": {
//         "samples": 512,
//         "min": 0,
//         "max": 1,
//         "histogram": [[0, 200704], [16256, 9731]]
//       }
//     }
//   }
//
// Names are sorted. `min` and `max` are missing without a finite element, the
// histogram ([bucket, count] in ascending order) where none was collected.
// Numbers are printed so that they read back the same.
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace quantc;

static constexpr llvm::StringLiteral kFormat = "quantc-calibration";
static constexpr int64_t kVersion = 1;
/// The parser recurses, so deeper files are refused before it sees them.
static constexpr int kMaxDepth = 8;

static llvm::Error makeError(const llvm::Twine &reason) {
  return llvm::createStringError(reason);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static void printHistogram(const TensorStatistics::Histogram &histogram,
                           llvm::raw_ostream &os) {
  os << "[";
  llvm::interleaveComma(histogram, os, [&](const auto &entry) {
    os << "[" << entry.first << ", " << entry.second << "]";
  });
  os << "]";
}

void CalibrationTable::print(llvm::raw_ostream &os) const {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("format", kFormat);
    json.attribute("version", kVersion);
    json.attributeObject("tensors", [&] {
      for (const auto &[name, statistics] : tensors)
        json.attributeObject(name, [&, &statistics = statistics] {
          json.attribute("samples", statistics.samples);
          if (statistics.hasFiniteElement()) {
            json.attribute("min", statistics.min);
            json.attribute("max", statistics.max);
          }
          if (statistics.histogram) {
            json.attributeBegin("histogram");
            json.rawValue([&](llvm::raw_ostream &os) {
              printHistogram(*statistics.histogram, os);
            });
            json.attributeEnd();
          }
        });
    });
  });
  os << "\n";
}

llvm::Error CalibrationTable::write(llvm::StringRef path) const {
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        print(os);
        return llvm::Error::success();
      });
  if (!error)
    return error;
  return makeError(path + ": " + llvm::toString(std::move(error)));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Whether brackets outside of strings nest deeper than any table does.
static bool isTooDeep(llvm::StringRef text) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

static std::optional<uint64_t> readCount(const llvm::json::Value *value) {
  return value ? value->getAsUINT64() : std::nullopt;
}

/// A finite f32, with -0 as +0.
static std::optional<float> readFloat(const llvm::json::Value *value) {
  std::optional<double> number = value ? value->getAsNumber() : std::nullopt;
  if (!number || !std::isfinite(static_cast<float>(*number)))
    return std::nullopt;
  return static_cast<float>(*number) + 0.0f;
}

static llvm::Expected<TensorStatistics::Histogram>
readHistogram(const llvm::json::Value &value) {
  TensorStatistics::Histogram histogram;
  const llvm::json::Array *entries = value.getAsArray();
  if (!entries)
    return makeError("expects a list in 'histogram'");
  for (const llvm::json::Value &entry : *entries) {
    const llvm::json::Array *pair = entry.getAsArray();
    if (!pair || pair->size() != 2)
      return makeError("expects [bucket, count] in 'histogram'");
    std::optional<uint64_t> bucket = readCount(&(*pair)[0]);
    std::optional<uint64_t> count = readCount(&(*pair)[1]);
    if (!bucket || *bucket > UINT16_MAX || !count || *count == 0)
      return makeError(
          "expects buckets of 0 to 65535 and positive counts in 'histogram'");
    if (!histogram.empty() && histogram.rbegin()->first >= *bucket)
      return makeError("expects ascending buckets in 'histogram'");
    histogram.emplace_hint(histogram.end(), *bucket, *count);
  }
  return histogram;
}

static llvm::Expected<TensorStatistics>
readStatistics(const llvm::json::Value &value) {
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return makeError("expects an object");
  TensorStatistics statistics;
  std::optional<uint64_t> samples = readCount(object->get("samples"));
  if (!samples)
    return makeError("expects a count in 'samples'");
  statistics.samples = *samples;
  if (*samples == 0)
    return statistics;

  const llvm::json::Value *min = object->get("min");
  const llvm::json::Value *max = object->get("max");
  if (min || max) {
    std::optional<float> minValue = readFloat(min), maxValue = readFloat(max);
    if (!minValue || !maxValue || *minValue > *maxValue)
      return makeError("expects finite numbers in 'min' and 'max', in order");
    statistics.min = *minValue;
    statistics.max = *maxValue;
  }
  if (const llvm::json::Value *entries = object->get("histogram")) {
    auto histogram = readHistogram(*entries);
    if (!histogram)
      return histogram.takeError();
    statistics.histogram = std::move(*histogram);
  }
  return statistics;
}

llvm::Expected<CalibrationTable> CalibrationTable::parse(llvm::StringRef text) {
  if (isTooDeep(text))
    return makeError("is no calibration table; its lists nest too deep");
  llvm::Expected<llvm::json::Value> root = llvm::json::parse(text);
  if (!root)
    return makeError("is not JSON: " + llvm::toString(root.takeError()));
  const llvm::json::Object *object = root->getAsObject();
  if (!object || object->getString("format") != kFormat)
    return makeError("is no calibration table; expects \"format\": \"" +
                     kFormat + "\"");
  if (object->getInteger("version") != kVersion)
    return makeError("expects \"version\": " + llvm::Twine(kVersion));
  const llvm::json::Object *tensors = object->getObject("tensors");
  if (!tensors)
    return makeError("expects an object in 'tensors'");

  // In the order of the names, so that the first error is always the same one.
  std::map<llvm::StringRef, const llvm::json::Value *> sorted;
  for (const auto &[name, value] : *tensors)
    sorted.emplace(name, &value);
  CalibrationTable table;
  for (auto [name, value] : sorted) {
    auto statistics = readStatistics(*value);
    if (!statistics)
      return makeError(name + ": " + llvm::toString(statistics.takeError()));
    table.tensors.emplace(name, std::move(*statistics));
  }
  return table;
}

llvm::Expected<CalibrationTable> CalibrationTable::read(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError(path + ": " + buffer.getError().message());
  auto table = parse((*buffer)->getBuffer());
  if (!table)
    return makeError(path + ": " + llvm::toString(table.takeError()));
  return table;
}
