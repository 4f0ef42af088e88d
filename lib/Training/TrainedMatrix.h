//===- TrainedMatrix.h - Matrices of adapters as inputs ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_TRAINING_TRAINEDMATRIX_H
#define QUANTC_LIB_TRAINING_TRAINEDMATRIX_H

#include "quantc/Dialect/Quant/IR/ProgramInterface.h"

namespace quantc {

/// The names of the inputs that hold A transposed and B transposed follow that
/// of the layer.
inline constexpr llvm::StringLiteral kDownSuffix = ".lora_down";
inline constexpr llvm::StringLiteral kUpSuffix = ".lora_up";

/// Adds the input `name`, an f32 [rows, columns] matrix that is trained.
mlir::FailureOr<mlir::Value> addTrainedMatrix(mlir::func::FuncOp entry,
                                              const llvm::Twine &name,
                                              int64_t rows, int64_t columns);

} // namespace quantc

#endif // QUANTC_LIB_TRAINING_TRAINEDMATRIX_H
