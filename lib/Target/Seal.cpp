//===- Seal.cpp - The checksum of a compiled program ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Seal.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;

static constexpr StringLiteral kMagic = "QUANTC-1";

static std::string makeSeal(StringRef library) {
  std::string result = kMagic.str();
  result.resize(kMagic.size() + sizeof(uint64_t));
  support::endian::write64le(&result[kMagic.size()], xxh3_64bits(library));
  return result;
}

std::string quantc::seal(std::string library) {
  return library + makeSeal(library);
}

bool quantc::isSealed(StringRef bytes) {
  size_t size = kMagic.size() + sizeof(uint64_t);
  return bytes.size() > size &&
         bytes.take_back(size) == makeSeal(bytes.drop_back(size));
}
