//===- Layer.h - One layer as Python sees it --------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_LAYER_H
#define QUANTC_PYTHON_LAYER_H

#include <nanobind/nanobind.h>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace quantc::python {

/// The layers of `module` by name, in the order of the program.
nanobind::dict getLayers(mlir::ModuleOp module);

void bindLayer(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_LAYER_H
