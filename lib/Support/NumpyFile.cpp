//===- NumpyFile.cpp - Tensors in .npy and .npz files ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A .npy file is the magic "\x93NUMPY", two bytes of version, the size of the
// header (2 bytes, from version 2 on 4), the header as a Python dictionary, and
// the elements. A .npz file is a ZIP archive of .npy files.
//
//===----------------------------------------------------------------------===//

#include "quantc/Support/NumpyFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace quantc;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static constexpr llvm::StringLiteral kMagic("\x93NUMPY");

namespace {
/// How NumPy spells a data type.
struct TypeCode {
  llvm::StringLiteral code;
  DataType type;
};
} // namespace

/// The first row of a type is how it is written.
static constexpr TypeCode kTypeCodes[] = {
    {"f4", DataType::F32}, {"f8", DataType::F64},  {"f2", DataType::F16},
    {"i1", DataType::I8},  {"u1", DataType::U8},   {"i2", DataType::I16},
    {"u2", DataType::U16}, {"i4", DataType::I32},  {"u4", DataType::U32},
    {"i8", DataType::I64}, {"u8", DataType::U64},  {"b1", DataType::Bool},
    {"i1", DataType::I4},  {"u2", DataType::BF16}, {"i1", DataType::I2},
    {"u1", DataType::U4},  {"u1", DataType::U2}};

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

static Error malformed(StringRef what) {
  return createStringError("not a NumPy array: " + what);
}

/// What follows `'key':` in the header.
static Expected<StringRef> getEntry(StringRef header, StringRef key) {
  size_t begin = header.find(("'" + key + "':").str());
  if (begin == StringRef::npos)
    return malformed("its header has no '" + key.str() + "'");
  return header.substr(begin + key.size() + 3).ltrim();
}

static Expected<DataType> parseType(StringRef header) {
  Expected<StringRef> entry = getEntry(header, "descr");
  if (!entry)
    return entry.takeError();
  StringRef text = *entry;
  if (!text.consume_front("'"))
    return malformed("expects one data type");
  text = text.take_until([](char c) { return c == '\''; });
  // '|' and '=' only say that a byte has no order, or the machine's.
  StringRef code = text;
  if (code.starts_with(">"))
    return createStringError("expects little-endian elements, got '" + text +
                             "'");
  code = code.ltrim("<|=");
  for (const TypeCode &known : kTypeCodes)
    if (known.code == code)
      return known.type;
  return createStringError("expects numbers of 8 to 64 bits, got '" + text +
                           "'");
}

static Expected<llvm::SmallVector<int64_t>> parseShape(StringRef header) {
  Expected<StringRef> entry = getEntry(header, "shape");
  if (!entry)
    return entry.takeError();
  StringRef text = *entry;
  size_t end = text.find(')');
  if (!text.consume_front("(") || end == StringRef::npos)
    return malformed("expects a tuple as shape");
  llvm::SmallVector<StringRef> parts;
  text.take_front(end - 1).split(parts, ',', /*MaxSplit=*/-1,
                                 /*KeepEmpty=*/false);
  llvm::SmallVector<int64_t> shape;
  for (StringRef part : parts) {
    part = part.trim();
    if (part.empty())
      continue;
    uint64_t size;
    if (part.getAsInteger(10, size) || size > INT64_MAX)
      return malformed("'" + part.str() + "' is no size");
    shape.push_back(size);
  }
  return shape;
}

Expected<HostTensor> quantc::parseNumpyArray(StringRef bytes) {
  if (!bytes.consume_front(kMagic) || bytes.size() < 4)
    return malformed("it does not begin as one");
  unsigned sizeBytes = bytes[0] == 1 ? 2 : 4;
  if (bytes.size() < 2 + sizeBytes)
    return malformed("its header is cut off");
  const char *field = bytes.data() + 2;
  size_t headerSize = sizeBytes == 2 ? llvm::support::endian::read16le(field)
                                     : llvm::support::endian::read32le(field);
  bytes = bytes.drop_front(2 + sizeBytes);
  if (bytes.size() < headerSize)
    return malformed("its header is cut off");
  StringRef header = bytes.take_front(headerSize);
  bytes = bytes.drop_front(headerSize);

  Expected<DataType> type = parseType(header);
  if (!type)
    return type.takeError();
  Expected<StringRef> order = getEntry(header, "fortran_order");
  if (!order)
    return order.takeError();
  if (!order->starts_with("False"))
    return createStringError("expects row-major elements (C order)");
  Expected<llvm::SmallVector<int64_t>> shape = parseShape(header);
  if (!shape)
    return shape.takeError();

  // Only as much memory as the file is long is ever asked for.
  int64_t size = getByteSize(*type);
  for (int64_t extent : *shape)
    if (llvm::MulOverflow(size, extent, size))
      return malformed("its shape is absurd");
  if (static_cast<uint64_t>(size) != bytes.size())
    return malformed("expects " + std::to_string(size) +
                     " bytes of elements, got " + std::to_string(bytes.size()));
  HostTensor tensor(*type, *shape);
  tensor.bytes.assign(bytes.begin(), bytes.end());
  if (*type == DataType::Bool)
    for (char &byte : tensor.bytes)
      byte = byte != 0;
  return tensor;
}

