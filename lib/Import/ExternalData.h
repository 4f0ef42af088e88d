//===- ExternalData.h - Weights beside the model ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_EXTERNALDATA_H
#define QUANTC_LIB_IMPORT_EXTERNALDATA_H

#include "Model.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace quantc::onnx {

/// Reads the files that tensors of a model keep their data in. Only files
/// inside the folder of the model are opened: no absolute path, no `..`, no
/// symbolic link that leads outside.
class ExternalData {
public:
  explicit ExternalData(llvm::StringRef modelPath) : modelPath(modelPath) {}

  /// The data of `tensor`, which needs `size` bytes. Only this part of the file
  /// is mapped, so that a model is in memory once, not twice.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  read(const TensorProto &tensor, uint64_t size);

private:
  struct File {
    std::string path;
    uint64_t size;
  };
  llvm::Expected<File> open(llvm::StringRef location);

  llvm::StringRef modelPath;
  llvm::StringMap<File> files;
};

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_EXTERNALDATA_H
