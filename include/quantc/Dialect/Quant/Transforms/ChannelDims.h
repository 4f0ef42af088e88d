//===- ChannelDims.h - Where the outputs of a layer are ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_CHANNELDIMS_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_CHANNELDIMS_H

#include "mlir/IR/Operation.h"
#include <optional>

namespace quantc {

/// The dimensions of a tensor that count the outputs of a layer, the slowest
/// first: [M, N] has them in dimension 1, [batch, F, h, w] too, and [batch, h,
/// w, groups, F / groups] in dimensions 3 and 4. Dimensions of size 1 count
/// nothing and are left out.
class ChannelDims {
public:
  /// Outputs along dimension `dim`, of `size`.
  ChannelDims(int64_t dim, int64_t size);

  bool contains(int64_t dim) const { return llvm::is_contained(dims, dim); }

  /// The dimension that counts them if it is one, not of size 1.
  std::optional<int64_t> getOnlyDim() const {
    return dims.size() == 1 ? std::optional(dims.front()) : std::nullopt;
  }

  /// Where the outputs are in the result of `op`, which moves the elements of
  /// its operand 0: a reshape or a transposition. Fails for other operations,
  /// and where outputs come to share a dimension with something else.
  mlir::LogicalResult moveToResult(mlir::Operation *op);
  /// The reverse, from the result of `op` to its operand 0.
  mlir::LogicalResult moveToOperand(mlir::Operation *op);

  /// Sets `coordinates`, one for each dimension of the tensor, to where output
  /// `channel` is; those of other dimensions stay.
  void setCoordinates(int64_t channel,
                      llvm::MutableArrayRef<int64_t> coordinates) const;

  /// The output at element `index` of a tensor of `shape`, row-major.
  class Counter {
  public:
    Counter(const ChannelDims &channels, llvm::ArrayRef<int64_t> shape);
    int64_t operator()(int64_t index) const;

  private:
    struct Digit {
      int64_t stride, size, weight;
    };
    llvm::SmallVector<Digit> digits;
  };

private:
  mlir::LogicalResult
  split(llvm::ArrayRef<llvm::SmallVector<int64_t, 2>> groups,
        llvm::ArrayRef<int64_t> shape);
  mlir::LogicalResult
  merge(llvm::ArrayRef<llvm::SmallVector<int64_t, 2>> groups,
        llvm::ArrayRef<int64_t> shape);

  llvm::SmallVector<int64_t> dims;
  llvm::SmallVector<int64_t> sizes;
};

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_CHANNELDIMS_H
