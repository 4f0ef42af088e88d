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

/// What computes deltas, for a pass that tiles it: each a `linalg.generic`.
struct LoraContractions {
  /// u [m, r], with loops m, r and k, and its zeros, with loops m and r.
  mlir::Operation *down, *downZeros;
  /// d [m, n], with loops m, n and r, and its zeros, with loops m and n. Where
  /// N is in panels there are two loops instead of n.
  mlir::Operation *up, *upZeros;
  /// The product with the scale, with the loops of the zeros.
  mlir::Operation *finish;
};

/// Lowers `op`, whose operands are those of `adaptor`: a loop over the parts of
/// the rows, in which an adapter is a matrix.
mlir::Value lowerLora(mlir::OpBuilder &builder, LoraOp op,
                      LoraOp::Adaptor adaptor,
                      LoraContractions *contractions = nullptr);

/// The deltas of `op` where all rows use the adapter in `slot`, an index, in
/// panels of columns: [M, N / panel, panel].
mlir::Value lowerLoraOfSlot(mlir::OpBuilder &builder, LoraOp op,
                            mlir::Value slot, int64_t panel,
                            LoraContractions &contractions);

} // namespace quantc

#endif // QUANTC_CONVERSION_LORA_H
