//===- Emulated.cpp - Many programs in one emulated process ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulated.h"

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

static constexpr llvm::StringLiteral kCompiler = "aarch64-linux-gnu-gcc";
static constexpr llvm::StringLiteral kEmulator = "qemu-aarch64";

/// Runs each program of the table `programs` on its part of the file of inputs.
static constexpr llvm::StringLiteral kDriver = R"(
int main(int argc, char **argv) {
  FILE *inputs = fopen(argv[1], "rb"), *outputs = fopen(argv[2], "wb");
  for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); ++i) {
    const struct program *p = &programs[i];
    size_t size = (p->workspace_size(&p->rows) + 63) / 64 * 64;
    struct args args = {malloc(p->input_size + 1), malloc(p->output_size + 1),
                        &p->rows, size ? aligned_alloc(64, size) : 0};
    if (fread(args.input, 1, p->input_size, inputs) != p->input_size)
      return 1;
    int error = p->run(&args);
    if (error)
      return 10 + error;
    fwrite(args.output, 1, p->output_size, outputs);
    free(args.input), free(args.output), free(args.workspace);
  }
  return fclose(outputs) != 0;
}
)";

Error sweep::writeBytes(const llvm::Twine &path, StringRef bytes) {
  return llvm::writeToOutput(path.str(), [&](llvm::raw_ostream &os) {
    os << bytes;
    return Error::success();
  });
}

static std::string getDriver(llvm::ArrayRef<EmulatedProgram> programs) {
  std::string text, table;
  llvm::raw_string_ostream os(text);
  os << "#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
     << "struct args { void *input, *output; const int64_t *dims; void "
        "*workspace, *later[8]; };\n"
     << "struct program { int (*run)(const struct args *); size_t "
        "(*workspace_size)(const int64_t *); int64_t rows; size_t input_size, "
        "output_size; };\n";
  for (const EmulatedProgram &program : programs) {
    os << llvm::formatv("int {0}_run(const struct args *);\n"
                        "size_t {0}_workspace_size(const int64_t *);\n",
                        program.name);
    table += llvm::formatv("  {{{0}_run, {0}_workspace_size, {1}, {2}, {3}},\n",
                           program.name, program.input.shape[0],
                           program.input.bytes.size(), program.outputSize);
  }
  os << "static const struct program programs[] = {\n"
     << table << "};\n"
     << kDriver;
  return text;
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
  return createStringError(
      llvm::formatv("{0} gave {1} {2}", command.front(), status, message));
}

bool sweep::canEmulate() {
  return llvm::sys::findProgramByName(kCompiler) &&
         llvm::sys::findProgramByName(kEmulator);
}

Error sweep::linkEmulated(llvm::ArrayRef<EmulatedProgram> programs,
                          StringRef folder) {
  std::string driver = (folder + "/driver.c").str();
  std::string executable = (folder + "/driver").str();
  if (Error error = writeBytes(driver, getDriver(programs)))
    return error;
  std::string inputs;
  std::vector<std::string> objects;
  for (const EmulatedProgram &program : programs) {
    inputs.append(program.input.bytes.begin(), program.input.bytes.end());
    objects.push_back((folder + "/" + program.name + ".o").str());
    if (Error error = writeBytes(objects.back(), program.object))
      return error;
  }
  if (Error error = writeBytes(folder + "/inputs", inputs))
    return error;
  llvm::SmallVector<StringRef> link = {kCompiler, "-static", "-o", executable,
                                       driver};
  link.append(objects.begin(), objects.end());
  return execute(link);
}

Expected<std::vector<std::string>>
sweep::runEmulated(llvm::ArrayRef<EmulatedProgram> programs, StringRef folder,
                   StringRef cpu) {
  std::string executable = (folder + "/driver").str();
  std::string inputPath = (folder + "/inputs").str();
  std::string outputPath = (folder + "/outputs").str();
  if (Error error =
          execute({kEmulator, "-cpu", cpu, executable, inputPath, outputPath}))
    return error;
  auto buffer = llvm::MemoryBuffer::getFile(outputPath);
  if (!buffer)
    return llvm::errorCodeToError(buffer.getError());
  StringRef bytes = (*buffer)->getBuffer();
  std::vector<std::string> outputs;
  for (const EmulatedProgram &program : programs) {
    outputs.push_back(bytes.take_front(program.outputSize).str());
    bytes = bytes.drop_front(std::min(program.outputSize, bytes.size()));
  }
  return outputs;
}
