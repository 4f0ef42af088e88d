//===- Program.cpp - A compiled program, loaded ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/Program.h"

#include "Seal.h"
#include "quantc/Target/EntryAbi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Host.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

using namespace llvm;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// The name of the program in the shared library at `path`: that of its only
/// exported symbol `<name>_metadata`.
static Expected<std::string> findName(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(buffer.getError(),
                             path + ": " + buffer.getError().message());
  auto notAProgram = [&](const Twine &why) {
    return createStringError(path + ": not a program of quantc: " + why);
  };
  auto file =
      object::ObjectFile::createObjectFile((*buffer)->getMemBufferRef());
  if (!file) {
    consumeError(file.takeError());
    return notAProgram("no shared library");
  }
  auto *elf = dyn_cast<object::ELFObjectFileBase>(file->get());
  if (!elf)
    return notAProgram("no ELF file");
  Triple host(sys::getProcessTriple());
  if (elf->getArch() != host.getArch())
    return createStringError(path + ": is for " +
                             Triple::getArchTypeName(elf->getArch()) +
                             ", this machine is " + host.getArchName());
  std::string found;
  for (const object::ELFSymbolRef &symbol : elf->getDynamicSymbolIterators()) {
    Expected<StringRef> name = symbol.getName();
    if (!name) {
      consumeError(name.takeError());
      return notAProgram("damaged symbols");
    }
    StringRef stem = *name;
    if (!stem.consume_back(kMetadataSuffix))
      continue;
    if (!found.empty())
      return notAProgram("more than one *" + kMetadataSuffix);
    found = stem.str();
  }
  if (found.empty())
    return notAProgram("no symbol *" + kMetadataSuffix);
  if (!isSealed((*buffer)->getBuffer()))
    return notAProgram("it is damaged, or was changed after it was compiled; "
                       "compile it again");
  return found;
}

Error Program::bind(StringRef name) {
  auto find = [&](StringRef suffix) {
    return dlsym(handle, (name + suffix).str().c_str());
  };
  auto *text = static_cast<const char *>(find(kMetadataSuffix));
  entry = reinterpret_cast<decltype(entry)>(find(kRunSuffix));
  workspaceSize =
      reinterpret_cast<decltype(workspaceSize)>(find(kWorkspaceSizeSuffix));
  if (!text || !entry || !workspaceSize)
    return createStringError("not a program of quantc: symbols are missing");
  Expected<ProgramMetadata> parsed = ProgramMetadata::fromJson(text);
  if (!parsed)
    return parsed.takeError();
  metadata = std::move(*parsed);
  if (!metadata.variants.empty()) {
    auto getVariant = reinterpret_cast<int32_t (*)()>(find(kVariantSuffix));
    if (!getVariant)
      return createStringError("not a program of quantc: symbols are missing");
    // Out of range if the machine has not even what the last one needs.
    size_t index = uint32_t(getVariant());
    variant = index < metadata.variants.size() ? index : 0;
  }
  std::vector<std::string> missing =
      getMissingHostFeatures(metadata.target.features);
  if (!missing.empty())
    return createStringError(
        "needs a CPU with " + join(missing, ", ") +
        ", which this machine lacks; it was compiled for " +
        metadata.target.cpu);
  return Error::success();
}

Error Program::setThreads(std::optional<int64_t> threads) {
  int64_t count = threads.value_or(metadata.threads);
  if (count < 1)
    return createStringError("threads must be at least 1, not " + Twine(count));
  if (count > metadata.threads)
    return createStringError("was compiled for at most " +
                             Twine(metadata.threads) + " threads, not for " +
                             Twine(count) + "; compile it again for more");
  if (count > 1)
    threadPool = std::make_unique<ThreadPool>(count);
  return Error::success();
}

Expected<std::unique_ptr<Program>>
Program::load(StringRef path, std::optional<int64_t> threads,
              std::shared_ptr<MemoryBuffer> parameters) {
  Expected<std::string> name = findName(path);
  if (!name)
    return name.takeError();
  std::unique_ptr<Program> program(new Program);
  // By its descriptor: the loader knows libraries by name, and would give the
  // old one for a file that was compiled again.
  program->file = open(path.str().c_str(), O_RDONLY | O_CLOEXEC);
  std::string link = "/proc/self/fd/" + std::to_string(program->file);
  program->handle = dlopen(link.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!program->handle)
    return createStringError(path + ": " + dlerror());
  if (Error error = program->bind(*name))
    return createStringError(path + ": " + toString(std::move(error)));
  if (Error error = program->setThreads(threads))
    return createStringError(path + ": " + toString(std::move(error)));
  program->parameters = std::move(parameters);
  if (program->metadata.parameters && !program->parameters) {
    Expected<std::unique_ptr<MemoryBuffer>> mapped =
        mapParameters(getParametersPath(path), *program->metadata.parameters);
    if (!mapped)
      return mapped.takeError();
    program->parameters = std::move(*mapped);
  }
  return program;
}

Program::~Program() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

Program::Workspace Program::takeWorkspace(size_t size) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!idle.empty()) {
    Workspace workspace = std::move(idle.back());
    idle.pop_back();
    if (workspace.size >= size)
      return workspace;
  }
  Workspace workspace;
  workspace.memory.reset(std::aligned_alloc(
      kBufferAlignment, alignTo(std::max<size_t>(size, 1), kBufferAlignment)));
  workspace.size = workspace.memory ? size : 0;
  return workspace;
}

static Error getError(int32_t code, StringRef name) {
  if (code == int32_t(EntryError::None))
    return Error::success();
  for (const EntryErrorInfo &info : kEntryErrors)
    if (int32_t(info.code) == code)
      return createStringError(name + ": " + info.text);
  return createStringError(name + ": error " + Twine(code));
}

Error Program::run(ArrayRef<const void *> inputs, ArrayRef<void *> outputs,
                   ArrayRef<int64_t> dims, AdapterSelection selection) {
  // The fields of <name>_args, all of them one pointer wide.
  SmallVector<const void *> args(inputs);
  args.resize(std::max<size_t>(inputs.size(), 1));
  args.append(outputs.begin(), outputs.end());
  if (outputs.empty())
    args.push_back(nullptr);
  Workspace workspace = takeWorkspace(workspaceSize(dims.data()));
  args.push_back(dims.data());
  args.push_back(workspace.memory.get());
  args.push_back(static_cast<const Executor *>(threadPool.get()));
  if (metadata.adapters) {
    args.push_back(selection.adapters);
    args.push_back(selection.adapterOfRow);
  }
  if (parameters)
    args.push_back(parameters->getBufferStart());
  int32_t code = entry(args.data());
  std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(std::move(workspace));
  return getError(code, metadata.name);
}

Expected<std::vector<HostTensor>> Program::run(ArrayRef<HostTensor> inputs) {
  SmallVector<TensorView> views;
  SmallVector<const void *> inputData;
  for (const HostTensor &input : inputs) {
    views.push_back({input.type, input.shape, input.bytes.data()});
    inputData.push_back(input.bytes.data());
  }
  Expected<SmallVector<int64_t>> dims = metadata.getDims(views);
  if (!dims)
    return dims.takeError();
  std::vector<HostTensor> outputs;
  SmallVector<void *> outputData;
  for (auto [index, port] : enumerate(metadata.outputs))
    outputs.emplace_back(port.type, metadata.getOutputShape(index, *dims));
  for (HostTensor &output : outputs)
    outputData.push_back(output.bytes.data());
  if (Error error = run(inputData, outputData, *dims))
    return error;
  return outputs;
}
