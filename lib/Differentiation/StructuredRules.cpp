//===- StructuredRules.cpp - Rules of linalg --------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One rule serves every structured operation, named or generic. At each point
// of its loops such an operation computes a term t from the elements of its
// inputs and stores it, adds it, or takes the maximum:
//
//   y[out(i)]  = t(x0[in0(i)], x1[in1(i)], ...)
//   y[out(i)] += t(x0[in0(i)], x1[in1(i)], ...)
//
// In both cases the cotangent of an input is the same nest of loops,
//
//   dx0[in0(i)] += dy[out(i)] * dt/dx0
//
// whose body is that of the operation followed by its reverse. So broadcasting
// becomes a sum, a sum broadcasting, a transposition the opposite one, and a
// contraction a contraction, which is a matmul again where it can be.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"

using namespace mlir;
using namespace quantc;
using linalg::LinalgOp;

namespace {

/// What becomes of the term that the body computes.
enum class Form { Store, Add, Extremum };

/// The single result of a structured operation.
struct Computation {
  Form form;
  /// A value in the body, or one from outside.
  Value term;
};

} // namespace

/// Fails, with an error, for more than one result and for a body that does
/// something else with its destination.
static FailureOr<Computation> getComputation(LinalgOp op) {
  if (op->getNumResults() != 1)
    return op.emitError("an operation with several results cannot be "
                        "differentiated; split it");
  Block &body = *op.getBlock();
  Value yielded = body.getTerminator()->getOperand(0);
  Value destination = op.getMatchingBlockArgument(op.getDpsInitOperand(0));
  if (destination.use_empty())
    return Computation{Form::Store, yielded};
  Operation *last = yielded.getDefiningOp();
  if (destination.hasOneUse() && last == *destination.user_begin()) {
    Value term = last->getOperand(0);
    if (term == destination)
      term = last->getOperand(1);
    if (isa<arith::AddFOp>(last))
      return Computation{Form::Add, term};
    if (isa<arith::MaximumFOp, arith::MinimumFOp>(last))
      return Computation{Form::Extremum, term};
  }
  return op.emitError("this use of a destination cannot be differentiated; "
                      "expects a sum, a maximum or a minimum");
}

//===----------------------------------------------------------------------===//
// Terms that are stored or added
//===----------------------------------------------------------------------===//

/// Marks the inputs that a nest of loops with `body` needs: those that the body
/// reads, and those without which the loops have no sizes.
static llvm::BitVector getNeededInputs(LinalgOp op, Block &body,
                                       ArrayRef<AffineMap> otherMaps) {
  llvm::BitVector needed(op.getNumDpsInputs());
  SmallVector<AffineMap> maps(otherMaps);
  auto add = [&](OpOperand *input) {
    needed.set(input->getOperandNumber());
    maps.push_back(op.getMatchingIndexingMap(input));
  };
  for (OpOperand *input : op.getDpsInputOperands())
    if (!body.getArgument(input->getOperandNumber()).use_empty())
      add(input);
  for (OpOperand *input : op.getDpsInputOperands())
    if (!needed.test(input->getOperandNumber()) &&
        !inversePermutation(concatAffineMaps(maps, op.getContext())))
      add(input);
  return needed;
}

/// The cotangent of `operand`, an input, as a linalg.generic with the body of
/// `op` and its reverse; null if it is 0.
static FailureOr<Value> createReverse(LinalgOp op, OpOperand &operand,
                                      Value term, GradientBuilder &b) {
  Region region;
  IRMapping mapping;
  op->getRegion(0).cloneInto(&region, mapping);
  Block &body = region.front();
  body.getTerminator()->erase();
  SmallVector<Operation *> operations;
  for (Operation &inner : body)
    operations.push_back(&inner);

  Value cotangent = b.getCotangent(op->getResult(0));
  Type elementType = getElementTypeOrSelf(cotangent.getType());
  Value dy = body.addArgument(elementType, op.getLoc());
  Value sum = body.addArgument(elementType, op.getLoc());
  Value element = body.getArgument(operand.getOperandNumber());
  OpBuilder builder(op.getContext());
  builder.setInsertionPointToEnd(&body);
  GradientBuilder reverse(builder, op.getLoc(), b.getOptions());
  reverse.activate(element);
  if (failed(reverse.differentiate(operations, [&] {
        reverse.accumulate(mapping.lookupOrDefault(term), dy);
      })))
    return failure();
  Value dx = reverse.getCotangent(element);
  if (!dx)
    return Value();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  bool isSum = !map.isPermutation();
  if (dx == dy && !isSum &&
      map == op.getMatchingIndexingMap(op.getDpsInitOperand(0)))
    return cotangent;
  if (isSum)
    dx = arith::AddFOp::create(reverse, sum, dx);
  linalg::YieldOp::create(reverse, dx);
  eraseUnused(body);

  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps = {
      op.getMatchingIndexingMap(op.getDpsInitOperand(0)), map};
  llvm::BitVector needed = getNeededInputs(op, body, maps);
  SmallVector<AffineMap> inputMaps;
  llvm::BitVector unneeded(body.getNumArguments());
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!needed.test(input->getOperandNumber())) {
      unneeded.set(input->getOperandNumber());
      continue;
    }
    inputs.push_back(input->get());
    inputMaps.push_back(op.getMatchingIndexingMap(input));
  }
  unneeded.set(op.getNumDpsInputs()); // The destination of `op`.
  body.eraseArguments(unneeded);
  inputs.push_back(cotangent);
  maps.insert(maps.begin(), inputMaps.begin(), inputMaps.end());

  Value init = isSum
                   ? b.createZeros(operand.get())
                   : tensor::EmptyOp::create(
                         b, tensor::getMixedSizes(b, b.getLoc(), operand.get()),
                         elementType);
  auto generic = linalg::GenericOp::create(b, init.getType(), inputs, init,
                                           maps, getSumIterators(map));
  generic.getRegion().takeBody(region);
  return generic.getResult(0);
}

