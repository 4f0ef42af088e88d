//===- Lookup.cpp - Rows of a table, looked up by number ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Lookup.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace quantc;

/// Whether `value`, of the body of `op`, is the same for all points of the
/// loop `dim`.
static bool isInvariant(linalg::GenericOp op, Value value, unsigned dim) {
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == op.getBody())
    return !op.getMatchingIndexingMap(op.getMatchingOpOperand(argument))
                .isFunctionOfDim(dim);
  Operation *producer = value.getDefiningOp();
  if (!producer || producer->getBlock() != op.getBody())
    return true;
  if (auto index = dyn_cast<linalg::IndexOp>(producer))
    return index.getDim() != dim;
  return producer->getNumRegions() == 0 &&
         llvm::all_of(producer->getOperands(), [&](Value operand) {
           return isInvariant(op, operand, dim);
         });
}

std::optional<Lookup> quantc::matchLookup(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !generic.hasPureTensorSemantics() ||
      generic.getNumResults() != 1 || generic.getNumLoops() == 0 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      !generic.getIndexingMapsArray().back().isIdentity() ||
      generic.payloadUsesValueFromOperand(generic.getDpsInitOperand(0)))
    return std::nullopt;
  Value element = generic.getBody()->getTerminator()->getOperand(0);
  auto extract = element.getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract->getBlock() != generic.getBody() ||
      !element.hasOneUse())
    return std::nullopt;
  RankedTensorType table = extract.getTensor().getType();
  auto result = cast<RankedTensorType>(generic.getResult(0).getType());
  unsigned last = generic.getNumLoops() - 1;
  if (table.getRank() != 2 || !table.hasStaticShape() ||
      table.getNumElements() == 0 ||
      table.getDimSize(1) != result.getDimSize(last))
    return std::nullopt;
  // The index of an only column may have been folded to 0.
  auto column = extract.getIndices()[1].getDefiningOp<linalg::IndexOp>();
  bool isColumn =
      table.getDimSize(1) == 1 || (column && column.getDim() == last);
  if (!isColumn || !isInvariant(generic, extract.getIndices()[0], last))
    return std::nullopt;
  return Lookup{op, &extract.getTensorMutable()};
}

Value quantc::createLookup(OpBuilder &builder, const Lookup &lookup,
                           Value table) {
  auto op = cast<linalg::GenericOp>(lookup.op);
  auto extract = cast<tensor::ExtractOp>(lookup.table->getOwner());
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(table.getType());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, op.getDpsInits()[0]);
  sizes.back() = builder.getIndexAttr(type.getDimSize(1));
  Value init =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  return linalg::GenericOp::create(
             builder, loc, init.getType(), op.getDpsInputs(), init,
             op.getIndexingMapsArray(), op.getIteratorTypesArray(),
             [&](OpBuilder &body, Location, ValueRange arguments) {
               IRMapping mapping;
               mapping.map(op.getBody()->getArguments().drop_back(),
                           arguments.drop_back());
               for (Operation &inner : op.getBody()->without_terminator())
                 if (&inner != extract)
                   body.clone(inner, mapping);
               Value row = mapping.lookupOrDefault(extract.getIndices()[0]);
               Value column =
                   linalg::IndexOp::create(body, loc, op.getNumLoops() - 1);
               Value element = tensor::ExtractOp::create(
                   body, loc, table, ValueRange{row, column});
               linalg::YieldOp::create(body, loc, element);
             })
      .getResult(0);
}
