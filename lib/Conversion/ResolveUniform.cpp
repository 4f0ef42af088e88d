//===- ResolveUniform.cpp - Types !quant.uniform to operations ------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Emit.h"
#include "quantc/Conversion/Passes.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/Quantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace quantc {
#define GEN_PASS_DEF_RESOLVEUNIFORM
#include "quantc/Conversion/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// The quantized type of the elements of `type`, of `type` itself if it is a
/// scalar; null if it is not quantized.
static quant::QuantizedType getQuantizedType(Type type) {
  return dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(type));
}

/// A tensor of the integers that are stored; other types as they are.
static Type getStoredType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  quant::QuantizedType quantized = getQuantizedType(type);
  if (!tensor || !quantized)
    return type;
  return tensor.clone(IntegerType::get(
      type.getContext(), quantized.getStorageTypeIntegralWidth()));
}

namespace {
/// What a quantized type says, in the terms of our operations: unsigned storage
/// is shifted by half of its range, to signed one.
struct Parameters {
  quant::QuantizedType type;
  /// One for all, or the shape in blocks.
  SmallVector<int64_t> shape;
  SmallVector<float> scales;
  SmallVector<int64_t> zeroPoints;

  explicit Parameters(RankedTensorType tensor);

  unsigned getWidth() const { return type.getStorageTypeIntegralWidth(); }
  /// Whether quant.quantize and quant.dequantize have such storage.
  bool isByte() const { return getWidth() == 8 || getWidth() == 4; }
  int64_t getHalf() const { return int64_t(1) << (getWidth() - 1); }
  int64_t getShift() const { return type.isSigned() ? 0 : getHalf(); }
  int64_t getMin() const { return type.getStorageTypeMin() - getShift(); }
  int64_t getMax() const { return type.getStorageTypeMax() - getShift(); }
  bool hasZeroPoint() const {
    return llvm::any_of(zeroPoints, [](int64_t value) { return value != 0; });
  }
};
} // namespace

Parameters::Parameters(RankedTensorType tensor)
    : type(getQuantizedType(tensor)) {
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(type)) {
    scales.push_back(uniform.getScale());
    zeroPoints.push_back(uniform.getZeroPoint());
  } else if (auto perAxis =
                 dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
    shape.assign(tensor.getRank(), 1);
    shape[perAxis.getQuantizedDimension()] = perAxis.getScales().size();
    llvm::append_range(scales, perAxis.getScales());
    llvm::append_range(zeroPoints, perAxis.getZeroPoints());
  } else {
    auto blocks = cast<quant::UniformQuantizedSubChannelType>(type);
    llvm::append_range(shape, blocks.getScales().getType().getShape());
    for (const APFloat &scale : blocks.getScales().getValues<APFloat>())
      scales.push_back(scale.convertToDouble());
    for (const APInt &zeroPoint : blocks.getZeroPoints().getValues<APInt>())
      zeroPoints.push_back(zeroPoint.getSExtValue());
  }
  for (int64_t &zeroPoint : zeroPoints)
    zeroPoint -= getShift();
}

//===----------------------------------------------------------------------===//
// What can be resolved
//===----------------------------------------------------------------------===//

/// Whether `op` moves elements or says itself what it computes with integers,
/// so that the quantized type of a value adds nothing.
static bool takesStorage(Operation *op) {
  return op->getNumRegions() == 0 &&
         isa_and_nonnull<tensor::TensorDialect, tosa::TosaDialect>(
             op->getDialect());
}

