//===- QuantVerifiers.cpp - The rules of the added operations -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The names in comments (`quantize_c2`) are the clauses of docs/Numerics.md and
// of the functions in test/Dialect/Quant/invalid.mlir.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Numerics/NormalFloat.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Rules that several operations share
//===----------------------------------------------------------------------===//

static LogicalResult verifyBits(Operation *op, int64_t bits) {
  if (bits == 4 || bits == 8)
    return success();
  return op->emitOpError("expects 4 or 8 bits, got ") << bits;
}

/// `shape` divides `input` into equal blocks: rank 0, or the rank of the input
/// with each dimension a divisor of the input's (a dynamic one: dynamic or 1).
static LogicalResult verifyBlocks(Operation *op, StringRef name,
                                  RankedTensorType input,
                                  ArrayRef<int64_t> shape) {
  if (shape.empty())
    return success();
  if (static_cast<int64_t>(shape.size()) != input.getRank())
    return op->emitOpError("expects ")
           << name << " of rank 0 or " << input.getRank() << ", got rank "
           << shape.size();
  for (auto [dim, size] : llvm::enumerate(shape)) {
    int64_t inputSize = input.getDimSize(dim);
    bool divides = size == 1 || size == inputSize ||
                   (!ShapedType::isDynamic(size) && size > 0 &&
                    !ShapedType::isDynamic(inputSize) && inputSize % size == 0);
    if (!divides)
      return op->emitOpError("expects dimension ")
             << dim << " of " << name << " to divide the tensor's";
  }
  return success();
}

/// Scales that are constant are positive and finite.
static LogicalResult verifyScale(Operation *op, StringRef name, Value scale) {
  DenseFPElementsAttr values;
  if (!scale || !matchPattern(scale, m_Constant(&values)))
    return success();
  for (const APFloat &value : values)
    if (!value.isFinite() || value.isNegative() || value.isZero())
      return op->emitOpError("expects a positive and finite ") << name;
  return success();
}

/// Constant integers lie in [min, max].
static LogicalResult verifyRange(Operation *op, StringRef name, Value operand,
                                 int64_t min, int64_t max) {
  DenseIntElementsAttr values;
  if (!operand || !matchPattern(operand, m_Constant(&values)))
    return success();
  for (const APInt &value : values)
    if (value.getSExtValue() < min || value.getSExtValue() > max)
      return op->emitOpError("expects ")
             << name << " in [" << min << ", " << max << "], got "
             << value.getSExtValue();
  return success();
}

static LogicalResult verifyZeroPoint(Operation *op, Value zeroPoint,
                                     int64_t bits) {
  int64_t half = int64_t(1) << (bits - 1);
  return verifyRange(op, "zero point", zeroPoint, -half, half - 1);
}

/// The common rules of quantize, dequantize and fake_quant.
template <class Op>
static LogicalResult verifyParameters(Op op, RankedTensorType tensor,
                                      int64_t bits) {
  RankedTensorType scale = op.getScale().getType();
  // c2, c3: the scale divides the tensor into blocks.
  if (failed(verifyBlocks(op, "scale", tensor, scale.getShape())))
    return failure();
  // c4: the zero point has the shape of the scale.
  if (Value zeroPoint = op.getZeroPoint())
    if (cast<ShapedType>(zeroPoint.getType()).getShape() != scale.getShape())
      return op.emitOpError("expects a zero point of the shape of the scale");
  // c6, c7: values that are known.
  if (failed(verifyScale(op, "scale", op.getScale())) ||
      failed(verifyZeroPoint(op, op.getZeroPoint(), bits)))
    return failure();
  // c8, c9: the multiplier has blocks of its own and lies in [1, 15].
  Value multiplier = op.getMultiplier();
  if (!multiplier)
    return success();
  if (op.getZeroPoint())
    return op.emitOpError("expects no zero point beside a multiplier");
  if (failed(verifyBlocks(op, "multiplier", tensor,
                          cast<ShapedType>(multiplier.getType()).getShape())))
    return failure();
  return verifyRange(op, "multiplier", multiplier, 1, 15);
}

