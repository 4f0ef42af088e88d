//===- LoopWork.h - How much a loop has to do -------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_LOOPWORK_H
#define QUANTC_LIB_CODEGEN_LOOPWORK_H

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace quantc {

/// The number of iterations of `loop`, an index computed before it; a constant
/// if the bounds are.
mlir::Value getTripCount(mlir::OpBuilder &builder, mlir::scf::ForOp loop);

/// The multiply-accumulates of `loop`, an index computed before it:
///
///   work(loop) = trips(loop) * (quant.work of loop + sum of work(inner))
///
/// over the loops in its body. Bounds that change with an iteration are those
/// of the first one; a loop with others counts as one trip. Constant if all
/// bounds are.
mlir::Value getWork(mlir::OpBuilder &builder, mlir::scf::ForOp loop);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_LOOPWORK_H
