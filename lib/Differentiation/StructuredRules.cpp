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
#include "quantc/Conversion/Generic.h"
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
// Contractions
//===----------------------------------------------------------------------===//

/// The cotangent of `operand`, a factor of the contraction `op`, as a
/// linalg.matmul or linalg.batch_matmul of the cotangent of the result and of
/// `other`. Null if it is neither.
static Value createMatmul(LinalgOp op, OpOperand &operand, OpOperand &other,
                          GradientBuilder &b) {
  unsigned numLoops = op.getNumLoops();
  if (numLoops != 3 && numLoops != 4)
    return {};
  unsigned batchRank = numLoops - 3;
  std::pair<Value, AffineMap> lhs = {
      b.getCotangent(op->getResult(0)),
      op.getMatchingIndexingMap(op.getDpsInitOperand(0))};
  std::pair<Value, AffineMap> rhs = {other.get(),
                                     op.getMatchingIndexingMap(&other)};
  AffineMap result = op.getMatchingIndexingMap(&operand);
  for (AffineMap map : {lhs.second, rhs.second, result})
    if (map.getNumResults() != numLoops - 1 || !map.isProjectedPermutation() ||
        (batchRank && map.getDimPosition(0) != result.getDimPosition(0)))
      return {};
  unsigned m = result.getDimPosition(batchRank);
  unsigned n = result.getDimPosition(batchRank + 1);
  if (!lhs.second.isFunctionOfDim(m))
    std::swap(lhs, rhs);
  if (lhs.second.isFunctionOfDim(n) || rhs.second.isFunctionOfDim(m))
    return {};

  // The loops in the order of the named operations: batch, m, n, k.
  unsigned next = numLoops - 1;
  SmallVector<AffineExpr> loops;
  for (unsigned loop = 0; loop < numLoops; ++loop) {
    bool isBatch = batchRank && loop == result.getDimPosition(0);
    loops.push_back(b.getAffineDimExpr(isBatch     ? 0
                                       : loop == m ? batchRank
                                       : loop == n ? batchRank + 1
                                                   : next));
  }
  SmallVector<AffineMap> maps;
  for (AffineMap map : {lhs.second, rhs.second, result})
    maps.push_back(map.replaceDimsAndSymbols(loops, {}, numLoops, 0));
  return batchRank ? createProduct<linalg::BatchMatmulOp>(
                         b, lhs.first, rhs.first, operand.get(), maps)
                   : createProduct<linalg::MatmulOp>(b, lhs.first, rhs.first,
                                                     operand.get(), maps);
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
// Maximum and minimum
//===----------------------------------------------------------------------===//

/// The cotangent of the input of a maximum or minimum: that of the result, in
/// equal shares to the elements that are equal to it.
static FailureOr<Value> createShares(LinalgOp op, Value term,
                                     GradientBuilder &b) {
  OpOperand *input = op.getDpsInputOperand(0);
  OpOperand *destination = op.getDpsInitOperand(0);
  AffineMap map = op.getMatchingIndexingMap(input);
  if (op.getNumDpsInputs() != 1 || term != op.getMatchingBlockArgument(input) ||
      !map.isPermutation() || b.isActive(destination->get()))
    return op.emitError("this maximum or minimum cannot be differentiated; "
                        "expects one of the elements of a tensor");
  AffineMap outMap = op.getMatchingIndexingMap(destination);
  Value x = input->get(), y = op->getResult(0);
  auto isExtreme = [](Emit &a, ValueRange elements) {
    return a.equal(elements[0], elements[1]);
  };
  Value count =
      createGeneric(b, b.getLoc(), {x, y}, b.createZeros(y),
                    {map, outMap, outMap}, getSumIterators(outMap),
                    [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                      Value one = a.constant(1), none = a.constant(0);
                      Value next = a.select(isExtreme(a, elements), one, none);
                      return {a.add(elements[2], next)};
                    })
          .front();
  Value share = arith::DivFOp::create(b, b.getCotangent(y), count);
  Value empty = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), x), b.getF32Type());
  return createGeneric(
             b, b.getLoc(), {x, y, share}, empty, {map, outMap, outMap, map},
             getSumIterators(map),
             [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
               Value none = a.constant(0);
               return {a.select(isExtreme(a, elements), elements[2], none)};
             })
      .front();
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
  for (Value value : getReadValues(op)) {
    if (!b.isActive(value))
      continue;
    if (!isa<RankedTensorType>(value.getType()))
      return op.emitError("a scalar operand cannot be differentiated; expects "
                          "a tensor of rank 0");
    if (!llvm::is_contained(op->getOperands(), value) &&
        failed(differentiateLookup(op, value, computation->term, b)))
      return failure();
  }
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
    attachLinalgRules<linalg::AddOp, linalg::BatchMatmulOp, linalg::BroadcastOp,
                      linalg::Conv1DNcwFcwOp, linalg::Conv2DNchwFchwOp,
                      linalg::CopyOp, linalg::DivOp, linalg::ExpOp,
                      linalg::FillOp, linalg::GenericOp, linalg::MatmulOp,
                      linalg::MulOp, linalg::ReduceOp, linalg::SubOp>(context);
  });
}
