//===- Average.cpp - Averages of windows ----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Average.h"

#include "HoistQuantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/Transforms/Constants.h"
#include "quantc/Dialect/Quant/Transforms/Elementwise.h"

#include <cmath>

using namespace mlir;
using namespace quantc;

/// Sums of bytes of one more element may not fit i32.
static constexpr int64_t kMostTerms = 1 << 23;

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Whether `op` adds up elements of its first operand from 0 on, and reads no
/// other.
static bool isSum(linalg::GenericOp op) {
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.getNumReductionLoops() == 0 || op.getNumDpsInputs() == 0)
    return false;
  Block &body = *op.getBody();
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  auto fill = op.getDpsInits().front().getDefiningOp<linalg::FillOp>();
  if (!add || !fill || body.getOperations().size() != 2 ||
      !matchPattern(fill.value(), m_AnyZeroFloat()))
    return false;
  Value x = body.getArgument(0), sum = body.getArguments().back();
  return (add.getLhs() == sum && add.getRhs() == x) ||
         (add.getLhs() == x && add.getRhs() == sum);
}

/// The number of elements that each sum of `op` has.
static std::optional<int64_t> countTerms(linalg::GenericOp op) {
  SmallVector<unsigned> loops;
  op.getReductionDims(loops);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  int64_t count = 1;
  for (unsigned loop : loops) {
    if (ShapedType::isDynamic(ranges[loop]))
      return std::nullopt;
    count *= ranges[loop];
    if (count < 1 || count > kMostTerms)
      return std::nullopt;
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

namespace {
/// What the elements of a result are divided by.
class Divisor {
public:
  Divisor(linalg::LinalgOp op, Value scalar) : op(op), scalar(scalar) {}

  /// Sets `shape` and `values`; fails where they are no constants.
  LogicalResult evaluate(ArrayRef<int64_t> resultShape,
                         SmallVectorImpl<int64_t> &shape,
                         std::vector<float> &values);

private:
  /// Finds the constants that `value` is made of.
  bool findConstants(Value value);
  float getValue(Value value, ArrayRef<int64_t> point);

  linalg::LinalgOp op;
  Value scalar;
  llvm::DenseMap<Value, std::vector<float>> constants;
};
} // namespace

bool Divisor::findConstants(Value value) {
  if (auto product = value.getDefiningOp<arith::MulFOp>();
      product && product->getBlock() == op.getBlock())
    return findConstants(product.getLhs()) && findConstants(product.getRhs());
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != op.getBlock()) {
    std::optional<float> splat = getSplat(value);
    if (splat)
      constants[value] = {*splat};
    return splat.has_value();
  }
  OpOperand *operand = op.getMatchingOpOperand(argument);
  if (!op.isDpsInput(operand) ||
      !op.getMatchingIndexingMap(operand).isProjectedPermutation())
    return false;
  auto floats = getFloatValues(operand->get());
  if (floats)
    constants[value] = std::move(*floats);
  return floats.has_value();
}

float Divisor::getValue(Value value, ArrayRef<int64_t> point) {
  if (auto product = value.getDefiningOp<arith::MulFOp>())
    if (!constants.contains(value))
      return getValue(product.getLhs(), point) *
             getValue(product.getRhs(), point);
  const std::vector<float> &values = constants[value];
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != op.getBlock())
    return values.front();
  OpOperand *operand = op.getMatchingOpOperand(argument);
  ArrayRef<int64_t> shape = op.getShape(operand);
  int64_t index = 0;
  for (auto [dim, expr] :
       llvm::enumerate(op.getMatchingIndexingMap(operand).getResults()))
    index = index * shape[dim] + point[cast<AffineDimExpr>(expr).getPosition()];
  return values[index];
}

LogicalResult Divisor::evaluate(ArrayRef<int64_t> resultShape,
                                SmallVectorImpl<int64_t> &shape,
                                std::vector<float> &values) {
  if (!findConstants(scalar))
    return failure();
  shape.assign(resultShape.size(), 1);
  for (auto &entry : constants)
    if (auto argument = dyn_cast<BlockArgument>(entry.first);
        argument && argument.getOwner() == op.getBlock())
      for (AffineExpr expr :
           op.getMatchingIndexingMap(op.getMatchingOpOperand(argument))
               .getResults()) {
        unsigned dim = cast<AffineDimExpr>(expr).getPosition();
        shape[dim] = resultShape[dim];
      }
  if (ShapedType::isDynamicShape(shape))
    return failure();
  SmallVector<int64_t> point(shape.size());
  for (int64_t i = 0, size = ShapedType::getNumElements(shape); i < size; ++i) {
    int64_t rest = i;
    for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
      point[dim] = rest % shape[dim];
      rest /= shape[dim];
    }
    float value = getValue(scalar, point);
    if (!(value >= 1 && value <= kMostTerms) || std::rint(value) != value)
      return failure();
    values.push_back(value);
  }
  if (llvm::all_equal(values)) {
    values.resize(1);
    shape.clear();
  }
  return success();
}

std::optional<Average> quantc::matchAverage(linalg::GenericOp sum) {
  if (!isSum(sum) || !getElementTypeOrSelf(sum.getType(0)).isF32())
    return std::nullopt;
  std::optional<int64_t> numTerms = countTerms(sum);
  Value sums = sum->getResult(0);
  Operation *reader = getOnlyReader(sums);
  linalg::LinalgOp quotient = reader ? getElementwise(reader) : nullptr;
  if (!numTerms || !quotient)
    return std::nullopt;
  auto divide = quotient.getBlock()
                    ->getTerminator()
                    ->getOperand(0)
                    .getDefiningOp<arith::DivFOp>();
  auto dividend =
      divide ? dyn_cast<BlockArgument>(divide.getLhs()) : BlockArgument();
  if (!dividend || dividend.getOwner() != quotient.getBlock())
    return std::nullopt;
  OpOperand *operand = quotient.getMatchingOpOperand(dividend);
  if (operand->get() != sums || !quotient.isDpsInput(operand) ||
      !quotient.getMatchingIndexingMap(operand).isIdentity())
    return std::nullopt;
  Average average{sum, quotient, *numTerms, {}, {}};
  auto type = cast<RankedTensorType>(sums.getType());
  Divisor divisor(quotient, divide.getRhs());
  if (failed(divisor.evaluate(type.getShape(), average.countShape,
                              average.counts)))
    return std::nullopt;
  return average;
}

//===----------------------------------------------------------------------===//
// Readers
//===----------------------------------------------------------------------===//

/// Whether `use` does nothing but move the elements of its value, perhaps
/// between zeros.
static bool isMove(OpOperand &use) {
  Operation *op = use.getOwner();
  if (use.getOperandNumber() != 0)
    return false;
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    Value value = pad.getConstantPaddingValue();
    return value && matchPattern(value, m_AnyZeroFloat());
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) ||
         (linalgOp && isCopy(linalgOp));
}

bool quantc::visitReaders(Value value, function_ref<bool(OpOperand &)> visit) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    if (isa<tensor::DimOp>(use.getOwner()))
      return true;
    return isMove(use) ? visitReaders(use.getOwner()->getResult(0), visit)
                       : visit(use);
  });
}
