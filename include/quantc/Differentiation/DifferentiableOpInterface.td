//===- DifferentiableOpInterface.td - Rules of operations --*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIFFERENTIATION_DIFFERENTIABLEOPINTERFACE
#define QUANTC_DIFFERENTIATION_DIFFERENTIABLEOPINTERFACE

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::quantc";
  let description = [{
    The rule by which an operation is differentiated in reverse mode. Upstream's
    operations get theirs as external models (lib/Differentiation).
  }];
  let methods = [
    InterfaceMethod<[{
      Adds to the cotangents of the values that the operation reads, by
      `gradients.accumulate`, what follows from the cotangent of its result,
      `gradients.getCotangent`. Is called when that exists, and may read every
      operand and result of the operation. Emits an error and fails for a form
      of the operation that it has no formula for.
    }], "::llvm::LogicalResult", "differentiate",
      (ins "::quantc::GradientBuilder &":$gradients)>,
    InterfaceMethod<[{
      Whether the results count as constants: nothing flows back through them.
      So it is with functions that are constant piece by piece, and with
      parameters of quantization that are chosen from data.
    }], "bool", "isConstant", (ins), /*methodBody=*/"",
      /*defaultImplementation=*/"return false;">
  ];
}

#endif // QUANTC_DIFFERENTIATION_DIFFERENTIABLEOPINTERFACE
