//===- PackedLayout.h - How the weights of a layer are stored ---*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight [N, K] is stored in the order in which a block of the result reads
// it, padded with zeros:
//
//   [N / NR][groups][steps][NR][depth]
//
// A panel of NR columns is contiguous; each step along K takes `depth` elements
// of each column, next to each other as the dot instruction takes them. K is
// cut into groups where groups have a scale or a multiplier of their own, and
// each group is padded to whole steps.
//
// Weights of 4 bits are stored as u = q + 8, in [0, 15], two to a byte: of two
// consecutive steps, the first in the low nibbles, the second in the high ones,
// so that unpacking a vector of bytes gives two vectors in order:
//
//   [N / NR][groups][steps / 2][NR][depth]   bytes
//
// Where they are to become floats, and nibbles are looked up in the lanes of a
// register, q itself, eight steps to a word of 32 bits, the first in the lowest
// nibble:
//
//   [N / NR][groups][steps / 8][NR]   words
//
// The multipliers of two consecutive groups share a byte in any case:
//
//   [N / NR][groups / 2][NR]   bytes
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_PACKEDLAYOUT_H
#define QUANTC_LIB_CODEGEN_PACKEDLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"
#include <cstdint>
#include <vector>

namespace quantc {

/// What weights of 4 bits are stored higher by in bytes: nibbles are unsigned.
inline constexpr int32_t kNibbleOffset = 8;

/// The consecutive steps that share an element in memory.
enum class StepPacking : int64_t { None = 1, Byte = 2, Word = 8 };

struct PackedLayout {
  int64_t numColumns; ///< N
  int64_t depthK;     ///< K
  int64_t groups;     ///< 1 without groups
  int64_t depth;      ///< elements of K in a step
  int64_t panel;      ///< NR
  StepPacking packing;
  /// Of a layer without groups: K with its padding, at least; 0 for whole
  /// steps.
  int64_t leastDepth = 0;

  int64_t packedSteps() const { return static_cast<int64_t>(packing); }
  int64_t numPanels() const { return llvm::divideCeil(numColumns, panel); }
  int64_t groupSize() const { return depthK / groups; }
  int64_t steps() const {
    int64_t steps = llvm::divideCeil(std::max(groupSize(), leastDepth), depth);
    return llvm::alignTo(steps, packedSteps());
  }
  /// K of a group with its padding.
  int64_t paddedGroupSize() const { return steps() * depth; }

  /// Calls `copy(index of the element in packed order, index in [N, K])` for
  /// each element of the weight.
  template <class Copy>
  void forEach(Copy copy) const {
    for (int64_t n = 0; n < numColumns; ++n)
      for (int64_t g = 0; g < groups; ++g)
        for (int64_t k = 0; k < groupSize(); ++k) {
          int64_t row = (n / panel * groups + g) * steps() + k / depth;
          copy((row * panel + n % panel) * depth + k % depth,
               n * depthK + g * groupSize() + k);
        }
  }

  /// The weight in packed order, one element for each value.
  template <class T>
  std::vector<T> pack(llvm::ArrayRef<T> weight) const {
    std::vector<T> packed(numPanels() * groups * steps() * panel * depth);
    forEach([&](int64_t to, int64_t from) { packed[to] = weight[from]; });
    return packed;
  }

  /// Packed values of 4 bits as u = q + 8, two to a byte.
  std::vector<int8_t> packNibbles(llvm::ArrayRef<int8_t> weight) const {
    std::vector<int8_t> values = pack(weight);
    std::vector<int8_t> bytes(values.size() / 2);
    int64_t step = panel * depth;
    for (int64_t i = 0, e = bytes.size(); i < e; ++i) {
      int64_t low = i / step * 2 * step + i % step;
      auto getNibble = [&](int64_t at) { return values[at] + kNibbleOffset; };
      bytes[i] =
          static_cast<int8_t>(getNibble(low) | (getNibble(low + step) << 4));
    }
    return bytes;
  }

  /// Packed values of 4 bits, eight to a word. For steps of one element.
  std::vector<uint32_t> packWords(llvm::ArrayRef<int8_t> weight) const {
    std::vector<int8_t> values = pack(weight);
    std::vector<uint32_t> words(values.size() / packedSteps());
    for (int64_t i = 0, e = words.size(); i < e; ++i)
      for (int64_t h = 0; h < packedSteps(); ++h) {
        int64_t step = i / panel * packedSteps() + h;
        uint32_t nibble = values[step * panel + i % panel] & 15;
        words[i] |= nibble << (4 * h);
      }
    return words;
  }

  /// One value for each column and group, [N, groups], in the order
  /// [N / NR][groups][NR].
  template <class T>
  std::vector<T> packParameter(llvm::ArrayRef<T> values) const {
    std::vector<T> packed(numPanels() * groups * panel);
    for (int64_t n = 0; n < numColumns; ++n)
      for (int64_t g = 0; g < groups; ++g)
        packed[(n / panel * groups + g) * panel + n % panel] =
            values[n * groups + g];
    return packed;
  }

  int64_t groupPairs() const { return llvm::divideCeil(groups, 2); }

  /// Values of 4 bits, one for each column and group, two groups to a byte.
  std::vector<int8_t> packMultipliers(llvm::ArrayRef<int8_t> values) const {
    std::vector<int8_t> bytes(numPanels() * groupPairs() * panel);
    for (int64_t n = 0; n < numColumns; ++n)
      for (int64_t g = 0; g < groups; ++g)
        bytes[(n / panel * groupPairs() + g / 2) * panel + n % panel] |=
            (values[n * groups + g] & 15) << (g % 2 * 4);
    return bytes;
  }
};

/// [N, groups] values from one for all or one for each channel.
template <class T>
std::vector<T> expandParameter(const std::vector<T> &values, int64_t numColumns,
                               int64_t groups) {
  std::vector<T> result(numColumns * groups);
  int64_t perRow = std::max<int64_t>(values.size() / numColumns, 1);
  for (int64_t n = 0; n < numColumns; ++n)
    for (int64_t g = 0; g < groups; ++g)
      result[n * groups + g] = values.size() == 1
                                   ? values[0]
                                   : values[n * perRow + (perRow == 1 ? 0 : g)];
  return result;
}

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_PACKEDLAYOUT_H
