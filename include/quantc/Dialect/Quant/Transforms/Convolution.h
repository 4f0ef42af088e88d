//===- Convolution.h - Convolutions as linear layers ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_CONVOLUTION_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_CONVOLUTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace quantc {

/// Replaces `op`, a convolution of f32 in one group, by the linear layer over
/// the patches of its input and returns its result. No bit of that changes: the
/// terms of a sum keep their order. Fails, with a reason for developers, for
/// other operations.
mlir::FailureOr<mlir::Value> convertConvToMatmul(mlir::RewriterBase &rewriter,
                                                 mlir::linalg::LinalgOp op);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_CONVOLUTION_H
