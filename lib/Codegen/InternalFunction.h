//===- InternalFunction.h - Functions that take pointers --------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The code of a program is in functions that no other object sees. Their memory
// comes as pointers that do not alias.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_INTERNALFUNCTION_H
#define QUANTC_LIB_CODEGEN_INTERNALFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace quantc {

/// Hides `function` from other objects.
void setInternal(mlir::func::FuncOp function);

/// Creates an internal function with an empty entry block.
mlir::func::FuncOp
createInternalFunction(mlir::OpBuilder &builder, mlir::Location loc,
                       const llvm::Twine &name,
                       mlir::ArrayRef<mlir::Type> arguments,
                       mlir::ArrayRef<mlir::Type> results = {});

/// Returns `value` as one of `type`, which is the same for LLVM.
mlir::Value castTo(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Type type, mlir::Value value);

/// Returns the memory at `pointer`, an LLVM pointer, as a memref of `type`,
/// whose layout is the identity; `sizes` are those of its dynamic dimensions.
mlir::Value createMemref(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::MemRefType type, mlir::Value pointer,
                         mlir::ValueRange sizes);

/// Returns the pointer to the first element of `memref`, whose layout is the
/// identity.
mlir::Value getPointer(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value memref);

/// Says that nothing but pointer argument `index` of `function` leads to its
/// memory, which is only read if `isReadOnly`.
void setPointerAttrs(mlir::func::FuncOp function, unsigned index,
                     bool isReadOnly);

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_INTERNALFUNCTION_H