//===----------------------------------------------------------------------===//
// The rules
//===----------------------------------------------------------------------===//

/// The other input of a contraction of two; null for other operations.
static OpOperand *getOtherFactor(LinalgOp op, OpOperand &operand) {
  if (!getFloatContractionBody(op))
    return nullptr;
  return op.getDpsInputOperand(1 - operand.getOperandNumber());
}

static LogicalResult differentiateLinalg(LinalgOp op, GradientBuilder &b) {
  FailureOr<Computation> computation = getComputation(op);
  if (failed(computation))
    return failure();
  for (Value value : getReadValues(op))
    if (b.isActive(value) && !isa<RankedTensorType>(value.getType()))
      return op.emitError("a scalar operand cannot be differentiated; expects "
                          "a tensor of rank 0");
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value table : captured)
    if (b.isActive(table) &&
        failed(differentiateLookup(op, table, computation->term, b)))
      return failure();
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!b.isActive(input->get()))
      continue;
    FailureOr<Value> dx = Value();
    OpOperand *other = getOtherFactor(op, *input);
    if (computation->form == Form::Extremum)
      dx = createShares(op, computation->term, b);
    else if (other)
      dx = createMatmul(op, *input, *other, b);
    if (succeeded(dx) && !*dx)
      dx = createReverse(op, *input, computation->term, b);
    if (failed(dx))
      return failure();
    b.accumulate(input->get(), *dx);
  }
  if (computation->form == Form::Add)
    b.accumulate(op.getDpsInits()[0], b.getCotangent(op->getResult(0)));
  return success();
}

/// The opposite transposition.
static void differentiateTranspose(linalg::TransposeOp op, GradientBuilder &b) {
  b.accumulate(op.getInput(), [&]() -> Value {
    Value dy = b.getCotangent(op->getResult(0));
    Value init = tensor::EmptyOp::create(
        b, tensor::getMixedSizes(b, b.getLoc(), op.getInput()),
        getElementTypeOrSelf(dy.getType()));
    return linalg::TransposeOp::create(
               b, dy, init, invertPermutationVector(op.getPermutation()))
        ->getResult(0);
  });
}

template <class Op>
static LogicalResult differentiateNamed(Op op, GradientBuilder &b) {
  return differentiateLinalg(op, b);
}

template <class... Ops>
static void attachLinalgRules(MLIRContext *context) {
  attachRules<differentiateNamed<Ops>...>(context);
}

void quantc::addStructuredRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    attachRules<differentiateTranspose>(context);
    attachLinalgRules<
        linalg::AbsOp, linalg::AddOp, linalg::BatchMatmulOp,
        linalg::BroadcastOp, linalg::ContractOp, linalg::Conv1DNcwFcwOp,
        linalg::Conv2DNchwFchwOp, linalg::Conv2DNhwcHwcfOp, linalg::CopyOp,
        linalg::DivOp, linalg::ElementwiseOp, linalg::ErfOp, linalg::ExpOp,
        linalg::FillOp, linalg::GenericOp, linalg::LogOp, linalg::MatmulOp,
        linalg::MaxOp, linalg::MinOp, linalg::MulOp, linalg::NegFOp,
        linalg::PowFOp, linalg::ReciprocalOp, linalg::ReduceOp, linalg::RsqrtOp,
        linalg::SelectOp, linalg::SqrtOp, linalg::SquareOp, linalg::SubOp,
        linalg::TanhOp>(context);
  });
}
