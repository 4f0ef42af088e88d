//===- QuantOps.cpp - The quant dialect in the interpreter ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations on elements and blocks, each with the formulas of lib/Numerics.
// quant.linear is in QuantLinearOp.cpp.
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/QuantOps.h"

#include "Frame.h"
#include "quantc/Numerics/Averages.h"
#include "quantc/Numerics/NormalFloat.h"
#include "quantc/Numerics/Quantize.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;
using numerics::Evaluate;

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// block_a1 on sizes: `blocks` has rank 0, or divides `shape` (quantize_c3).
static LogicalResult checkBlocks(Operation *op, ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> blocks) {
  if (blocks.empty())
    return success();
  for (auto [dim, size] : llvm::enumerate(shape))
    if (blocks[dim] <= 0 ? size != blocks[dim] : size % blocks[dim] != 0)
      return op->emitOpError("expects ")
             << blocks[dim] << " blocks in dimension " << dim
             << " to divide its size " << size;
  return success();
}

/// The block, of a parameter of shape `blocks`, that element `index` of a
/// tensor of `shape` is in.
static int64_t getBlock(int64_t index, ArrayRef<int64_t> shape,
                        ArrayRef<int64_t> blocks) {
  int64_t block = 0, stride = 1;
  for (int64_t dim = static_cast<int64_t>(blocks.size()) - 1; dim >= 0; --dim) {
    int64_t position = index % shape[dim];
    index /= shape[dim];
    block += position / (shape[dim] / blocks[dim]) * stride;
    stride *= blocks[dim];
  }
  return block;
}

/// The sizes of `type`, dynamic ones those of `input` in the same dimension.
static SmallVector<int64_t> getShapeLike(RankedTensorType type,
                                         ArrayRef<int64_t> input) {
  SmallVector<int64_t> shape(type.getShape());
  for (auto [dim, size] : llvm::enumerate(shape))
    if (ShapedType::isDynamic(size))
      size = input[dim];
  return shape;
}

//===----------------------------------------------------------------------===//
// Statistics and parameters
//===----------------------------------------------------------------------===//

static LogicalResult runObserve(ObserveOp op, Frame &frame) {
  const HostTensor &input = frame.getTensor(op.getInput());
  HostTensor range(DataType::F32,
                   getShapeLike(op.getRange().getType(), input.shape));
  ArrayRef<int64_t> blocks = ArrayRef(range.shape).drop_back();
  if (failed(checkBlocks(op, input.shape, blocks)))
    return failure();
  Evaluate a;
  MutableArrayRef<float> bounds = range.values<float>();
  numerics::ValueRange<Evaluate> empty = numerics::emptyStatistics(a);
  for (size_t i = 0; i < bounds.size(); i += 2) {
    bounds[i] = empty.min;
    bounds[i + 1] = empty.max;
  }
  for (auto [i, value] : llvm::enumerate(input.values<float>())) {
    float *block = &bounds[2 * getBlock(i, input.shape, blocks)];
    numerics::ValueRange<Evaluate> extended =
        numerics::extendStatistics<Evaluate>(a, {block[0], block[1]}, value);
    block[0] = extended.min;
    block[1] = extended.max;
  }
  for (size_t i = 0; i < bounds.size(); i += 2) {
    numerics::ValueRange<Evaluate> finished =
        numerics::finishStatistics<Evaluate>(a, {bounds[i], bounds[i + 1]});
    bounds[i] = finished.min;
    bounds[i + 1] = finished.max;
  }
  frame.set(op, std::move(range));
  return success();
}

static LogicalResult runHistogram(HistogramOp op, Frame &frame) {
  Evaluate a;
  HostTensor count(DataType::I64, kHistogramBuckets);
  for (float value : frame.getTensor(op.getInput()).values<float>())
    ++count.values<int64_t>()[numerics::histogramBucket(a, value)];
  frame.set(op, std::move(count));
  return success();
}

