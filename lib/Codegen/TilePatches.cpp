//===- TilePatches.cpp - Convolutions in blocks of places -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Epilogue.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_TILEPATCHESPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Fewer rows than this in a block read the weights too often.
static constexpr int64_t kLeastRows = 32;

/// The share of the second cache that the patches of a block may take: the
/// weights, what the patches are copied from and the results are there as well.
static constexpr int64_t kCacheShare = 4;

namespace {

/// A layer whose input, [M, K], is copied from overlapping windows.
struct PatchLayer {
  Operation *op;
  tensor::CollapseShapeOp collapse;
  linalg::GenericOp patches;
  /// What alone reads the result, element by element; null if there is none.
  linalg::GenericOp epilogue;

  /// The last operation of a block.
  Operation *getLast() { return epilogue ? epilogue.getOperation() : op; }
  RankedTensorType getResultType() {
    return cast<RankedTensorType>(getLast()->getResult(0).getType());
  }
  RankedTensorType getType() {
    return cast<RankedTensorType>(patches.getResult(0).getType());
  }
  int64_t getNumRowDims() {
    return collapse.getReassociationIndices()[0].size();
  }
};

/// A block of places: one index of all dimensions before `dim`, `size` of that
/// one, all of those behind it.
struct Places {
  int64_t dim;
  int64_t size;
};

} // namespace

/// Whether `op` only copies elements, each several times.
static bool copiesWindows(linalg::GenericOp op) {
  return op.getNumDpsInputs() == 1 && op->getNumResults() == 1 &&
         op.hasPureTensorSemantics() &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getIndexingMapsArray().back().isIdentity() &&
         !op.getIndexingMapsArray().front().isProjectedPermutation() &&
         op.getBody()->getTerminator()->getOperand(0) ==
             op.getBody()->getArgument(0);
}

/// Whether the result of `op` has a row for each row of its input, the first
/// operand, and needs nothing else that has rows.
static bool isLayer(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return !linear.getAddend() && !linear.isDynamic();
  std::string reason;
  return succeeded(matchLinearLayer(op, reason));
}

static std::optional<PatchLayer> matchPatchLayer(Operation *op) {
  if (!isLayer(op))
    return std::nullopt;
  auto collapse = op->getOperand(0).getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse || !collapse->hasOneUse())
    return std::nullopt;
  auto patches = collapse.getSrc().getDefiningOp<linalg::GenericOp>();
  if (!patches || !patches->hasOneUse() || !copiesWindows(patches))
    return std::nullopt;
  return PatchLayer{op, collapse, patches, getEpilogue(op->getResult(0))};
}

/// The largest blocks of `layer` whose patches stay in `cache` bytes, or else
/// the smallest; none if those of a sample stay there anyway, or if no block is
/// worth it.
static std::optional<Places> chooseBlock(PatchLayer layer, int64_t cache) {
  RankedTensorType type = layer.getType();
  int64_t rowDims = layer.getNumRowDims();
  ArrayRef<int64_t> shape = type.getShape().drop_front();
  if (rowDims < 2 || ShapedType::isDynamicShape(shape))
    return std::nullopt;
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  int64_t rows = 1;
  for (auto [i, size] : llvm::enumerate(shape))
    (static_cast<int64_t>(i) < rowDims - 1 ? rows : bytes) *= size;
  if (rows * bytes <= cache)
    return std::nullopt;
  std::optional<Places> smallest;
  for (int64_t dim = 1; dim < rowDims; ++dim) {
    int64_t range = type.getDimSize(dim);
    rows /= range;
    for (int64_t size = range; size > 0; --size) {
      if (range % size != 0 || size * rows < kLeastRows)
        continue;
      smallest = Places{dim, size};
      if (size * rows * bytes <= cache)
        return smallest;
    }
  }
  return smallest;
}

