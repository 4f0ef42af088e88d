//===- LoopWork.cpp - How much a loop has to do ---------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopWork.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;
using namespace quantc;

namespace {
/// Computes before `root` what loops inside of it have to do.
class WorkBuilder {
public:
  WorkBuilder(OpBuilder &builder, scf::ForOp root)
      : builder(builder), root(root), loc(root.getLoc()) {}

  Value getTripCount(scf::ForOp loop);
  Value getWork(scf::ForOp loop);

private:
  Value getConstant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  /// `value` computed before the root, as it is in the first iteration of loops
  /// that it changes in; null if it comes from elsewhere.
  Value getOutside(Value value);

  OpBuilder &builder;
  scf::ForOp root;
  Location loc;
  IRMapping mapping;
};
} // namespace

Value WorkBuilder::getOutside(Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  if (!root->isAncestor(value.getParentBlock()->getParentOp()))
    return value;
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(arg.getOwner()->getParentOp());
    return loop && loop.getInductionVar() == arg
               ? getOutside(loop.getLowerBound())
               : Value();
  }
  Operation *op = value.getDefiningOp();
  if (!isPure(op) || op->getNumRegions() != 0)
    return {};
  for (Value operand : op->getOperands()) {
    Value outside = getOutside(operand);
    if (!outside)
      return {};
    mapping.map(operand, outside);
  }
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

Value WorkBuilder::getTripCount(scf::ForOp loop) {
  Value low = getOutside(loop.getLowerBound());
  Value high = getOutside(loop.getUpperBound());
  Value step = getOutside(loop.getStep());
  if (!low || !high || !step)
    return getConstant(1);
  Value range = builder.createOrFold<arith::SubIOp>(loc, high, low);
  return builder.createOrFold<arith::CeilDivSIOp>(loc, range, step);
}

Value WorkBuilder::getWork(scf::ForOp loop) {
  auto own = loop->getAttrOfType<IntegerAttr>(kWorkAttr);
  Value work = getConstant(own ? own.getInt() : 0);
  loop.getBody()->walk<WalkOrder::PreOrder>([&](scf::ForOp inner) {
    work = builder.createOrFold<arith::AddIOp>(loc, work, getWork(inner));
    return WalkResult::skip();
  });
  return builder.createOrFold<arith::MulIOp>(loc, work, getTripCount(loop));
}

Value quantc::getTripCount(OpBuilder &builder, scf::ForOp loop) {
  return WorkBuilder(builder, loop).getTripCount(loop);
}

Value quantc::getWork(OpBuilder &builder, scf::ForOp loop) {
  return WorkBuilder(builder, loop).getWork(loop);
}
