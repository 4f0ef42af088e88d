//===- PackContraction.cpp - Products of matrices in panels ---------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product of f32 matrices that are both known only at run time, as training
// has them, in loops m (row), n (column) and k:
//
//   panel[0, k, n] = rhs[k, n] or rhs[n, k]
//   acc[m, n] = fma(lhs[m, k] or lhs[k, m], panel[0, k, n], acc)  k ascending
//
// where rhs is not read in place. The panel is a tensor of the size of rhs
// here; tiling makes of it one buffer of [1, K, NR] that is filled once for all
// rows. A long lhs[k, m] is transposed as a whole first.
//
//===----------------------------------------------------------------------===//

#include "PackPatterns.h"
#include "PackedBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Numerics/Epilogues.h"

#include <limits>

using namespace mlir;
using namespace quantc;

namespace {

/// A matrix in memory: rows by columns, or columns by rows.
struct Matrix {
  Value tensor;
  bool isTransposed;
};

/// result[b..., m, n] = init[b..., m, n] + sum_k lhs * rhs, where operands may
/// have their dimensions in any order. Columns are the last dimension of the
/// result. Further rows and columns are part of the batch, which an operand
/// that does not have them is broadcast along.
struct Contraction {
  linalg::LinalgOp op;
  SmallVector<unsigned, 2> batch;
  unsigned m, n, k;
  /// Their numbers as operands of `op`.
  unsigned lhs = 0, rhs = 1;

  AffineMap getMap(unsigned operand) {
    return op.getIndexingMapsArray()[operand];
  }
  /// Whether `operand` has its dimension `second` before its dimension `first`.
  bool isTransposed(unsigned operand, unsigned first, unsigned second) {
    auto position = [&](unsigned loop) {
      return *getMap(operand).getResultPosition(
          getAffineDimExpr(loop, op.getContext()));
    };
    return position(second) < position(first);
  }
};

} // namespace

/// The one of `loops` with the most iterations; a dynamic number counts as
/// many.
static unsigned getLongest(ArrayRef<unsigned> loops, ArrayRef<int64_t> ranges) {
  return *llvm::max_element(loops, [&](unsigned first, unsigned second) {
    auto count = [&](unsigned loop) {
      return ShapedType::isDynamic(ranges[loop])
                 ? std::numeric_limits<int64_t>::max()
                 : ranges[loop];
    };
    return count(first) < count(second);
  });
}

/// Matches `op` or says why not.
static FailureOr<Contraction> matchContraction(linalg::LinalgOp op,
                                               PatternRewriter &rewriter) {
  if (!getFloatContractionBody(op) || !op.hasPureTensorSemantics())
    return rewriter.notifyMatchFailure(op, "not a contraction of f32 tensors");
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->m.empty() || dims->n.empty() || dims->k.size() != 1)
    return rewriter.notifyMatchFailure(op, "not a product of matrices");
  if (dims->batch.size() + dims->m.size() + dims->n.size() + 1 !=
          op.getNumLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return rewriter.notifyMatchFailure(op, "an operand is broadcast");
  Contraction result{op, dims->batch, 0, 0, dims->k[0]};
  AffineMap map = result.getMap(2);
  result.n = map.getDimPosition(map.getNumResults() - 1);
  ArrayRef<unsigned> rows = dims->m, columns = dims->n;
  if (llvm::is_contained(rows, result.n)) {
    std::swap(rows, columns);
    std::swap(result.lhs, result.rhs);
  }
  if (!llvm::is_contained(columns, result.n))
    return rewriter.notifyMatchFailure(op, "the columns are not contiguous");
  result.m = getLongest(rows, op.getStaticLoopRanges());
  for (unsigned loop : llvm::concat<const unsigned>(rows, columns))
    if (loop != result.m && loop != result.n)
      result.batch.push_back(loop);
  return result;
}

namespace {

class ContractionPacker : PackedBuilder {
public:
  ContractionPacker(Contraction contraction, const VectorUnit &unit,
                    PatternRewriter &rewriter)
      : PackedBuilder(rewriter, contraction.op.getLoc()),
        contraction(std::move(contraction)), unit(unit) {}

  Value lower();

private:
  /// A slice of an operand, [rows, columns] in either order.
  struct Slice {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    RankedTensorType type;
  };
  Slice getSlice(Value tensor, unsigned operand, ValueRange outer);
  Value extract(Value tensor, unsigned operand, ValueRange outer);
  Matrix getMatrix(unsigned operand, unsigned row, unsigned column,
                   ValueRange outer);
  Value multiply(Matrix lhs, Matrix rhs, Value init);
  Value createPanel(Matrix rhs);
  bool isWorthTransposing(Matrix lhs, int64_t numColumns);
  Value createTransposed(Value lhs);
  Value createStart(Value init);

