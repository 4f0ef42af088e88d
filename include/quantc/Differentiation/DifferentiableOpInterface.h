//===- DifferentiableOpInterface.h - Rules of operations --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIFFERENTIATION_DIFFERENTIABLEOPINTERFACE_H
#define QUANTC_DIFFERENTIATION_DIFFERENTIABLEOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"
#include "quantc/Differentiation/GradientBuilder.h"

#include "quantc/Differentiation/DifferentiableOpInterface.h.inc"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace quantc {

/// Gives upstream's operations and ours their rules, once their dialects are
/// loaded. Comes after `registerQuantExtension`.
void registerDifferentiationExtension(mlir::DialectRegistry &registry);

} // namespace quantc

#endif // QUANTC_DIFFERENTIATION_DIFFERENTIABLEOPINTERFACE_H