//===----------------------------------------------------------------------===//
// Statistics and parameters
//===----------------------------------------------------------------------===//

LogicalResult ObserveOp::verify() {
  ArrayRef<int64_t> shape = getRange().getType().getShape();
  // observe_c2
  if (shape.empty() || shape.back() != 2)
    return emitOpError("expects a last dimension of 2, [min, max]");
  // observe_c1
  return verifyBlocks(*this, "range", getInput().getType(), shape.drop_back());
}

LogicalResult HistogramOp::verify() {
  // histogram_c1
  if (getCount().getType().getDimSize(0) != kHistogramBuckets)
    return emitOpError("expects ") << kHistogramBuckets << " buckets";
  return success();
}

LogicalResult ChooseParamsOp::verify() {
  // choose_params_c1
  if (failed(verifyBits(*this, getBits())))
    return failure();
  // choose_params_c2
  ArrayRef<int64_t> shape = getRange().getType().getShape();
  if (shape.empty() || shape.back() != 2)
    return emitOpError("expects a last dimension of 2, [min, max]");
  // choose_params_c3
  if (getScale().getType().getShape() != shape.drop_back() ||
      getZeroPoint().getType().getShape() != shape.drop_back())
    return emitOpError("expects results of the shape of the range without its "
                       "last dimension");
  return success();
}

//===----------------------------------------------------------------------===//
// Quantization, element by element
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  // quantize_c5
  if (getInput().getType().getShape() != getType().getShape())
    return emitOpError("expects a result of the shape of the input");
  return verifyParameters(*this, getInput().getType(),
                          getType().getElementTypeBitWidth());
}

LogicalResult DequantizeOp::verify() {
  // dequantize_c5
  if (getInput().getType().getShape() != getType().getShape())
    return emitOpError("expects a result of the shape of the input");
  return verifyParameters(*this, getInput().getType(),
                          getInput().getType().getElementTypeBitWidth());
}

LogicalResult FakeQuantOp::verify() {
  // fake_quant_c1
  if (failed(verifyBits(*this, getBits())))
    return failure();
  return verifyParameters(*this, getInput().getType(), getBits());
}

static LogicalResult verifyClamp(Operation *op, int64_t min, int64_t max) {
  if (min < -128 || max > 127 || min > max)
    return op->emitOpError("expects clamp bounds in order within [-128, 127], "
                           "got [")
           << min << ", " << max << "]";
  return success();
}

LogicalResult RequantizeOp::verify() {
  // requantize_c1
  if (failed(verifyScale(*this, "input scale", getInputScale())) ||
      failed(verifyScale(*this, "output scale", getOutputScale())))
    return failure();
  // requantize_c2
  return verifyClamp(*this, getClampMin(), getClampMax());
}

LogicalResult RescaleOp::verify() {
  // rescale_c1
  if (getInput().getType().getShape() != getType().getShape())
    return emitOpError("expects a result of the shape of the input");
  if (failed(verifyBlocks(*this, "scale", getInput().getType(),
                          getScale().getType().getShape())))
    return failure();
  // rescale_c2
  if (failed(verifyScale(*this, "scale", getScale())))
    return failure();
  // rescale_c3
  if (getType().getElementType().isInteger(8) !=
      static_cast<bool>(getZeroPoint()))
    return emitOpError("expects a zero point exactly when the result is i8");
  // rescale_c4
  return verifyClamp(*this, getClampMin(), getClampMax());
}

LogicalResult UnpackOp::verify() {
  ArrayRef<int64_t> from = getInput().getType().getShape();
  ArrayRef<int64_t> to = getType().getShape();
  // unpack_c1
  if (from.empty() || from.size() != to.size() ||
      from.drop_back() != to.drop_back() || from.back() != (to.back() + 1) / 2)
    return emitOpError("expects an input whose last dimension is half that of "
                       "the result, rounded up");
  return success();
}

