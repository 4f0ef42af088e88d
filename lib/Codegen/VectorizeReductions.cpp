//===- VectorizeReductions.cpp - Sums and extrema of rows -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reductions along the last loop, side by side in the lanes of vectors: lanes
// are elements of a row where any order gives the same bits, and rows where the
// order counts. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "RowReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_VECTORIZEREDUCTIONSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// The most elements of a row that are taken at a time, or registers of them if
/// that is more: enough that no combination waits for the one before.
static constexpr int64_t kMostLanes = 32;
static constexpr int64_t kMostRegisters = 4;

/// Rows that are reduced side by side where they do not fill a register.
static constexpr int64_t kFewRows = 4;

namespace {

/// Emits loops for one reduction.
class ReductionEmitter {
public:
  ReductionEmitter(RowReduction &reduction, PatternRewriter &rewriter)
      : reduction(reduction), b(rewriter), loc(reduction.op.getLoc()) {}

  /// Whether `reduceElements` has a form of this reduction.
  LogicalResult checkElements();
  /// Each row by itself, its elements in lanes of registers of `width`.
  void reduceElements(int64_t width);

  /// Whether `reduceRows` has a form of this reduction in blocks of `lanes`.
  LogicalResult checkRows(int64_t lanes);
  /// Blocks of `lanes` rows, a row in each lane; what is left in smaller ones.
  void reduceRows(int64_t lanes);

private:
  using Body = llvm::function_ref<void(ValueRange)>;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value addIndex(Value x, int64_t offset) {
    return offset == 0 ? x : arith::AddIOp::create(b, loc, x, index(offset));
  }
  /// The number of iterations of `loop`.
  Value getRange(unsigned loop);
  /// Loops over the first `number` loops around `body`.
  void forEach(unsigned number, Body body);
  /// `value - value % step`.
  Value roundDown(Value value, int64_t step);

  /// Where `operand` has its element in the iteration `point`.
  SmallVector<Value> getIndices(OpOperand &operand, ValueRange point);
  Value load(OpOperand &operand, ValueRange point) {
    return memref::LoadOp::create(b, loc, operand.get(),
                                  getIndices(operand, point));
  }
  Value loadVector(OpOperand &operand, ValueRange point, int64_t lanes);
  /// The elements of `lanes` iterations from `point` on, along the last loop.
  IRMapping loadAlongRow(ValueRange point, int64_t lanes);
  /// The elements of `rows` iterations from `point` on, along the row loop.
  IRMapping loadAcrossRows(ValueRange point, int64_t rows);

  /// Copies `op` for vectors of `lanes`; 0 for scalars.
  void copy(Operation *op, IRMapping &mapping, int64_t lanes);
  /// Maps the terms to what they are in the iterations of `mapping`.
  void prepare(IRMapping &mapping, int64_t lanes);
  /// The accumulator after `mapping`'s terms.
  Value combine(Accumulator &accumulator, Value value, IRMapping &mapping,
                int64_t lanes);
  /// The accumulator after `term`, its only one.
  Value combineTerm(Accumulator &accumulator, Value value, Value term,
                    int64_t lanes);
  SmallVector<Value> combineAll(ValueRange values, IRMapping &mapping,
                                int64_t lanes);

  Value slice(Value value, int64_t offset, int64_t lanes) {
    return vector::ExtractStridedSliceOp::create(b, loc, value, {offset},
                                                 {lanes}, {1});
  }
  void reduceRow(ValueRange row, int64_t mostLanes);
  SmallVector<Value> halve(ValueRange values, int64_t lanes);
  void reduceBlock(ValueRange firstRow, int64_t rows);
  SmallVector<Value> reduceSquare(ValueRange point, ValueRange values,
                                  int64_t rows);

  RowReduction &reduction;
  PatternRewriter &b;
  Location loc;
};

} // namespace

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

Value ReductionEmitter::getRange(unsigned loop) {
  linalg::GenericOp op = reduction.op;
  if (int64_t size = op.getStaticLoopRanges()[loop];
      !ShapedType::isDynamic(size))
    return index(size);
  for (OpOperand &operand : op->getOpOperands())
    for (auto [dim, expr] :
         llvm::enumerate(reduction.getMap(operand).getResults()))
      if (auto position = dyn_cast<AffineDimExpr>(expr);
          position && position.getPosition() == loop)
        return memref::DimOp::create(b, loc, operand.get(), index(dim));
  llvm_unreachable("a loop without a dimension");
}

void ReductionEmitter::forEach(unsigned number, Body body) {
  SmallVector<Value> starts(number, index(0)), steps(number, index(1)), ends;
  for (unsigned loop = 0; loop < number; ++loop)
    ends.push_back(getRange(loop));
  scf::buildLoopNest(
      b, loc, starts, ends, steps,
      [&](OpBuilder &, Location, ValueRange point) { body(point); });
}

