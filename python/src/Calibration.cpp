//===- Calibration.cpp - Statistics and quantization ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Calibration.h"

#include "Program.h"
#include "Session.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Pipelines/Quantization.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include <cmath>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using namespace quantc;
using namespace quantc::python;

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

static void checkFinite(const PortMetadata &port, const PortArray &array,
                        const Twine &where) {
  if (port.type != DataType::F32)
    return;
  ArrayRef<float> values(static_cast<const float *>(array.data()),
                         array.size());
  if (!llvm::all_of(values, [](float x) { return std::isfinite(x); }))
    raise(where + "input \"" + port.name + "\" has NaN or infinite elements");
}

namespace {
/// Runs the observed program of a model over batches.
class Calibrator {
public:
  Calibrator(const Model &model, bool histogram)
      : program(compile(model, histogram)) {}

  /// Adds the statistics of one batch; `where` opens errors.
  void add(nb::handle batch, const std::string &where) {
    const ProgramMetadata &metadata = program.getMetadata();
    BoundArrays bound = bindArrays(metadata, batch, where);
    for (auto [port, array] : llvm::zip_equal(metadata.inputs, bound.arrays))
      checkFinite(port, array, where);
    // The first dynamic dimension counts the samples.
    uint64_t count = bound.dims.empty() ? 1 : bound.dims.front();
    if (count == 0)
      return;
    std::vector<HostTensor> outputs = program.run(bound);
    std::vector<std::string> names;
    for (const PortMetadata &port : metadata.outputs)
      names.push_back(port.name);
    if (llvm::Error error = table.addRun(names, outputs, count))
      raise(where + llvm::toString(std::move(error)));
    samples += count;
  }

  CalibrationTable table;
  uint64_t samples = 0;

private:
  static PythonProgram compile(const Model &model, bool histogram) {
    QuantizationOptions options;
    options.calibrationMethod =
        histogram ? RangeMethod::Percentile : RangeMethod::MinMax;
    OwningOpRef<ModuleOp> observed(model.getModule().clone());
    ErrorScope scope(model.getContext());
    PassManager pm(model.getContext());
    buildCalibrationPipeline(pm, options);
    LogicalResult result = pm.run(*observed);
    scope.finish(succeeded(result), model.path + ": cannot be calibrated");
    return PythonProgram::compile(*observed, "native");
  }

  PythonProgram program;
};
} // namespace

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// The value of the option that `config.field` names; the configuration has
/// checked it.
template <class T>
static T getChoice(nb::handle config, const char *field,
                   std::initializer_list<std::pair<StringRef, T>> choices) {
  auto name = nb::cast<std::string>(config.attr(field));
  for (auto [choice, value] : choices)
    if (choice == name)
      return value;
  raise(Twine(field) + "='" + name + "' does not exist");
}

void quantc::python::readConfig(QuantizationOptions &options,
                                nb::handle config) {
  options.weightBits = nb::cast<int64_t>(config.attr("weight_bits"));
  options.activationBits = nb::cast<int64_t>(config.attr("activation_bits"));
  options.weightFormat = getChoice<WeightFormat>(
      config, "weight_format",
      {{"integer", WeightFormat::Integer}, {"nf4", WeightFormat::NormalFloat}});
  options.mode = getChoice<Mode>(config, "mode",
                                 {{"static", Mode::Static},
                                  {"dynamic", Mode::Dynamic},
                                  {"weight_only", Mode::WeightOnly}});
  options.granularity =
      getChoice<Granularity>(config, "granularity",
                             {{"per_tensor", Granularity::PerTensor},
                              {"per_channel", Granularity::PerChannel},
                              {"per_group", Granularity::PerGroup}});
  options.groupSize = nb::cast<int64_t>(config.attr("group_size"));
  options.symmetricWeights = nb::cast<bool>(config.attr("symmetric_weights"));
  nb::object symmetric = config.attr("symmetric_activations");
  options.symmetricActivations = symmetric.is_none() ? Symmetry::Automatic
                                 : nb::cast<bool>(symmetric)
                                     ? Symmetry::Symmetric
                                     : Symmetry::Asymmetric;
  auto patterns =
      nb::cast<std::vector<std::string>>(config.attr("skip_layers"));
  options.skip = ArrayRef<std::string>(patterns);
  options.skipFirst = nb::cast<bool>(config.attr("skip_first"));
  options.skipLast = nb::cast<bool>(config.attr("skip_last"));
  options.skipEmbedding = nb::cast<bool>(config.attr("skip_embedding"));
  options.skipOutput = nb::cast<bool>(config.attr("skip_output"));
  options.calibrationMethod =
      getChoice<RangeMethod>(config, "calibration",
                             {{"minmax", RangeMethod::MinMax},
                              {"percentile", RangeMethod::Percentile}});
  options.percentile = nb::cast<double>(config.attr("percentile"));
}

