//===- Permute.h - Elements in another order of dimensions ------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_SUPPORT_PERMUTE_H
#define QUANTC_SUPPORT_PERMUTE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <vector>

namespace quantc {

/// `shape` with dimension i taken from dimension `permutation[i]`.
llvm::SmallVector<int64_t> permuteShape(llvm::ArrayRef<int64_t> shape,
                                        llvm::ArrayRef<int64_t> permutation);

/// The elements of a row-major tensor of `shape`, each of `size` bytes, in the
/// order of the tensor whose dimension i is dimension `permutation[i]`.
std::vector<char> permuteElements(llvm::ArrayRef<char> source, size_t size,
                                  llvm::ArrayRef<int64_t> shape,
                                  llvm::ArrayRef<int64_t> permutation);

} // namespace quantc

#endif // QUANTC_SUPPORT_PERMUTE_H
