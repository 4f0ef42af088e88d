//===- Elementwise.cpp - Bias, ReLU and Clip ------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"

using namespace mlir;
using namespace quantc;

Operation *quantc::getOnlyUser(Value value) {
  Operation *user = value.use_empty() ? nullptr : *value.user_begin();
  auto isSame = [&](Operation *other) { return other == user; };
  return llvm::all_of(value.getUsers(), isSame) ? user : nullptr;
}

Operation *quantc::getOnlyReader(Value value) {
  Operation *reader = nullptr;
  for (Operation *user : value.getUsers()) {
    if (isa<tensor::DimOp>(user))
      continue;
    if (reader && reader != user)
      return nullptr;
    reader = user;
  }
  return reader;
}

linalg::LinalgOp quantc::getElementwise(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() ||
      op->getNumResults() != 1 ||
      linalgOp.getNumParallelLoops() != linalgOp.getNumLoops() ||
      !linalgOp.getMatchingIndexingMap(linalgOp.getDpsInitOperand(0))
           .isIdentity())
    return {};
  return linalgOp;
}

static Value getYielded(linalg::LinalgOp op) {
  return op.getBlock()->getTerminator()->getOperand(0);
}

/// The operand of `op` that `scalar`, a value of its body, is an element of.
static OpOperand *getInput(linalg::LinalgOp op, Value scalar) {
  auto argument = dyn_cast<BlockArgument>(scalar);
  if (!argument || argument.getOwner() != op.getBlock())
    return nullptr;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  return op.isDpsInput(operand) ? operand : nullptr;
}

/// The constant that `scalar`, a value of the body of `op`, always is.
static std::optional<float> getConstant(linalg::LinalgOp op, Value scalar) {
  OpOperand *input = getInput(op, scalar);
  return getSplat(input ? input->get() : scalar);
}

//===----------------------------------------------------------------------===//
// Bias
//===----------------------------------------------------------------------===//

/// The operand of `op`, an addition of two values, that is added to `y`. Null
/// if it is no such addition; a splat is returned in `splat` instead.
static OpOperand *matchAddend(linalg::LinalgOp op, Value y,
                              std::optional<float> &splat) {
  auto add = getYielded(op).getDefiningOp<arith::AddFOp>();
  if (!add || add->getBlock() != op.getBlock())
    return nullptr;
  for (auto [self, other] : {std::pair(add.getLhs(), add.getRhs()),
                             std::pair(add.getRhs(), add.getLhs())}) {
    OpOperand *input = getInput(op, self);
    if (!input || input->get() != y ||
        !op.getMatchingIndexingMap(input).isIdentity())
      continue;
    splat = getConstant(op, other);
    return splat ? nullptr : getInput(op, other);
  }
  return nullptr;
}

/// Looks through a broadcast of a vector along the rows.
static Value lookThroughBroadcast(Value value) {
  auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
  if (broadcast && broadcast.getDimensions() == ArrayRef<int64_t>{0} &&
      cast<RankedTensorType>(value.getType()).getRank() == 2)
    return broadcast.getInput();
  return value;
}

Value quantc::matchBiasAdd(RewriterBase &rewriter, Operation *op, Value y) {
  linalg::LinalgOp linalgOp = getElementwise(op);
  if (!linalgOp || linalgOp.getNumLoops() != 2)
    return {};
  int64_t size = cast<RankedTensorType>(y.getType()).getDimSize(1);
  std::optional<float> splat;
  OpOperand *addend = matchAddend(linalgOp, y, splat);
  if (splat)
    return createConstant(rewriter, op->getLoc(), {size},
                          ArrayRef(std::vector<float>(size, *splat)));
  if (!addend)
    return {};

  Value bias = addend->get();
  AffineMap map = linalgOp.getMatchingIndexingMap(addend);
  if (map.isIdentity())
    bias = lookThroughBroadcast(bias);
  auto type = cast<RankedTensorType>(bias.getType());
  AffineExpr column = rewriter.getAffineDimExpr(1);
  if (type.getRank() == 1 && type.getDimSize(0) == size &&
      (bias != addend->get() || map.getResult(0) == column))
    return bias;
  // A constant [1, N] is a vector too.
  auto elements = ConstantElements<float>::get(bias);
  if (!elements || type.getRank() == 0 || type.getNumElements() != size ||
      type.getShape().back() != size || map.getResults().back() != column)
    return {};
  return createConstant(rewriter, op->getLoc(), {size}, elements->values());
}

//===----------------------------------------------------------------------===//
// Clip
//===----------------------------------------------------------------------===//

/// select(a < b, a, b) is the minimum of both, select(a < b, b, a) the maximum.
/// Returns whether it is the maximum, none for other selects.
static std::optional<bool> isMaximum(arith::SelectOp select) {
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!compare)
    return std::nullopt;
  Value lhs = compare.getLhs(), rhs = compare.getRhs();
  bool isStraight =
      select.getTrueValue() == lhs && select.getFalseValue() == rhs;
  bool isSwapped =
      select.getTrueValue() == rhs && select.getFalseValue() == lhs;
  if (!isStraight && !isSwapped)
    return std::nullopt;
  switch (compare.getPredicate()) {
  case arith::CmpFPredicate::OGT:
  case arith::CmpFPredicate::OGE:
  case arith::CmpFPredicate::UGT:
  case arith::CmpFPredicate::UGE:
    return isStraight;
  case arith::CmpFPredicate::OLT:
  case arith::CmpFPredicate::OLE:
  case arith::CmpFPredicate::ULT:
  case arith::CmpFPredicate::ULE:
    return isSwapped;
  default:
    return std::nullopt;
  }
}

/// Whether `op` is the maximum or the minimum of two values, which it sets.
static std::optional<bool> matchMaximum(Operation *op, Value &lhs, Value &rhs) {
  std::optional<bool> result;
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    result = true;
  else if (isa<arith::MinimumFOp, arith::MinNumFOp>(op))
    result = false;
  else if (auto select = dyn_cast<arith::SelectOp>(op))
    result = isMaximum(select);
  if (!result)
    return std::nullopt;
  lhs = op->getOperand(op->getNumOperands() - 2);
  rhs = op->getOperand(op->getNumOperands() - 1);
  return result;
}

Value quantc::matchClip(Operation *op, SmallVectorImpl<Bound> &bounds) {
  linalg::LinalgOp linalgOp = getElementwise(op);
  if (!linalgOp)
    return {};
  // From the result back to the operand, so the last bound comes first.
  SmallVector<Bound> reversed;
  Value scalar = getYielded(linalgOp);
  OpOperand *input = nullptr;
  while (!(input = getInput(linalgOp, scalar))) {
    Operation *step = scalar.getDefiningOp();
    if (!step || step->getBlock() != linalgOp.getBlock())
      return {};
    Value lhs, rhs;
    std::optional<bool> isLower = matchMaximum(step, lhs, rhs);
    if (!isLower)
      return {};
    std::optional<float> value = getConstant(linalgOp, rhs);
    scalar = lhs;
    if (!value) {
      value = getConstant(linalgOp, lhs);
      scalar = rhs;
    }
    if (!value)
      return {};
    reversed.push_back({*isLower, *value});
  }
  if (reversed.empty() || !linalgOp.getMatchingIndexingMap(input).isIdentity())
    return {};
  bounds.assign(reversed.rbegin(), reversed.rend());
  return input->get();
}
