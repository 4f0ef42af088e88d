//===- Seal.h - The checksum of a compiled program --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The system's loader trusts the file that it maps, and a damaged one crashes
// the process. So a shared library ends with a seal, behind the ELF file, where
// no loader looks:
//
//   "QUANTC-1"   8 bytes
//   checksum     8 bytes, little endian: XXH3-64 of all that is before the seal
//
// It tells damage from a program. It is no protection against an attacker.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_SEAL_H
#define QUANTC_LIB_TARGET_SEAL_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace quantc {

/// `library` with its seal.
std::string seal(std::string library);

/// Whether `bytes` end with the seal of what is before it.
bool isSealed(llvm::StringRef bytes);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_SEAL_H
