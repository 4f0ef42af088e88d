//===- Extension.cpp - The extension module quantc._quantc ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapters.h"
#include "Calibration.h"
#include "Layer.h"
#include "Merge.h"
#include "Model.h"
#include "Numerics.h"
#include "Program.h"
#include "Session.h"
#include "Training.h"
#include "quantc/InitAll.h"
#include <nanobind/stl/filesystem.h>

NB_MODULE(_quantc, m) {
  m.doc() = "The library behind the package quantc; use that instead.";
  m.attr("__version__") = QUANTC_VERSION;
  quantc::registerAllPasses();
  quantc::python::bindPort(m);
  quantc::python::bindLayer(m);
  quantc::python::bindModel(m);
  quantc::python::bindCalibration(m);
  quantc::python::bindMerge(m);
  quantc::python::bindProgram(m);
  quantc::python::bindAdapters(m);
  quantc::python::bindTraining(m);
  quantc::python::bindNumerics(m);
  m.def(
      "write_file",
      [](const std::filesystem::path &path, nanobind::bytes content) {
        quantc::python::writeFile(path, {content.c_str(), content.size()});
      },
      nanobind::arg("path"), nanobind::arg("content"),
      "Write a file whole or not at all; raises ``quantc.Error``.");
}