Value ReductionEmitter::roundDown(Value value, int64_t step) {
  Value rest = arith::RemUIOp::create(b, loc, value, index(step));
  return arith::SubIOp::create(b, loc, value, rest);
}

SmallVector<Value> ReductionEmitter::getIndices(OpOperand &operand,
                                                ValueRange point) {
  SmallVector<Value> indices;
  for (AffineExpr expr : reduction.getMap(operand).getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      indices.push_back(point[dim.getPosition()]);
    else
      indices.push_back(index(cast<AffineConstantExpr>(expr).getValue()));
  }
  return indices;
}

Value ReductionEmitter::loadVector(OpOperand &operand, ValueRange point,
                                   int64_t lanes) {
  auto element = cast<MemRefType>(operand.get().getType()).getElementType();
  return vector::LoadOp::create(b, loc, VectorType::get(lanes, element),
                                operand.get(), getIndices(operand, point));
}

IRMapping ReductionEmitter::loadAlongRow(ValueRange point, int64_t lanes) {
  IRMapping mapping;
  for (OpOperand *input : reduction.op.getDpsInputOperands())
    mapping.map(reduction.body()->getArgument(input->getOperandNumber()),
                lanes != 0 && reduction.isAlongRow(*input)
                    ? loadVector(*input, point, lanes)
                    : load(*input, point));
  return mapping;
}

IRMapping ReductionEmitter::loadAcrossRows(ValueRange point, int64_t rows) {
  IRMapping mapping;
  for (OpOperand *input : reduction.op.getDpsInputOperands()) {
    SmallVector<Value> elements;
    SmallVector<Value> at(point);
    for (int64_t row = 0; row < rows; ++row) {
      at[reduction.rowLoop()] = addIndex(point[reduction.rowLoop()], row);
      elements.push_back(load(*input, at));
    }
    auto type = VectorType::get(rows, elements.front().getType());
    mapping.map(reduction.body()->getArgument(input->getOperandNumber()),
                vector::FromElementsOp::create(b, loc, type, elements));
  }
  return mapping;
}

void ReductionEmitter::copy(Operation *op, IRMapping &mapping, int64_t lanes) {
  if (lanes == 0 || isa<arith::ConstantOp>(op)) {
    b.clone(*op, mapping);
    return;
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value value = mapping.lookupOrDefault(operand);
    if (!isa<VectorType>(value.getType()))
      value = vector::BroadcastOp::create(
          b, loc, VectorType::get(lanes, value.getType()), value);
    operands.push_back(value);
  }
  Type type = VectorType::get(lanes, op->getResult(0).getType());
  Operation *result = b.create(op->getLoc(), op->getName().getIdentifier(),
                               operands, type, op->getAttrs());
  mapping.map(op->getResult(0), result->getResult(0));
}

void ReductionEmitter::prepare(IRMapping &mapping, int64_t lanes) {
  for (Operation *op : reduction.prepare)
    copy(op, mapping, lanes);
  if (lanes == 0)
    return;
  // An element or term that all lanes share.
  for (Accumulator &accumulator : reduction.accumulators)
    for (Value term : accumulator.terms)
      if (Value value = mapping.lookup(term); !isa<VectorType>(value.getType()))
        mapping.map(term,
                    vector::BroadcastOp::create(
                        b, loc, VectorType::get(lanes, value.getType()), value)
                        .getResult());
}

Value ReductionEmitter::combine(Accumulator &accumulator, Value value,
                                IRMapping &mapping, int64_t lanes) {
  mapping.map(accumulator.argument, value);
  for (Operation *op : accumulator.combine)
    copy(op, mapping, lanes);
  return mapping.lookup(accumulator.next);
}

Value ReductionEmitter::combineTerm(Accumulator &accumulator, Value value,
                                    Value term, int64_t lanes) {
  IRMapping mapping;
  mapping.map(accumulator.terms.front(), term);
  return combine(accumulator, value, mapping, lanes);
}

SmallVector<Value> ReductionEmitter::combineAll(ValueRange values,
                                                IRMapping &mapping,
                                                int64_t lanes) {
  SmallVector<Value> next;
  for (auto [accumulator, value] :
       llvm::zip_equal(reduction.accumulators, values))
    next.push_back(combine(accumulator, value, mapping, lanes));
  return next;
}

//===----------------------------------------------------------------------===//
// Lanes are elements
//===----------------------------------------------------------------------===//

