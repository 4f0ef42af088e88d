//===- fuzz-calibration.cpp - Hostile calibration tables ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Calibration/CalibrationTable.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace quantc;

static std::string print(const CalibrationTable &table) {
  std::string text;
  llvm::raw_string_ostream os(text);
  table.print(os);
  return text;
}

/// What is read prints to text that reads back the same, and its ranges are
/// finite and in order.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  llvm::Expected<CalibrationTable> table = CalibrationTable::parse(text);
  if (!table) {
    llvm::consumeError(table.takeError());
    return 0;
  }
  if (!(llvm::cantFail(CalibrationTable::parse(print(*table))) == *table))
    abort();
  for (const auto &[name, statistics] : table->getTensors()) {
    auto range = table->getRange(name, RangeMethod::Percentile, 99);
    if (!range)
      llvm::consumeError(range.takeError());
    else if (!(range->min <= range->max))
      abort();
  }
  return 0;
}
