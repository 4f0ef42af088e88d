//===- Sweep.cpp - Random programs on every target ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sweep.h"

#include "Adapters.h"
#include "PostTraining.h"
#include "mlir/Parser/Parser.h"
#include "quantc/InitAll.h"
#include "quantc/Reference/Interpreter.h"
#include "quantc/Target/Compile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace quantc;
using namespace quantc::sweep;

/// More than cores, so that a loop is not divided evenly.
static constexpr int64_t kThreads = 3;

ArrayRef<SweepTarget> sweep::getSweepTargets() {
  static constexpr llvm::StringLiteral all[] = {"max"};
  // One for each row of DotInstructions.def, and an object for two.
  static constexpr SweepTarget targets[] = {
      {"x86-64", {}},
      {"x86-64-v2", {}},
      {"x86-64-v3", {}},
      {"x86-64-v3+avxvnni", {}},
      {"x86-64-v3+avxvnniint8", {}},
      {"x86-64-v4", {}},
      {"x86-64-v4+avx512vnni", {}},
      {"x86-64-v4+avx512vnni+amx-int8", {}},
      {"x86-64-v4,x86-64-v2", {}},
      {"native", {}, kThreads},
      {"aarch64", all},
      {"aarch64+dotprod", all},
      {"aarch64+i8mm", all},
      {"aarch64-multi", all},
  };
  return targets;
}

std::vector<Machine> SweepTarget::getMachines() const {
  std::vector<Machine> machines;
  for (StringRef cpu : cpus)
    machines.push_back(Machine::getEmulated(cpu));
  if (machines.empty())
    machines.push_back(Machine::getHost());
  return machines;
}

Sweep::Sweep(unsigned stride, bool print) : stride(stride), print(print) {
  DialectRegistry registry;
  registerAllDialects(registry);
  context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("quantc-sweep", folder)) {
    llvm::errs() << "error: " << error.message() << "\n";
    std::exit(1);
  }
}

Sweep::~Sweep() { llvm::sys::fs::remove_directories(folder); }

void Sweep::fail(unsigned seed, const RandomProgram &program, StringRef target,
                 const Twine &what) {
  ++numFailed;
  llvm::outs() << "FAIL seed " << seed << " on " << target << ": " << what
               << "\n     " << program.summary << "\n";
}

