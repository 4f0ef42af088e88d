//===- LinalgOps.cpp - The linalg dialect in the interpreter --------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every structured operation is the same loop nest: for each point of the
// iteration space, in lexicographic order, load the operands through their
// indexing maps, run the body, store what it yields. Reductions therefore go
// upwards. One body is special: a float contraction fuses its multiply and add
// (float_linear_a1).
//
//===----------------------------------------------------------------------===//

#include "Frame.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Numerics/Epilogues.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;
using numerics::Evaluate;

namespace {

/// Which element of an operand each point of the iteration space accesses.
class Access {
public:
  Access() = default;
  Access(AffineMap map, ArrayRef<int64_t> shape)
      : map(map), shape(shape), strides(map.getNumDims(), 0) {
    // A linear map is known from its values at the origin and one step along
    // each dimension.
    isLinear = llvm::none_of(map.getResults(), [](AffineExpr expr) {
      return expr
          .walk([](AffineExpr part) {
            switch (part.getKind()) {
            case AffineExprKind::FloorDiv:
            case AffineExprKind::CeilDiv:
            case AffineExprKind::Mod:
              return WalkResult::interrupt();
            default:
              return WalkResult::advance();
            }
          })
          .wasInterrupted();
    });
    if (!isLinear)
      return;
    SmallVector<int64_t> point(map.getNumDims(), 0);
    base = getPosition(map.compose(point), shape);
    for (unsigned dim = 0; dim < map.getNumDims(); ++dim) {
      point[dim] = 1;
      strides[dim] = getPosition(map.compose(point), shape) - base;
      point[dim] = 0;
    }
  }

  int64_t getOffset(ArrayRef<int64_t> point) const {
    if (!isLinear)
      return getPosition(map.compose(point), shape);
    int64_t offset = base;
    for (size_t dim = 0; dim < point.size(); ++dim)
      offset += point[dim] * strides[dim];
    return offset;
  }

  /// Whether all points of the box `sizes` access elements. The extremes of a
  /// linear function lie at corners, for each dimension of its own.
  bool isInBounds(ArrayRef<int64_t> sizes) const {
    if (llvm::is_contained(sizes, 0))
      return true;
    if (!isLinear)
      return succeeded(forEachPoint(sizes, [&](ArrayRef<int64_t> point) {
        return success(isInside(map.compose(point), shape));
      }));
    SmallVector<int64_t> origin(sizes.size(), 0);
    SmallVector<int64_t, 4> first = map.compose(origin);
    SmallVector<int64_t, 4> low = first, high = first;
    for (size_t dim = 0; dim < sizes.size(); ++dim) {
      SmallVector<int64_t> corner = origin;
      corner[dim] = sizes[dim] - 1;
      for (auto [i, value] : llvm::enumerate(map.compose(corner)))
        (value < first[i] ? low[i] : high[i]) += value - first[i];
    }
    return isInside(low, shape) && isInside(high, shape);
  }

private:
  AffineMap map;
  SmallVector<int64_t> shape;
  SmallVector<int64_t> strides;
  int64_t base = 0;
  bool isLinear = true;
};

/// An operand of the operation: a tensor with its access, or a scalar.
struct Operand {
  const HostTensor *tensor = nullptr;
  Scalar scalar{};
  Access access;

  Scalar loadAt(ArrayRef<int64_t> point) const {
    return tensor ? load(*tensor, access.getOffset(point)) : scalar;
  }
};

} // namespace

/// out = fma(x, y, out) at each point.
static void runContraction(ArrayRef<Operand> operands, HostTensor &result,
                           ArrayRef<int64_t> sizes) {
  Evaluate a;
  const float *x = operands[0].tensor->values<float>().data();
  const float *y = operands[1].tensor->values<float>().data();
  float *out = result.values<float>().data();
  (void)forEachPoint(sizes, [&](ArrayRef<int64_t> point) {
    float &sum = out[operands[2].access.getOffset(point)];
    sum = numerics::addFloatElement(a, sum,
                                    x[operands[0].access.getOffset(point)],
                                    y[operands[1].access.getOffset(point)]);
    return success();
  });
}

