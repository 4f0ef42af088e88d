//===- Unpack.cpp - Two 4-bit values of each byte -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"

using namespace mlir;
using namespace quantc;

namespace {

/// With b = 0 for the low nibble and 1 for the high one,
///
///   result[..., j, b] = i32(input[..., j]) << shifts[b] >> 28,
///   shifts = [28, 24],
///
/// with the sign in an i4 result, without it (modulo 16) in an i8 result, and
/// collapsed to [..., 2 * j + b] and, if the last dimension is odd, without the
/// last element.
struct LowerUnpack : OpConversionPattern<UnpackOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(UnpackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    unsigned rank = op.getType().getRank();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, input);
    sizes.push_back(rewriter.getIndexAttr(2));
    AffineMap bytes =
        rewriter.getMultiDimIdentityMap(rank + 1).dropResult(rank);
    AffineMap nibble =
        AffineMap::get(rank + 1, 0, rewriter.getAffineDimExpr(rank));
    Value shifts = arith::ConstantOp::create(
        rewriter, loc, rewriter.getI32TensorAttr({28, 24}));
    Value nibbles =
        createElementwise(
            rewriter, loc, {input, shifts}, {bytes, nibble}, sizes,
            rewriter.getI8Type(),
            [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
              Value top = a.shlInt(a.fromStorage(elements[0]), elements[1]);
              Value nibble = a.ashrInt(top, a.constantInt(28));
              if (op.getType().getElementType().isInteger(8))
                nibble = a.andInt(nibble, a.constantInt(15));
              return {a.toStorage(nibble)};
            })
            .front();

    SmallVector<ReassociationIndices> reassociation;
    for (unsigned dim = 0; dim < rank; ++dim)
      reassociation.push_back({dim});
    reassociation.back().push_back(rank);
    Value result =
        tensor::CollapseShapeOp::create(rewriter, loc, nibbles, reassociation);
    if (op.getType().getShape().back() % 2 != 0)
      result = dropLast(rewriter, loc, result);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// `tensor` without the last element of its last dimension.
  static Value dropLast(OpBuilder &builder, Location loc, Value tensor) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, tensor);
    SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
    int64_t last = cast<ShapedType>(tensor.getType()).getShape().back();
    sizes.back() = builder.getIndexAttr(last - 1);
    return tensor::ExtractSliceOp::create(builder, loc, tensor, offsets, sizes,
                                          strides);
  }
};

} // namespace

void quantc::populateUnpackPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerUnpack>(converter, patterns.getContext());
}
