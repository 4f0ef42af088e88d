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
//===----------------------------------------------------------------------===//

#include "PackPatterns.h"
#include "PackedBuilder.h"

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
    setLayout(layer.getN(), layer.getK(), /*depth=*/1, unit.accumulators);
    numRows = rewriter.createOrFold<tensor::DimOp>(loc, layer.getInput(), 0);
    Value contraction = createContraction(values);
    auto type = cast<RankedTensorType>(layer.op->getResult(0).getType());
    return createResult(contraction, type);
  }

private:
  Value createContraction(ArrayRef<float> values) {
    Type f32 = rewriter.getF32Type();
    int64_t numPanels = layout.numPanels(), depth = layer.getK();
    std::vector<float> weight =
        layer.isWeightTransposed ? transpose(values, layer.getK(), layer.getN())
                                 : values.vec();
    Value rhs = packed(f32, {numPanels, depth, layout.panel},
                       layout.pack<float>(weight));

    Loops start(rewriter.getContext());
    AffineExpr m = start.parallel(), nb = start.parallel(),
               n = start.parallel();
    Value zeros =
        createGeneric(start, {}, createDestination(f32), start.map({m, nb, n}),
                      [&](Emit &a, ValueRange) -> SmallVector<Value> {
                        return {a.constant(0.0f)};
                      });

    Loops loops(rewriter.getContext());
    m = loops.parallel(block.rows), nb = loops.parallel(1);
    n = loops.parallel();
    AffineExpr k = loops.reduction(1);
    return createGeneric(
        loops, {layer.getInput(), rhs}, zeros,
        {loops.map({m, k}), loops.map({nb, k, n}), loops.map({m, nb, n})},
        [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
          return {numerics::addFloatElement(a, elements[2], elements[0],
                                            elements[1])};
        });
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
