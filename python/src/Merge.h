//===- Merge.h - Adapters in the weights of a model -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_MERGE_H
#define QUANTC_PYTHON_MERGE_H

#include <nanobind/nanobind.h>

namespace quantc::python {

/// Merging adapters, undoing that, and what is left of them.
void bindMerge(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_MERGE_H
