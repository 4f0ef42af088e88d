//===- Statistics.cpp - observe, choose_params, histogram -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Quantize.h"

using namespace mlir;
using namespace quantc;
using utils::IteratorType;

using StatisticsRange = numerics::ValueRange<Emit>;

namespace {

/// Two reductions in one linalg.generic, minimum and maximum, whose results
/// leave out the dimensions that have one block; then both are put side by side
/// in the last dimension of the range.
struct LowerObserve : OpConversionPattern<ObserveOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ObserveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = op.getRange().getType();
    ArrayRef<int64_t> blocks = type.getShape().drop_back();
    FailureOr<BlockLoops> loops =
        BlockLoops::get(op.getInput().getType(), blocks);
    if (failed(loops))
      return rewriter.notifyMatchFailure(op, "blocks of different groups");
    Value input = loops->expand(rewriter, loc, adaptor.getInput());
    SmallVector<OpFoldResult> inputSizes =
        tensor::getMixedSizes(rewriter, loc, input);

    // The loops over blocks, and the size of each.
    SmallVector<AffineExpr> blockExprs;
    SmallVector<OpFoldResult> blockSizes, rangeSizes;
    for (AffineExpr expr :
         loops->getParameterExprs(rewriter.getContext(), blocks)) {
      rangeSizes.push_back(rewriter.getIndexAttr(1));
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        blockExprs.push_back(expr);
        blockSizes.push_back(inputSizes[dim.getPosition()]);
        rangeSizes.back() = blockSizes.back();
      }
    }
    SmallVector<Value> bounds = createBounds(
        rewriter, loc, input,
        AffineMap::get(loops->getNumLoops(), 0, blockExprs, op.getContext()),
        blockSizes);

    rangeSizes.push_back(rewriter.getIndexAttr(2));
    Value range = tensor::EmptyOp::create(rewriter, loc, rangeSizes,
                                          type.getElementType());
    SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), rewriter.getIndexAttr(1));
    rangeSizes.back() = rewriter.getIndexAttr(1);
    for (auto [index, bound] : llvm::enumerate(bounds)) {
      offsets.back() = rewriter.getIndexAttr(index);
      range = tensor::InsertSliceOp::create(rewriter, loc, bound, range,
                                            offsets, rangeSizes, strides);
    }
    rewriter.replaceOp(op, range);
    return success();
  }

private:
  /// The minimum and the maximum of each block of `input`; `blockMap` takes
  /// the loops over elements to those over blocks.
  static SmallVector<Value> createBounds(OpBuilder &builder, Location loc,
                                         Value input, AffineMap blockMap,
                                         ArrayRef<OpFoldResult> blockSizes) {
    SmallVector<Value> bounds =
        reduce(builder, loc, input, blockMap, blockSizes);
    AffineMap block = builder.getMultiDimIdentityMap(blockSizes.size());
    Type f32 = builder.getF32Type();
    return createElementwise(
        builder, loc, bounds, {block, block}, blockSizes, {f32, f32},
        [](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
          StatisticsRange range = numerics::finishStatistics(
              a, StatisticsRange{elements[0], elements[1]});
          return {range.min, range.max};
        });
  }

  /// The range of the elements of `input` for each block. Their order does not
  /// matter once `finishStatistics` has made zeros equal.
  static SmallVector<Value> reduce(OpBuilder &builder, Location loc,
                                   Value input, AffineMap blockMap,
                                   ArrayRef<OpFoldResult> blockSizes) {
    Emit scalars(builder, loc);
    StatisticsRange empty = numerics::emptyStatistics(scalars);
    SmallVector<Value> inits;
    for (Value bound : {empty.min, empty.max}) {
      Value init = tensor::EmptyOp::create(builder, loc, blockSizes,
                                           builder.getF32Type());
      inits.push_back(
          linalg::FillOp::create(builder, loc, bound, init).getResult(0));
    }
    SmallVector<AffineMap> maps(
        1, builder.getMultiDimIdentityMap(blockMap.getNumDims()));
    maps.append(2, blockMap);
    SmallVector<IteratorType> iterators(blockMap.getNumDims(),
                                        IteratorType::reduction);
    for (AffineExpr expr : blockMap.getResults())
      iterators[cast<AffineDimExpr>(expr).getPosition()] =
          IteratorType::parallel;
    SmallVector<Value> bounds = createGeneric(
        builder, loc, input, inits, maps, iterators,
        [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
          StatisticsRange range = numerics::extendStatistics(
              a, StatisticsRange{elements[1], elements[2]}, elements[0]);
          return {range.min, range.max};
        });
    bounds.front().getDefiningOp()->setAttr(kAnyOrderAttr,
                                            builder.getUnitAttr());
    return bounds;
  }
};

struct LowerChooseParams : OpConversionPattern<ChooseParamsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ChooseParamsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value range = adaptor.getRange();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, range);
    sizes.pop_back();
    // Both bounds are read from the same tensor.
    SmallVector<AffineMap> maps;
    for (int64_t bound : {0, 1}) {
      AffineMap block = rewriter.getMultiDimIdentityMap(sizes.size());
      maps.push_back(block.insertResult(rewriter.getAffineConstantExpr(bound),
                                        sizes.size()));
    }
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, loc, {range, range}, maps, sizes,
                {rewriter.getF32Type(), rewriter.getI8Type()},
                [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
                  numerics::Parameters<Emit> parameters =
                      numerics::chooseParameters(a, elements[0], elements[1],
                                                 op.getBits(),
                                                 op.getSymmetric());
                  return {parameters.scale, a.toStorage(parameters.zeroPoint)};
                }));
    return success();
  }
};

/// A loop nest over the elements that carries the counts, which bufferizes in
/// place.
struct LowerHistogram : OpConversionPattern<HistogramOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(HistogramOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    Value zeros = createZeros(
        rewriter, loc, OpFoldResult(rewriter.getIndexAttr(kHistogramBuckets)),
        rewriter.getI64Type());
    SmallVector<Value> upper = getValueOrCreateConstantIndexOp(
        rewriter, loc, tensor::getMixedSizes(rewriter, loc, input));
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> lower(upper.size(), zero), steps(upper.size(), one);
    scf::LoopNest nest = scf::buildLoopNest(
        rewriter, loc, lower, upper, steps, zeros,
        [&](OpBuilder &builder, Location loc, mlir::ValueRange indices,
            mlir::ValueRange carried) -> scf::ValueVector {
          return {countElement(builder, loc, input, indices, carried[0])};
        });
    rewriter.replaceOp(op, nest.results);
    return success();
  }

private:
  /// `counts` with the element of `input` at `indices` counted.
  static Value countElement(OpBuilder &builder, Location loc, Value input,
                            mlir::ValueRange indices, Value counts) {
    Emit a(builder, loc);
    Value x = tensor::ExtractOp::create(builder, loc, input, indices);
    Value bucket = arith::IndexCastOp::create(
        builder, loc, builder.getIndexType(), numerics::histogramBucket(a, x));
    Value count = tensor::ExtractOp::create(builder, loc, counts, bucket);
    Value next = a.addLong(count, a.constantLong(1));
    return tensor::InsertOp::create(builder, loc, next, counts, bucket);
  }
};

} // namespace

void quantc::populateStatisticsPatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerChooseParams, LowerHistogram, LowerObserve>(
      converter, patterns.getContext());
}
