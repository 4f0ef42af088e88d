//===- Training.h - Trained models and training programs --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_TRAINING_H
#define QUANTC_PYTHON_TRAINING_H

#include <nanobind/nanobind.h>

namespace quantc::python {

/// Quantization with the parameters that training found.
void bindTraining(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_TRAINING_H
