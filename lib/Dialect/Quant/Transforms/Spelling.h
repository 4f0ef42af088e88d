//===- Spelling.h - Enumerators in attributes -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_SPELLING_H
#define QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_SPELLING_H

#include "mlir/IR/BuiltinAttributes.h"
#include <optional>

namespace quantc {

/// An enumerator and its spelling in an attribute.
template <class T>
struct Spelling {
  T value;
  llvm::StringLiteral name;
};

template <class T>
llvm::StringRef findSpelling(llvm::ArrayRef<Spelling<T>> spellings, T value) {
  return llvm::find_if(spellings,
                       [&](auto &spelling) { return spelling.value == value; })
      ->name;
}

/// The enumerator that `attr`, which may be null, spells; none if it does not.
template <class T>
std::optional<T> findEnumerator(llvm::ArrayRef<Spelling<T>> spellings,
                                mlir::StringAttr attr) {
  for (const Spelling<T> &spelling : spellings)
    if (attr && attr.getValue() == spelling.name)
      return spelling.value;
  return std::nullopt;
}

} // namespace quantc

#endif // QUANTC_LIB_DIALECT_QUANT_TRANSFORMS_SPELLING_H
