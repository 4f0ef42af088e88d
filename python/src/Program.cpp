//===- Program.cpp - Programs that Python can call ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "BoundCall.h"
#include "Session.h"
#include "quantc/Reference/Interpreter.h"
#include "quantc/Target/Compile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using namespace quantc;
using namespace quantc::python;

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

/// Reads `target`; throws `quantc.Error`.
static std::vector<TargetSpec> getTargets(MLIRContext *context,
                                          StringRef target) {
  ErrorScope scope(context);
  FailureOr<std::vector<TargetSpec>> targets =
      parseTargets(target, [&] { return emitError(UnknownLoc::get(context)); });
  scope.finish(succeeded(targets), "target '" + target + "' does not exist");
  return std::move(*targets);
}

PythonProgram PythonProgram::compile(ModuleOp module, StringRef target,
                                     int64_t threads,
                                     int64_t maxConstantBytes) {
  CompileOptions options;
  options.threads = threads;
  options.targets = getTargets(module.getContext(), target);
  options.name = "model";
  options.emit = EmitKind::SharedLibrary;
  options.maxConstantBytes = maxConstantBytes;

  ErrorScope scope(module.getContext());
  OwningOpRef<ModuleOp> copy(module.clone());
  FailureOr<CompiledProgram> compiled = quantc::compile(*copy, options);
  scope.finish(succeeded(compiled), "cannot be compiled");

  PythonProgram program;
  program.bytes = std::move(compiled->bytes);
  program.metadata = std::move(compiled->metadata);
  program.parameters = std::move(compiled->parameters);
  return program;
}

static void emitFile(const Model &model, const std::filesystem::path &path,
                     EmitKind kind, const std::string &target, int64_t threads,
                     const std::optional<std::filesystem::path> &header,
                     const std::optional<std::string> &name,
                     int64_t maxConstantBytes) {
  CompileOptions options;
  options.targets = getTargets(model.getContext(), target);
  options.threads = threads;
  options.name = name.value_or("");
  options.emit = kind;
  options.maxConstantBytes = maxConstantBytes;

  ErrorScope scope(model.getContext());
  OwningOpRef<ModuleOp> copy(model.getModule().clone());
  LogicalResult result = compileToFile(*copy, options, path.string(),
                                       header ? header->string() : "");
  scope.finish(succeeded(result), "cannot be compiled");
}

//===----------------------------------------------------------------------===//
// Loading and saving
//===----------------------------------------------------------------------===//

PythonProgram PythonProgram::load(const std::filesystem::path &path,
                                  std::optional<int64_t> threads) {
  PythonProgram result;
  result.program = unwrap(Program::load(path.string(), threads));
  result.metadata = result.program->getMetadata();
  result.parameters = result.program->getParameters();
  auto buffer = llvm::MemoryBuffer::getFile(path.string());
  if (!buffer)
    raise(path.string() + ": " + buffer.getError().message());
  result.bytes = (*buffer)->getBuffer().str();
  return result;
}

void PythonProgram::save(const std::filesystem::path &path) const {
  if (parameters)
    writeFile(getParametersPath(path.string()), parameters->getBuffer());
  writeFile(path, bytes);
}

Program &PythonProgram::getProgram() {
  if (program)
    return *program;
  SmallString<128> path;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("quantc", "so", path))
    raise(path + ": " + error.message());
  llvm::FileRemover remover(path);
  writeFile(path.c_str(), bytes);
  program = unwrap(Program::load(path, std::nullopt, parameters));
  return *program;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void PythonProgram::run(ArrayRef<const void *> inputs, ArrayRef<void *> outputs,
                        ArrayRef<int64_t> dims, const AdapterChoice &choice) {
  Program &loaded = getProgram();
  AdapterSelection selection = choice.select(metadata.getNumRows(dims));
  std::string error;
  {
    nb::gil_scoped_release release;
    error = llvm::toString(loaded.run(inputs, outputs, dims, selection));
  }
  if (!error.empty())
    raise(error);
}

std::vector<HostTensor> PythonProgram::run(const BoundArrays &bound,
                                           const AdapterChoice &choice) {
  std::vector<HostTensor> results;
  for (auto [index, port] : llvm::enumerate(metadata.outputs))
    results.emplace_back(port.type, metadata.getOutputShape(index, bound.dims));
  SmallVector<void *> outputs;
  for (HostTensor &result : results)
    outputs.push_back(result.bytes.data());
  run(getPointers(bound.arrays), outputs, bound.dims, choice);
  return results;
}

