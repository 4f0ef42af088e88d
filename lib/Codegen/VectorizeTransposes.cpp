//===- VectorizeTransposes.cpp - Transpositions by squares ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// y[.., j, .., i] = x[.., i, .., j], where i is contiguous in y and j in x: the
// loops over both go in steps of a square, which vectors read along j and write
// along i. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/bit.h"

namespace quantc {
#define GEN_PASS_DEF_VECTORIZETRANSPOSESPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// The most rows of a square: more do not fit registers.
static constexpr int64_t kMostRows = 16;
/// Fewer rows are not worth vectors.
static constexpr int64_t kLeastRows = 4;

namespace {

/// A transposition whose dimensions that stay side by side are one.
struct Transposition {
  linalg::TransposeOp op;
  SmallVector<ReassociationIndices> sourceGroups, targetGroups;
  /// The group of the source that group i of the target is.
  SmallVector<int64_t> permutation;

  explicit Transposition(linalg::TransposeOp op);

  MemRefType getSourceType() {
    return cast<MemRefType>(op.getInput().getType());
  }
  MemRefType getTargetType() {
    return cast<MemRefType>(op.getInit().getType());
  }
  int64_t getRank() const { return permutation.size(); }
  /// The size of a group of the target.
  int64_t getSize(int64_t group);
  /// The group of the target that is contiguous in the source.
  int64_t getColumn() const {
    return llvm::find(permutation, getRank() - 1) - permutation.begin();
  }

private:
  void groupSource();
};

/// Emits the loops of one transposition.
class TransposeEmitter {
public:
  TransposeEmitter(PatternRewriter &b, Transposition &transposition)
      : b(b), loc(transposition.op.getLoc()), all(transposition),
        source(collapse(all.op.getInput(), all.sourceGroups)),
        target(collapse(all.op.getInit(), all.targetGroups)) {}

  /// Squares of `size` rows.
  void transposeSquares(int64_t size);

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value collapse(Value value, ArrayRef<ReassociationIndices> groups) {
    return memref::CollapseShapeOp::create(b, loc, value, groups);
  }
  SmallVector<int64_t> getLoopOrder();
  /// Calls `body` with the indices of the target in steps of `steps`. The last
  /// step of a loop ends with it, also where it takes some again.
  void forEach(ArrayRef<int64_t> steps,
               llvm::function_ref<void(ValueRange)> body);

  PatternRewriter &b;
  Location loc;
  Transposition &all;
  Value source, target;
};

} // namespace

/// Each dimension as a group of its own.
static SmallVector<ReassociationIndices> getSingleDims(int64_t rank) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < rank; ++dim)
    groups.push_back({dim});
  return groups;
}

Transposition::Transposition(linalg::TransposeOp op) : op(op) {
  ArrayRef<int64_t> dims = op.getPermutation();
  for (auto [dim, from] : llvm::enumerate(dims)) {
    if (dim == 0 || dims[dim - 1] + 1 != from)
      targetGroups.emplace_back();
    targetGroups.back().push_back(dim);
  }
  groupSource();
  if (memref::CollapseShapeOp::isGuaranteedCollapsible(getSourceType(),
                                                       sourceGroups) &&
      memref::CollapseShapeOp::isGuaranteedCollapsible(getTargetType(),
                                                       targetGroups))
    return;
  targetGroups = getSingleDims(dims.size());
  groupSource();
}

/// The groups of the source are those of the target in another order.
void Transposition::groupSource() {
  ArrayRef<int64_t> dims = op.getPermutation();
  auto order = llvm::to_vector(llvm::seq<int64_t>(targetGroups.size()));
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return dims[targetGroups[a].front()] < dims[targetGroups[b].front()];
  });
  sourceGroups.clear();
  for (int64_t group : order) {
    sourceGroups.emplace_back();
    for (int64_t dim : targetGroups[group])
      sourceGroups.back().push_back(dims[dim]);
  }
  permutation = invertPermutationVector(order);
}

int64_t Transposition::getSize(int64_t group) {
  int64_t size = 1;
  for (int64_t dim : targetGroups[group]) {
    if (getTargetType().isDynamicDim(dim))
      return ShapedType::kDynamic;
    size *= getTargetType().getDimSize(dim);
  }
  return size;
}