static LogicalResult checkType(Operation *op, Type type) {
  quant::QuantizedType quantized = getQuantizedType(type);
  if (!quantized)
    return success();
  auto emitType = [&] { return op->emitError() << "has a value of " << type; };
  if (!isa<RankedTensorType>(type))
    return emitType() << "; expects tensors of known rank";
  if (!isa<quant::UniformQuantizedType, quant::UniformQuantizedPerAxisType,
           quant::UniformQuantizedSubChannelType>(quantized))
    return emitType() << " without a scale; expects !quant.uniform";
  if (!quantized.getExpressedType().isF32())
    return emitType() << "; expects f32 as the expressed type";
  unsigned width = quantized.getStorageTypeIntegralWidth();
  bool isByte = width == 8 || width == 4;
  if (!isByte && (!quantized.isSigned() || (width != 16 && width != 32)))
    return emitType() << "; expects 4 or 8 bits, or signed 16 or 32";
  if (!isByte && isa<quant::UniformQuantizedSubChannelType>(quantized))
    return emitType() << "; expects blocks of 4 or 8 bits";
  if (!isByte && isa<quant::QuantizeCastOp>(op))
    return emitType() << "; expects to quantize to 4 or 8 bits";
  bool isCast =
      isa<quant::QuantizeCastOp, quant::DequantizeCastOp, quant::StorageCastOp>(
          op);
  if (!isCast && !takesStorage(op) &&
      !isa<func::FuncOp, func::ReturnOp, func::CallOp>(op))
    return op->emitError() << "computes with values of " << type
                           << "; expects quant.dcast before and quant.qcast "
                              "after it";
  if (!quantized.isSigned() && !isCast &&
      !isa<tensor::TensorDialect>(op->getDialect()))
    return emitType() << ", unsigned; expects signed storage but in "
                         "quant.qcast, quant.dcast and quant.scast";
  return success();
}

static LogicalResult checkOp(Operation *op) {
  auto types = llvm::to_vector(
      llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes()));
  if (auto function = dyn_cast<func::FuncOp>(op)) {
    llvm::append_range(types, function.getArgumentTypes());
    llvm::append_range(types, function.getResultTypes());
  }
  for (Type type : types)
    if (failed(checkType(op, type)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

using ElementBody =
    function_ref<Value(ImplicitLocOpBuilder &, ValueRange elements)>;

/// `input` with `body` applied to each element and those of `parameters`, of
/// rank 0 or the rank of `input`.
static Value createMap(OpBuilder &builder, Location loc, Value input,
                       ArrayRef<Value> parameters, Type elementType,
                       ElementBody body) {
  MLIRContext *context = builder.getContext();
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<Value> inputs = {input};
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<AffineMap> maps = {identity};
  for (Value parameter : parameters) {
    SmallVector<AffineExpr> exprs;
    for (auto [dim, size] : llvm::enumerate(
             cast<RankedTensorType>(parameter.getType()).getShape()))
      exprs.push_back(size == 1 ? getAffineConstantExpr(0, context)
                                : getAffineDimExpr(dim, context));
    inputs.push_back(parameter);
    maps.push_back(AffineMap::get(type.getRank(), 0, exprs, context));
  }
  maps.push_back(identity);
  Value init = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, input), elementType);
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &nested, Location bodyLoc, ValueRange elements) {
               ImplicitLocOpBuilder b(bodyLoc, nested);
               linalg::YieldOp::create(b, body(b, elements));
             })
      .getResult(0);
}

static Value createInteger(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

static Value createConstant(OpBuilder &builder, Location loc, Type elementType,
                            const Parameters &p, ArrayRef<int64_t> values) {
  SmallVector<Attribute> elements;
  for (int64_t value : values)
    elements.push_back(builder.getIntegerAttr(elementType, value));
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(RankedTensorType::get(p.shape, elementType),
                             elements));
}

static Value createScale(OpBuilder &builder, Location loc,
                         const Parameters &p) {
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          RankedTensorType::get(p.shape, builder.getF32Type()),
          ArrayRef<float>(p.scales)));
}

/// Null where all are 0.
static Value createZeroPoint(OpBuilder &builder, Location loc,
                             const Parameters &p) {
  return p.hasZeroPoint() ? createConstant(builder, loc, builder.getI8Type(), p,
                                           p.zeroPoints)
                          : Value();
}

