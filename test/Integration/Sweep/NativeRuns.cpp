//===- NativeRuns.cpp - Runs of compiled programs in a process ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NativeRuns.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace quantc;
using namespace quantc::sweep;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
/// `struct run` of driver.c.
struct RunRecord {
  int64_t program, rows, threads, atEnd, numInputs, numAdapterBuffers;
  int64_t inputBytes[4], outputBytes;
};
} // namespace

Machine Machine::getHost() { return {QUANTC_SWEEP_COMPILER, {}}; }

Machine Machine::getEmulated(StringRef cpu) {
  return {"aarch64-linux-gnu-gcc", {"qemu-aarch64", "-cpu", cpu.str()}};
}

bool Machine::isAvailable() const {
  return llvm::sys::findProgramByName(compiler) &&
         (launcher.empty() || llvm::sys::findProgramByName(launcher.front()));
}

Error sweep::writeBytes(const llvm::Twine &path, StringRef bytes) {
  return llvm::writeToOutput(path.str(), [&](llvm::raw_ostream &os) {
    os << bytes;
    return Error::success();
  });
}

static Error execute(llvm::ArrayRef<StringRef> command) {
  Expected<std::string> program =
      llvm::errorOrToExpected(llvm::sys::findProgramByName(command.front()));
  if (!program)
    return program.takeError();
  std::string message;
  int status = llvm::sys::ExecuteAndWait(*program, command, std::nullopt, {},
                                         /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &message);
  if (status == 0)
    return Error::success();
  return createStringError(llvm::formatv("ends with {0} {1}", status, message));
}

Error sweep::linkPrograms(const Machine &machine,
                          llvm::ArrayRef<NativeProgram> programs,
                          StringRef folder) {
  std::string text, table;
  llvm::raw_string_ostream os(text);
  os << "#include <stddef.h>\n#include <stdint.h>\n"
     << "struct program { int (*run)(const void *); size_t "
        "(*workspace_size)(const int64_t *); };\n";
  std::vector<std::string> files;
  for (const NativeProgram &program : programs) {
    os << llvm::formatv("int {0}_run(const void *);\n"
                        "size_t {0}_workspace_size(const int64_t *);\n",
                        program.name);
    table += llvm::formatv("  {{{0}_run, {0}_workspace_size},\n", program.name);
    files.push_back((folder + "/" + program.name + ".o").str());
    if (Error error = writeBytes(files.back(), program.object))
      return error;
  }
  os << "const struct program programs[] = {\n" << table << "};\n";
  files.push_back((folder + "/programs.c").str());
  if (Error error = writeBytes(files.back(), text))
    return error;
  std::string driver = (folder + "/driver").str();
  llvm::SmallVector<StringRef> command = {machine.compiler,   "-O1", "-static",
                                          "-pthread",         "-o",  driver,
                                          QUANTC_SWEEP_DRIVER};
  command.append(files.begin(), files.end());
  return execute(command);
}

/// Makes the runs from `results.size()` on and appends what they give, until
/// one ends the process.
static Error runSome(const Machine &machine, llvm::ArrayRef<NativeRun> runs,
                     StringRef folder, std::vector<NativeResult> &results) {
  std::string driver = (folder + "/driver").str();
  std::string runsPath = (folder + "/runs").str();
  std::string inputs = (folder + "/inputs").str();
  std::string outputs = (folder + "/outputs").str();
  std::string first = std::to_string(results.size());
  llvm::SmallVector<StringRef> command(machine.launcher.begin(),
                                       machine.launcher.end());
  command.append({driver, runsPath, inputs, outputs, first});
  Error end = execute(command);
  auto buffer = llvm::MemoryBuffer::getFile(outputs);
  if (!buffer)
    return llvm::joinErrors(std::move(end),
                            llvm::errorCodeToError(buffer.getError()));
  StringRef bytes = (*buffer)->getBuffer();
  while (results.size() < runs.size()) {
    int32_t code;
    if (bytes.size() < sizeof(code))
      break;
    memcpy(&code, bytes.data(), sizeof(code));
    bytes = bytes.drop_front(sizeof(code));
    NativeResult result;
    if (code != 0) {
      result.error = llvm::formatv("returns {0}", code);
    } else {
      size_t size = runs[results.size()].outputSize;
      if (bytes.size() < size)
        break;
      result.output = bytes.take_front(size).str();
      bytes = bytes.drop_front(size);
    }
    results.push_back(std::move(result));
  }
  return end;
}

Expected<std::vector<NativeResult>>
sweep::runPrograms(const Machine &machine, llvm::ArrayRef<NativeRun> runs,
                   StringRef folder) {
  std::string records, inputs;
  for (const NativeRun &run : runs) {
    RunRecord record = {static_cast<int64_t>(run.program),
                        run.rows.value_or(-1),
                        run.threads,
                        run.atEnd,
                        static_cast<int64_t>(run.inputs.size()),
                        static_cast<int64_t>(run.adapters.size()),
                        {},
                        static_cast<int64_t>(run.outputSize)};
    auto buffers = llvm::to_vector(llvm::make_pointer_range(run.inputs));
    llvm::append_range(buffers, run.adapters);
    for (auto [size, buffer] : llvm::zip(record.inputBytes, buffers)) {
      size = buffer->bytes.size();
      inputs.append(buffer->bytes.begin(), buffer->bytes.end());
    }
    records.append(reinterpret_cast<const char *>(&record), sizeof(record));
  }
  if (Error error = writeBytes(folder + "/runs", records))
    return error;
  if (Error error = writeBytes(folder + "/inputs", inputs))
    return error;
  std::vector<NativeResult> results;
  while (results.size() < runs.size()) {
    Error error = runSome(machine, runs, folder, results);
    if (!error && results.size() == runs.size())
      break;
    // A process that fails at its very end fails its last run.
    if (results.size() == runs.size())
      results.pop_back();
    results.push_back({"", error ? llvm::toString(std::move(error))
                                 : "ends without an output"});
  }
  return results;
}
