//===- FloatRanges.h - Which numbers a float may be -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CONVERSION_FLOATRANGES_H
#define QUANTC_LIB_CONVERSION_FLOATRANGES_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace quantc {

/// Numbers, infinities among them, from `min` to `max`; zeros of both signs
/// count as equal. No NaN.
struct FloatRange {
  float min;
  float max;
};

/// Finds the range of f32 values in the bodies of `linalg.generic`, and of the
/// elements of f32 tensors. What may be NaN has none.
///
/// Every rounded operation is monotone in each of its operands, so the results
/// at the ends of ranges, computed in f32, bound all others; NaN comes out of
/// Inf - Inf, 0 * Inf, 0 / 0 and Inf / Inf only.
class FloatRanges {
public:
  /// The range of an f32 `value`, or of the elements of such a tensor. Ranges
  /// are kept: the program may change only in ways that keep values.
  std::optional<FloatRange> get(mlir::Value value);

private:
  std::optional<FloatRange> computeTensor(mlir::Value value);
  std::optional<FloatRange> computeElement(mlir::Value value);
  std::optional<FloatRange> computeSelection(mlir::Value value);

  llvm::DenseMap<mlir::Value, std::optional<FloatRange>> ranges;
};

} // namespace quantc

#endif // QUANTC_LIB_CONVERSION_FLOATRANGES_H
