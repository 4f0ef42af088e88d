//===- sweep.cpp - Random networks give the same bytes everywhere ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs random networks in the reference interpreter and compiled for several
// targets, and compares the outputs byte for byte. A target that this machine
// cannot run is a skip that is counted.
//
//   quantc-sweep --count=300 --first=0 --print=false
//
//===----------------------------------------------------------------------===//

#include "Emulated.h"
#include "PostTraining.h"
#include "RandomProgram.h"
#include "mlir/Parser/Parser.h"
#include "quantc/InitAll.h"
#include "quantc/Reference/Interpreter.h"
#include "quantc/Target/Compile.h"
#include "quantc/Target/Program.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::sweep;

static llvm::cl::opt<unsigned> count("count", llvm::cl::init(40),
                                     llvm::cl::desc("How many networks"));
static llvm::cl::opt<unsigned> first("first", llvm::cl::init(0),
                                     llvm::cl::desc("The seed of the first"));
static llvm::cl::opt<bool> print("print",
                                 llvm::cl::desc("Print the networks too"));

/// Loaded and run here, and run in an emulator.
// One for each row of DotInstructions.def, and an object for two.
static constexpr llvm::StringLiteral kHostTargets[] = {"x86-64",
                                                       "x86-64-v2",
                                                       "x86-64-v3",
                                                       "x86-64-v3+avxvnni",
                                                       "x86-64-v3+avxvnniint8",
                                                       "x86-64-v4",
                                                       "x86-64-v4+avx512vnni",
                                                       "x86-64-v4+avx512vnni"
                                                       "+amx-int8",
                                                       "x86-64-v4,x86-64-v2"};
static constexpr llvm::StringLiteral kEmulatedTargets[] = {
    "aarch64",     "aarch64+dotprod",      "aarch64+i8mm",
    "aarch64+sve", "aarch64+i8mm+sve2", "aarch64-multi"};
/// Bytes of the registers of SVE, of which code must not know the number.
static constexpr unsigned kScalableLengths[] = {16, 32, 64, 128, 256};

namespace {

/// One network, with what the interpreter gives for it.
struct Case {
  unsigned seed;
  RandomProgram program;
  HostTensor expected;
};

class Sweep {
public:
  Sweep();

  void interpretAll();
  void runOnHost(StringRef target, int64_t threads = 1);
  void runInEmulator(StringRef target);
  int finish();

private:
  FailureOr<CompiledProgram> compileCase(const Case &test, StringRef target,
                                         EmitKind emit, StringRef name,
                                         int64_t threads = 1);
  void compare(const Case &test, StringRef target, ArrayRef<char> bytes);
  void fail(const Case &test, StringRef target, const Twine &what);

  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  llvm::SmallString<128> folder;
  std::vector<Case> cases;
  unsigned numPassed = 0, numFailed = 0, numSkipped = 0;
};

} // namespace

Sweep::Sweep() {
  registerAllDialects(registry);
  context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("quantc-sweep", folder)) {
    llvm::errs() << "error: " << error.message() << "\n";
    std::exit(1);
  }
}

void Sweep::fail(const Case &test, StringRef target, const Twine &what) {
  ++numFailed;
  llvm::outs() << "FAIL seed " << test.seed << " on " << target << ": " << what
               << "\n     " << test.program.summary << "\n";
}

static void printProgram(const RandomProgram &program) {
  if (print) {
    llvm::outs() << "// " << program.summary << "\n" << program.text << "\n";
    llvm::outs().flush();
  }
}

void Sweep::interpretAll() {
  for (unsigned seed = first; seed < first + count; ++seed) {
    Case test{seed, makeIntegerProgram(seed), {}};
    // Every other network comes from the quantization pipeline.
    if (seed % 2) {
      FloatProgram source = makeFloatProgram(seed);
      printProgram(source.program);
      FailureOr<RandomProgram> quantized =
          quantize(context.get(), source, folder);
      if (failed(quantized)) {
        test.program = source.program;
        fail(test, "quant-ptq", "does not quantize");
        continue;
      }
      test.program = std::move(*quantized);
    }
    printProgram(test.program);
    auto module = parseSourceString<ModuleOp>(test.program.text, context.get());
    FailureOr<std::vector<HostTensor>> outputs = failure();
    if (module)
      outputs = interpret(*module, test.program.input);
    if (failed(outputs)) {
      fail(test, "interpreter", "does not run");
      continue;
    }
    test.expected = std::move(outputs->front());
    cases.push_back(std::move(test));
  }
}

