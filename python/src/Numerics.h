//===- Numerics.h - Formulas that Python calls ------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_NUMERICS_H
#define QUANTC_PYTHON_NUMERICS_H

#include <nanobind/nanobind.h>

namespace quantc::python {

/// The formulas of lib/Numerics that no program computes: searches.
void bindNumerics(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_NUMERICS_H
