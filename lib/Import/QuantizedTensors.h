//===- QuantizedTensors.h - To and from quantized tensors -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integers of 8 and 4 bits are what the quant dialect stores: unsigned ones are
// shifted by half of their range, and their zero points with them (storage_a2).
// Those of other widths, and biases in INT32, have the same formulas in a
// linalg.generic.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_QUANTIZEDTENSORS_H
#define QUANTC_LIB_IMPORT_QUANTIZEDTENSORS_H

#include "Builders.h"

namespace quantc::onnx {

/// What says how a tensor is quantized.
struct QuantizationParameters {
  /// In FLOAT: of one element, of one for each index of the axis, of one for
  /// each block along the axis, or of the rank of the tensor with sizes that
  /// are its own or 1.
  Tensor *scale;
  /// Of the type of the quantized tensor and the size of the scale; null is 0.
  Tensor *zeroPoint = nullptr;
  int64_t axis = 1;
  /// 0 without blocks.
  int64_t blockSize = 0;
};

/// clamp(rne(input / scale) + zero point), of an integer type of at most 16
/// bits. Fails for parameters that do not belong to `input`.
mlir::FailureOr<Tensor>
createQuantized(NodeImporter &node, Tensor &input,
                const QuantizationParameters &parameters, ElementType type);

/// (input - zero point) * scale, in FLOAT, of integers of at most 32 bits;
/// constants of INT32 stay constant.
mlir::FailureOr<Tensor>
createDequantized(NodeImporter &node, Tensor &input,
                  const QuantizationParameters &parameters);

/// The result of quantization to `type`, a type of the dialect's storage, when
/// `storage` is what was stored.
Tensor makeStored(NodeImporter &node, ElementType type,
                  llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Value storage);

/// The upper bit of `type`: flipping it subtracts half of the range from
/// unsigned integers.
int64_t getSignBit(ElementType type);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_QUANTIZEDTENSORS_H
