//===- FloatPatterns.h - Float operations by others -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TARGET_FLOATPATTERNS_H
#define QUANTC_LIB_TARGET_FLOATPATTERNS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace quantc {

/// `type` with elements of `element` instead.
mlir::Type withElement(mlir::Type type, mlir::Type element);

/// A constant of `type`, which is a float or a vector of floats.
mlir::Value getFloat(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                     double value);

/// A constant of `type`, which is an integer or a vector of integers.
mlir::Value getInteger(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                       int64_t value);

/// Adds patterns that convert from and to bf16, and also f16 if
/// `expandsFloat16`, by integer operations, and between f64 and both by f32.
void populateHalfFloatPatterns(mlir::RewritePatternSet &patterns,
                               bool expandsFloat16);

} // namespace quantc

#endif // QUANTC_LIB_TARGET_FLOATPATTERNS_H
