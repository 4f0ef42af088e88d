//===- Model.cpp - A program in one of its forms --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "Layer.h"
#include "Session.h"
#include "Training.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "quantc/Import/OnnxImport.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/Support/raw_ostream.h"
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using namespace quantc;
using namespace quantc::python;

Model::Model(std::shared_ptr<MLIRContext> context, OwningOpRef<ModuleOp> module,
             std::string path)
    : path(std::move(path)), context(std::move(context)),
      module(std::move(module)) {
  ErrorScope scope(getContext());
  FailureOr<func::FuncOp> entry = getEntry(getModule());
  FailureOr<ProgramInterface> interface = failure();
  if (succeeded(entry))
    interface = getProgramInterface(*entry);
  scope.finish(succeeded(interface), this->path + ": not a program");
  for (const Port &port :
       llvm::concat<const Port>(interface->inputs, interface->outputs))
    if (!port.getDataType())
      raise(this->path + ": " + port.name + ": NumPy has no such element type");
  metadata = getProgramMetadata(*interface, "model", TargetSpec(),
                                /*threads=*/1);
}

static OnnxImportOptions readConstants(nb::handle constants) {
  OnnxImportOptions options;
  if (constants.is_none())
    return options;
  if (!nb::isinstance<nb::dict>(constants))
    raise("constants: expected a dict of arrays by the names of inputs");
  for (auto [name, value] : nb::borrow<nb::dict>(constants)) {
    std::string text = nb::str(name).c_str();
    options.constants.emplace_back(
        text, toHostTensor(value, "constants: \"" + text + "\": "));
  }
  return options;
}

Model Model::load(const std::filesystem::path &file, nb::handle constants) {
  std::string path = file.string();
  if (std::filesystem::is_directory(file))
    raise(path + ": is a directory; expects a file");
  if (!std::filesystem::exists(file))
    raise(path + ": no such file");
  bool isOnnx = file.extension() == ".onnx";
  if (!isOnnx && file.extension() != ".mlir" && file.extension() != ".mlirbc")
    raise(path + ": not a model; quantc reads .onnx, .mlir and .mlirbc");
  OnnxImportOptions options = readConstants(constants);
  if (!isOnnx && !options.constants.empty())
    raise(path + ": constants are for inputs of an ONNX model; this is MLIR");

  std::shared_ptr<MLIRContext> context = createContext();
  ErrorScope scope(context.get());
  OwningOpRef<ModuleOp> module =
      isOnnx ? quantc::importOnnx(path, context.get(), options)
             : parseSourceFile<ModuleOp>(path, ParserConfig(context.get()));
  scope.finish(bool(module), path + ": cannot be read");
  return Model(std::move(context), std::move(module), path);
}

Model Model::importOnnx(const std::filesystem::path &file,
                        const std::string &name, bool foldAffine) {
  OnnxImportOptions options;
  options.name = name;
  options.foldAffine = foldAffine;
  std::shared_ptr<MLIRContext> context = createContext();
  ErrorScope scope(context.get());
  OwningOpRef<ModuleOp> module =
      quantc::importOnnx(file.string(), context.get(), options);
  scope.finish(bool(module), name + ": cannot be read");
  return Model(std::move(context), std::move(module), name);
}

Model Model::parse(const std::string &text, const std::string &name) {
  std::shared_ptr<MLIRContext> context = createContext();
  ErrorScope scope(context.get());
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      text, ParserConfig(context.get()), /*sourceName=*/name);
  scope.finish(bool(module), name + ": cannot be read");
  return Model(std::move(context), std::move(module), name);
}

