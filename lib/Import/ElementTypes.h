//===- ElementTypes.h - ONNX element types ----------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_ELEMENTTYPES_H
#define QUANTC_LIB_IMPORT_ELEMENTTYPES_H

#include "Model.h"

#include "mlir/IR/Types.h"
#include "quantc/Support/HostTensor.h"

namespace quantc::onnx {

/// The name in onnx.proto, or the number of an unknown one.
std::string getName(ElementType type);

/// The bits of an element in raw data; 0 for an unsupported type.
unsigned getBitWidth(ElementType type);

bool isFloat(ElementType type);
/// FLOAT16 or BFLOAT16.
bool isHalf(ElementType type);
bool isUnsigned(ElementType type);
/// Signed or unsigned, without Bool.
bool isInteger(ElementType type);

/// The type in the float form. Integers are signless there; whether one is
/// unsigned is known only while importing. Null for an unsupported type.
mlir::Type getMlirType(ElementType type, mlir::MLIRContext *context);

/// The type of an input or output of the program of element type `type`, which
/// takes whole bytes: INT8 for INT4.
ElementType getPortType(ElementType type);

/// The type of an input or output as callers see it, if the type in the program
/// does not say it: that of integers that are unsigned or smaller than a byte.
std::optional<DataType> getCallerType(ElementType type);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_ELEMENTTYPES_H
