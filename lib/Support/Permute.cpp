//===- Permute.cpp - Elements in another order of dimensions --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Support/Permute.h"

#include <cstring>

using namespace llvm;

SmallVector<int64_t> quantc::permuteShape(ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> permutation) {
  return map_to_vector(permutation, [&](int64_t dim) { return shape[dim]; });
}

std::vector<char> quantc::permuteElements(ArrayRef<char> source, size_t size,
                                          ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> permutation) {
  // The strides of the source in the order of the result.
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = static_cast<int64_t>(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  SmallVector<int64_t> steps = permuteShape(strides, permutation);
  SmallVector<int64_t> result = permuteShape(shape, permutation);

  std::vector<char> bytes(source.size());
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t offset = 0;
  for (char *to = bytes.data(), *end = to + bytes.size(); to != end;
       to += size) {
    std::memcpy(to, source.data() + offset * size, size);
    for (int64_t dim = static_cast<int64_t>(shape.size()) - 1; dim >= 0;
         --dim) {
      offset += steps[dim];
      if (++index[dim] < result[dim])
        break;
      offset -= steps[dim] * index[dim];
      index[dim] = 0;
    }
  }
  return bytes;
}
