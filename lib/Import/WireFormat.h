//===- WireFormat.h - The protobuf wire format ------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A protobuf message is a sequence of fields: a key (field number and wire
// type), then a varint, 4 or 8 bytes, or a length and that many bytes. A reader
// walks the fields of one message over memory that it does not own and trusts
// nothing: a length that leaves the message ends it as damaged. Nothing is
// copied, so a weight is read from the mapped file right into its attribute.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_WIREFORMAT_H
#define QUANTC_LIB_IMPORT_WIREFORMAT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace quantc::onnx {

enum class WireType { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field of a message.
struct Field {
  uint32_t number;
  WireType type;
  /// A varint, or the bits of a fixed-size number.
  uint64_t bits;
  /// A string, a message, or packed numbers.
  llvm::StringRef bytes;

  int64_t asInt() const { return static_cast<int64_t>(bits); }
  float asFloat() const;
};

class FieldReader {
public:
  explicit FieldReader(llvm::StringRef message) : rest(message) {}

  /// Reads the next field. Returns false at the end and at damage.
  bool next(Field &field);

  /// Whether the message broke the format.
  bool isDamaged() const { return damaged; }

private:
  bool readVarint(uint64_t &value);
  bool readFixed(unsigned size, uint64_t &value);
  bool fail();

  llvm::StringRef rest;
  bool damaged = false;
};

/// Appends the number or the packed numbers of a repeated field, each sign
/// extended (varints) or as its bits (fixed size). Returns false at damage.
bool appendVarints(const Field &field, llvm::SmallVectorImpl<int64_t> &values);
bool appendFixed32(const Field &field, llvm::SmallVectorImpl<char> &bytes);
bool appendFixed64(const Field &field, llvm::SmallVectorImpl<char> &bytes);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_WIREFORMAT_H
