//===- WireFormat.cpp - The protobuf wire format --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WireFormat.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Endian.h"
#include <cstring>

using namespace llvm;
using namespace quantc::onnx;

float Field::asFloat() const {
  uint32_t low = static_cast<uint32_t>(bits);
  float value;
  std::memcpy(&value, &low, sizeof(value));
  return value;
}

bool FieldReader::fail() {
  damaged = true;
  return false;
}

bool FieldReader::readVarint(uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    uint64_t byte = static_cast<uint8_t>(rest.front());
    rest = rest.drop_front();
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80)
      return true;
  }
  return fail();
}

bool FieldReader::readFixed(unsigned size, uint64_t &value) {
  if (rest.size() < size)
    return fail();
  value = size == 4 ? support::endian::read32le(rest.data())
                    : support::endian::read64le(rest.data());
  rest = rest.drop_front(size);
  return true;
}

bool FieldReader::next(Field &field) {
  uint64_t key;
  if (damaged || rest.empty() || !readVarint(key))
    return false;
  field.number = static_cast<uint32_t>(key >> 3);
  field.type = static_cast<WireType>(key & 7);
  if (key >> 32 || field.number == 0)
    return fail();
  field.bytes = {};
  switch (field.type) {
  case WireType::Varint:
    return readVarint(field.bits);
  case WireType::Fixed32:
    return readFixed(4, field.bits);
  case WireType::Fixed64:
    return readFixed(8, field.bits);
  case WireType::Bytes:
    if (!readVarint(field.bits) || field.bits > rest.size())
      return fail();
    field.bytes = rest.take_front(field.bits);
    rest = rest.drop_front(field.bits);
    return true;
  }
  // The groups of old protobuf do not occur in ONNX.
  return fail();
}

bool quantc::onnx::appendVarints(const Field &field,
                                 SmallVectorImpl<int64_t> &values) {
  if (field.type == WireType::Varint) {
    values.push_back(field.asInt());
    return true;
  }
  if (field.type != WireType::Bytes)
    return false;
  const auto *next = reinterpret_cast<const uint8_t *>(field.bytes.begin());
  const auto *end = reinterpret_cast<const uint8_t *>(field.bytes.end());
  while (next != end) {
    uint64_t value = 0;
    unsigned shift = 0;
    bool more = true;
    for (; more && next != end && shift < 64; shift += 7) {
      value |= static_cast<uint64_t>(*next & 0x7F) << shift;
      more = *next++ & 0x80;
    }
    if (more)
      return false;
    values.push_back(static_cast<int64_t>(value));
  }
  return true;
}

static bool appendFixed(const Field &field, WireType single, size_t size,
                        SmallVectorImpl<char> &bytes) {
  if (field.type == single) {
    char buffer[8];
    support::endian::write64le(buffer, field.bits);
    bytes.append(buffer, buffer + size);
    return true;
  }
  if (field.type != WireType::Bytes || field.bytes.size() % size != 0)
    return false;
  bytes.append(field.bytes.begin(), field.bytes.end());
  return true;
}

bool quantc::onnx::appendFixed32(const Field &field,
                                 SmallVectorImpl<char> &bytes) {
  return appendFixed(field, WireType::Fixed32, 4, bytes);
}

bool quantc::onnx::appendFixed64(const Field &field,
                                 SmallVectorImpl<char> &bytes) {
  return appendFixed(field, WireType::Fixed64, 8, bytes);
}
