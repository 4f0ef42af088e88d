//===- ExternalData.cpp - Weights beside the model ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExternalData.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace quantc::onnx;

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Expected<ExternalData::File> ExternalData::open(StringRef location) {
  if (auto found = files.find(location); found != files.end())
    return found->second;
  if (location.empty())
    return makeError("external data has no location");
  if (sys::path::is_absolute(location) || location.contains('\0') ||
      is_contained(
          make_range(sys::path::begin(location), sys::path::end(location)),
          ".."))
    return makeError("external data '" + location +
                     "' is outside the folder of the model; expects a path "
                     "inside of it");

  // Compare real paths, so that no symbolic link leads outside.
  SmallString<256> folder, file, realFolder, realFile;
  folder = sys::path::parent_path(modelPath);
  if (folder.empty())
    folder = ".";
  file = folder;
  sys::path::append(file, location);
  if (std::error_code error = sys::fs::real_path(folder, realFolder))
    return makeError("cannot open the folder of the model: " + error.message());
  if (std::error_code error = sys::fs::real_path(file, realFile))
    return makeError("cannot open external data '" + location +
                     "': " + error.message());
  if (!sys::path::replace_path_prefix(realFile, realFolder, realFolder) ||
      !realFile.str().drop_front(realFolder.size()).starts_with("/"))
    return makeError("external data '" + location +
                     "' is a link out of the folder of the model; expects a "
                     "file inside of it");

  // A device or a pipe could be read without end.
  if (!sys::fs::is_regular_file(realFile))
    return makeError("external data '" + location + "' is no regular file");
  uint64_t size;
  if (std::error_code error = sys::fs::file_size(realFile, size))
    return makeError("cannot open external data '" + location +
                     "': " + error.message());
  return files[location] = {realFile.str().str(), size};
}

Expected<std::unique_ptr<MemoryBuffer>>
ExternalData::read(const TensorProto &tensor, uint64_t size) {
  StringRef location;
  uint64_t offset = 0;
  uint64_t length = size;
  for (auto [key, value] : tensor.externalData) {
    bool parsed = true;
    if (key == "location")
      location = value;
    else if (key == "offset")
      parsed = !value.getAsInteger(10, offset);
    else if (key == "length")
      parsed = !value.getAsInteger(10, length);
    if (!parsed)
      return makeError("external data has " + key + " '" + value +
                       "'; expects a number of bytes");
  }
  Expected<File> file = open(location);
  if (!file)
    return file.takeError();
  if (length != size)
    return makeError("external data is " + Twine(length) +
                     " bytes long; the shape of the tensor takes " +
                     Twine(size));
  if (offset > file->size || length > file->size - offset)
    return makeError("external data '" + location + "' has " +
                     Twine(file->size) + " bytes; the tensor takes " +
                     Twine(length) + " from byte " + Twine(offset));
  ErrorOr<std::unique_ptr<MemoryBuffer>> data =
      MemoryBuffer::getFileSlice(file->path, length, offset);
  if (!data)
    return makeError("cannot read external data '" + location +
                     "': " + data.getError().message());
  return std::move(*data);
}