namespace {
struct ResolveQuantizeCast : OpConversionPattern<quant::QuantizeCastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(quant::QuantizeCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Parameters p(cast<RankedTensorType>(op.getType()));
    Type type = getStoredType(op.getType());
    Value result = QuantizeOp::create(
        rewriter, loc, type, adaptor.getInput(), createScale(rewriter, loc, p),
        createZeroPoint(rewriter, loc, p), /*multiplier=*/Value());
    // quant.quantize saturates at the bounds of the type.
    int64_t min = p.getMin(), max = p.getMax();
    if (min != -p.getHalf() || max != p.getHalf() - 1) {
      Type elementType = getElementTypeOrSelf(type);
      result =
          createMap(rewriter, loc, result, {}, elementType,
                    [&](ImplicitLocOpBuilder &b, ValueRange elements) -> Value {
                      Value least = arith::MaxSIOp::create(
                          b, elements[0], createInteger(b, elementType, min));
                      return arith::MinSIOp::create(
                          b, least, createInteger(b, elementType, max));
                    });
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ResolveDequantizeCast : OpConversionPattern<quant::DequantizeCastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(quant::DequantizeCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Parameters p(cast<RankedTensorType>(op.getInput().getType()));
    Value scale = createScale(rewriter, loc, p);
    if (p.isByte()) {
      rewriter.replaceOpWithNewOp<DequantizeOp>(
          op, op.getType(), adaptor.getInput(), scale,
          createZeroPoint(rewriter, loc, p), /*multiplier=*/Value());
      return success();
    }
    SmallVector<Value> parameters = {scale};
    if (p.hasZeroPoint())
      parameters.push_back(createConstant(rewriter, loc, rewriter.getI32Type(),
                                          p, p.zeroPoints));
    Value result = createMap(
        rewriter, loc, adaptor.getInput(), parameters, rewriter.getF32Type(),
        [&](ImplicitLocOpBuilder &b, ValueRange elements) -> Value {
          Emit a(b, b.getLoc());
          Value q = elements[0];
          if (p.getWidth() < 32)
            q = arith::ExtSIOp::create(b, b.getI32Type(), q);
          return numerics::dequantize(a, q, elements[1],
                                      p.hasZeroPoint() ? elements[2]
                                                       : a.constantInt(0));
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ResolveStorageCast : OpConversionPattern<quant::StorageCastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(quant::StorageCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value input = adaptor.getInput();
    quant::QuantizedType from = getQuantizedType(op.getInput().getType());
    quant::QuantizedType to = getQuantizedType(op.getType());
    if ((from && !from.isSigned()) != (to && !to.isSigned())) {
      // Half of the range is the upper bit.
      Type type = getElementTypeOrSelf(input.getType());
      int64_t half = int64_t(1) << (type.getIntOrFloatBitWidth() - 1);
      input =
          createMap(rewriter, op.getLoc(), input, {}, type,
                    [&](ImplicitLocOpBuilder &b, ValueRange elements) -> Value {
                      return arith::XOrIOp::create(
                          b, elements[0], createInteger(b, type, -half));
                    });
    }
    rewriter.replaceOp(op, input);
    return success();
  }
};

/// Operations that take storage as it is.
struct ResolveTypes : ConversionPattern {
  ResolveTypes(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!takesStorage(op))
      return rewriter.notifyMatchFailure(op, "says nothing of integers");
    FailureOr<Operation *> converted =
        convertOpResultTypes(op, operands, *getTypeConverter(), rewriter);
    if (failed(converted))
      return rewriter.notifyMatchFailure(op, "is legal");
    rewriter.replaceOp(op, *converted);
    return success();
  }
};

struct ResolveUniform : quantc::impl::ResolveUniformBase<ResolveUniform> {
  void runOnOperation() override {
    WalkResult checked =
        getOperation().walk<WalkOrder::PreOrder>([](Operation *op) {
          return failed(checkOp(op)) ? WalkResult::interrupt()
                                     : WalkResult::advance();
        });
    if (checked.wasInterrupted())
      return signalPassFailure();

    MLIRContext *context = &getContext();
    TypeConverter converter;
    converter.addConversion(getStoredType);
    ConversionTarget target(*context);
    target.addIllegalOp<quant::QuantizeCastOp, quant::DequantizeCastOp,
                        quant::StorageCastOp>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    RewritePatternSet patterns(context);
    patterns.add<ResolveQuantizeCast, ResolveDequantizeCast, ResolveStorageCast,
                 ResolveTypes>(converter, context);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    // Upstream folds quant.dcast of quant.qcast away, and rounding with it.
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns),
                                   config)))
      signalPassFailure();
  }
};
} // namespace
