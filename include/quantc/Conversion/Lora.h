//===- Lora.h - quant.lora as loops and contractions ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_LORA_H
#define QUANTC_CONVERSION_LORA_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

namespace quantc {

/// What computes the delta of the rows of one part, for a pass that tiles it.
struct LoraContractions {
  /// u [m, r], a `linalg.generic` with loops m, r and k, and its zeros (m, r).
  mlir::Operation *down, *downZeros;
  /// d [m, n], with loops m, n and r, and its zeros (m, n).
  mlir::Operation *up, *upZeros;
  /// The product with the scale, with loops m and n.
  mlir::Operation *finish;
};

/// Lowers `op`, whose operands are those of `adaptor`: a loop over the parts of
/// the rows, in which an adapter is a matrix.
mlir::Value lowerLora(mlir::OpBuilder &builder, LoraOp op,
                      LoraOp::Adaptor adaptor,
                      LoraContractions *contractions = nullptr);

} // namespace quantc

#endif // QUANTC_CONVERSION_LORA_H