static LogicalResult runBody(linalg::LinalgOp op, ArrayRef<Operand> operands,
                             MutableArrayRef<HostTensor> results,
                             ArrayRef<int64_t> sizes, Frame &frame) {
  Block &body = *op.getBlock();
  const Steps *steps = frame.getSteps(body);
  if (!steps)
    return failure();
  // A body need not take every operand.
  SmallVector<unsigned> arguments = frame.getSlots(body.getArguments());
  SmallVector<unsigned> yields =
      frame.getSlots(body.getTerminator()->getOperands());
  ArrayRef<Operand> outs = operands.take_back(results.size());
  ArrayRef<int64_t> outerPoint = frame.point;
  LogicalResult status = forEachPoint(sizes, [&](ArrayRef<int64_t> point) {
    frame.point = point;
    for (auto [slot, operand] : llvm::zip_first(arguments, operands))
      frame.setScalar(slot, operand.loadAt(point));
    if (failed(frame.run(*steps)))
      return failure();
    for (auto [slot, out, result] : llvm::zip_equal(yields, outs, results))
      store(result, out.access.getOffset(point), frame.getScalar(slot));
    return success();
  });
  frame.point = outerPoint;
  return status;
}

/// The sizes of the loops, from the shapes of the operands.
static FailureOr<SmallVector<int64_t>> getLoopSizes(linalg::LinalgOp op,
                                                    Frame &frame) {
  SmallVector<int64_t> sizes(op.getNumLoops(), -1);
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    ArrayRef<int64_t> shape = frame.getTensor(operand.get()).shape;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [expr, size] : llvm::zip_equal(map.getResults(), shape)) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        continue;
      int64_t &loop = sizes[dim.getPosition()];
      if (loop >= 0 && loop != size)
        return op.emitOpError("expects operands that agree in dimension ")
               << dim.getPosition() << ", got " << loop << " and " << size;
      loop = size;
    }
  }
  // Loops that only occur inside of expressions.
  if (llvm::is_contained(sizes, -1)) {
    SmallVector<int64_t> shapes;
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        llvm::append_range(shapes, frame.getTensor(operand).shape);
    AffineMap shapesToLoops = op.getShapesToLoopsMap();
    if (!shapesToLoops)
      return op.emitOpError("has loops without a size");
    SmallVector<int64_t, 4> all = shapesToLoops.compose(shapes);
    for (auto [size, known] : llvm::zip_equal(all, sizes))
      if (known < 0)
        known = std::max<int64_t>(size, 0);
  }
  return sizes;
}

LogicalResult reference::runStructured(Operation *operation, Frame &frame) {
  auto op = cast<linalg::LinalgOp>(operation);
  if (!op.hasPureTensorSemantics())
    return op.emitOpError("expects tensors");
  FailureOr<SmallVector<int64_t>> sizes = getLoopSizes(op, frame);
  if (failed(sizes))
    return failure();

  std::vector<HostTensor> results;
  for (Value init : op.getDpsInits())
    results.push_back(frame.takeTensor(init, op));
  SmallVector<Operand> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    Operand &next = operands.emplace_back();
    unsigned index = operand.getOperandNumber();
    if (op.isDpsInit(&operand))
      next.tensor = &results[index - op.getNumDpsInputs()];
    else if (isa<RankedTensorType>(operand.get().getType()))
      next.tensor = &frame.getTensor(operand.get());
    else
      next.scalar = frame.getScalar(operand.get());
    if (!next.tensor)
      continue;
    next.access =
        Access(op.getMatchingIndexingMap(&operand), next.tensor->shape);
    if (!next.access.isInBounds(*sizes))
      return op.emitOpError("accesses elements outside of operand ") << index;
  }

  if (getFloatContractionBody(op))
    runContraction(operands, results.front(), *sizes);
  else if (failed(runBody(op, operands, results, *sizes, frame)))
    return failure();
  for (auto [result, tensor] : llvm::zip_equal(op->getResults(), results))
    frame.set(result, std::move(tensor));
  return success();
}

static LogicalResult runIndex(linalg::IndexOp op, Frame &frame) {
  Scalar index;
  index.integer = frame.point[op.getDim()];
  frame.set(op.getResult(), index);
  return success();
}

void reference::addLinalgOps(OpTable &table) {
  table.add<linalg::IndexOp>(runIndex);
  table.addTerminators<linalg::YieldOp>();
}