LogicalResult ReductionEmitter::checkElements() {
  int64_t length = reduction.op.getStaticLoopRanges().back();
  if (!reduction.isAnyOrder)
    return b.notifyMatchFailure(reduction.op, "the order of elements counts");
  if (ShapedType::isDynamic(length) || length < 2)
    return b.notifyMatchFailure(reduction.op, "rows of unknown length");
  return success();
}

void ReductionEmitter::reduceElements(int64_t width) {
  int64_t mostLanes = std::max(kMostLanes, kMostRegisters * width);
  forEach(reduction.lastLoop(),
          [&](ValueRange row) { reduceRow(row, mostLanes); });
}

/// The upper half of the lanes is what the lower half takes as terms.
SmallVector<Value> ReductionEmitter::halve(ValueRange values, int64_t lanes) {
  SmallVector<Value> next;
  for (auto [accumulator, value] :
       llvm::zip_equal(reduction.accumulators, values)) {
    Value lower = slice(value, 0, lanes), upper = slice(value, lanes, lanes);
    next.push_back(combineTerm(accumulator, lower, upper, lanes));
  }
  return next;
}

/// The first terms are the accumulators of a block of lanes, which all further
/// whole blocks join. Then the lanes are halved until one is left, and what is
/// left of the row joins where it has as many elements as there are lanes.
void ReductionEmitter::reduceRow(ValueRange row, int64_t mostLanes) {
  int64_t length = reduction.op.getStaticLoopRanges().back();
  int64_t lanes =
      std::min<int64_t>(llvm::bit_floor<uint64_t>(length), mostLanes);
  int64_t end = length - length % lanes;
  auto at = [&](Value k) {
    SmallVector<Value> point(row);
    point.push_back(k);
    return point;
  };
  IRMapping first = loadAlongRow(at(index(0)), lanes);
  prepare(first, lanes);
  SmallVector<Value> values;
  for (Accumulator &accumulator : reduction.accumulators)
    values.push_back(first.lookup(accumulator.terms.front()));
  if (end > lanes) {
    auto loop = scf::ForOp::create(
        b, loc, index(lanes), index(end), index(lanes), values,
        [&](OpBuilder &, Location, Value k, ValueRange carried) {
          IRMapping terms = loadAlongRow(at(k), lanes);
          prepare(terms, lanes);
          scf::YieldOp::create(b, loc, combineAll(carried, terms, lanes));
        });
    values = llvm::to_vector_of<Value>(loop.getResults());
  }
  while (lanes > 1) {
    lanes /= 2;
    values = halve(values, lanes);
    if (length - end < lanes)
      continue;
    IRMapping terms = loadAlongRow(at(index(end)), lanes);
    prepare(terms, lanes);
    values = combineAll(values, terms, lanes);
    end += lanes;
  }
  SmallVector<Value> point = at(index(0));
  for (auto [accumulator, value, output] : llvm::zip_equal(
           reduction.accumulators, values, reduction.op.getDpsInitsMutable())) {
    Value total = vector::ExtractOp::create(b, loc, value, 0);
    Value result =
        combineTerm(accumulator, load(output, point), total, /*lanes=*/0);
    memref::StoreOp::create(b, loc, result, output.get(),
                            getIndices(output, point));
  }
}

//===----------------------------------------------------------------------===//
// Lanes are rows
//===----------------------------------------------------------------------===//

LogicalResult ReductionEmitter::checkRows(int64_t lanes) {
  linalg::GenericOp op = reduction.op;
  if (op.getNumReductionLoops() != 1)
    return b.notifyMatchFailure(op, "several loops reduce");
  if (op.getNumLoops() < 2 || lanes < kFewRows)
    return b.notifyMatchFailure(op, "there are no rows, or no lanes for them");
  int64_t rows = op.getStaticLoopRanges()[reduction.rowLoop()];
  if (!ShapedType::isDynamic(rows) && rows < kFewRows)
    return b.notifyMatchFailure(op, "there are few rows");
  for (OpOperand &output : op.getDpsInitsMutable()) {
    AffineMap map = reduction.getMap(output);
    AffineExpr row = b.getAffineDimExpr(reduction.rowLoop());
    if (map.getNumResults() == 0 || map.getResults().back() != row ||
        !isProjection(map, reduction.rowLoop()) || !isContiguous(output.get()))
      return b.notifyMatchFailure(op, "results are not contiguous");
  }
  return success();
}