std::string Model::print(std::optional<int64_t> elideLargerThan) const {
  // Layer names are locations.
  OpPrintingFlags flags = OpPrintingFlags().enableDebugInfo();
  if (elideLargerThan) {
    flags.elideLargeElementsAttrs(*elideLargerThan);
    flags.elideLargeResourceString(*elideLargerThan);
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  getModule()->print(os, flags);
  os << "\n";
  return text;
}

void Model::save(const std::filesystem::path &path) const {
  if (path.extension() == ".onnx")
    raise(path.string() + ": a program is saved as .mlir or .mlirbc; "
                          "quantc.export_onnx writes ONNX");
  std::string text;
  llvm::raw_string_ostream os(text);
  if (path.extension() != ".mlirbc") {
    text = print(std::nullopt);
  } else {
    ErrorScope scope(getContext());
    LogicalResult result = writeBytecodeToFile(getModule(), os);
    scope.finish(succeeded(result), "no bytecode of this program");
  }
  writeFile(path, text);
}

/// What the passes of `pipeline`, in the syntax of `quant-opt --pass-pipeline`,
/// make of `model`.
static Model runPipeline(const Model &model, const std::string &pipeline) {
  std::string message;
  llvm::raw_string_ostream os(message);
  FailureOr<OpPassManager> parsed = parsePassPipeline(pipeline, os);
  if (failed(parsed))
    raise(StringRef(message).trim());
  PassManager pm(model.getContext());
  static_cast<OpPassManager &>(pm) = std::move(*parsed);

  OwningOpRef<ModuleOp> module(model.getModule().clone());
  ErrorScope scope(model.getContext());
  LogicalResult result = pm.run(*module);
  scope.finish(succeeded(result), model.path + ": a pass failed");
  return Model(model.getSharedContext(), std::move(module), model.path);
}

void quantc::python::bindModel(nb::module_ &m) {
  nb::class_<Model>(m, "Model",
                    R"(A program: floating-point as imported, or quantized.

A model never changes; what works on one returns a new one.)")
      .def_static(
          "load", &Model::load, nb::arg("path"),
          nb::arg("constants") = nb::none(),
          R"(Read a model: `.onnx`, `.mlir` (text) or `.mlirbc` (bytecode).

``constants`` gives inputs of an ONNX model a value, by name: shapes, axes and
the like, on which the shapes of other tensors depend. They are no inputs of the
result. An array must have the type and shape of its input.

What follows a layer of an ONNX model and maps each of its outputs by constants, such as a
BatchNormalization, becomes a part of its weight and bias; ``Layer.folded`` names it.

Raises ``quantc.Error`` (``file: node: reason``) when there is no such file, when
it cannot be read, and for every operator of an ONNX model that there is no
import for.)")
      .def_static("parse", &Model::parse, nb::arg("text"), nb::arg("name"),
                  R"(Read MLIR text; ``name`` is what errors call it.

Raises ``quantc.Error`` when it cannot be read.)")
      .def_ro("path", &Model::path, "The file that it was loaded from.")
      .def_prop_ro(
          "inputs",
          [](const Model &model) {
            return getPorts(model.metadata, model.metadata.inputs);
          },
          "The inputs, in the order of the model.")
      .def_prop_ro(
          "outputs",
          [](const Model &model) {
            return getPorts(model.metadata, model.metadata.outputs);
          },
          "The outputs, in the order of the model.")
      .def_prop_ro(
          "layers",
          [](const Model &model) { return getLayers(model.getModule()); },
          nb::sig("def layers(self) -> dict[str, Layer]"),
          "The layers by name, in the order of the program.")
      .def_prop_ro(
          "parameters", &getParameters,
          nb::sig("def parameters(self) -> dict[str, numpy.typing.NDArray]"),
          "What training changes, float32 in the shapes of the model, by name: "
          "``fc1.weight``, ``fc1.bias``.")
      .def("with_parameters", &withParameters, nb::arg("parameters"),
           R"(The model with other values for some of its ``parameters``.

Raises ``quantc.Error`` for a name that there is none of and for another shape.)")
      .def("mlir", &Model::print, nb::arg("elide_larger_than") = nb::none(),
           R"(The program as MLIR text, in whichever form it is.

Constants of more than ``elide_larger_than`` elements are left out of it; such
text is for reading only.)")
      .def(
          "save", &Model::save, nb::arg("path"),
          R"(Write the program as MLIR: bytecode when ``path`` ends in `.mlirbc`, else text.

The file is written whole or not at all; raises ``quantc.Error``.)");
  m.def(
      "import_onnx", &Model::importOnnx, nb::arg("path"), nb::arg("name"),
      nb::arg("fold_affine"),
      R"(Read an ONNX model, as ``Model.load``; errors, and ``path`` of the result, call it ``name``.

``fold_affine`` says whether normalizations and gains go into the layers before them, as they do
in ``Model.load``.)");
  m.def("run_pipeline", &runPipeline, nb::arg("model"), nb::arg("pipeline"),
        R"(Run passes, such as ``builtin.module(canonicalize,cse)``, on a copy.

Raises ``quantc.Error`` for a pass that does not exist and where one fails.)");
}
