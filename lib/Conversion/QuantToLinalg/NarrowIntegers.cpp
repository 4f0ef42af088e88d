//===- NarrowIntegers.cpp - Integers of 2 and 4 bits in bytes -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;

bool quantc::isNarrowInteger(Type type) {
  return type.isInteger(2) || type.isInteger(4);
}

/// `value`, or a scalar that is narrow sign-extended to a byte.
static Value extend(OpBuilder &builder, Location loc, Value value) {
  if (!isNarrowInteger(value.getType()))
    return value;
  return arith::ExtSIOp::create(builder, loc, builder.getI8Type(), value);
}

/// The lowest bits of `value`, as many as `type` has, if it is narrow.
static Value truncate(OpBuilder &builder, Location loc, Value value,
                      Type type) {
  if (!isNarrowInteger(type))
    return value;
  return arith::TruncIOp::create(builder, loc, type, value);
}

namespace {
/// A constant becomes one of bytes with the same values.
struct ConvertConstant : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto values = dyn_cast<DenseIntElementsAttr>(op.getValue());
    if (!values || !isNarrowInteger(values.getElementType()))
      return rewriter.notifyMatchFailure(op, "no dense constant of 4 bits");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, cast<TypedAttr>(
                values.mapValues(rewriter.getI8Type(), [](const APInt &value) {
                  return value.sext(8);
                })));
    return success();
  }
};

/// What extends values of 4 bits to a byte has nothing to do.
struct ConvertExtension : OpConversionPattern<arith::ExtSIOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ExtSIOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getIn().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "not from i4 to i8");
    rewriter.replaceOp(op, adaptor.getIn());
    return success();
  }
};

/// The body takes bytes, whose lowest bits are the elements, and yields the
/// elements sign-extended.
struct ConvertGeneric : OpConversionPattern<linalg::GenericOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(linalg::GenericOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op.getResultTypes(), types)))
      return rewriter.notifyMatchFailure(op, "a result has no byte form");
    auto copyBody = [&](OpBuilder &builder, Location loc, ValueRange elements) {
      IRMapping mapping;
      for (auto [argument, element] :
           llvm::zip_equal(op.getBody()->getArguments(), elements))
        mapping.map(argument,
                    truncate(builder, loc, element, argument.getType()));
      for (Operation &inner : op.getBody()->without_terminator())
        builder.clone(inner, mapping);
      SmallVector<Value> yielded;
      for (Value value : op.getBody()->getTerminator()->getOperands())
        yielded.push_back(extend(builder, loc, mapping.lookupOrDefault(value)));
      linalg::YieldOp::create(builder, loc, yielded);
    };
    auto bytes = linalg::GenericOp::create(
        rewriter, op.getLoc(), types, adaptor.getInputs(), adaptor.getOutputs(),
        op.getIndexingMapsArray(), op.getIteratorTypesArray(), copyBody,
        linalg::getPrunedAttributeList(op));
    rewriter.replaceOp(op, bytes);
    return success();
  }
};

/// Other structured operations become generic ones first.
struct GeneralizeNamed : OpInterfaceConversionPattern<linalg::LinalgOp> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;

  LogicalResult
  matchAndRewrite(linalg::LinalgOp op, ArrayRef<Value>,
                  ConversionPatternRewriter &rewriter) const override {
    if (isa<linalg::GenericOp>(op))
      return rewriter.notifyMatchFailure(op, "is generic");
    return success(succeeded(linalg::generalizeNamedOp(rewriter, op)));
  }
};

/// What only moves elements moves bytes.
template <class Op>
struct ConvertMovement : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(this->getTypeConverter()->convertTypes(op->getResultTypes(),
                                                      types)))
      return rewriter.notifyMatchFailure(op, "the result has no byte form");
    OperationState state(op.getLoc(), op->getName(), adaptor.getOperands(),
                         types, op->getAttrs());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

struct ConvertExtract : OpConversionPattern<tensor::ExtractOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tensor::ExtractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value byte = tensor::ExtractOp::create(
        rewriter, op.getLoc(), adaptor.getTensor(), adaptor.getIndices());
    rewriter.replaceOp(op, truncate(rewriter, op.getLoc(), byte, op.getType()));
    return success();
  }
};

struct ConvertFromElements : OpConversionPattern<tensor::FromElementsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tensor::FromElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> bytes;
    for (Value element : adaptor.getElements())
      bytes.push_back(extend(rewriter, op.getLoc(), element));
    rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(
        op, getTypeConverter()->convertType(op.getType()), bytes);
    return success();
  }
};
} // namespace

void quantc::populateNarrowIntegerPatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<ConvertConstant, ConvertExtension, ConvertGeneric,
               GeneralizeNamed, ConvertExtract, ConvertFromElements,
               ConvertMovement<tensor::CollapseShapeOp>,
               ConvertMovement<tensor::DimOp>, ConvertMovement<tensor::EmptyOp>,
               ConvertMovement<tensor::ExpandShapeOp>,
               ConvertMovement<tensor::ExtractSliceOp>,
               ConvertMovement<tensor::InsertSliceOp>>(converter,
                                                       patterns.getContext());
}
