//===- Kernel.h - Weights of more than two dimensions -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_KERNEL_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_KERNEL_H

#include "mlir/IR/Operation.h"
#include "quantc/Support/HostTensor.h"
#include <optional>

namespace quantc {

/// The weight of a convolution as the model has it, and how it became [N, K]:
/// transposed so that dimension i is dimension `order[i]`, all but the first
/// then collapsed.
struct Kernel {
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<int64_t> order;

  /// The [N, K] matrix `weight` in the shape of the model.
  HostTensor restore(const HostTensor &weight) const;
};

/// What a layer keeps of its kernel in every form: a dictionary of two arrays.
inline constexpr llvm::StringLiteral kKernelAttr = "quant.kernel";

void setKernel(mlir::Operation *op, const Kernel &kernel);

/// None if the weight of the model is a matrix, or if the attribute is
/// malformed.
std::optional<Kernel> getKernel(mlir::Operation *op);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_KERNEL_H