LogicalResult DequantizeNormalFloatOp::verify() {
  // dequantize_normal_float_c1
  RankedTensorType input = getInput().getType();
  if (input.getRank() != 2 || !input.hasStaticShape() ||
      input.getDimSize(1) % numerics::normalFloatBlock != 0 ||
      getType().getShape() != input.getShape())
    return emitOpError("expects an [N, K] input, K a multiple of ")
           << numerics::normalFloatBlock << ", and a result of its shape";
  // dequantize_normal_float_c2
  int64_t superBlock =
      numerics::normalFloatBlock * numerics::normalFloatSuperBlock;
  int64_t count = llvm::divideCeil(input.getNumElements(), superBlock);
  if (getMagnitude().getType().getShape() !=
          ArrayRef<int64_t>{count, numerics::normalFloatSuperBlock} ||
      getMagnitudeScale().getType().getShape() != ArrayRef<int64_t>{count, 1})
    return emitOpError("expects magnitudes of shape [")
           << count << ", " << numerics::normalFloatSuperBlock
           << "] and their scales of shape [" << count << ", 1]";
  // dequantize_normal_float_c3
  return verifyScale(*this, "magnitude scale", getMagnitudeScale());
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

/// linear_c2, c9: how activations enter.
static LogicalResult verifyLinearInput(LinearOp op) {
  if (op.hasIntegerInput() != static_cast<bool>(op.getInputScale()))
    return op.emitOpError("expects an input scale and zero point exactly when "
                          "the input is i8");
  if (!op.hasIntegerInput())
    return success();
  RankedTensorType scale = op.getInputScale().getType();
  RankedTensorType zeroPoint = op.getInputZeroPoint().getType();
  SmallVector<int64_t> perRow = {op.getInput().getType().getDimSize(0), 1};
  if (scale.getRank() != 0 && scale.getShape() != ArrayRef(perRow))
    return op.emitOpError("expects an input scale of rank 0 or one for each "
                          "row, [M, 1]");
  if (zeroPoint.getShape() != scale.getShape())
    return op.emitOpError("expects an input zero point of the shape of the "
                          "input scale");
  return verifyScale(op, "input scale", op.getInputScale());
}

/// linear_c4, c5, c6: how weights are scaled.
static LogicalResult verifyLinearWeight(LinearOp op) {
  RankedTensorType weight = op.getWeight().getType();
  RankedTensorType scale = op.getWeightScale().getType();
  int64_t numRows = weight.getDimSize(0);
  if (failed(verifyBlocks(op, "weight scale", weight, scale.getShape())) ||
      failed(verifyScale(op, "weight scale", op.getWeightScale())))
    return failure();
  if (scale.getRank() == 2 && scale.getDimSize(0) != numRows)
    return op.emitOpError("expects a weight scale of rank 0, [N, 1] or [N, G]");
  if (Value zeroPoint = op.getWeightZeroPoint()) {
    if (cast<ShapedType>(zeroPoint.getType()).getShape() != scale.getShape())
      return op.emitOpError("expects a weight zero point of the shape of the "
                            "weight scale");
    if (failed(verifyZeroPoint(op, zeroPoint, weight.getElementTypeBitWidth())))
      return failure();
  }
  if (!op.getGroupMultiplier())
    return success();
  if (!weight.getElementType().isInteger(4) || op.getNumScaleGroups() != 1 ||
      op.getWeightZeroPoint())
    return op.emitOpError("expects a group multiplier only on i4 weights with "
                          "one scale per channel and no zero point");
  RankedTensorType multiplier = op.getGroupMultiplier().getType();
  if (multiplier.getRank() != 2 || multiplier.getDimSize(0) != numRows)
    return op.emitOpError("expects a group multiplier of shape [N, G]");
  if (failed(
          verifyBlocks(op, "group multiplier", weight, multiplier.getShape())))
    return failure();
  return verifyRange(op, "group multiplier", op.getGroupMultiplier(), 1, 15);
}

/// linear_c8, c10, c11: what comes out.
static LogicalResult verifyLinearResult(LinearOp op) {
  if (op.hasIntegerResult() != static_cast<bool>(op.getOutputScale()))
    return op.emitOpError("expects an output scale and zero point exactly when "
                          "the result is i8");
  if (failed(verifyClamp(op, op.getClampMin(), op.getClampMax())))
    return failure();
  if (!op.hasIntegerResult())
    return success();
  if (!op.hasIntegerInput() || op.isDynamic() || op.getNumScaleGroups() != 1)
    return op.emitOpError("expects an i8 result only with a static i8 input "
                          "and one weight scale per channel");
  return verifyScale(op, "output scale", op.getOutputScale());
}

LogicalResult LinearOp::verify() {
  RankedTensorType input = getInput().getType();
  RankedTensorType weight = getWeight().getType();
  RankedTensorType result = getResult().getType();
  if (input.getRank() != 2 || weight.getRank() != 2 || result.getRank() != 2)
    return emitOpError("expects input [M, K], weight [N, K] and result [M, N]");
  // linear_c13
  int64_t groups = getFeatureGroups();
  if (groups < 1 || weight.getDimSize(0) % groups != 0)
    return emitOpError("expects groups of features that divide N, got ")
           << groups << " for N = " << weight.getDimSize(0);
  // linear_c1
  if (input.getDimSize(1) != groups * weight.getDimSize(1))
    return emitOpError("expects K of the input (")
           << input.getDimSize(1) << ") and of the weight ("
           << groups * weight.getDimSize(1) << ") to be equal";
  if (result.getDimSize(0) != input.getDimSize(0) ||
      result.getDimSize(1) != weight.getDimSize(0) || !weight.hasStaticShape())
    return emitOpError("expects a result of shape [M, N] and a static weight");
  // linear_c7
  if (getBias() && getBias().getType().getDimSize(0) != weight.getDimSize(0))
    return emitOpError("expects a bias of N elements");
  // linear_c12
  if (getAddend() && getAddend().getType().getShape() != result.getShape())
    return emitOpError("expects an addend of the shape of the result");
  if (failed(verifyLinearInput(*this)) || failed(verifyLinearWeight(*this)))
    return failure();
  return verifyLinearResult(*this);
}

//===----------------------------------------------------------------------===//
// LoraOp
//===----------------------------------------------------------------------===//

LogicalResult LoraOp::verify() {
  ArrayRef<int64_t> input = getInput().getType().getShape();
  ArrayRef<int64_t> down = getDown().getType().getShape();
  ArrayRef<int64_t> up = getUp().getType().getShape();
  ArrayRef<int64_t> result = getType().getShape();
  int64_t numSlots = getScale().getType().getDimSize(0);
  // lora_c1
  if (input.size() != 2 || down.size() != 3 || up.size() != 3 ||
      result.size() != 2)
    return emitOpError("expects input [M, K], down [S, K, R], up [S, R, N] and "
                       "result [M, N]");
  int64_t depth = down[1], rank = down[2], numColumns = up[2];
  if (ShapedType::isDynamicShape({depth, rank, numColumns}) || rank == 0 ||
      down[0] != numSlots || up[0] != numSlots || up[1] != rank ||
      input[1] != depth || result[0] != input[0] || result[1] != numColumns)
    return emitOpError("expects input [M, K], down [S, K, R], up [S, R, N], "
                       "scale [S] and result [M, N] with static K, R and N, R "
                       "not 0");
  // lora_c2
  Type storage = getDown().getType().getElementType();
  if (getUp().getType().getElementType() != storage)
    return emitOpError("expects down and up of the same element type");
  // lora_c3
  if (storage.isInteger(8) != static_cast<bool>(getDownScale()))
    return emitOpError("expects storage scales exactly when down and up are "
                       "i8");
  if (getDownScale() &&
      (getDownScale().getType().getShape() != ArrayRef({numSlots, rank}) ||
       getUpScale().getType().getShape() != ArrayRef({numSlots, numColumns})))
    return emitOpError("expects storage scales [S, R] and [S, N]");
  return success();
}
