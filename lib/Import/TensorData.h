//===- TensorData.h - Tensors of a file to attributes -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_TENSORDATA_H
#define QUANTC_LIB_IMPORT_TENSORDATA_H

#include "ExternalData.h"

#include "mlir/IR/BuiltinAttributes.h"

namespace quantc::onnx {

/// The elements of `tensor`, checked against its shape and type.
llvm::Expected<mlir::DenseElementsAttr>
readTensorData(const TensorProto &tensor, ExternalData &external,
               mlir::MLIRContext *context);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_TENSORDATA_H
