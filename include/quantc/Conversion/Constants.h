//===- Constants.h - The values of constant operands ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_CONSTANTS_H
#define QUANTC_CONVERSION_CONSTANTS_H

#include "mlir/IR/Value.h"

#include <optional>
#include <vector>

namespace quantc {

/// The elements of a constant f32 tensor; nothing when `value` is null or not
/// constant.
std::optional<std::vector<float>> getFloatValues(mlir::Value value);

/// The elements of a constant i8 or i4 tensor, also of one behind
/// `quant.unpack`; nothing when `value` is null or not constant.
std::optional<std::vector<int8_t>> getStorageValues(mlir::Value value);

} // namespace quantc

#endif // QUANTC_CONVERSION_CONSTANTS_H
