//===- MutationTest.cpp - Damaged ONNX files ------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bytes of good models are changed at random. Whatever comes out, the importer
// returns a program or an error.
//
//===----------------------------------------------------------------------===//

#include "quantc/Import/OnnxImport.h"
#include "quantc/Support/Diagnostics.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

#include <cstdlib>
#include <random>

using namespace mlir;
using namespace quantc;

namespace {

/// How often each file is changed; QUANTC_IMPORT_MUTATIONS sets another number.
unsigned getNumMutations() {
  const char *number = std::getenv("QUANTC_IMPORT_MUTATIONS");
  return number ? std::atoi(number) : 20;
}

/// All models in folder `path`, sorted.
std::vector<std::string> findModels(llvm::StringRef path) {
  std::vector<std::string> models;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(path, error), end;
       it != end && !error; it.increment(error))
    if (llvm::StringRef(it->path()).ends_with(".onnx"))
      models.push_back(it->path());
  llvm::sort(models);
  return models;
}

/// Changes, removes or doubles a few bytes.
void mutate(std::string &bytes, std::mt19937 &random) {
  for (unsigned change = 0; change < 1 + random() % 4 && !bytes.empty();
       ++change) {
    size_t at = random() % bytes.size();
    switch (random() % 5) {
    case 0:
      bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes[at] ^= static_cast<char>(1 << random() % 8);
      break;
    case 2:
      bytes[at] = static_cast<char>(0xFF);
      break;
    case 3:
      bytes.erase(at, 1 + random() % 8);
      break;
    default:
      bytes.insert(at, bytes.substr(at, 1 + random() % 8));
    }
  }
}

TEST(ImportMutationTest, DamagedFileGivesProgramOrError) {
  std::vector<std::string> models = findModels(QUANTC_IMPORT_INPUTS);
  ASSERT_FALSE(models.empty());
  if (const char *more = std::getenv("QUANTC_IMPORT_MODEL"))
    models.push_back(more);
  std::mt19937 random(0);
  for (const std::string &path : models) {
    auto file = llvm::MemoryBuffer::getFile(path);
    ASSERT_TRUE(file) << path;
    for (unsigned run = 0; run < getNumMutations(); ++run) {
      std::string bytes = (*file)->getBuffer().str();
      mutate(bytes, random);
      MLIRContext context(MLIRContext::Threading::DISABLED);
      DiagnosticCollector diagnostics(&context);
      OwningOpRef<ModuleOp> module =
          importOnnx(llvm::MemoryBufferRef(bytes, path), &context);
      EXPECT_EQ(!module, !diagnostics.errors.empty())
          << path << ", mutation " << run;
      for (const std::string &error : diagnostics.errors)
        EXPECT_EQ(error.find("op requires"), std::string::npos) << error;
    }
  }
}

} // namespace
