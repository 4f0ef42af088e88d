//===- LowerToLinalg.cpp - The quant operations to linalg -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_LOWERTOLINALG
#include "quantc/Conversion/Passes.h.inc"
} // namespace quantc

using namespace quantc;

namespace {

/// Values of 2 and 4 bits take a byte each.
struct StorageTypeConverter : TypeConverter {
  StorageTypeConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) -> std::optional<Type> {
      if (!isNarrowInteger(type.getElementType()))
        return std::nullopt;
      return type.clone(IntegerType::get(type.getContext(), 8));
    });
  }
};

} // namespace

/// Emits an error for each operation in `root` that cannot be lowered.
static LogicalResult checkOperations(Operation *root) {
  LogicalResult result = success();
  root->walk([&](Operation *op) {
    if (failed(checkElementwise(op)))
      result = failure();
  });
  return result;
}

namespace {
struct LowerToLinalg : quantc::impl::LowerToLinalgBase<LowerToLinalg> {
  void runOnOperation() override {
    if (failed(checkOperations(getOperation())))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    StorageTypeConverter converter;
    RewritePatternSet patterns(context);
    populateNarrowIntegerPatterns(converter, patterns);
    populateElementwisePatterns(converter, patterns);
    populateStatisticsPatterns(converter, patterns);
    populateUnpackPatterns(converter, patterns);
    populateLinearPatterns(converter, patterns);
    populateLoraPatterns(converter, patterns);
    populateNormalFloatPatterns(converter, patterns);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);

    ConversionTarget target(*context);
    target.addIllegalDialect<quant::QuantDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