static LogicalResult runChooseParams(ChooseParamsOp op, Frame &frame) {
  const HostTensor &range = frame.getTensor(op.getRange());
  ArrayRef<int64_t> blocks = ArrayRef(range.shape).drop_back();
  HostTensor scale(DataType::F32, blocks), zeroPoint(DataType::I8, blocks);
  Evaluate a;
  for (int64_t i = 0, size = scale.getNumElements(); i < size; ++i) {
    numerics::Parameters<Evaluate> parameters = numerics::chooseParameters(
        a, range.values<float>()[2 * i], range.values<float>()[2 * i + 1],
        op.getBits(), op.getSymmetric());
    scale.values<float>()[i] = parameters.scale;
    zeroPoint.values<int8_t>()[i] = parameters.zeroPoint;
  }
  frame.set(op.getScale(), std::move(scale));
  frame.set(op.getZeroPoint(), std::move(zeroPoint));
  return success();
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

namespace {

/// The scale and the zero point of each element of a tensor.
class ElementParameters {
public:
  template <class Op>
  static FailureOr<ElementParameters> get(Op op, const HostTensor &input,
                                          Frame &frame) {
    ElementParameters result;
    result.shape = input.shape;
    result.scale = &frame.getTensor(op.getScale());
    if (op.getZeroPoint())
      result.zeroPoint = &frame.getTensor(op.getZeroPoint());
    if (op.getMultiplier())
      result.multiplier = &frame.getTensor(op.getMultiplier());
    for (const HostTensor *parameter :
         {result.scale, result.zeroPoint, result.multiplier})
      if (parameter && failed(checkBlocks(op, input.shape, parameter->shape)))
        return failure();
    return result;
  }

  float getScale(int64_t i) const {
    float value = scale->values<float>()[getBlock(i, shape, scale->shape)];
    if (!multiplier)
      return value;
    return Evaluate::mul(value, Evaluate::toFloat(getInteger(multiplier, i)));
  }
  int32_t getZeroPoint(int64_t i) const {
    return zeroPoint ? getInteger(zeroPoint, i) : 0;
  }

private:
  int32_t getInteger(const HostTensor *parameter, int64_t i) const {
    return parameter->values<int8_t>()[getBlock(i, shape, parameter->shape)];
  }

  ArrayRef<int64_t> shape;
  const HostTensor *scale = nullptr;
  const HostTensor *zeroPoint = nullptr;
  const HostTensor *multiplier = nullptr;
};

} // namespace

/// Sets the result to f(x, scale, zero point) of each element x of the input.
template <class From, class To, class Op, class F>
static LogicalResult runWithParameters(Op op, Frame &frame, F f) {
  const HostTensor &input = frame.getTensor(op.getInput());
  auto parameters = ElementParameters::get(op, input, frame);
  if (failed(parameters))
    return failure();
  FailureOr<HostTensor> result =
      makeTensor(op, op.getType().getElementType(), input.shape);
  if (failed(result))
    return failure();
  for (auto [i, x] : llvm::enumerate(input.values<From>()))
    result->template values<To>()[i] =
        f(x, parameters->getScale(i), parameters->getZeroPoint(i));
  frame.set(op, std::move(*result));
  return success();
}

static LogicalResult runQuantize(QuantizeOp op, Frame &frame) {
  Evaluate a;
  numerics::StorageRange range = numerics::storageRange(
      op.getType().getElementTypeBitWidth(), /*narrow=*/false);
  return runWithParameters<float, int8_t>(
      op, frame, [&](float x, float scale, int32_t zeroPoint) {
        return numerics::quantize(a, x, scale, zeroPoint, range.min, range.max);
      });
}

static LogicalResult runDequantize(DequantizeOp op, Frame &frame) {
  Evaluate a;
  return runWithParameters<int8_t, float>(
      op, frame, [&](int32_t q, float scale, int32_t zeroPoint) {
        return numerics::dequantize(a, q, scale, zeroPoint);
      });
}

static LogicalResult runFakeQuant(FakeQuantOp op, Frame &frame) {
  Evaluate a;
  numerics::StorageRange range =
      numerics::storageRange(op.getBits(), /*narrow=*/false);
  return runWithParameters<float, float>(
      op, frame, [&](float x, float scale, int32_t zeroPoint) {
        return numerics::fakeQuantize(a, x, scale, zeroPoint, range.min,
                                      range.max);
      });
}

static LogicalResult runRequantize(RequantizeOp op, Frame &frame) {
  Evaluate a;
  auto getFloat = [&](Value value) {
    return frame.getTensor(value).values<float>()[0];
  };
  auto getInteger = [&](Value value) {
    return frame.getTensor(value).values<int8_t>()[0];
  };
  HostTensor result = frame.getTensor(op.getInput());
  for (int8_t &q : result.values<int8_t>())
    q = numerics::requantize(
        a, q, getFloat(op.getInputScale()), getInteger(op.getInputZeroPoint()),
        getFloat(op.getOutputScale()), getInteger(op.getOutputZeroPoint()),
        op.getClampMin(), op.getClampMax());
  frame.set(op, std::move(result));
  return success();
}

static LogicalResult runRescale(RescaleOp op, Frame &frame) {
  Evaluate a;
  const HostTensor &input = frame.getTensor(op.getInput());
  const HostTensor &scale = frame.getTensor(op.getScale());
  FailureOr<HostTensor> result =
      makeTensor(op, op.getType().getElementType(), input.shape);
  if (failed(result) || failed(checkBlocks(op, input.shape, scale.shape)))
    return failure();
  std::optional<int32_t> zeroPoint;
  if (op.getZeroPoint())
    zeroPoint = frame.getTensor(op.getZeroPoint()).values<int8_t>()[0];
  for (int64_t i = 0, size = input.getNumElements(); i < size; ++i) {
    int32_t sum = input.type == DataType::I16 ? input.values<int16_t>()[i]
                                              : input.values<int32_t>()[i];
    float s = scale.values<float>()[getBlock(i, input.shape, scale.shape)];
    if (zeroPoint)
      result->values<int8_t>()[i] = numerics::rescaleToStorage(
          a, sum, s, *zeroPoint, op.getClampMin(), op.getClampMax());
    else
      result->values<float>()[i] = numerics::rescale(a, sum, s);
  }
  frame.set(op, std::move(*result));
  return success();
}

/// result[.., 2 j] is the low nibble of input[.., j], 2 j + 1 the high one.
static LogicalResult runUnpack(UnpackOp op, Frame &frame) {
  const HostTensor &input = frame.getTensor(op.getInput());
  SmallVector<int64_t> shape = getShapeLike(op.getType(), input.shape);
  int64_t bytesPerRow = input.shape.back(), size = shape.back();
  if (bytesPerRow != (size + 1) / 2)
    return op.emitOpError("expects rows of ")
           << (size + 1) / 2 << " bytes, got " << bytesPerRow;
  DataType type =
      op.getType().getElementType().isInteger(4) ? DataType::I4 : DataType::I8;
  HostTensor result(type, shape);
  for (int64_t i = 0, end = result.getNumElements(); i < end; ++i) {
    int64_t row = i / size, column = i % size;
    uint8_t byte = input.values<uint8_t>()[row * bytesPerRow + column / 2];
    result.values<int8_t>()[i] =
        wrapInteger(column % 2 ? byte >> 4 : byte & 15, type);
  }
  frame.set(op, std::move(result));
  return success();
}

static LogicalResult runDequantizeNormalFloat(DequantizeNormalFloatOp op,
                                              Frame &frame) {
  numerics::NormalFloatWeights weights;
  weights.storage = frame.getTensor(op.getInput()).values<int8_t>().vec();
  weights.magnitudes = {
      frame.getTensor(op.getMagnitude()).values<int8_t>().vec(),
      frame.getTensor(op.getMagnitudeScale()).values<float>().vec(),
      frame.getTensor(op.getMagnitudeMean()).values<float>()[0]};
  HostTensor result(DataType::F32, op.getType().getShape());
  llvm::copy(numerics::dequantizeNormalFloat(weights),
             result.values<float>().begin());
  frame.set(op, std::move(result));
  return success();
}

void reference::addQuantOps(OpTable &table) {
  table.add<ChooseParamsOp>(runChooseParams);
  table.add<DequantizeOp>(runDequantize);
  table.add<DequantizeNormalFloatOp>(runDequantizeNormalFloat);
  table.add<FakeQuantOp>(runFakeQuant);
  table.add<HistogramOp>(runHistogram);
  table.add<ObserveOp>(runObserve);
  table.add<QuantizeOp>(runQuantize);
  table.add<RequantizeOp>(runRequantize);
  table.add<RescaleOp>(runRescale);
  table.add<UnpackOp>(runUnpack);
}
