//===- TensorAttribute.h - Host tensors and attributes ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_SUPPORT_TENSORATTRIBUTE_H
#define QUANTC_SUPPORT_TENSORATTRIBUTE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "quantc/Support/HostTensor.h"
#include <optional>

namespace quantc {

/// The data type of elements of `type`; i1 is Bool, `index` is I64. None for a
/// type that host tensors do not have.
std::optional<DataType> getDataType(mlir::Type type);

/// The element type of tensors of `type`: i8 for I8, ui8 for U8, f32 for F32.
mlir::Type getElementType(mlir::MLIRContext *context, DataType type);

/// The name of a data type as IR spells it, such as "i8".
llvm::StringRef getName(DataType type);

/// The elements of a dense constant, inline or in a resource. Fails for other
/// attributes and for element types that host tensors do not have.
mlir::FailureOr<HostTensor> getHostTensor(mlir::ElementsAttr attr);

/// The opposite of `getHostTensor`.
mlir::DenseElementsAttr getElementsAttr(mlir::MLIRContext *context,
                                        const HostTensor &tensor);

} // namespace quantc

#endif // QUANTC_SUPPORT_TENSORATTRIBUTE_H