void ReductionEmitter::reduceRows(int64_t lanes) {
  forEach(reduction.rowLoop(), [&](ValueRange outer) {
    Value end = getRange(reduction.rowLoop()), start = index(0);
    auto sizes = lanes == kFewRows ? SmallVector<int64_t>{lanes, 1}
                                   : SmallVector<int64_t>{lanes, kFewRows, 1};
    for (int64_t rows : sizes) {
      Value last = roundDown(end, rows);
      scf::ForOp::create(b, loc, start, last, index(rows), ValueRange(),
                         [&](OpBuilder &, Location, Value row, ValueRange) {
                           SmallVector<Value> point(outer);
                           point.push_back(row);
                           reduceBlock(point, rows);
                           scf::YieldOp::create(b, loc);
                         });
      start = last;
    }
  });
}

/// `rows` elements of each of `rows` rows, transposed, so that the terms of all
/// rows are combined one after the other.
SmallVector<Value> ReductionEmitter::reduceSquare(ValueRange point,
                                                  ValueRange values,
                                                  int64_t rows) {
  llvm::SmallSetVector<Value, 2> terms;
  for (Accumulator &accumulator : reduction.accumulators)
    terms.insert_range(accumulator.terms);
  SmallVector<Value> squares;
  for (Value term : terms)
    squares.push_back(arith::ConstantOp::create(
        b, loc, b.getZeroAttr(VectorType::get({rows, rows}, term.getType()))));
  for (int64_t row = 0; row < rows; ++row) {
    SmallVector<Value> at(point);
    at[reduction.rowLoop()] = addIndex(point[reduction.rowLoop()], row);
    IRMapping mapping = loadAlongRow(at, rows);
    prepare(mapping, rows);
    for (auto [term, square] : llvm::zip_equal(terms, squares))
      square =
          vector::InsertOp::create(b, loc, mapping.lookup(term), square, row);
  }
  for (Value &square : squares)
    square =
        vector::TransposeOp::create(b, loc, square, ArrayRef<int64_t>{1, 0});
  SmallVector<Value> next(values);
  for (int64_t k = 0; k < rows; ++k) {
    IRMapping mapping;
    for (auto [term, square] : llvm::zip_equal(terms, squares))
      mapping.map(term,
                  vector::ExtractOp::create(b, loc, square, k).getResult());
    next = combineAll(next, mapping, rows);
  }
  return next;
}

/// Squares as long as there are some, then element by element.
void ReductionEmitter::reduceBlock(ValueRange firstRow, int64_t rows) {
  Value length = getRange(reduction.lastLoop());
  auto at = [&](Value k) {
    SmallVector<Value> point(firstRow);
    point.push_back(k);
    return point;
  };
  SmallVector<Value> first = at(index(0));
  SmallVector<Value> values;
  for (OpOperand &output : reduction.op.getDpsInitsMutable())
    values.push_back(loadVector(output, first, rows));
  Value end = rows == 1 ? index(0) : roundDown(length, rows);
  if (rows != 1) {
    auto squares = scf::ForOp::create(
        b, loc, index(0), end, index(rows), values,
        [&](OpBuilder &, Location, Value k, ValueRange carried) {
          scf::YieldOp::create(b, loc, reduceSquare(at(k), carried, rows));
        });
    values = llvm::to_vector_of<Value>(squares.getResults());
  }
  auto rest = scf::ForOp::create(
      b, loc, end, length, index(1), values,
      [&](OpBuilder &, Location, Value k, ValueRange carried) {
        IRMapping mapping = loadAcrossRows(at(k), rows);
        prepare(mapping, rows);
        scf::YieldOp::create(b, loc, combineAll(carried, mapping, rows));
      });
  for (auto [value, output] :
       llvm::zip_equal(rest.getResults(), reduction.op.getDpsInitsMutable()))
    vector::StoreOp::create(b, loc, value, output.get(),
                            getIndices(output, first));
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct VectorizeReduction : OpRewritePattern<linalg::GenericOp> {
  VectorizeReduction(MLIRContext *context, int64_t lanes, int64_t width)
      : OpRewritePattern(context), lanes(lanes), width(width) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<RowReduction> reduction = matchReduction(op, rewriter);
    if (failed(reduction))
      return failure();
    ReductionEmitter emitter(*reduction, rewriter);
    if (succeeded(emitter.checkElements()))
      emitter.reduceElements(width);
    else if (succeeded(emitter.checkRows(lanes)))
      emitter.reduceRows(lanes);
    else
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  int64_t lanes;
  int64_t width;
};

struct VectorizeReductions
    : quantc::impl::VectorizeReductionsPassBase<VectorizeReductions> {
  void runOnOperation() override {
    TargetSpec target = getTarget(getOperation());
    int64_t lanes = selectDotInstruction(target).columns;
    int64_t width = selectVectorUnit(target).accumulators.columns;
    RewritePatternSet patterns(&getContext());
    patterns.add<VectorizeReduction>(&getContext(), lanes, width);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
