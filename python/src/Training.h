//===- Training.h - Trained models and training programs --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_TRAINING_H
#define QUANTC_PYTHON_TRAINING_H

#include "Model.h"
#include <nanobind/nanobind.h>

namespace quantc::python {

/// The float constants of `model` that training changes, by name.
nanobind::dict getParameters(const Model &model);

/// `model` with other values for some of them. Throws `quantc.Error`.
Model withParameters(const Model &model, nanobind::dict parameters);

/// Programs that train, and quantization with what they found.
void bindTraining(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_TRAINING_H