/// The groups of the target from the outermost loop to the innermost one: the
/// shorter side of the squares, so that they go through whole rows of the side
/// of the transposition where those are short, and memory is read or written in
/// its order there.
SmallVector<int64_t> TransposeEmitter::getLoopOrder() {
  auto order = llvm::to_vector(llvm::seq<int64_t>(all.getRank()));
  int64_t column = all.getColumn();
  if (all.getSize(column) < all.getSize(order.back()))
    std::swap(order[column], order.back());
  return order;
}

void TransposeEmitter::forEach(ArrayRef<int64_t> steps,
                               llvm::function_ref<void(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(b);
  auto type = cast<MemRefType>(target.getType());
  SmallVector<Value> indices(steps.size());
  for (int64_t dim : getLoopOrder()) {
    int64_t step = steps[dim];
    Value end = type.isDynamicDim(dim)
                    ? Value(memref::DimOp::create(b, loc, target, index(dim)))
                    : index(type.getDimSize(dim));
    auto loop = scf::ForOp::create(b, loc, index(0), end, index(step));
    b.setInsertionPointToStart(loop.getBody());
    Value at = loop.getInductionVar();
    if (step != 1 && type.getDimSize(dim) % step != 0)
      at = arith::MinUIOp::create(b, loc, at,
                                  index(type.getDimSize(dim) - step));
    indices[dim] = at;
  }
  body(indices);
}

void TransposeEmitter::transposeSquares(int64_t size) {
  int64_t rank = all.getRank(), column = all.getColumn();
  SmallVector<int64_t> steps(rank, 1);
  steps[rank - 1] = steps[column] = size;
  auto square =
      VectorType::get({size, size}, all.getSourceType().getElementType());
  auto getMap = [&](int64_t row) {
    return AffineMap::get(
        rank, 0, {b.getAffineDimExpr(row), b.getAffineDimExpr(rank - 1)},
        b.getContext());
  };
  SmallVector<bool> inBounds(2, true);
  forEach(steps, [&](ValueRange indices) {
    SmallVector<Value> from = applyPermutation(
        llvm::to_vector(indices), invertPermutationVector(all.permutation));
    Value rows = vector::TransferReadOp::create(
        b, loc, square, source, from,
        /*padding=*/std::nullopt, getMap(all.permutation[rank - 1]), inBounds);
    Value columns =
        vector::TransposeOp::create(b, loc, rows, ArrayRef<int64_t>{1, 0});
    vector::TransferWriteOp::create(b, loc, columns, target, indices,
                                    getMap(column), inBounds);
  });
}

namespace {
struct TransposeBySquares : OpRewritePattern<linalg::TransposeOp> {
  TransposeBySquares(MLIRContext *context, int64_t registerBytes)
      : OpRewritePattern(context), registerBytes(registerBytes) {}

  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memory");
    auto type = cast<MemRefType>(op.getInit().getType());
    if (!type.getElementType().isIntOrFloat() ||
        type.getElementTypeBitWidth() % 8 != 0)
      return rewriter.notifyMatchFailure(op, "elements are not whole bytes");
    Transposition all(op);
    int64_t rank = all.getRank(), column = all.getColumn();
    if (column == rank - 1)
      return rewriter.notifyMatchFailure(op, "rows stay contiguous");
    int64_t height = all.getSize(rank - 1), width = all.getSize(column);
    if (ShapedType::isDynamic(height) || ShapedType::isDynamic(width))
      return rewriter.notifyMatchFailure(op, "the sizes are not known");
    auto shorter = static_cast<uint64_t>(std::min(height, width));
    int64_t size =
        std::min({kMostRows, registerBytes * 8 / type.getElementTypeBitWidth(),
                  static_cast<int64_t>(llvm::bit_floor(shorter))});
    if (size < kLeastRows)
      return rewriter.notifyMatchFailure(op, "a side is too short");
    TransposeEmitter(rewriter, all).transposeSquares(size);
    rewriter.eraseOp(op);
    return success();
  }

private:
  int64_t registerBytes;
};

struct VectorizeTransposes
    : quantc::impl::VectorizeTransposesPassBase<VectorizeTransposes> {
  void runOnOperation() override {
    // A lane of a vector unit is an f32.
    int64_t registerBytes =
        selectVectorUnit(getTarget(getOperation())).accumulators.columns *
        static_cast<int64_t>(sizeof(float));
    RewritePatternSet patterns(&getContext());
    patterns.add<TransposeBySquares>(&getContext(), registerBytes);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