FailureOr<CompiledProgram> Sweep::compileCase(const Case &test,
                                              StringRef target, EmitKind emit,
                                              StringRef name, int64_t threads) {
  auto module = parseSourceString<ModuleOp>(test.program.text, context.get());
  FailureOr<std::vector<TargetSpec>> targets = parseTargets(
      target, [&] { return emitError(UnknownLoc::get(context.get())); });
  if (failed(targets))
    return failure();
  CompileOptions options;
  options.targets = *targets;
  options.name = name.str();
  options.emit = emit;
  options.threads = threads;
  // Everything is worth a thread, so that small networks are divided.
  options.threadWork = 1;
  return compile(*module, options);
}

/// Bytes decide; the index of the first that differs is reported.
void Sweep::compare(const Case &test, StringRef target, ArrayRef<char> bytes) {
  ArrayRef<char> expected = test.expected.bytes;
  if (bytes == expected) {
    ++numPassed;
    return;
  }
  size_t position = 0;
  while (position < std::min(bytes.size(), expected.size()) &&
         bytes[position] == expected[position])
    ++position;
  fail(test, target,
       llvm::formatv("byte {0} of {1} differs", position, expected.size()));
}

void Sweep::runOnHost(StringRef target, int64_t threads) {
  FailureOr<std::vector<TargetSpec>> targets = parseTargets(
      target, [&] { return emitError(UnknownLoc::get(context.get())); });
  // A list runs wherever its last target does; the fallback of a single one is
  // a target of its own here.
  auto needsAll = [&] { return !target.contains(','); };
  if (failed(targets) ||
      !getMissingHostFeatures(
           (needsAll() ? targets->front() : targets->back()).features)
           .empty()) {
    llvm::outs() << "SKIP " << target << ": this machine cannot run it\n";
    numSkipped += cases.size();
    return;
  }
  for (const Case &test : cases) {
    FailureOr<CompiledProgram> compiled =
        compileCase(test, target, EmitKind::SharedLibrary, "net", threads);
    std::string path = (folder + "/net.so").str();
    if (failed(compiled)) {
      fail(test, target, "does not compile");
      continue;
    }
    if (llvm::Error error = writeBytes(path, compiled->bytes)) {
      fail(test, target, llvm::toString(std::move(error)));
      continue;
    }
    auto program = Program::load(path);
    if (!program) {
      fail(test, target, llvm::toString(program.takeError()));
      continue;
    }
    auto outputs = (*program)->run(test.program.input);
    if (outputs)
      compare(test, target, outputs->front().bytes);
    else
      fail(test, target, llvm::toString(outputs.takeError()));
  }
}

void Sweep::runInEmulator(StringRef target) {
  if (!canEmulate()) {
    llvm::outs() << "SKIP " << target << ": no cross compiler or emulator\n";
    numSkipped += cases.size();
    return;
  }
  std::vector<EmulatedProgram> programs;
  std::vector<const Case *> compiledCases;
  for (const Case &test : cases) {
    std::string name = llvm::formatv("net{0}", test.seed);
    FailureOr<CompiledProgram> compiled =
        compileCase(test, target, EmitKind::Object, name);
    if (failed(compiled)) {
      fail(test, target, "does not compile");
      continue;
    }
    programs.push_back({name, std::move(compiled->bytes), test.program.input,
                        test.expected.bytes.size()});
    compiledCases.push_back(&test);
  }
  auto failAll = [&](StringRef what) {
    for (const Case *test : compiledCases)
      fail(*test, target, what);
  };
  if (llvm::Error error = linkEmulated(programs, folder))
    return failAll(llvm::toString(std::move(error)));
  bool isScalable = target.contains("sve");
  for (unsigned length : kScalableLengths) {
    auto cpu = llvm::formatv("max,sve-default-vector-length={0}", length).str();
    auto outputs = runEmulated(programs, folder, cpu);
    if (!outputs)
      return failAll(llvm::toString(outputs.takeError()));
    std::string label = target.str();
    if (isScalable)
      label += llvm::formatv(" in {0} bits", 8 * length);
    for (auto [test, output] : llvm::zip_equal(compiledCases, *outputs))
      compare(*test, label, ArrayRef(output.data(), output.size()));
    if (!isScalable)
      break;
  }
}

int Sweep::finish() {
  llvm::sys::fs::remove_directories(folder);
  llvm::outs() << cases.size() << " networks: " << numPassed << " equal, "
               << numFailed << " failed, " << numSkipped << " skipped\n";
  return numFailed != 0;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv, "random networks\n");
  Sweep sweep;
  sweep.interpretAll();
  for (StringRef target : kHostTargets)
    sweep.runOnHost(target);
  sweep.runOnHost("native", /*threads=*/3);
  for (StringRef target : kEmulatedTargets)
    sweep.runInEmulator(target);
  return sweep.finish();
}
