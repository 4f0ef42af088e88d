//===- Convolution.h - Convolutions that operators build --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_CONVOLUTION_H
#define QUANTC_LIB_IMPORT_CONVOLUTION_H

#include "Builders.h"

namespace quantc::onnx {

/// The convolution of `input` by `weight`, both of one type of numbers, as the
/// attributes of the node say, with zeros for padding. A bias, which needs
/// floats, has one element for each channel of the result.
mlir::FailureOr<Tensor> createConvolution(NodeImporter &node, Tensor &input,
                                          Tensor &weight,
                                          Tensor *bias = nullptr);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_CONVOLUTION_H
