//===- Windows.h - Windows that move over spatial dimensions ----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What convolution and pooling have in common: the attributes that say how a
// window moves over the dimensions behind batch and channels, and the padding.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_WINDOWS_H
#define QUANTC_LIB_IMPORT_WINDOWS_H

#include "Builders.h"

namespace quantc::onnx {

/// Bound on kernels, strides, dilations and paddings, so that arithmetic on
/// them does not overflow.
inline constexpr int64_t kMaxWindow = int64_t(1) << 20;

/// How a window moves along one spatial dimension.
struct Window {
  /// Of the dimension without padding.
  int64_t size;
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t padBefore;
  int64_t padAfter;
  /// How many positions it has.
  int64_t numPositions;

  /// The distance between the first and the last element it covers.
  int64_t getExtent() const { return dilation * (kernel - 1); }
  /// How far the last position reaches past the padding: not at all, unless
  /// positions are rounded up (`ceil_mode`).
  int64_t getOverhang() const;
};

/// The integers of an attribute that has one for each of `size` dimensions,
/// each in [low, kMaxWindow]; all are `fallback` without it. Fails for others.
mlir::FailureOr<llvm::SmallVector<int64_t>>
getWindowInts(NodeImporter &node, llvm::StringRef name, size_t size,
              int64_t low, int64_t fallback);

/// The windows of shape `kernel` over the dimensions `sizes`, from `strides`,
/// `dilations`, `pads`, `auto_pad` and, if it rounds up, `ceil_mode`. Fails for
/// sizes that are not known and windows that do not fit.
mlir::FailureOr<llvm::SmallVector<Window>>
getWindows(NodeImporter &node, llvm::ArrayRef<mlir::AffineExpr> sizes,
           llvm::ArrayRef<int64_t> kernel);

/// `input`, whose spatial dimensions come third, with `fill` around them, as
/// far as the windows reach. Fails for absurd sizes.
mlir::FailureOr<Tensor> createPad(NodeImporter &node, Tensor &input,
                                  llvm::ArrayRef<Window> windows,
                                  mlir::Value fill);

/// The shape with one element for each position: batch, `channels`, positions.
Shape getWindowedShape(NodeImporter &node, const Tensor &input,
                       mlir::AffineExpr channels,
                       llvm::ArrayRef<Window> windows);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_WINDOWS_H
