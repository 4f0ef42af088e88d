//===- Linear.cpp - Linear layers as contractions -------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer becomes up to three operations:
//
//   contraction   acc[m, n] or, with float group scales, acc[m, n, g]
//   group sum     sum[m, n] over g ascending, only with float group scales
//   epilogue      y[m, n], element by element (LinearEpilogue.h)
//
// With groups along K, it is expanded to [G, K / G]; with groups of features,
// the groups of all of them lie side by side in the input. Loops run in the
// order m, n, g, k, so float sums take k ascending, as the contract asks.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "quantc/Conversion/Generic.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/LinearEpilogue.h"
#include "quantc/Numerics/Epilogues.h"

using namespace mlir;
using namespace quantc;
using utils::IteratorType;

namespace {

/// The lowering of one layer. Operands are those of the adaptor.
class LinearLowering {
public:
  LinearLowering(LinearOp op, LinearOp::Adaptor adaptor,
                 ConversionPatternRewriter &rewriter)
      : op(op), adaptor(adaptor), rewriter(rewriter), loc(op.getLoc()),
        numGroups(
            std::max(op.getNumScaleGroups(), op.getNumMultiplierGroups())),
        hasGroupSums(op.getNumScaleGroups() > 1) {}

  Value lower() {
    Value accumulator = createContraction();
    if (hasGroupSums)
      accumulator = createGroupSum(accumulator);
    return createEpilogue(accumulator);
  }

private:
  bool hasGroups() const { return numGroups > 1; }
  unsigned getNumLoops() const { return hasGroups() ? 4 : 3; }
  AffineExpr m() { return rewriter.getAffineDimExpr(0); }
  AffineExpr n() { return rewriter.getAffineDimExpr(1); }
  /// The group, 0 without groups.
  AffineExpr g() {
    return hasGroups() ? rewriter.getAffineDimExpr(2)
                       : rewriter.getAffineConstantExpr(0);
  }

  /// The map of a parameter in `numLoops` loops: rank 0, [rows] or [rows,
  /// cols], where a dimension of size 1 is indexed by 0.
  AffineMap getParameterMap(unsigned numLoops, Value parameter, AffineExpr row,
                            AffineExpr col) {
    SmallVector<AffineExpr> exprs = {row, col};
    ArrayRef<int64_t> shape = cast<ShapedType>(parameter.getType()).getShape();
    exprs.resize(shape.size());
    for (auto [size, expr] : llvm::zip_equal(shape, exprs))
      if (size == 1)
        expr = rewriter.getAffineConstantExpr(0);
    return AffineMap::get(numLoops, 0, exprs, rewriter.getContext());
  }

  /// [M, N].
  SmallVector<OpFoldResult> getResultSizes() {
    return {tensor::getMixedSize(rewriter, loc, adaptor.getInput(), 0),
            tensor::getMixedSize(rewriter, loc, adaptor.getWeight(), 0)};
  }

  /// Adds `tensor` [rows, K], or several K side by side, as an input of the
  /// contraction that reads the one at `part`.
  void addMatrix(Value tensor, AffineExpr row, AffineExpr part);
  /// The group of features of output n.
  AffineExpr getFeatureGroup() {
    int64_t groups = op.getFeatureGroups();
    if (groups == 1)
      return rewriter.getAffineConstantExpr(0);
    return n().floorDiv(op.getWeight().getType().getDimSize(0) / groups);
  }
  /// Adds `parameter` as an input of the contraction, if there is one.
  void addParameter(Value parameter, AffineExpr row, AffineExpr col);

  Value createContraction();
  Value createGroupSum(Value accumulators);
  Value createEpilogue(Value accumulator);
  SmallVector<Value> emitStep(Emit &a, mlir::ValueRange elements);

  LinearOp op;
  LinearOp::Adaptor adaptor;
  ConversionPatternRewriter &rewriter;
  Location loc;
  /// Groups along K that share a weight scale or a multiplier.
  int64_t numGroups;
  /// Whether each group has an accumulator of its own.
  bool hasGroupSums;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
};

} // namespace

void LinearLowering::addMatrix(Value tensor, AffineExpr row, AffineExpr part) {
  unsigned numLoops = getNumLoops();
  AffineExpr k = rewriter.getAffineDimExpr(numLoops - 1);
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t depth = op.getWeight().getType().getDimSize(1);
  if (!hasGroups()) {
    inputs.push_back(tensor);
    maps.push_back(
        AffineMap::get(numLoops, 0, {row, part * depth + k}, op.getContext()));
    return;
  }
  int64_t groupSize = depth / numGroups;
  auto expanded = RankedTensorType::get(
      {type.getDimSize(0), type.getDimSize(1) / groupSize, groupSize},
      type.getElementType());
  SmallVector<ReassociationIndices> reassociation = {{0}, {1, 2}};
  inputs.push_back(tensor::ExpandShapeOp::create(rewriter, loc, expanded,
                                                 tensor, reassociation));
  maps.push_back(AffineMap::get(numLoops, 0, {row, part * numGroups + g(), k},
                                op.getContext()));
}

void LinearLowering::addParameter(Value parameter, AffineExpr row,
                                  AffineExpr col) {
  if (!parameter)
    return;
  inputs.push_back(parameter);
  maps.push_back(getParameterMap(getNumLoops(), parameter, row, col));
}