/// The elementwise `epilogue` for the rows of `block`, the first of which is
/// `firstRow`.
static Value createEpilogue(OpBuilder &b, linalg::GenericOp epilogue,
                            Operation *layer, Value block,
                            OpFoldResult firstRow) {
  Location loc = epilogue.getLoc();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(block.getType()).getShape();
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(b.getContext(), shape);
  SmallVector<OpFoldResult> offsets = {firstRow, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  IRMapping mapping;
  mapping.map(layer->getResult(0), block);
  for (OpOperand *input : epilogue.getDpsInputOperands())
    if (epilogue.getRank(input) == 2 && !mapping.contains(input->get()))
      mapping.map(input->get(),
                  tensor::ExtractSliceOp::create(b, loc, input->get(), offsets,
                                                 sizes, strides));
  auto type = cast<RankedTensorType>(epilogue.getResult(0).getType());
  mapping.map(epilogue.getDpsInits().front(),
              tensor::EmptyOp::create(b, loc, shape, type.getElementType()));
  Operation *part = b.clone(*epilogue, mapping);
  part->getResult(0).setType(type.clone(shape));
  return part->getResult(0);
}

/// `layer` for the block at `offsets`, of `sizes`, whose first row is
/// `firstRow`: [rows, N].
static Value createBlock(OpBuilder &b, PatchLayer layer,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes, OpFoldResult firstRow) {
  Location loc = layer.op->getLoc();
  FailureOr<TilingResult> tiled =
      cast<TilingInterface>(layer.patches.getOperation())
          .getTiledImplementation(b, offsets, sizes);
  if (failed(tiled))
    return {};
  auto patches = cast<linalg::GenericOp>(tiled->tiledOps.front());
  // Room of its own in place of a part of that for all patches.
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(*getConstantIntValue(size));
  b.setInsertionPoint(patches);
  Value empty =
      tensor::EmptyOp::create(b, loc, shape, layer.getType().getElementType());
  patches.getDpsInitsMutable().assign(empty);
  patches.getResult(0).setType(cast<RankedTensorType>(empty.getType()));
  b.setInsertionPointAfter(patches);

  auto dims = layer.collapse.getReassociationIndices();
  Value rows =
      tensor::CollapseShapeOp::create(b, loc, patches.getResult(0), dims);
  int64_t numRows = cast<RankedTensorType>(rows.getType()).getDimSize(0);
  auto resultType = cast<RankedTensorType>(layer.op->getResult(0).getType());
  int64_t numColumns = resultType.getDimSize(1);
  IRMapping mapping;
  mapping.map(layer.op->getOperand(0), rows);
  // A linalg operation has a destination as well, full of zeros.
  if (auto matmul = dyn_cast<linalg::LinalgOp>(layer.op)) {
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    Value result =
        tensor::EmptyOp::create(b, loc, {numRows, numColumns}, b.getF32Type());
    mapping.map(matmul.getDpsInits().front(),
                linalg::FillOp::create(b, loc, zero, result).getResult(0));
  }
  Operation *block = b.clone(*layer.op, mapping);
  block->getResult(0).setType(resultType.clone({numRows, numColumns}));
  Value result = block->getResult(0);
  return layer.epilogue
             ? createEpilogue(b, layer.epilogue, layer.op, result, firstRow)
             : result;
}

/// The row of the place `offsets`, as all rows of `domain` are counted.
static OpFoldResult getRow(OpBuilder &b, Location loc,
                           ArrayRef<OpFoldResult> offsets,
                           ArrayRef<OpFoldResult> domain) {
  AffineExpr row = b.getAffineConstantExpr(0);
  SmallVector<OpFoldResult> operands;
  for (auto [dim, offset] : llvm::enumerate(offsets)) {
    // The first size is not needed, and the others are known.
    int64_t size = dim == 0 ? 1 : *getConstantIntValue(domain[dim]);
    row = row * size + b.getAffineSymbolExpr(dim);
    operands.push_back(offset);
  }
  return affine::makeComposedFoldedAffineApply(b, loc, row, operands);
}

/// A loop over blocks in place of `layer`.
static LogicalResult tileLayer(RewriterBase &rewriter, PatchLayer layer,
                               Places block) {
  Operation *last = layer.getLast();
  Location loc = last->getLoc();
  rewriter.setInsertionPoint(last);
  int64_t rowDims = layer.getNumRowDims();
  RankedTensorType resultType = layer.getResultType();
  SmallVector<OpFoldResult> domain =
      tensor::getMixedSizes(rewriter, loc, layer.patches.getDpsInits().front());
  // The row behind all others.
  SmallVector<OpFoldResult> end(rowDims, rewriter.getIndexAttr(0));
  end.front() = domain.front();
  SmallVector<OpFoldResult> resultSizes = {
      getRow(rewriter, loc, end, domain),
      rewriter.getIndexAttr(resultType.getDimSize(1))};
  Value result = tensor::EmptyOp::create(rewriter, loc, resultSizes,
                                         resultType.getElementType());

  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  SmallVector<Value> starts(block.dim + 1, constant(0)), ends;
  SmallVector<Value> steps(block.dim, constant(1));
  steps.push_back(constant(block.size));
  for (int64_t dim = 0; dim <= block.dim; ++dim)
    ends.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, domain[dim]));
  bool isTiled = true;
  scf::LoopNest nest = scf::buildLoopNest(
      rewriter, loc, starts, ends, steps, result,
      [&](OpBuilder &b, Location loc, ValueRange ivs,
          ValueRange results) -> scf::ValueVector {
        SmallVector<OpFoldResult> offsets(domain.size(), b.getIndexAttr(0));
        SmallVector<OpFoldResult> sizes(domain);
        for (auto [dim, iv] : llvm::enumerate(ivs)) {
          offsets[dim] = iv;
          sizes[dim] = b.getIndexAttr(1);
        }
        sizes[block.dim] = b.getIndexAttr(block.size);
        // The rows of a block are side by side.
        OpFoldResult row =
            getRow(b, loc, ArrayRef(offsets).take_front(rowDims), domain);
        Value part = createBlock(b, layer, offsets, sizes, row);
        if (!part) {
          isTiled = false;
          return {results.front()};
        }
        SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
        return {tensor::InsertSliceOp::create(
            b, loc, part, results.front(), {row, b.getIndexAttr(0)},
            tensor::getMixedSizes(b, loc, part), strides)};
      });
  if (!isTiled)
    return layer.op->emitError(
        "cannot take the patches of a convolution apart");
  for (scf::ForOp loop : nest.loops)
    loop->setAttr(kParallelAttr, rewriter.getUnitAttr());
  Value all = nest.results.front();
  if (all.getType() != resultType)
    all = tensor::CastOp::create(rewriter, loc, resultType, all);
  rewriter.replaceOp(last, all);
  if (layer.epilogue)
    rewriter.eraseOp(layer.op);
  rewriter.eraseOp(layer.collapse);
  rewriter.eraseOp(layer.patches);
  return success();
}

namespace {
struct TilePatches : quantc::impl::TilePatchesPassBase<TilePatches> {
  void runOnOperation() override {
    auto module = getOperation()->getParentOfType<ModuleOp>();
    const VectorUnit &unit = selectVectorUnit(getTarget(module));
    SmallVector<std::pair<PatchLayer, Places>> layers;
    getOperation().walk([&](Operation *op) {
      std::optional<PatchLayer> layer = matchPatchLayer(op);
      if (!layer)
        return;
      if (std::optional<Places> block =
              chooseBlock(*layer, unit.cache / kCacheShare))
        layers.emplace_back(*layer, *block);
    });
    IRRewriter rewriter(&getContext());
    for (auto [layer, block] : layers)
      if (failed(tileLayer(rewriter, layer, block)))
        return signalPassFailure();
  }
};
} // namespace
