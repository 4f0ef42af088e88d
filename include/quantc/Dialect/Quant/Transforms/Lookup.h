//===- Lookup.h - Rows of a table, looked up by number ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LOOKUP_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LOOKUP_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace quantc {

/// result[i..., c] = table[row(i...), c] for all columns c, as an embedding
/// does: a linalg.generic whose body extracts an element. `row` is what the
/// body computes from elements that do not depend on c.
struct Lookup {
  mlir::Operation *op;
  /// The operand of tensor.extract in its body.
  mlir::OpOperand *table;

  /// [V, C].
  mlir::Value getTable() const { return table->get(); }
  int64_t getNumColumns() const {
    return mlir::cast<mlir::RankedTensorType>(getTable().getType())
        .getDimSize(1);
  }
};

/// Matches a lookup of whole rows, whatever produces the table.
std::optional<Lookup> matchLookup(mlir::Operation *op);

/// Creates the lookup of the same rows in another table, which may have another
/// type and number of columns but has as many rows. It has no attributes.
mlir::Value createLookup(mlir::OpBuilder &builder, const Lookup &lookup,
                         mlir::Value table);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LOOKUP_H
