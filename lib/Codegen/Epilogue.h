//===- Epilogue.h - What follows a layer, element by element ----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_EPILOGUE_H
#define QUANTC_LIB_CODEGEN_EPILOGUE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace quantc {

/// Whether `op` computes one tensor element by element in the order of its
/// loops, and is tiled with no layer yet.
bool isElementwise(mlir::linalg::GenericOp op);

/// The elementwise operation on rows and columns that alone reads `result`,
/// [M, N], where each of its operands is indexed by the row and the column, by
/// the column or by nothing; null if there is none.
mlir::linalg::GenericOp getEpilogue(mlir::Value result);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_EPILOGUE_H
