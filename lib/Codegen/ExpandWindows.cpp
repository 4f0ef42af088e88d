//===- ExpandWindows.cpp - Windows of integers as shifted slices ----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The k-th elements of all windows are a shifted slice of the source, x_k:
//
//   y[r] = f(f(f(start, x_0[r]), x_1[r]), ...)      elementwise, k ascending
//
//===----------------------------------------------------------------------===//

#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace quantc {
#define GEN_PASS_DEF_EXPANDWINDOWSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Windows of more places than this make too much code.
static constexpr int64_t kMostTerms = 64;

namespace {

/// How a dimension of the source is read: by a loop, with a stride, or by none
/// (-1).
struct SourceDim {
  int64_t loop = -1;
  int64_t stride = 1;
};

/// Builds the elementwise form of one reduction.
class WindowsBuilder {
public:
  WindowsBuilder(PatternRewriter &rewriter, linalg::GenericOp op)
      : b(rewriter), op(op), loc(op.getLoc()) {}

  /// Fails, and sets `reason`, where the reduction is not of this kind.
  LogicalResult match(StringRef &reason);
  Value create();

private:
  bool combinesIntegers();
  /// The position that `expr` has where the loops are at `point`.
  static int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> point);
  std::optional<SourceDim> getSourceDim(AffineExpr expr);
  /// Where the windows' elements number `term`, in row-major order, begin.
  SmallVector<int64_t> getOffsets(int64_t term);
  Value createShifted(int64_t term, ArrayRef<OpFoldResult> domain);

  AffineMap getSourceMap() {
    return op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  }

  PatternRewriter &b;
  linalg::GenericOp op;
  Location loc;
  linalg::FillOp start;
  /// The loops over results and over windows.
  SmallVector<unsigned> rowLoops, windowLoops;
  SmallVector<SourceDim> dims;
  int64_t numTerms = 1;
};

} // namespace

/// Whether `op` combines integers, which it reads from its first operand alone.
bool WindowsBuilder::combinesIntegers() {
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.hasIndexSemantics() || op.getNumDpsInputs() == 0 ||
      !isa<IntegerType>(getElementTypeOrSelf(op.getType(0))) ||
      !isa<IntegerType>(getElementTypeOrSelf(op->getOperand(0))))
    return false;
  auto arguments = op.getBody()->getArguments();
  return llvm::all_of(arguments.drop_front().drop_back(),
                      [](Value value) { return value.use_empty(); });
}

int64_t WindowsBuilder::evaluate(AffineExpr expr, ArrayRef<int64_t> point) {
  SmallVector<AffineExpr> values;
  for (int64_t value : point)
    values.push_back(getAffineConstantExpr(value, expr.getContext()));
  expr = simplifyAffineExpr(expr.replaceDims(values), 0, 0);
  return cast<AffineConstantExpr>(expr).getValue();
}

std::optional<SourceDim> WindowsBuilder::getSourceDim(AffineExpr expr) {
  if (!expr.isPureAffine() || expr.isSymbolicOrConstant())
    return isa<AffineConstantExpr>(expr) ? std::optional(SourceDim())
                                         : std::nullopt;
  SourceDim dim;
  SmallVector<int64_t> point(op.getNumLoops(), 0);
  int64_t first = evaluate(expr, point);
  for (auto [index, loop] : llvm::enumerate(rowLoops)) {
    point[loop] = 1;
    int64_t step = evaluate(expr, point) - first;
    point[loop] = 2;
    bool isLinear = evaluate(expr, point) - first == 2 * step;
    point[loop] = 0;
    if (!isLinear || step < 0 || (step != 0 && dim.loop >= 0))
      return std::nullopt;
    if (step != 0)
      dim = {static_cast<int64_t>(index), step};
  }
  return dim;
}

SmallVector<int64_t> WindowsBuilder::getOffsets(int64_t term) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<int64_t> point(op.getNumLoops(), 0);
  for (unsigned loop : llvm::reverse(windowLoops)) {
    point[loop] = term % ranges[loop];
    term /= ranges[loop];
  }
  SmallVector<int64_t> offsets;
  for (AffineExpr expr : getSourceMap().getResults())
    offsets.push_back(evaluate(expr, point));
  return offsets;
}

