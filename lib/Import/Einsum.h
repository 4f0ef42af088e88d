//===- Einsum.h - Einstein sums ---------------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_EINSUM_H
#define QUANTC_LIB_IMPORT_EINSUM_H

#include "NodeImporter.h"

namespace quantc::onnx {

/// A tensor whose dimensions have names, one character each.
struct Term {
  Tensor tensor;
  std::string dims;
};

/// result[dims] = sum lhs[...] * rhs[...] over the names that `dims` lacks.
/// Equal names have equal sizes; each of `dims` occurs in a term and once in
/// `dims`. A constant is the second operand of the contraction, so that a
/// product of matrices by a constant is a linear layer.
Tensor createEinsum(NodeImporter &node, Term lhs, Term rhs,
                    llvm::StringRef dims);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_EINSUM_H
