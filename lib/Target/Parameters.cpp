//===- Parameters.cpp - Constants beside the code -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/Parameters.h"

#include "quantc/Target/EntryAbi.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace quantc;

int64_t quantc::getParameterBytes(ShapedType type) {
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

int64_t quantc::getParameterEnd(int64_t start, ShapedType type) {
  return llvm::alignTo(start + getParameterBytes(type), kBufferAlignment);
}

int64_t quantc::getParametersBytes(ArrayAttr parameters) {
  int64_t bytes = 0;
  for (auto elements : parameters.getAsRange<DenseElementsAttr>())
    bytes = getParameterEnd(bytes, elements.getType());
  return bytes;
}

int64_t ParameterBlocks::add(ArrayAttr parameters) {
  if (!parameters)
    return 0;
  for (const auto &[block, start] : blocks)
    if (block == parameters)
      return start;
  ArrayAttr all = getAll();
  int64_t start = all ? getParametersBytes(all) : 0;
  blocks.emplace_back(parameters, start);
  llvm::append_range(elements, parameters);
  return start;
}

ArrayAttr ParameterBlocks::getAll() const {
  if (elements.empty())
    return {};
  return ArrayAttr::get(elements.front().getContext(), elements);
}

std::unique_ptr<llvm::MemoryBuffer>
quantc::createParameters(ArrayAttr parameters) {
  std::unique_ptr<llvm::WritableMemoryBuffer> block =
      llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
          getParametersBytes(parameters), "parameters",
          llvm::Align(kBufferAlignment));
  std::memset(block->getBufferStart(), 0, block->getBufferSize());
  char *next = block->getBufferStart();
  for (auto elements : parameters.getAsRange<DenseElementsAttr>()) {
    ArrayRef<char> data = elements.getRawData();
    int64_t size = getParameterBytes(elements.getType());
    // One element stands for all of a splat.
    for (int64_t done = 0; done < size; done += data.size())
      std::memcpy(next + done, data.data(), data.size());
    next += getParameterEnd(/*start=*/0, elements.getType());
  }
  return block;
}

ParametersInfo quantc::getParametersInfo(const llvm::MemoryBuffer &parameters) {
  StringRef bytes = parameters.getBuffer();
  return {int64_t(bytes.size()), llvm::xxh3_64bits(bytes)};
}

std::string quantc::getParametersPath(StringRef path) {
  SmallString<128> result(path);
  llvm::sys::path::replace_extension(result, "params");
  return result.str().str();
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
quantc::mapParameters(StringRef path, const ParametersInfo &info) {
  auto file = llvm::MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false,
      /*IsVolatile=*/false, llvm::Align(kBufferAlignment));
  if (!file)
    return llvm::createStringError(
        file.getError(),
        path + ": cannot read the parameters of the program: " +
            file.getError().message() + "; keep the file beside the program");
  ParametersInfo found = getParametersInfo(**file);
  if (found.bytes != info.bytes || found.checksum != info.checksum)
    return llvm::createStringError(
        path + ": not the parameters of this program, or damaged; compile the "
               "program again");
  return std::move(*file);
}