LogicalResult WindowsBuilder::match(StringRef &reason) {
  reason = "it reduces no integers";
  if (op.getNumReductionLoops() == 0 || !combinesIntegers())
    return failure();
  op.getReductionDims(windowLoops);
  op.getParallelDims(rowLoops);
  reason = "the window is too large, or of no known size";
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (unsigned loop : windowLoops) {
    if (ShapedType::isDynamic(ranges[loop]))
      return failure();
    numTerms *= ranges[loop];
    if (numTerms < 1 || numTerms > kMostTerms)
      return failure();
  }
  reason = "the results start with elements of their own";
  start = op.getDpsInits().front().getDefiningOp<linalg::FillOp>();
  if (!start)
    return failure();
  reason = "the results are in another order than the loops";
  AffineMap results = op.getIndexingMapsArray().back();
  if (results.getNumResults() != rowLoops.size())
    return failure();
  for (auto [expr, loop] : llvm::zip_equal(results.getResults(), rowLoops))
    if (expr != b.getAffineDimExpr(loop))
      return failure();
  reason = "the elements at a place of the windows are no slice";
  llvm::SmallDenseSet<int64_t> used;
  for (AffineExpr expr : getSourceMap().getResults()) {
    std::optional<SourceDim> dim = getSourceDim(expr);
    if (!dim || (dim->loop >= 0 && !used.insert(dim->loop).second))
      return failure();
    dims.push_back(*dim);
  }
  // Else no vector is loaded.
  reason = "the last loop does not go through neighbours";
  int64_t last = static_cast<int64_t>(rowLoops.size()) - 1;
  return success(last >= 0 && dims.back().loop == last &&
                 dims.back().stride == 1);
}

/// The elements of one term, without the dimensions that no loop follows.
Value WindowsBuilder::createShifted(int64_t term,
                                    ArrayRef<OpFoldResult> domain) {
  Value source = op->getOperand(0);
  SmallVector<OpFoldResult> offsets, sizes, strides;
  SmallVector<int64_t> shape;
  for (auto [offset, dim] : llvm::zip_equal(getOffsets(term), dims)) {
    OpFoldResult size =
        dim.loop < 0 ? OpFoldResult(b.getIndexAttr(1)) : domain[dim.loop];
    offsets.push_back(b.getIndexAttr(offset));
    // One element has no stride; upstream finds the dimensions that a slice
    // drops by the strides of those that it keeps.
    strides.push_back(b.getIndexAttr(isOneInteger(size) ? 1 : dim.stride));
    sizes.push_back(size);
    if (dim.loop >= 0)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  }
  Type elementType = getElementTypeOrSelf(source);
  return tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, elementType), source, offsets, sizes,
      strides);
}

Value WindowsBuilder::create() {
  SmallVector<OpFoldResult> domain =
      tensor::getMixedSizes(b, loc, op.getDpsInits().front());
  SmallVector<AffineExpr> exprs;
  for (SourceDim dim : dims)
    if (dim.loop >= 0)
      exprs.push_back(b.getAffineDimExpr(dim.loop));
  SmallVector<Value> inputs;
  for (int64_t term = 0; term < numTerms; ++term)
    inputs.push_back(createShifted(term, domain));
  SmallVector<AffineMap> maps(
      numTerms, AffineMap::get(rowLoops.size(), 0, exprs, b.getContext()));
  return createElementwise(
             b, loc, inputs, maps, domain, getElementTypeOrSelf(op.getType(0)),
             [&](Emit &, ValueRange elements) -> SmallVector<Value> {
               OpBuilder inner(b.getContext());
               inner.setInsertionPointToEnd(elements[0].getParentBlock());
               Block *body = op.getBody();
               Value result = start.value();
               for (Value element : elements.take_front(numTerms)) {
                 IRMapping mapping;
                 mapping.map(body->getArgument(0), element);
                 mapping.map(body->getArguments().back(), result);
                 for (Operation &inside : body->without_terminator())
                   inner.clone(inside, mapping);
                 result = mapping.lookupOrDefault(
                     body->getTerminator()->getOperand(0));
               }
               return {result};
             })
      .front();
}

namespace {
struct ExpandReduction : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    WindowsBuilder builder(rewriter, op);
    StringRef reason;
    if (failed(builder.match(reason)))
      return rewriter.notifyMatchFailure(op, reason);
    rewriter.replaceOp(op, builder.create());
    return success();
  }
};

struct ExpandWindows : quantc::impl::ExpandWindowsPassBase<ExpandWindows> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandReduction>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
