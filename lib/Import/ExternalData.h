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

/// Maps the files that tensors of a model keep their data in. Only files inside
/// the folder of the model are opened: no absolute path, no `..`, no symbolic
/// link that leads outside.
class ExternalData {
public:
  explicit ExternalData(llvm::StringRef modelPath) : modelPath(modelPath) {}

  /// The data of `tensor`, which needs `size` bytes. Stays valid as long as
  /// this object.
  llvm::Expected<llvm::StringRef> read(const TensorProto &tensor,
                                       uint64_t size);

private:
  llvm::Expected<llvm::StringRef> open(llvm::StringRef location);

  llvm::StringRef modelPath;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
};

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_EXTERNALDATA_H
