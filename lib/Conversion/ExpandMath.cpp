//===- ExpandMath.cpp - Elementary functions by arithmetic ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "quantc/Conversion/Emit.h"
#include "quantc/Numerics/Rounding.h"
#include "quantc/Numerics/Trigonometry.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_EXPANDMATH
#include "quantc/Conversion/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// Whether `type` is f32 or a vector of it.
static bool isF32OrVector(Type type) {
  return getElementTypeOrSelf(type).isF32() &&
         (type.isF32() || isa<VectorType>(type));
}

static Value reciprocalSqrt(Emit &a, Value x) {
  Value one = a.constant(1.0f);
  return a.div(one, a.sqrt(x));
}

namespace {

/// A function of one argument -> its formula.
template <class Op, Value (*formula)(Emit &, Value)>
struct ExpandUnary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!isF32OrVector(op.getType()))
      return rewriter.notifyMatchFailure(op, "neither f32 nor a vector of it");
    Emit a(rewriter, op.getLoc(), dyn_cast<VectorType>(op.getType()));
    rewriter.replaceOp(op, formula(a, op.getOperand()));
    return success();
  }
};

struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    if (!isF32OrVector(op.getType()))
      return rewriter.notifyMatchFailure(op, "neither f32 nor a vector of it");
    Emit a(rewriter, op.getLoc(), dyn_cast<VectorType>(op.getType()));
    rewriter.replaceOp(op, numerics::pow(a, op.getLhs(), op.getRhs()));
    return success();
  }
};

struct ExpandMath : quantc::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<ExpandPow, ExpandUnary<math::ErfOp, numerics::erf<Emit>>,
                 ExpandUnary<math::ExpOp, numerics::exp<Emit>>,
                 ExpandUnary<math::LogOp, numerics::log<Emit>>,
                 ExpandUnary<math::RoundOp, numerics::roundAway<Emit>>,
                 ExpandUnary<math::RsqrtOp, reciprocalSqrt>,
                 ExpandUnary<math::TanhOp, numerics::tanh<Emit>>>(context);
    patterns.add<ExpandUnary<math::SinOp, numerics::sin<Emit>>,
                 ExpandUnary<math::CosOp, numerics::cos<Emit>>,
                 ExpandUnary<math::TanOp, numerics::tan<Emit>>,
                 ExpandUnary<math::AsinOp, numerics::asin<Emit>>,
                 ExpandUnary<math::AcosOp, numerics::acos<Emit>>,
                 ExpandUnary<math::AtanOp, numerics::atan<Emit>>,
                 ExpandUnary<math::SinhOp, numerics::sinh<Emit>>,
                 ExpandUnary<math::CoshOp, numerics::cosh<Emit>>,
                 ExpandUnary<math::AsinhOp, numerics::asinh<Emit>>,
                 ExpandUnary<math::AcoshOp, numerics::acosh<Emit>>,
                 ExpandUnary<math::AtanhOp, numerics::atanh<Emit>>>(context);
    populateExpandRemainderPatterns(patterns);
    // A greedy driver would fold functions of constants by the host's libm.
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    if (failed(checkNoLibraryCalls()))
      signalPassFailure();
  }

private:
  /// Emits an error for each operation that LLVM would turn into a call on
  /// every target.
  LogicalResult checkNoLibraryCalls();
};

} // namespace

LogicalResult ExpandMath::checkNoLibraryCalls() {
  LogicalResult result = success();
  Dialect *math = getContext().getLoadedDialect<math::MathDialect>();
  getOperation()->walk([&](Operation *op) {
    if (isa<arith::RemFOp>(op)) {
      op->emitError("there is no formula for 'arith.remf' on ")
          << op->getResult(0).getType() << "; f32 and f64 scalars have one";
      result = failure();
    }
    if (op->getDialect() != math ||
        isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
            math::CountLeadingZerosOp, math::CountTrailingZerosOp,
            math::CtPopOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
            math::IsInfOp, math::IsNaNOp, math::IsNormalOp, math::RoundEvenOp,
            math::SqrtOp, math::TruncOp>(op))
      return;
    op->emitError("there is no formula for '")
        << op->getName() << "' on " << op->getResult(0).getType()
        << "; erf, exp, log, powf, round, rsqrt, tanh, the trigonometric and "
           "the hyperbolic functions have one, on f32 and vectors of it";
    result = failure();
  });
  return result;
}
