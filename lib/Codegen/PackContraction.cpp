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
//   panel[0, k, n] = rhs[k, n] or rhs[n, k]        where rhs is not read in
//   place acc[m, n] = fma(lhs[m, k] or lhs[k, m], panel[0, k, n], acc)    k
//   ascending
//
// The panel is a tensor of the size of rhs here; tiling makes of it one buffer
// of [1, K, NR] that is filled once for all rows.
//
//===----------------------------------------------------------------------===//

#include "PackPatterns.h"
#include "PackedBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/IR/FloatContraction.h"
#include "quantc/Numerics/Epilogues.h"

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
/// result.
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

/// Matches `op` or says why not.
static FailureOr<Contraction> matchContraction(linalg::LinalgOp op,
                                               PatternRewriter &rewriter) {
  if (!getFloatContractionBody(op) || !op.hasPureTensorSemantics())
    return rewriter.notifyMatchFailure(op, "not a contraction of f32 tensors");
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->m.size() != 1 || dims->n.size() != 1 ||
      dims->k.size() != 1)
    return rewriter.notifyMatchFailure(op, "not a product of matrices");
  Contraction result{op, dims->batch, dims->m[0], dims->n[0], dims->k[0]};
  for (AffineMap map : op.getIndexingMapsArray())
    if (map.getNumResults() != result.batch.size() + 2)
      return rewriter.notifyMatchFailure(op, "an operand is broadcast");
  if (result.isTransposed(2, result.m, result.n)) {
    std::swap(result.m, result.n);
    std::swap(result.lhs, result.rhs);
  }
  AffineMap map = result.getMap(2);
  if (map.getDimPosition(map.getNumResults() - 1) != result.n)
    return rewriter.notifyMatchFailure(op, "the columns are not contiguous");
  return result;
}

namespace {

class ContractionPacker : PackedBuilder {
public:
  ContractionPacker(Contraction contraction, const DotInstruction &instruction,
                    PatternRewriter &rewriter)
      : PackedBuilder(rewriter, contraction.op.getLoc()),
        contraction(std::move(contraction)), instruction(instruction) {}

  Value lower();

private:
  Value lowerMatrix(Matrix lhs, Matrix rhs, Value init);
  Value createPanel(Matrix rhs);
  Value createStart(Value init);
  SmallVector<OpFoldResult> getSizes(Value tensor, AffineMap map,
                                     ValueRange batch,
                                     SmallVector<OpFoldResult> &offsets);

  Contraction contraction;
  const DotInstruction &instruction;
  bool startsFromZero = false;
};

} // namespace

/// Of a tensor read through `map`, the slice that `batch` selects.
SmallVector<OpFoldResult>
ContractionPacker::getSizes(Value tensor, AffineMap map, ValueRange batch,
                            SmallVector<OpFoldResult> &offsets) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, tensor);
  offsets.assign(sizes.size(), rewriter.getIndexAttr(0));
  for (auto [index, loop] : llvm::zip_equal(batch, contraction.batch)) {
    unsigned dim = *map.getResultPosition(rewriter.getAffineDimExpr(loop));
    offsets[dim] = index;
    sizes[dim] = rewriter.getIndexAttr(1);
  }
  return sizes;
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
  int64_t lanes = instruction.columns;
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

Value ContractionPacker::lowerMatrix(Matrix lhs, Matrix rhs, Value init) {
  int64_t numColumns = cast<RankedTensorType>(init.getType()).getDimSize(1);
  if (ShapedType::isDynamic(numColumns))
    numColumns = instruction.panel;
  block = chooseBlock(numColumns, instruction.columns, instruction.accumulators,
                      instruction.panel);
  bool isInPlace = !rhs.isTransposed && numColumns <= block.columns;
  Value rhsTensor = isInPlace ? rhs.tensor : createPanel(rhs);

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
  linalg::LinalgOp op = contraction.op;
  Value init = op.getDpsInits().front();
  auto fill = init.getDefiningOp<linalg::FillOp>();
  startsFromZero = fill && matchPattern(fill.value(), m_PosZeroFloat());
  if (startsFromZero)
    init = fill.output();

  // The matrices that `batch` selects.
  auto slice = [&](Value tensor, unsigned operand, ValueRange batch) -> Value {
    if (batch.empty())
      return tensor;
    SmallVector<OpFoldResult> offsets;
    SmallVector<OpFoldResult> sizes =
        getSizes(tensor, contraction.getMap(operand), batch, offsets);
    SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
    SmallVector<int64_t> shape;
    for (auto [dim, expr] :
         llvm::enumerate(contraction.getMap(operand).getResults()))
      if (!llvm::is_contained(contraction.batch,
                              cast<AffineDimExpr>(expr).getPosition()))
        shape.push_back(cast<ShapedType>(tensor.getType()).getDimSize(dim));
    auto type = RankedTensorType::get(shape, rewriter.getF32Type());
    return tensor::ExtractSliceOp::create(rewriter, loc, type, tensor, offsets,
                                          sizes, strides);
  };
  auto multiply = [&](Value result, ValueRange batch) {
    Matrix lhs = {
        slice(op->getOperand(contraction.lhs), contraction.lhs, batch),
        contraction.isTransposed(contraction.lhs, contraction.m,
                                 contraction.k)};
    Matrix rhs = {
        slice(op->getOperand(contraction.rhs), contraction.rhs, batch),
        contraction.isTransposed(contraction.rhs, contraction.k,
                                 contraction.n)};
    return lowerMatrix(lhs, rhs, slice(result, 2, batch));
  };
  if (contraction.batch.empty())
    return multiply(init, {});

  Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  SmallVector<Value> sizes;
  for (unsigned loop : contraction.batch) {
    unsigned dim = *contraction.getMap(2).getResultPosition(
        rewriter.getAffineDimExpr(loop));
    sizes.push_back(rewriter.createOrFold<tensor::DimOp>(loc, init, dim));
  }
  SmallVector<Value> zeros(sizes.size(), zero), ones(sizes.size(), one);
  scf::LoopNest nest = scf::buildLoopNest(
      rewriter, loc, zeros, sizes, ones, init,
      [&](OpBuilder &, Location, ValueRange batch,
          ValueRange results) -> scf::ValueVector {
        Value product = multiply(results.front(), batch);
        SmallVector<OpFoldResult> offsets;
        SmallVector<OpFoldResult> sizes =
            getSizes(results.front(), contraction.getMap(2), batch, offsets);
        SmallVector<OpFoldResult> strides(sizes.size(),
                                          rewriter.getIndexAttr(1));
        return {tensor::InsertSliceOp::create(
            rewriter, loc, product, results.front(), offsets, sizes, strides)};
      });
  return nest.results.front();
}

namespace {
struct PackContraction : OpInterfaceRewritePattern<linalg::LinalgOp> {
  PackContraction(MLIRContext *context, const DotInstruction &instruction)
      : OpInterfaceRewritePattern(context), instruction(instruction) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Contraction> contraction = matchContraction(op, rewriter);
    if (failed(contraction))
      return failure();
    rewriter.replaceOp(
        op, ContractionPacker(*contraction, instruction, rewriter).lower());
    return success();
  }

private:
  const DotInstruction &instruction;
};
} // namespace

void quantc::populatePackContractionPatterns(
    RewritePatternSet &patterns, const DotInstruction &instruction) {
  patterns.add<PackContraction>(patterns.getContext(), instruction);
}