/// One step of a sum over k; `elements` are those of the inputs in the order of
/// `createContraction`, then the sum so far.
SmallVector<Value> LinearLowering::emitStep(Emit &a,
                                            mlir::ValueRange elements) {
  unsigned next = 2;
  auto takeZeroPoint = [&](Value zeroPoint) {
    return zeroPoint ? a.fromStorage(elements[next++]) : a.constantInt(0);
  };
  Value weight = a.fromStorage(elements[1]);
  Value inputZeroPoint = takeZeroPoint(op.getInputZeroPoint());
  Value weightZeroPoint = takeZeroPoint(op.getWeightZeroPoint());
  if (op.getGroupMultiplier())
    weight = a.mulInt(weight, a.fromStorage(elements[next++]));
  if (!op.hasIntegerInput())
    return {numerics::addWeightOnlyElement(a, elements[next], elements[0],
                                           weight, weightZeroPoint)};
  Value lhs = a.subInt(a.fromStorage(elements[0]), inputZeroPoint);
  Value rhs = a.subInt(weight, weightZeroPoint);
  Value product = a.mulInt(lhs, rhs);
  return {a.addInt(elements[next], product)};
}

/// acc += (a - za) * (w - zw), or p = fma(x, f32(w - zw), p) for a float input.
Value LinearLowering::createContraction() {
  addMatrix(adaptor.getInput(), m(), getFeatureGroup());
  addMatrix(adaptor.getWeight(), n(), rewriter.getAffineConstantExpr(0));
  addParameter(adaptor.getInputZeroPoint(), m(),
               rewriter.getAffineConstantExpr(0));
  addParameter(adaptor.getWeightZeroPoint(), n(), g());
  addParameter(adaptor.getGroupMultiplier(), n(), g());

  SmallVector<OpFoldResult> sizes = getResultSizes();
  SmallVector<AffineExpr> exprs = {m(), n()};
  SmallVector<IteratorType> iterators(getNumLoops(), IteratorType::reduction);
  iterators[0] = iterators[1] = IteratorType::parallel;
  if (hasGroupSums) {
    sizes.push_back(rewriter.getIndexAttr(numGroups));
    exprs.push_back(g());
    iterators[2] = IteratorType::parallel;
  }
  maps.push_back(AffineMap::get(getNumLoops(), 0, exprs, op.getContext()));
  Type type = op.hasIntegerInput() ? Type(rewriter.getI32Type())
                                   : rewriter.getF32Type();
  Value zeros = createZeros(rewriter, loc, sizes, type);
  return createGeneric(rewriter, loc, inputs, zeros, maps, iterators,
                       [&](Emit &a, mlir::ValueRange elements) {
                         return emitStep(a, elements);
                       })
      .front();
}

/// sum = sum + f32(acc_g) * sw_g, or y = fma(p_g, sw_g, y) for a float input.
Value LinearLowering::createGroupSum(Value accumulators) {
  Value zeros =
      createZeros(rewriter, loc, getResultSizes(), rewriter.getF32Type());
  AffineMap scale = getParameterMap(3, adaptor.getWeightScale(), n(), g());
  AffineMap sum = AffineMap::get(3, 0, {m(), n()}, op.getContext());
  return createGeneric(
             rewriter, loc, {accumulators, adaptor.getWeightScale()}, zeros,
             {rewriter.getMultiDimIdentityMap(3), scale, sum},
             {IteratorType::parallel, IteratorType::parallel,
              IteratorType::reduction},
             [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
               if (op.hasIntegerInput())
                 return {numerics::addGroup(a, elements[2], elements[0],
                                            elements[1])};
               return {numerics::addWeightOnlyGroup(a, elements[2], elements[0],
                                                    elements[1])};
             })
      .front();
}

Value LinearLowering::createEpilogue(Value accumulator) {
  EpilogueOperands tensors = createEpilogueOperands(rewriter, op);
  SmallVector<Value> inputs = {accumulator};
  SmallVector<AffineMap> maps = {rewriter.getMultiDimIdentityMap(2)};
  auto addOperand = [&](Value operand, AffineExpr row) {
    if (!operand)
      return;
    inputs.push_back(rewriter.getRemappedValue(operand));
    maps.push_back(
        getParameterMap(2, operand, row, rewriter.getAffineConstantExpr(0)));
  };
  addOperand(tensors.scale, n());
  addOperand(tensors.inputScale, m());
  addOperand(tensors.bias, n());
  addOperand(tensors.outputScale, n());
  addOperand(tensors.outputZeroPoint, n());
  if (tensors.addend) {
    inputs.push_back(adaptor.getAddend());
    maps.push_back(rewriter.getMultiDimIdentityMap(2));
  }
  return createElementwise(
             rewriter, loc, inputs, maps, getResultSizes(),
             op.getResult().getType().getElementType(),
             [&](Emit &a, mlir::ValueRange elements) -> SmallVector<Value> {
               unsigned next = 1;
               auto take = [&](Value tensor) {
                 return tensor ? elements[next++] : Value();
               };
               EpilogueOperands operands;
               operands.scale = take(tensors.scale);
               operands.inputScale = take(tensors.inputScale);
               operands.bias = take(tensors.bias);
               operands.outputScale = take(tensors.outputScale);
               operands.outputZeroPoint = take(tensors.outputZeroPoint);
               operands.addend = take(tensors.addend);
               return {emitEpilogue(a, op, elements[0], operands)};
             })
      .front();
}

namespace {
struct LowerLinear : OpConversionPattern<LinearOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(LinearOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, LinearLowering(op, adaptor, rewriter).lower());
    return success();
  }
};
} // namespace

void quantc::populateLinearPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerLinear>(converter, patterns.getContext());
}
