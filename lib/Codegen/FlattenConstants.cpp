//===- FlattenConstants.cpp - Constant buffers in one dimension -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectResourceBlobManager.h"
#include "quantc/Codegen/Passes.h"

namespace quantc {
#define GEN_PASS_DEF_FLATTENCONSTANTSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// The elements of `attr` as a tensor of `type`, which has as many; null if
/// they are in neither of the forms that constants have.
static ElementsAttr reshape(ElementsAttr attr, RankedTensorType type) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return dense.reshape(type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  return {};
}

/// Gives `global` one dimension. False for one that has no initial value, or
/// has one dimension already.
static bool flatten(memref::GlobalOp global) {
  MemRefType type = global.getType();
  auto value = dyn_cast_or_null<ElementsAttr>(
      global.getInitialValue().value_or(Attribute()));
  if (type.getRank() < 2 || !type.getLayout().isIdentity() || !value)
    return false;
  SmallVector<int64_t> shape = {type.getNumElements()};
  ElementsAttr flat =
      reshape(value, RankedTensorType::get(shape, type.getElementType()));
  if (!flat)
    return false;
  global.setType(MemRefType::Builder(type).setShape(shape));
  global.setInitialValueAttr(flat);
  return true;
}

namespace {
struct FlattenConstants
    : quantc::impl::FlattenConstantsPassBase<FlattenConstants> {
  void runOnOperation() override {
    llvm::StringMap<MemRefType> flattened;
    for (auto global : getOperation().getOps<memref::GlobalOp>())
      if (flatten(global))
        flattened[global.getSymName()] = global.getType();
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](memref::GetGlobalOp op) {
      MemRefType flat = flattened.lookup(op.getName());
      if (!flat)
        return;
      rewriter.setInsertionPoint(op);
      auto source = memref::GetGlobalOp::create(rewriter, op.getLoc(), flat,
                                                op.getName());
      ReassociationIndices all(
          llvm::to_vector(llvm::seq<int64_t>(0, op.getType().getRank())));
      rewriter.replaceOpWithNewOp<memref::ExpandShapeOp>(
          op, op.getType(), source, ArrayRef<ReassociationIndices>(all));
    });
  }
};
} // namespace
