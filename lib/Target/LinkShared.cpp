//===- LinkShared.cpp - Objects to shared libraries -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitObject.h"
#include "Seal.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

/// A name for a temporary file, which is removed when this goes out of scope.
static Expected<std::string>
makeTemporary(StringRef suffix, std::optional<FileRemover> &remover) {
  SmallString<128> path;
  if (std::error_code error =
          sys::fs::createTemporaryFile("quantc", suffix, path))
    return createStringError(error, "cannot make a temporary file");
  remover.emplace(path);
  return path.str().str();
}

Expected<std::string> quantc::linkShared(StringRef object) {
  std::optional<FileRemover> removeInput, removeOutput;
  Expected<std::string> input = makeTemporary("o", removeInput);
  if (!input)
    return input.takeError();
  Expected<std::string> output = makeTemporary("so", removeOutput);
  if (!output)
    return output.takeError();
  if (Error error = writeToOutput(*input, [&](raw_ostream &os) {
        os << object;
        return Error::success();
      }))
    return error;

  std::string messages;
  raw_string_ostream os(messages);
  const char *args[] = {
      "ld.lld",        "-shared",         input->c_str(),  "-o",
      output->c_str(), "--build-id=none", "--gc-sections", "--hash-style=gnu",
      "-znoexecstack", "--strip-all",     "--threads=1"};
  {
    // The linker has state of its own in the process.
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);
    lld::Result result =
        lld::lldMain(args, os, os, {{lld::Gnu, &lld::elf::link}});
    if (result.retCode != 0)
      return createStringError("cannot link: " + StringRef(messages).trim());
  }
  auto buffer = MemoryBuffer::getFile(*output);
  if (!buffer)
    return createStringError(buffer.getError(), "cannot read " + *output);
  return seal((*buffer)->getBuffer().str());
}
