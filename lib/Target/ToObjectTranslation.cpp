//===- ToObjectTranslation.cpp - quant-translate --quant-to-object --------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-translate/Translation.h"
#include "quantc/InitAll.h"
#include "quantc/Target/Compile.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace quantc;

namespace cl = llvm::cl;

namespace {
/// The options of --quant-to-object.
struct Options {
  cl::OptionCategory category{"Options of --quant-to-object"};
  cl::opt<std::string> target{
      "target",
      cl::desc("What to compile for: native, x86-64-v3, aarch64+dotprod, ...; "
               "several for one object, best first, separated by commas; or "
               "multi, all that pay for the architecture"),
      cl::cat(category)};
  cl::opt<std::string> triple{"mtriple", cl::desc("The target triple"),
                              cl::cat(category)};
  cl::opt<std::string> cpu{"mcpu", cl::desc("The CPU of the triple"),
                           cl::cat(category)};
  cl::opt<std::string> features{
      "mattr", cl::desc("Features of the CPU to add or remove, as +a,-b"),
      cl::cat(category)};
  // The linker has an option of the shorter name.
  cl::opt<int64_t> threads{
      "max-threads",
      cl::desc("The most threads of the caller's executor that a call uses; 1 "
               "never looks at it"),
      cl::init(1), cl::cat(category)};
  cl::opt<std::string> header{"header", cl::desc("Write the C header here"),
                              cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> name{
      "name",
      cl::desc("The prefix of the exported symbols; by default the stem of the "
               "output file"),
      cl::cat(category)};
  cl::opt<EmitKind> emit{
      "emit", cl::desc("What to write"), cl::init(EmitKind::Object),
      cl::values(clEnumValN(EmitKind::Object, "obj", "An object file"),
                 clEnumValN(EmitKind::Assembly, "asm", "Assembly"),
                 clEnumValN(EmitKind::LLVMIR, "llvm", "Optimized LLVM IR"),
                 clEnumValN(EmitKind::SharedLibrary, "so",
                            "A shared library without dependencies")),
      cl::cat(category)};
  cl::opt<int64_t> maxConstantBytes{
      "max-constant-bytes",
      cl::desc("How many bytes of constants the output may hold; more go to "
               "<stem>.params beside it"),
      cl::init(kMaxConstantBytes), cl::cat(category)};
};
} // namespace

/// Takes --mcpu and --mattr from the command line again, which has been read:
/// the linker registers options of these names when it is first used.
static void makeRoomForLinker(Options &options) {
  for (cl::Option *option : {static_cast<cl::Option *>(&options.cpu),
                             static_cast<cl::Option *>(&options.features)})
    if (cl::getRegisteredOptions().lookup(option->ArgStr) == option)
      option->removeArgument();
}

/// The output file of the tool, whose `-o` belongs to upstream's main.
static std::string getOutputPath() {
  cl::Option *option = cl::getRegisteredOptions().lookup("o");
  return option ? static_cast<cl::opt<std::string> *>(option)->getValue() : "-";
}

static FailureOr<std::vector<TargetSpec>> getTargetOption(ModuleOp module,
                                                          Options &options) {
  auto emitError = [&] { return mlir::emitError(module.getLoc()); };
  bool hasParts = !options.triple.empty() || !options.cpu.empty() ||
                  !options.features.empty();
  if (options.target == "multi" && !options.triple.empty() &&
      options.cpu.empty() && options.features.empty()) {
    llvm::Triple triple(llvm::Triple::normalize(options.triple));
    return parseTargets(triple.isAArch64() ? "aarch64-multi" : "x86-64-multi",
                        emitError);
  }
  if (!options.target.empty() && hasParts)
    return emitError() << "--target and --mtriple, --mcpu or --mattr exclude "
                          "each other";
  if (options.target.empty() && !hasParts)
    return std::vector<TargetSpec>();
  if (!hasParts)
    return parseTargets(options.target, emitError);
  FailureOr<TargetSpec> target =
      makeTarget(options.triple, options.cpu, options.features, emitError);
  if (failed(target))
    return failure();
  std::vector<TargetSpec> targets = {std::move(*target)};
  addFallbacks(targets);
  return targets;
}

static LogicalResult translate(ModuleOp module, llvm::raw_ostream &os,
                               Options &options) {
  FailureOr<std::vector<TargetSpec>> targets = getTargetOption(module, options);
  if (failed(targets))
    return failure();
  CompileOptions compileOptions;
  compileOptions.targets = std::move(*targets);
  compileOptions.emit = options.emit;
  compileOptions.threads = options.threads;
  compileOptions.name = options.name;
  compileOptions.maxConstantBytes = options.maxConstantBytes;
  std::string path = getOutputPath();
  if (options.name.empty())
    compileOptions.name = path == "-" ? "model" : getProgramName(path);
  // The linker resets the options of the process.
  std::string header = options.header;
  makeRoomForLinker(options);
  FailureOr<CompiledProgram> program = compile(module, compileOptions);
  if (failed(program))
    return failure();
  if (program->parameters && path == "-")
    return emitError(module.getLoc(), "has ")
           << program->metadata.parameters->bytes
           << " bytes of constants, which go to a file beside the output; name "
              "the output with -o";
  if (!header.empty() && failed(writeFile(module, header, program->header)))
    return failure();
  if (program->parameters &&
      failed(writeFile(module, getParametersPath(path),
                       program->parameters->getBuffer())))
    return failure();
  os << program->bytes;
  return success();
}

void quantc::registerToObjectTranslation() {
  static Options options;
  TranslateFromMLIRRegistration registration(
      "quant-to-object", "Compile a program of any form",
      [](ModuleOp module, llvm::raw_ostream &os) {
        return translate(module, os, options);
      },
      registerAllDialects);
}
