//===- QuantOps.h - Operations added to the quant dialect -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_IR_QUANTOPS_H
#define QUANTC_DIALECT_QUANT_IR_QUANTOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace quantc::detail {
/// Reifies the shapes of all results of `op`: a dynamic dimension is that of
/// the first operand.
mlir::LogicalResult reifyFromInput(mlir::Operation *op,
                                   mlir::OpBuilder &builder,
                                   mlir::ReifiedRankedShapedTypeDims &shapes);

/// Tells the analysis of value bounds the same.
void boundByInput(mlir::Operation *op, mlir::Value value, int64_t dim,
                  mlir::ValueBoundsConstraintSet &constraints);
} // namespace quantc::detail

#define GET_OP_CLASSES
#include "quantc/Dialect/Quant/IR/QuantOps.h.inc"

namespace quantc {

/// Adds the operations of QuantOps.td to upstream's `quant` dialect, when and
/// only if that dialect is loaded.
void registerQuantExtension(mlir::DialectRegistry &registry);

/// The number of buckets that quant.histogram counts.
constexpr int64_t kHistogramBuckets = 65536;

/// Returns the size of the blocks in which `parameter` covers `input` along
/// `dim`: 1 where both are dynamic. A parameter of rank 0 is one block.
int64_t getBlockSize(mlir::RankedTensorType input,
                     mlir::RankedTensorType parameter, int64_t dim);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_IR_QUANTOPS_H
