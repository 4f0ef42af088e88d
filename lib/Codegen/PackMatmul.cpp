//===- PackMatmul.cpp - Float layers on packed weights --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer that stays f32 takes the same way as a quantized one, in loops m
// (row), nb (panel), n (column in the panel) and k:
//
//   acc[m, nb, n] = fma(x[m, k], w[nb, k, n], acc)   from +0, k ascending
//
// Where K is long, a loop over blocks of it is outermost.
//
//===----------------------------------------------------------------------===//

#include "PackPatterns.h"
#include "PackedBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Numerics/Epilogues.h"

using namespace mlir;
using namespace quantc;

namespace {

class MatmulPacker : PackedBuilder {
public:
  MatmulPacker(const LinearLayer &layer, PatternRewriter &rewriter)
      : PackedBuilder(rewriter, layer.op->getLoc()), layer(layer) {}

  /// The lowered layer; `values` are the weight as the layer has it.
  Value lower(ArrayRef<float> values, const VectorUnit &unit) {
    int64_t rows =
        cast<RankedTensorType>(layer.getInput().getType()).getDimSize(0);
    int64_t weightBytes = values.size() * sizeof(float);
    setLayout(layer.getN(), layer.getK(), /*depth=*/1, unit.accumulators,
              getRowsAtOnce(rows, weightBytes, unit));
    numRows = rewriter.createOrFold<tensor::DimOp>(loc, layer.getInput(), 0);
    int64_t depthBlock = chooseDepthBlock(layer.getK(), unit);
    Value weight = createWeight(values);
    Value result =
        depthBlock ? createBlocks(weight, depthBlock)
                   : createContraction(layer.getInput(), weight, createStart());
    auto type = cast<RankedTensorType>(layer.op->getResult(0).getType());
    return createResult(result, type);
  }

private:
  Value createWeight(ArrayRef<float> values) {
    std::vector<float> weight =
        layer.isWeightTransposed ? transpose(values, layer.getK(), layer.getN())
                                 : values.vec();
    return packed(rewriter.getF32Type(),
                  {layout.numPanels(), layer.getK(), layout.panel},
                  layout.pack<float>(weight));
  }

  /// Zeros that are made where they are added to.
  Value createStart() {
    Loops loops(rewriter.getContext());
    AffineExpr m = loops.parallel(), nb = loops.parallel(),
               n = loops.parallel();
    return createGeneric(loops, {}, createDestination(rewriter.getF32Type()),
                         loops.map({m, nb, n}),
                         [&](Emit &a, ValueRange) -> SmallVector<Value> {
                           return {a.constant(0.0f)};
                         });
  }

  /// Rows that are few are cut into two equal blocks if they can be: four rows
  /// and four have more sums that do not wait for each other than six and two.
  int64_t getRowsInTile() {
    int64_t rows =
        cast<RankedTensorType>(layer.getInput().getType()).getDimSize(0);
    bool isTwoBlocks = block.rows < rows && rows <= 2 * block.rows;
    return isTwoBlocks && rows % 2 == 0 ? rows / 2 : block.rows;
  }

  /// `init` and the products along K.
  Value createContraction(Value input, Value weight, Value init) {
    Loops loops(rewriter.getContext());
    AffineExpr m = loops.parallel(getRowsInTile()), nb = loops.parallel(1);
    AffineExpr n = loops.parallel();
    AffineExpr k = loops.reduction(1);
    return createGeneric(
        loops, {input, weight}, init,
        {loops.map({m, k}), loops.map({nb, k, n}), loops.map({m, nb, n})},
        [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
          return {numerics::addFloatElement(a, elements[2], elements[0],
                                            elements[1])};
        });
  }

  /// K in blocks of `depthBlock`, one after the other for the whole layer: the
  /// sums leave their registers in between, which changes no bit of them.
  Value createBlocks(Value weight, int64_t depthBlock) {
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(rewriter, loc, value);
    };
    // [.., k, ..] of `tensor` from `offset` on.
    auto slice = [&](Value tensor, int64_t dim, Value offset) -> Value {
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(rewriter, loc, tensor);
      SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
      sizes[dim] = rewriter.getIndexAttr(depthBlock);
      offsets[dim] = offset;
      return extractPart(rewriter, loc, tensor, offsets, sizes);
    };
    Type f32 = rewriter.getF32Type();
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getF32FloatAttr(0.0f));
    Value zeros =
        linalg::FillOp::create(rewriter, loc, zero, createDestination(f32))
            .getResult(0);
    auto loop = scf::ForOp::create(
        rewriter, loc, index(0), index(layer.getK()), index(depthBlock), zeros,
        [&](OpBuilder &, Location, Value k, ValueRange sums) {
          Value result = createContraction(slice(layer.getInput(), 1, k),
                                           slice(weight, 1, k), sums.front());
          scf::YieldOp::create(rewriter, loc, result);
        });
    return loop.getResult(0);
  }

  const LinearLayer &layer;
};

struct PackMatmul : OpInterfaceRewritePattern<linalg::LinalgOp> {
  PackMatmul(MLIRContext *context, const VectorUnit &unit)
      : OpInterfaceRewritePattern(context, /*benefit=*/2), unit(unit) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::string reason;
    FailureOr<LinearLayer> layer = matchLinearLayer(op, reason);
    if (failed(layer))
      return rewriter.notifyMatchFailure(op, reason);
    if (layer->featureGroups != 1)
      return rewriter.notifyMatchFailure(op, "has several groups of features");
    auto weight = ConstantElements<float>::get(layer->weight);
    if (!weight)
      return rewriter.notifyMatchFailure(op, "the weight is not constant");
    rewriter.replaceOp(
        op, MatmulPacker(*layer, rewriter).lower(weight->values(), unit));
    return success();
  }

private:
  const VectorUnit &unit;
};

} // namespace

void quantc::populatePackMatmulPatterns(RewritePatternSet &patterns,
                                        const VectorUnit &unit) {
  patterns.add<PackMatmul>(patterns.getContext(), unit);
}