  Contraction contraction;
  const VectorUnit &unit;
  /// The loops around products of matrices: the batch, then blocks of K.
  SmallVector<unsigned> outerLoops;
  int64_t depthBlock = 0;
  /// Whether the sum starts from 0 in each product.
  bool startsFromZero = false;
};

} // namespace

/// What the iteration `outer` of the outer loops reads of an operand.
ContractionPacker::Slice
ContractionPacker::getSlice(Value tensor, unsigned operand, ValueRange outer) {
  Slice slice;
  slice.sizes = tensor::getMixedSizes(rewriter, loc, tensor);
  slice.offsets.assign(slice.sizes.size(), rewriter.getIndexAttr(0));
  slice.strides.assign(slice.sizes.size(), rewriter.getIndexAttr(1));
  SmallVector<int64_t> shape;
  ArrayRef<int64_t> full = cast<ShapedType>(tensor.getType()).getShape();
  for (auto [dim, expr] :
       llvm::enumerate(contraction.getMap(operand).getResults())) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    auto *position = llvm::find(outerLoops, loop);
    if (position == outerLoops.end()) {
      shape.push_back(full[dim]);
      continue;
    }
    slice.offsets[dim] = outer[position - outerLoops.begin()];
    slice.sizes[dim] =
        rewriter.getIndexAttr(loop == contraction.k ? depthBlock : 1);
    if (loop == contraction.k)
      shape.push_back(depthBlock);
  }
  slice.type = RankedTensorType::get(shape, rewriter.getF32Type());
  return slice;
}

Value ContractionPacker::extract(Value tensor, unsigned operand,
                                 ValueRange outer) {
  Slice slice = getSlice(tensor, operand, outer);
  if (slice.type == tensor.getType())
    return tensor;
  return tensor::ExtractSliceOp::create(rewriter, loc, slice.type, tensor,
                                        slice.offsets, slice.sizes,
                                        slice.strides);
}

Matrix ContractionPacker::getMatrix(unsigned operand, unsigned row,
                                    unsigned column, ValueRange outer) {
  return {extract(contraction.op->getOperand(operand), operand, outer),
          contraction.isTransposed(operand, row, column)};
}

/// The values of rhs in the order [1, K, N]. The unit dimension tells a copy
/// from the identity, which would be folded.
Value ContractionPacker::createPanel(Matrix rhs) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, rhs.tensor);
  if (rhs.isTransposed)
    std::swap(sizes[0], sizes[1]);
  // Squares are transposed in registers, rows copied.
  bool isSquare = rhs.isTransposed && getConstantIntValue(sizes[0]);
  int64_t lanes = unit.accumulators.columns;
  Loops loops(rewriter.getContext());
  AffineExpr panel = loops.parallel();
  AffineExpr k = loops.parallel(isSquare ? lanes : 1);
  AffineExpr n = loops.parallel(isSquare ? lanes : 0);
  sizes.insert(sizes.begin(), rewriter.getIndexAttr(1));
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
  AffineMap source = rhs.isTransposed ? loops.map({n, k}) : loops.map({k, n});
  Value result = createGeneric(
      loops, rhs.tensor, empty, {source, loops.map({panel, k, n})},
      [](Emit &, ValueRange elements) -> SmallVector<Value> {
        return {elements[0]};
      });
  result.getDefiningOp()->setAttr(kPerPanelAttr, rewriter.getUnitAttr());
  return result;
}

/// The least bytes between two k of a column of lhs[k, m] that are too many: a
/// page. Each k has an entry of the address translation to itself then, and if
/// they are a power of two, all of them share a few sets of the caches.
static constexpr int64_t kFarApart = 4096;

/// Whether lhs, of which each panel of columns reads the whole, is to be
/// transposed once for all of them.
bool ContractionPacker::isWorthTransposing(Matrix lhs, int64_t numColumns) {
  auto type = cast<RankedTensorType>(lhs.tensor.getType());
  return lhs.isTransposed && type.hasStaticShape() &&
         type.getDimSize(1) * static_cast<int64_t>(sizeof(float)) >=
             kFarApart &&
         numColumns > 2 * block.columns;
}

/// [K, M] -> [M, K], by squares that are transposed in registers.
Value ContractionPacker::createTransposed(Value lhs) {
  auto type = cast<RankedTensorType>(lhs.getType());
  int64_t lanes = unit.accumulators.columns;
  Loops loops(rewriter.getContext());
  AffineExpr m = loops.parallel(lanes), k = loops.parallel(lanes);
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, {type.getDimSize(1), type.getDimSize(0)},
      rewriter.getF32Type());
  Value result =
      createGeneric(loops, lhs, empty, {loops.map({k, m}), loops.map({m, k})},
                    [](Emit &, ValueRange elements) -> SmallVector<Value> {
                      return {elements[0]};
                    });
  result.getDefiningOp()->setAttr(kTileRootAttr, rewriter.getUnitAttr());
  return result;
}