static Model quantize(const Model &model, nb::handle config,
                      const CalibrationTable *table) {
  QuantizationOptions options;
  readConfig(options, config);

  // The pipeline reads the statistics from a file.
  SmallString<128> path;
  llvm::FileRemover remover;
  if (table) {
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("calibration", "json", path))
      raise(path + ": " + error.message());
    remover.setFile(path);
    if (llvm::Error error = table->write(path))
      raise(llvm::toString(std::move(error)));
    options.calibration = path.str().str();
  }

  OwningOpRef<ModuleOp> quantized(model.getModule().clone());
  ErrorScope scope(model.getContext());
  scope.rename(path, "calibration_data");
  PassManager pm(model.getContext());
  buildPtqPipeline(pm, options);
  LogicalResult result = pm.run(*quantized);
  scope.finish(succeeded(result), model.path + ": cannot be quantized");
  return Model(model.getSharedContext(), std::move(quantized), model.path);
}

/// Whether `model` has the parameters of its quantization in it: it
/// dequantizes, or multiplies matrices of integers.
static bool isSimulated(const Model &model) {
  return model.getModule()
      ->walk([](Operation *op) {
        auto matmul = dyn_cast<linalg::MatmulOp>(op);
        bool isProduct =
            matmul && getElementTypeOrSelf(matmul.getOutputs()[0]).isInteger();
        return isProduct || isa<DequantizeOp>(op) ? WalkResult::interrupt()
                                                  : WalkResult::advance();
      })
      .wasInterrupted();
}

static Model quantizeSimulated(const Model &model) {
  OwningOpRef<ModuleOp> quantized(model.getModule().clone());
  ErrorScope scope(model.getContext());
  PassManager pm(model.getContext());
  buildSimulatedPipeline(pm);
  LogicalResult result = pm.run(*quantized);
  scope.finish(succeeded(result), model.path + ": cannot be quantized");
  return Model(model.getSharedContext(), std::move(quantized), model.path);
}

void quantc::python::bindCalibration(nb::module_ &m) {
  nb::class_<CalibrationTable>(
      m, "CalibrationTable",
      R"(Statistics of the activations of a model: what static ranges follow from.

Tables of two parts of the data merge to that of the whole, in any order.)")
      .def_static(
          "load",
          [](const std::filesystem::path &path) {
            return unwrap(CalibrationTable::read(path.string()));
          },
          nb::arg("path"),
          "Read a JSON file that ``save`` wrote; raises ``quantc.Error``.")
      .def(
          "save",
          [](const CalibrationTable &table, const std::filesystem::path &path) {
            if (llvm::Error error = table.write(path.string()))
              raise(llvm::toString(std::move(error)));
          },
          nb::arg("path"),
          R"(Write the statistics as JSON.

The file is written whole or not at all; raises ``quantc.Error``.)")
      .def(
          "merge",
          [](const CalibrationTable &table, const CalibrationTable &other) {
            CalibrationTable merged = table;
            merged.merge(other);
            return merged;
          },
          nb::arg("other"), "Return the statistics of both parts of the data.")
      .def("__eq__",
           [](const CalibrationTable &table, const CalibrationTable &other) {
             return table == other;
           });

  nb::class_<Calibrator>(m, "Calibrator",
                         "Collects statistics, batch by batch.")
      .def(nb::init<const Model &, bool>(), nb::arg("model"),
           nb::arg("histogram"))
      .def("add", &Calibrator::add, nb::arg("batch"), nb::arg("where"))
      .def_ro("samples", &Calibrator::samples)
      .def_ro("table", &Calibrator::table, nb::rv_policy::copy);

  m.def("quantize", &quantize, nb::arg("model"), nb::arg("config"),
        nb::arg("table").none());
  m.def("is_simulated", &isSimulated, nb::arg("model"));
  m.def("quantize_simulated", &quantizeSimulated, nb::arg("model"));
}
