//===- Extension.cpp - The extension module quantc._quantc ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

NB_MODULE(_quantc, m) {
  m.doc() = "The library behind the package quantc; use that instead.";
  m.attr("__version__") = QUANTC_VERSION;
  quantc::python::bindModel(m);
}