static nb::object interpretModel(const Model &model, nb::handle value,
                                 nb::handle adapter) {
  std::vector<HostTensor> inputs;
  BoundArrays bound = bindArrays(model.metadata, value, "");
  for (auto [port, array] :
       llvm::zip_equal(model.metadata.inputs, bound.arrays))
    inputs.push_back(toHostTensor(array, port.type));
  if (const auto &layout = model.metadata.adapters)
    llvm::append_range(inputs,
                       getAdapterInputs(*layout, adapter,
                                        model.metadata.getNumRows(bound.dims)));
  else if (!adapter.is_none())
    raise("the model takes no adapters; interpret what quantc.insert_lora "
          "returns");
  ErrorScope scope(model.getContext());
  FailureOr<std::vector<HostTensor>> outputs =
      interpret(model.getModule(), inputs);
  scope.finish(succeeded(outputs), "cannot be interpreted");
  return toNumPy(model.metadata.outputs, std::move(*outputs));
}

void quantc::python::bindProgram(nb::module_ &m) {
  nb::enum_<EmitKind>(m, "EmitKind", "What a compilation writes.")
      .value("obj", EmitKind::Object)
      .value("asm", EmitKind::Assembly)
      .value("llvm", EmitKind::LLVMIR)
      .value("so", EmitKind::SharedLibrary);

  nb::class_<ThreadPool>(m, "ThreadPool",
                         R"(Threads for programs that are called
through their C interface.

``threads`` counts the calling one. The others start with the first loop that is
handed out and end with this object.)")
      .def(nb::init<int64_t>(), nb::arg("threads"))
      .def_prop_ro(
          "address",
          [](const ThreadPool &pool) {
            return reinterpret_cast<uintptr_t>(
                static_cast<const Executor *>(&pool));
          },
          "Where the ``quantc_executor`` of the C header is.");

  nb::class_<PythonProgram>(m, "Program", R"(A compiled model.

Call it with an array for the only input, a sequence of arrays in the order of
the inputs, or a dict by name; arrays are NumPy's or anyone's who speaks DLPack,
on the CPU. The result is a NumPy array, or a dict by name when there are
several outputs. May be called from several threads at a time.)")
      .def_prop_ro(
          "inputs",
          [](const PythonProgram &program) {
            const ProgramMetadata &metadata = program.getMetadata();
            return getPorts(metadata, metadata.inputs);
          },
          "The inputs, in the order of the model.")
      .def_prop_ro(
          "outputs",
          [](const PythonProgram &program) {
            const ProgramMetadata &metadata = program.getMetadata();
            return getPorts(metadata, metadata.outputs);
          },
          "The outputs, in the order of the model.")
      .def(
          "__call__",
          [](PythonProgram &program, nb::handle inputs, nb::handle names,
             nb::handle out) -> nb::object {
            const ProgramMetadata &metadata = program.getMetadata();
            // A copy: another thread may set others meanwhile.
            AdapterChoice choice = program.getAdapters().chooseForCall(names);
            BoundArrays bound = bindArrays(metadata, inputs, "");
            if (out.is_none())
              return toNumPy(metadata.outputs, program.run(bound, choice));
            program.run(getPointers(bound.arrays),
                        getPointers(bindOutputs(metadata, out, bound.dims)),
                        bound.dims, choice);
            return nb::borrow(out);
          },
          nb::arg("inputs"), nb::arg("adapters") = nb::none(),
          nb::arg("out") = nb::none(),
          R"(Run the program; raises ``quantc.Error`` for inputs of another name,
shape or type.

``adapters`` chooses LoRA adapters for this call alone, as ``set_adapter`` does;
without it the ones that were set last are used.

``out`` is where the result goes, and is returned: a contiguous array of its
shape and type, or a dict of them by name when there are several outputs. It
must not overlap an input. Without it each call makes new arrays.)")
      .def(
          "bind",
          [](nb::object program, nb::handle inputs, nb::object out,
             nb::handle adapters) {
            return BoundCall(program, inputs, out, adapters);
          },
          nb::arg("inputs"), nb::arg("out"), nb::arg("adapters") = nb::none(),
          R"(Return a ``BoundCall``: the program on these arrays, without arguments.

All are as for a call, and are looked at only now; what calls read and write are
the elements that the arrays hold by then, so that none of them is copied.
Raises ``quantc.Error`` as a call does, and for inputs that are not contiguous.)")
      .def(
          "load_adapter",
          [](PythonProgram &program, const std::string &name,
             nb::handle adapter) { program.getAdapters().load(name, adapter); },
          nb::arg("name"), nb::arg("adapter"),
          R"(Load a LoRA adapter under a name, beside others or in place of it.

``adapter`` is what ``quantc.load_adapter`` returns, a folder that it reads, or a
dict from layers to ``(A [rank, inputs], B [outputs, rank], scale)``. Raises
``quantc.Error``, and changes nothing, if a layer takes no adapters, a rank is
above the largest of the program, or a shape does not fit.)")
      .def(
          "unload_adapter",
          [](PythonProgram &program, const std::string &name) {
            program.getAdapters().unload(name);
          },
          nb::arg("name"), "Forget an adapter that is not in use.")
      .def(
          "set_adapter",
          [](PythonProgram &program, nb::handle names) {
            program.getAdapters().set(names);
          },
          nb::arg("adapter").none(),
          R"(Choose the adapter of the calls that follow.

A name, None for the model without adapters, or a sequence of these, one for
each row of the batch.)")
      .def_prop_ro(
          "adapters",
          [](PythonProgram &program) {
            return program.getAdapters().getNames();
          },
          nb::sig("def adapters(self) -> tuple[str, ...]"),
          "The names of the adapters that are loaded.")
      .def_prop_ro("threads", &PythonProgram::getNumThreads,
                   "The number of threads that a call uses.")
      .def_prop_ro(
          "variants",
          [](const PythonProgram &program) {
            const ProgramMetadata &metadata = program.getMetadata();
            nb::list names;
            for (const TargetSpec &target : metadata.variants)
              names.append(target.str());
            if (metadata.variants.empty())
              names.append(metadata.target.str());
            return nb::tuple(names);
          },
          nb::sig("def variants(self) -> tuple[str, ...]"),
          "The targets that the program has code for, best first.")
      .def_prop_ro(
          "variant",
          [](PythonProgram &program) { return program.getVariant().str(); },
          R"(The one of ``variants`` that runs on this machine.

Raises ``quantc.Error`` for a program that this machine cannot run.)")
      .def("save", &PythonProgram::save, nb::arg("path"),
           R"(Write the program as a shared library.

A program with more constants than ``compile`` lets it hold is two files, of
which the second has the ending ``.params``; keep them together. A file is
written whole or not at all; raises ``quantc.Error``.)");

  bindBoundCall(m);
  m.def("load_program", &PythonProgram::load, nb::arg("path"),
        nb::arg("threads") = nb::none(),
        R"(Load a program that ``Program.save`` or ``quantc compile`` wrote.

``threads`` is the number of threads of a call, at most the number that the
program was compiled for, which is the default.

Only load files that you trust: they are machine code. A ``.params`` file beside
the program is mapped, and processes that load it share its memory. Raises
``quantc.Error`` for a file that is no program, for one for another machine and
for parameters that are missing, damaged or of another program.)");
  m.def("compile_model", [](const Model &model, const std::string &target,
                            int64_t threads, int64_t maxConstantBytes) {
    return PythonProgram::compile(model.getModule(), target, threads,
                                  maxConstantBytes);
  });
  m.attr("MAX_CONSTANT_BYTES") = kMaxConstantBytes;
  m.def("emit_file", &emitFile, nb::arg("model"), nb::arg("path"),
        nb::arg("kind"), nb::arg("target"), nb::arg("threads"),
        nb::arg("header").none(), nb::arg("name").none(),
        nb::arg("max_constant_bytes"));
  m.def("interpret", &interpretModel, nb::arg("model"), nb::arg("inputs"),
        nb::arg("adapter") = nb::none(),
        R"(Run a model, in any form, by the reference interpreter.

Takes and returns what a compiled program does, and gives the same bytes, but
takes far longer. ``adapter`` is an adapter, as ``Program.load_adapter`` takes
it, or a list with one or None for each row of the batch. Raises ``quantc.Error`` for inputs of another name, shape or
type.)");
}