/// Zeros that are made where they are added to, or what there is.
Value ContractionPacker::createStart(Value init) {
  if (!startsFromZero)
    return init;
  Loops loops(rewriter.getContext());
  AffineExpr m = loops.parallel(), n = loops.parallel();
  return createGeneric(loops, {}, init, loops.map({m, n}),
                       [](Emit &a, ValueRange) -> SmallVector<Value> {
                         return {a.constant(0.0f)};
                       });
}

Value ContractionPacker::multiply(Matrix lhs, Matrix rhs, Value init) {
  int64_t numColumns = cast<RankedTensorType>(init.getType()).getDimSize(1);
  if (ShapedType::isDynamic(numColumns))
    numColumns = unit.accumulators.panel;
  block = chooseBlock(numColumns, unit.accumulators);
  bool isInPlace = !rhs.isTransposed && numColumns <= block.columns;
  Value rhsTensor = isInPlace ? rhs.tensor : createPanel(rhs);
  if (isWorthTransposing(lhs, numColumns))
    lhs = {createTransposed(lhs.tensor), /*isTransposed=*/false};

  Loops loops(rewriter.getContext());
  AffineExpr m = loops.parallel(block.rows), n = loops.parallel(block.columns);
  AffineExpr k = loops.reduction(1);
  AffineExpr panel =
      isInPlace ? AffineExpr() : rewriter.getAffineConstantExpr(0);
  return createGeneric(
      loops, {lhs.tensor, rhsTensor}, createStart(init),
      {lhs.isTransposed ? loops.map({k, m}) : loops.map({m, k}),
       loops.map({panel, k, n}), loops.map({m, n})},
      [](Emit &a, ValueRange elements) -> SmallVector<Value> {
        return {numerics::addFloatElement(a, elements[2], elements[0],
                                          elements[1])};
      });
}

Value ContractionPacker::lower() {
  Value init = contraction.op.getDpsInits().front();
  llvm::append_range(outerLoops, contraction.batch);
  // What is dynamic is negative.
  depthBlock = chooseDepthBlock(
      contraction.op.getStaticLoopRanges()[contraction.k], unit);
  if (depthBlock) {
    outerLoops.push_back(contraction.k);
  } else if (auto fill = init.getDefiningOp<linalg::FillOp>();
             fill && matchPattern(fill.value(), m_PosZeroFloat())) {
    startsFromZero = true;
    init = fill.output();
  }

  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  SmallVector<Value> starts(outerLoops.size(), constant(0)), ends, steps;
  for (unsigned loop : outerLoops) {
    auto operand = loop == contraction.k ? contraction.rhs : 2;
    unsigned dim = *contraction.getMap(operand).getResultPosition(
        rewriter.getAffineDimExpr(loop));
    ends.push_back(rewriter.createOrFold<tensor::DimOp>(
        loc, contraction.op->getOperand(operand), dim));
    steps.push_back(constant(loop == contraction.k ? depthBlock : 1));
  }
  scf::LoopNest nest = scf::buildLoopNest(
      rewriter, loc, starts, ends, steps, init,
      [&](OpBuilder &, Location, ValueRange outer,
          ValueRange results) -> scf::ValueVector {
        Value result = results.front();
        Matrix lhs =
            getMatrix(contraction.lhs, contraction.m, contraction.k, outer);
        Matrix rhs =
            getMatrix(contraction.rhs, contraction.k, contraction.n, outer);
        Value product = multiply(lhs, rhs, extract(result, 2, outer));
        if (product.getType() == result.getType())
          return {product};
        Slice slice = getSlice(result, 2, outer);
        return {tensor::InsertSliceOp::create(rewriter, loc, product, result,
                                              slice.offsets, slice.sizes,
                                              slice.strides)};
      });
  return nest.results.front();
}

namespace {
struct PackContraction : OpInterfaceRewritePattern<linalg::LinalgOp> {
  PackContraction(MLIRContext *context, const VectorUnit &unit)
      : OpInterfaceRewritePattern(context), unit(unit) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Contraction> contraction = matchContraction(op, rewriter);
    if (failed(contraction))
      return failure();
    rewriter.replaceOp(op,
                       ContractionPacker(*contraction, unit, rewriter).lower());
    return success();
  }

private:
  const VectorUnit &unit;
};
} // namespace

void quantc::populatePackContractionPatterns(RewritePatternSet &patterns,
                                             const VectorUnit &unit) {
  patterns.add<PackContraction>(patterns.getContext(), unit);
}
