//===- Calibration.h - Statistics and quantization --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_CALIBRATION_H
#define QUANTC_PYTHON_CALIBRATION_H

#include <nanobind/nanobind.h>

namespace quantc {
struct QuantizationOptions;
} // namespace quantc

namespace quantc::python {

/// Sets `options` from a `QuantizationConfig` of the package.
void readConfig(QuantizationOptions &options, nanobind::handle config);

/// The calibration table, the runner that fills it, and quantization by it.
void bindCalibration(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_CALIBRATION_H