Error quantc::writeNumpyFile(StringRef path, const HostTensor &tensor) {
  auto *row = llvm::find_if(kTypeCodes, [&](const TypeCode &known) {
    return known.type == tensor.type;
  });
  std::string header;
  llvm::raw_string_ostream os(header);
  os << "{'descr': '" << (getByteSize(tensor.type) == 1 ? '|' : '<')
     << row->code << "', 'fortran_order': False, 'shape': (";
  for (int64_t size : tensor.shape)
    os << size << ",";
  os << "), }";
  // With the magic, version and size the header takes a multiple of 64 bytes.
  header.append(63 - (kMagic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &file) {
    char size[2];
    llvm::support::endian::write16le(size, header.size());
    file << kMagic << '\1' << '\0' << StringRef(size, 2) << header;
    file.write(tensor.bytes.data(), tensor.bytes.size());
    return Error::success();
  });
}

//===----------------------------------------------------------------------===//
// Archives
//===----------------------------------------------------------------------===//

static constexpr uint32_t kEntrySignature = 0x02014b50;
static constexpr size_t kEntrySize = 46, kEndSize = 22, kLocalSize = 30;

/// The little-endian number of `size` bytes at `offset`, which is inside.
static uint32_t readField(StringRef bytes, size_t offset, size_t size) {
  const char *data = bytes.data() + offset;
  return size == 2 ? llvm::support::endian::read16le(data)
                   : llvm::support::endian::read32le(data);
}

static Error malformedArchive() {
  return createStringError("not a NumPy archive: its directory is damaged");
}

/// The bytes of a member that begins at `offset` with its local header.
static Expected<StringRef> getMember(StringRef bytes, size_t offset,
                                     size_t size) {
  if (bytes.size() < kLocalSize || offset > bytes.size() - kLocalSize)
    return malformedArchive();
  StringRef local = bytes.drop_front(offset);
  size_t skip = kLocalSize + readField(local, 26, 2) + readField(local, 28, 2);
  if (skip > local.size() || size > local.size() - skip)
    return malformedArchive();
  return local.substr(skip, size);
}

Expected<std::vector<NamedTensor>> quantc::parseNumpyArchive(StringRef bytes) {
  // The end record closes the file, but for a comment.
  size_t end = bytes.rfind(StringRef("PK\5\6", 4));
  if (end == StringRef::npos || bytes.size() - end < kEndSize)
    return malformedArchive();
  StringRef record = bytes.drop_front(end);
  unsigned count = readField(record, 10, 2);
  size_t position = readField(record, 16, 4);

  std::vector<NamedTensor> tensors;
  for (unsigned i = 0; i < count; ++i) {
    if (position > bytes.size() || bytes.size() - position < kEntrySize ||
        readField(bytes, position, 4) != kEntrySignature)
      return malformedArchive();
    StringRef entry = bytes.drop_front(position);
    size_t nameSize = readField(entry, 28, 2);
    if (entry.size() < kEntrySize + nameSize)
      return malformedArchive();
    StringRef name = entry.substr(kEntrySize, nameSize);
    position += kEntrySize + nameSize + readField(entry, 30, 2) +
                readField(entry, 32, 2);
    if (readField(entry, 10, 2) != 0)
      return createStringError(
          "expects an uncompressed archive, as numpy.savez writes it");
    Expected<StringRef> member =
        getMember(bytes, readField(entry, 42, 4), readField(entry, 24, 4));
    if (!member)
      return member.takeError();
    Expected<HostTensor> tensor = parseNumpyArray(*member);
    if (!tensor)
      return createStringError(name + ": " +
                               llvm::toString(tensor.takeError()));
    name.consume_back(".npy");
    tensors.emplace_back(name.str(), std::move(*tensor));
  }
  return tensors;
}

Expected<std::vector<NamedTensor>> quantc::readNumpyFile(StringRef path) {
  auto fail = [&](const llvm::Twine &what) {
    return createStringError(path + ": " + what);
  };
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail(buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.starts_with("PK")) {
    Expected<std::vector<NamedTensor>> tensors = parseNumpyArchive(bytes);
    if (!tensors)
      return fail(llvm::toString(tensors.takeError()));
    return tensors;
  }
  Expected<HostTensor> tensor = parseNumpyArray(bytes);
  if (!tensor)
    return fail(llvm::toString(tensor.takeError()));
  std::vector<NamedTensor> tensors;
  tensors.emplace_back("", std::move(*tensor));
  return tensors;
}