void Sweep::printProgram(const RandomProgram &program) {
  if (print)
    llvm::outs() << "// " << program.summary << "\n" << program.text << "\n";
  llvm::outs().flush();
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

void Sweep::add(unsigned seed, RandomProgram program) {
  printProgram(program);
  Test test{seed, std::move(program), {}};
  auto module = parseSourceString<ModuleOp>(test.program.text, context.get());
  for (std::vector<HostTensor> inputs : test.program.calls) {
    if (test.program.adapters)
      llvm::append_range(inputs, getAdapterInputs(*test.program.adapters));
    FailureOr<std::vector<HostTensor>> outputs = failure();
    if (module)
      outputs = interpret(*module, inputs);
    if (failed(outputs))
      return fail(seed, test.program, "interpreter", "does not run");
    test.expected.push_back(std::move(outputs->front()));
  }
  tests.push_back(std::move(test));
}

void Sweep::add(unsigned seed, const FloatProgram &source) {
  printProgram(source.program);
  FailureOr<RandomProgram> quantized = quantize(context.get(), source, folder);
  if (failed(quantized))
    return fail(seed, source.program, "quant-ptq", "does not quantize");
  add(seed, std::move(*quantized));
}

//===----------------------------------------------------------------------===//
// Compiled code
//===----------------------------------------------------------------------===//

std::vector<const Sweep::Test *>
Sweep::selectTests(const SweepTarget &target) const {
  unsigned index = &target - getSweepTargets().data();
  std::vector<const Test *> selected;
  for (const Test &test : tests)
    if ((test.seed + index) % stride == 0)
      selected.push_back(&test);
  return selected;
}

/// Why nothing can run on `target`; empty if something can.
std::string Sweep::getReasonToSkip(const SweepTarget &target) {
  if (!target.getMachines().front().isAvailable())
    return "no cross compiler or emulator";
  if (!target.cpus.empty())
    return "";
  FailureOr<std::vector<TargetSpec>> targets = parseTargets(
      target.name, [&] { return emitError(UnknownLoc::get(context.get())); });
  // A list runs wherever its last target does; the fallback of a single one is
  // a target of its own here.
  bool isList = StringRef(target.name).contains(',');
  if (failed(targets) ||
      !getMissingHostFeatures(
           (isList ? targets->back() : targets->front()).features)
           .empty())
    return "this machine cannot run it";
  return "";
}

FailureOr<std::string> Sweep::compileTest(const Test &test,
                                          const SweepTarget &target,
                                          StringRef name, int64_t threads) {
  auto module = parseSourceString<ModuleOp>(test.program.text, context.get());
  FailureOr<std::vector<TargetSpec>> targets = parseTargets(
      target.name, [&] { return emitError(UnknownLoc::get(context.get())); });
  if (failed(targets))
    return failure();
  CompileOptions options;
  options.targets = *targets;
  options.name = name.str();
  options.threads = threads;
  // Everything is worth a thread, so that small programs are divided.
  options.threadWork = 1;
  FailureOr<CompiledProgram> compiled = compile(*module, options);
  if (failed(compiled))
    return failure();
  return std::move(compiled->bytes);
}

/// The index of the first element of `expected` whose bytes differ in `bytes`,
/// or that is not a NaN in both: which one is not promised (arith_a4).
static std::optional<size_t> findDifference(const HostTensor &expected,
                                            StringRef bytes) {
  size_t size = getByteSize(expected.type);
  for (size_t i = 0; i < expected.bytes.size(); i += size) {
    if (memcmp(&expected.bytes[i], bytes.data() + i, size) == 0)
      continue;
    if (expected.type == DataType::F32) {
      float value, other;
      memcpy(&value, &expected.bytes[i], size);
      memcpy(&other, bytes.data() + i, size);
      if (std::isnan(value) && std::isnan(other))
        continue;
    }
    return i / size;
  }
  return std::nullopt;
}

/// Two runs for each call: where buffers end where memory does, and where they
/// start there. With several threads the executor has all, fewer, or there is
/// none.
static std::vector<NativeRun> makeRuns(size_t call, ArrayRef<HostTensor> inputs,
                                       int64_t threads) {
  std::vector<NativeRun> runs(2);
  for (auto [index, run] : llvm::enumerate(runs)) {
    run.inputs = inputs;
    if (threads > 1)
      run.threads = threads - (2 * call + index) % (threads + 1);
    run.atEnd = (index + call / 2) % 2 == 0;
  }
  return runs;
}

void Sweep::runOn(const SweepTarget &target) {
  std::vector<Machine> machines = target.getMachines();
  std::string reason = getReasonToSkip(target);
  if (!reason.empty())
    llvm::outs() << "SKIP " << target.name << ": " << reason << "\n";

  std::vector<NativeProgram> programs;
  std::vector<Run> runs;
  for (const Test *test : selectTests(target)) {
    const RandomProgram &program = test->program;
    if (!reason.empty()) {
      numSkipped += 2 * program.calls.size() * machines.size();
      continue;
    }
    std::string name = llvm::formatv("program{0}", test->seed);
    int64_t threads = std::max(program.threads, target.threads);
    FailureOr<std::string> object = compileTest(*test, target, name, threads);
    if (failed(object)) {
      fail(test->seed, program, target.name, "does not compile");
      continue;
    }
    for (auto [call, inputs] : llvm::enumerate(program.calls))
      for (NativeRun &run : makeRuns(call, inputs, threads)) {
        run.program = programs.size();
        if (program.adapters)
          run.adapters = {&program.adapters->blocks, &program.adapters->slots};
        if (program.hasDynamicRows)
          run.rows = inputs.front().shape[0];
        run.outputSize = test->expected[call].bytes.size();
        runs.push_back({test, call, run});
      }
    programs.push_back({name, std::move(*object)});
  }
  if (programs.empty())
    return;
  if (llvm::Error error = linkPrograms(machines.front(), programs, folder)) {
    std::string what = llvm::toString(std::move(error));
    for (const Run &run : runs)
      fail(run.test->seed, run.test->program, target.name, what);
    return;
  }
  for (const Machine &machine : machines)
    compare(target, machine, runs);
}

/// Makes the runs on `machine` and compares what they give.
void Sweep::compare(const SweepTarget &target, const Machine &machine,
                    ArrayRef<Run> runs) {
  std::vector<NativeRun> natives;
  for (const Run &run : runs)
    natives.push_back(run.native);
  auto results = runPrograms(machine, natives, folder);
  std::string noResults;
  if (!results)
    noResults = llvm::toString(results.takeError());
  for (auto [index, run] : llvm::enumerate(runs)) {
    const HostTensor &expected = run.test->expected[run.call];
    std::string what = results ? (*results)[index].error : noResults;
    if (what.empty())
      if (auto at = findDifference(expected, (*results)[index].output))
        what = llvm::formatv("element {0} of {1} differs", *at,
                             expected.getNumElements());
    if (what.empty()) {
      ++numPassed;
      continue;
    }
    std::string where = target.name.str();
    if (!machine.launcher.empty())
      where += " in " + llvm::join(machine.launcher, " ");
    fail(run.test->seed, run.test->program, where,
         llvm::formatv("{0}; call {1}, {2} rows, {3} threads, buffers at the "
                       "{4} of memory",
                       what, run.call, run.native.inputs.front().shape[0],
                       run.native.threads, run.native.atEnd ? "end" : "start"));
  }
}

int Sweep::finish(StringRef what) {
  llvm::outs() << tests.size() << " " << what << ", "
               << numPassed + numFailed + numSkipped << " cases: " << numPassed
               << " equal, " << numFailed << " failed, " << numSkipped
               << " skipped\n";
  return numFailed != 0;
}
