//===- FloatContraction.h - Layers that stay f32 ----------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_IR_FLOATCONTRACTION_H
#define QUANTC_DIALECT_QUANT_IR_FLOATCONTRACTION_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace quantc {

/// The addition `out + x * y` that is the whole body of `op`, if `op` is a
/// contraction of two f32 inputs x and y, named or generic. The numeric
/// contract fuses it: out = fma(x, y, out), reductions in the order of the
/// loops (float_linear_a1). Null for any other operation.
mlir::arith::AddFOp getFloatContractionBody(mlir::linalg::LinalgOp op);

/// init + lhs * rhs in f32: `Op`, linalg.matmul or linalg.batch_matmul, with
/// the indexing maps `maps`.
template <class Op>
mlir::Value createProduct(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value lhs, mlir::Value rhs, mlir::Value init,
                          llvm::ArrayRef<mlir::AffineMap> maps) {
  llvm::SmallVector<mlir::NamedAttribute> attributes;
  if (maps != llvm::ArrayRef(Op::getDefaultIndexingMaps(builder.getContext())))
    attributes.push_back(builder.getNamedAttr(
        "indexing_maps", builder.getAffineMapArrayAttr(maps)));
  return Op::create(builder, loc, init.getType(), mlir::ValueRange{lhs, rhs},
                    init, attributes)
      ->getResult(0);
}

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_IR_FLOATCONTRACTION_H
