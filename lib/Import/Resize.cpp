//===- Resize.cpp - Resize and Upsample -----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Resizing is separable: along an axis, each element of the result is the sum
// of a few neighbours (taps) of its coordinate in the input times weights that
// depend on the position along this axis only. Both are constants, since the
// sizes are. Axes are resized from the last to the first.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Resampling.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
/// An axis that is resized, and how.
struct ResizedAxis {
  int64_t axis;
  Resampling resampling;
};
} // namespace

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// `values` as a constant of the given shape.
static Tensor createIndices(NodeImporter &node, ArrayRef<int64_t> values,
                            ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, node.b.getI64Type());
  return createConstant(ElementType::Int64,
                        DenseElementsAttr::get(type, values));
}

/// Whether each element is repeated as often, and that one after the other.
static bool isRepetition(const Resampling &resampling) {
  int64_t size = resampling.taps.size();
  if (size % resampling.inputSize != 0)
    return false;
  int64_t times = size / resampling.inputSize;
  for (int64_t position = 0; position < size; ++position)
    if (resampling.taps[position] != position / times)
      return false;
  return true;
}

/// One element for each of the result: a repetition is a broadcast along new
/// dimensions, others are extracted.
static Tensor createNearest(NodeImporter &node, Tensor &input,
                            ArrayRef<ResizedAxis> axes, const Shape &shape) {
  if (llvm::all_of(axes, [](const ResizedAxis &axis) {
        return isRepetition(axis.resampling);
      })) {
    Shape repeated;
    SmallVector<AffineExpr> exprs;
    for (auto [dim, size] : llvm::enumerate(input.shape)) {
      exprs.push_back(getAffineDimExpr(repeated.size(), node.getContext()));
      repeated.push_back(size);
      for (const ResizedAxis &axis : axes)
        if (axis.axis == static_cast<int64_t>(dim))
          repeated.push_back(node.getConstantSize(axis.resampling.taps.size() /
                                                  axis.resampling.inputSize));
    }
    Value value = createGeneric(
        node, input.type, repeated,
        Operand{node.getValue(input),
                AffineMap::get(repeated.size(), 0, exprs, node.getContext())},
        [](ImplicitLocOpBuilder &, ArrayRef<Value> elements) {
          return elements[0];
        });
    return makeTensor(input.type, shape,
                      createReshape(node, value, input.type, repeated, shape));
  }
  SmallVector<Operand> operands;
  for (const ResizedAxis &axis : axes) {
    ArrayRef<int64_t> taps = axis.resampling.taps;
    Tensor indices =
        createIndices(node, taps, static_cast<int64_t>(taps.size()));
    operands.push_back(
        {node.getValue(indices),
         AffineMap::get(shape.size(), 0,
                        getAffineDimExpr(axis.axis, node.getContext()))});
  }
  Value source = node.getValue(input);
  Value value = createGeneric(
      node, input.type, shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        SmallVector<Value> indices;
        for (size_t dim = 0; dim < shape.size(); ++dim)
          indices.push_back(linalg::IndexOp::create(b, dim));
        for (auto [axis, index] : llvm::zip(axes, elements))
          indices[axis.axis] =
              arith::IndexCastOp::create(b, b.getIndexType(), index);
        return tensor::ExtractOp::create(b, source, indices);
      });
  return makeTensor(input.type, shape, value);
}

/// The weighted sums of the taps along one axis.
static Tensor createInterpolation(NodeImporter &node, Tensor &input,
                                  const ResizedAxis &axis) {
  const Resampling &resampling = axis.resampling;
  MLIRContext *context = node.getContext();
  ElementType type = input.type;
  int64_t numTaps = resampling.numTaps;
  int64_t size = resampling.taps.size() / numTaps;
  Shape shape = input.shape;
  shape[axis.axis] = node.getConstantSize(size);
  Tensor indices = createIndices(node, resampling.taps, {size, numTaps});
  Type elementType = getMlirType(type, context);
  SmallVector<Attribute> weightAttrs =
      llvm::map_to_vector(resampling.weights, [&](float weight) -> Attribute {
        return node.b.getFloatAttr(elementType, weight);
      });
  Tensor weights = createConstant(
      type,
      DenseElementsAttr::get(
          RankedTensorType::get({size, numTaps}, elementType), weightAttrs));

  size_t rank = shape.size();
  AffineMap tapMap = AffineMap::get(
      rank + 1, 0,
      {getAffineDimExpr(axis.axis, context), getAffineDimExpr(rank, context)},
      context);
  AffineMap maps[] = {tapMap, tapMap,
                      AffineMap::getMultiDimIdentityMap(rank + 1, context)
                          .getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value source = node.getValue(input);
  Value operands[] = {node.getValue(indices), node.getValue(weights)};
  Value init = node.createFilled(node.createScalar(type, 0), type, shape);
  auto generic = linalg::GenericOp::create(
      node.b, init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder b(loc, builder);
        SmallVector<Value> position;
        for (size_t dim = 0; dim < rank; ++dim)
          position.push_back(linalg::IndexOp::create(b, dim));
        position[axis.axis] =
            arith::IndexCastOp::create(b, b.getIndexType(), elements[0]);
        Value element = tensor::ExtractOp::create(b, source, position);
        Value product = arith::MulFOp::create(b, element, elements[1]);
        linalg::YieldOp::create(
            b, arith::AddFOp::create(b, elements[2], product).getResult());
      });
  return makeTensor(type, shape, generic.getResult(0));
}

/// `result` where the coordinate is inside of the input, `value` elsewhere.
static Tensor createExtrapolation(NodeImporter &node, Tensor &result,
                                  ArrayRef<ResizedAxis> axes, double value) {
  size_t rank = result.getRank();
  SmallVector<Operand> operands = {
      {node.getValue(result), node.b.getMultiDimIdentityMap(rank)}};
  for (const ResizedAxis &axis : axes) {
    ArrayRef<bool> isOutside = axis.resampling.isOutside;
    if (!llvm::is_contained(isOutside, true))
      continue;
    Tensor mask = createConstant(
        ElementType::Bool,
        DenseElementsAttr::get(
            RankedTensorType::get(static_cast<int64_t>(isOutside.size()),
                                  node.b.getI1Type()),
            isOutside));
    operands.push_back(
        {node.getValue(mask),
         AffineMap::get(rank, 0,
                        getAffineDimExpr(axis.axis, node.getContext()))});
  }
  if (operands.size() == 1)
    return result;
  Value outside = node.createScalar(result.type, value);
  Value selected = createGeneric(
      node, result.type, result.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Value element = elements[0];
        for (Value isOutside : elements.slice(1, operands.size() - 1))
          element = arith::SelectOp::create(b, isOutside, outside, element);
        return element;
      });
  return makeTensor(result.type, result.shape, selected);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// The floats in input `index`; none if it is absent or empty.
static FailureOr<std::optional<SmallVector<float>>>
getFloats(NodeImporter &node, unsigned index, StringRef what) {
  Tensor *tensor = node.findInput(index);
  if (!tensor || (tensor->getRank() == 1 && isConstant(tensor->shape[0], 0)))
    return std::optional<SmallVector<float>>();
  if (!tensor->constant)
    return node.emitUnknown(index, what);
  if (tensor->type != ElementType::Float)
    return node.emitError(node.getOpType() + " with " + what + " of " +
                          getName(tensor->type) + "; expects FLOAT");
  return std::optional(SmallVector<float>(tensor->constant.getValues<float>()));
}

namespace {
/// What an axis is resized to and by.
struct AxisSize {
  int64_t size;
  float scale;
};
} // namespace

/// The sizes that `scales` give, rounded down.
static FailureOr<SmallVector<AxisSize>> getScaledSizes(NodeImporter &node,
                                                       ArrayRef<int64_t> sizes,
                                                       ArrayRef<float> scales) {
  SmallVector<AxisSize> result;
  for (auto [size, scale] : llvm::zip_equal(sizes, scales)) {
    float scaled = std::floor(static_cast<float>(size) * scale);
    // Not so for NaN.
    if (!(scale > 0) || !(scaled <= static_cast<float>(kMaxWindow)))
      return node.emitError(node.getOpType() + " with a scale of " +
                            Twine(std::to_string(scale)) +
                            "; expects positive ones and sizes of at most "
                            "2^20");
    result.push_back({static_cast<int64_t>(scaled), scale});
  }
  return result;
}

/// The sizes as given, or what keeps the aspect ratio and is no larger or no
/// smaller.
static FailureOr<SmallVector<AxisSize>> getGivenSizes(NodeImporter &node,
                                                      ArrayRef<int64_t> sizes,
                                                      ArrayRef<int64_t> given) {
  SmallVector<AxisSize> result;
  for (auto [size, wanted] : llvm::zip_equal(sizes, given)) {
    if (wanted < 1 || wanted > kMaxWindow)
      return node.emitError(node.getOpType() + " to a size of " +
                            Twine(wanted) + "; expects 1 to 2^20");
    result.push_back(
        {wanted, static_cast<float>(wanted) / static_cast<float>(size)});
  }
  StringRef policy = node.getString("keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch")
    return result;
  if (policy != "not_larger" && policy != "not_smaller")
    return node.emitError("Resize with keep_aspect_ratio_policy '" + policy +
                          "'; expects stretch, not_larger or not_smaller");
  auto isSmaller = [](const AxisSize &a, const AxisSize &b) {
    return a.scale < b.scale;
  };
  float scale =
      (policy == "not_larger"
           ? *std::min_element(result.begin(), result.end(), isSmaller)
           : *std::max_element(result.begin(), result.end(), isSmaller))
          .scale;
  for (auto [size, axis] : llvm::zip_equal(sizes, result))
    axis = {static_cast<int64_t>(
                std::floor(scale * static_cast<float>(size) + 0.5f)),
            scale};
  return result;
}

/// The new sizes of `axes`, from `scales` or input 3.
static FailureOr<SmallVector<AxisSize>>
getNewSizes(NodeImporter &node, ArrayRef<int64_t> axes,
            const std::optional<SmallVector<float>> &scales) {
  Tensor &input = node.getInput(0);
  SmallVector<int64_t> sizes;
  for (int64_t axis : axes)
    sizes.push_back(getConstant(input.shape[axis]).value_or(0));
  bool isFit = true;
  if (scales) {
    isFit = scales->size() == axes.size();
  } else {
    if (!node.hasInput(3))
      return node.emitError(node.getOpType() +
                            " without scales or sizes; expects one of them");
    std::optional<SmallVector<int64_t>> given = getIntegers(node.getInput(3));
    if (!given)
      return node.emitUnknown(3, "sizes");
    isFit = given->size() == axes.size();
    bool isKnown = llvm::all_of(
        sizes, [](int64_t size) { return size > 0 && size <= kMaxWindow; });
    if (isFit && isKnown)
      return getGivenSizes(node, sizes, *given);
  }
  if (!isFit)
    return node.emitError(node.getOpType() +
                          " with scales or sizes that are not as many as the "
                          "axes; expects " +
                          Twine(axes.size()));
  // A dynamic size may only stay as it is.
  if (scales)
    for (auto [size, scale] : llvm::zip_equal(sizes, *scales))
      if (size == 0 && scale == 1.0f)
        size = 1;
  if (llvm::any_of(sizes,
                   [](int64_t size) { return size == 0 || size > kMaxWindow; }))
    return node.emitError(node.getOpType() + " of " +
                          node.toString(input.shape) +
                          "; expects known sizes from 1 to 2^20 where they "
                          "change");
  return getScaledSizes(node, sizes, *scales);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// Resizes input 0 along `axes`; `roi` has a start and an end for each.
static LogicalResult setResized(NodeImporter &node, ArrayRef<int64_t> axes,
                                const std::optional<SmallVector<float>> &scales,
                                const ResamplingOptions &options,
                                ArrayRef<float> roi) {
  Tensor &input = node.getInput(0);
  FailureOr<SmallVector<AxisSize>> sizes = getNewSizes(node, axes, scales);
  if (failed(sizes))
    return failure();
  bool isNearest = options.interpolation == Interpolation::Nearest;
  if (!isNearest && !isFloat(input.type))
    return node.emitError(node.getOpType() + " of " + getName(input.type) +
                          " by interpolation; expects floating point, or the "
                          "mode nearest");
  Shape shape = input.shape;
  SmallVector<ResizedAxis> resized;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    AxisSize to = (*sizes)[index];
    std::optional<int64_t> from = getConstant(input.shape[axis]);
    SmallVector<float> region;
    if (options.coordinates == Coordinates::CropAndResize)
      region = {roi[index], roi[axes.size() + index]};
    bool isWhole = region.empty() || (region[0] == 0.0f && region[1] == 1.0f);
    if (to.scale == 1.0f && isWhole)
      continue;
    if (!from)
      return node.emitError("Resize of a part of the dynamic dimension " +
                            Twine(axis) + "; expects a known size");
    shape[axis] = node.getConstantSize(to.size);
    resized.push_back(
        {axis, getResampling(options, *from, to.size, to.scale, region)});
  }
  if (!isReasonable(shape))
    return node.emitError(node.getOpType() + " to the absurd shape " +
                          node.toString(shape));
  llvm::sort(resized, [](const ResizedAxis &a, const ResizedAxis &b) {
    return a.axis < b.axis;
  });
  Tensor result = input;
  if (isNearest && !resized.empty())
    result = createNearest(node, input, resized, shape);
  if (!isNearest)
    for (const ResizedAxis &axis : llvm::reverse(resized))
      result = createInterpolation(node, result, axis);
  return node.setOutput(
      0, createExtrapolation(node, result, resized,
                             node.getFloat("extrapolation_value", 0.0f)));
}

static FailureOr<Interpolation> getInterpolation(NodeImporter &node) {
  StringRef mode = node.getString("mode", "nearest");
  if (mode == "nearest")
    return Interpolation::Nearest;
  // "bilinear" is an old name.
  if (mode == "linear" || mode == "bilinear")
    return Interpolation::Linear;
  if (mode == "cubic")
    return Interpolation::Cubic;
  return node.emitError(node.getOpType() + " in mode '" + mode +
                        "'; expects nearest, linear or cubic");
}

/// What the attributes of Resize say.
static FailureOr<ResamplingOptions> getOptions(NodeImporter &node) {
  FailureOr<Interpolation> interpolation = getInterpolation(node);
  if (failed(interpolation))
    return failure();
  ResamplingOptions options;
  options.interpolation = *interpolation;
  StringRef coordinates =
      node.getString("coordinate_transformation_mode", "half_pixel");
  std::optional<Coordinates> mode = parseCoordinates(coordinates);
  if (!mode)
    return node.emitError("Resize with coordinate_transformation_mode '" +
                          coordinates + "'; expects one of the standard");
  options.coordinates = *mode;
  StringRef rounding = node.getString("nearest_mode", "round_prefer_floor");
  std::optional<NearestRounding> nearest = parseNearestRounding(rounding);
  if (!nearest)
    return node.emitError("Resize with nearest_mode '" + rounding +
                          "'; expects round_prefer_floor, round_prefer_ceil, "
                          "floor or ceil");
  options.rounding = *nearest;
  options.cubicCoefficient = node.getFloat("cubic_coeff_a", -0.75f);
  options.excludesOutside = node.getInt("exclude_outside", 0);
  options.isAntialiased = node.getInt("antialias", 0);
  return options;
}

static LogicalResult importResize(NodeImporter &node) {
  int64_t rank = node.getInput(0).getRank();
  FailureOr<ResamplingOptions> options = getOptions(node);
  if (failed(options))
    return failure();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (std::optional<SmallVector<int64_t>> given = node.getInts("axes")) {
    // They need not be in order.
    if (failed(node.getAxes(*given, rank)))
      return failure();
    axes = llvm::map_to_vector(
        *given, [&](int64_t axis) { return axis < 0 ? axis + rank : axis; });
  }
  SmallVector<float> roi;
  if (options->coordinates == Coordinates::CropAndResize) {
    FailureOr<std::optional<SmallVector<float>>> given =
        getFloats(node, 1, "roi");
    if (failed(given))
      return failure();
    roi = given->value_or(SmallVector<float>());
    if (roi.size() != 2 * axes.size())
      return node.emitError("Resize with a roi of " + Twine(roi.size()) +
                            " numbers; expects a start and an end for each of "
                            "the " +
                            Twine(axes.size()) + " axes");
  }
  FailureOr<std::optional<SmallVector<float>>> scales =
      getFloats(node, 2, "scales");
  return failed(scales) ? failure()
                        : setResized(node, axes, *scales, *options, roi);
}

/// Coordinates are divided by the scale and rounded down.
static LogicalResult
setUpsampled(NodeImporter &node,
             const std::optional<SmallVector<float>> &scales) {
  FailureOr<Interpolation> interpolation = getInterpolation(node);
  if (failed(interpolation))
    return failure();
  ResamplingOptions options;
  options.interpolation = *interpolation;
  options.coordinates = Coordinates::Asymmetric;
  options.rounding = NearestRounding::Floor;
  int64_t rank = node.getInput(0).getRank();
  return setResized(node, llvm::to_vector(llvm::seq<int64_t>(rank)), scales,
                    options, /*roi=*/{});
}

/// Resize of opset 10 too.
static LogicalResult importUpsample(NodeImporter &node) {
  FailureOr<std::optional<SmallVector<float>>> scales =
      getFloats(node, 1, "scales");
  return failed(scales) ? failure() : setUpsampled(node, *scales);
}

static LogicalResult importUpsampleByAttribute(NodeImporter &node) {
  return setUpsampled(node, node.getFloats("scales"));
}

static constexpr OpRow kRows[] = {
    {"Resize", 10, 2, 2, importUpsample},
    {"Resize", 11, 1, 4, importResize},
    {"Upsample", 7, 1, 1, importUpsampleByAttribute},
    {"Upsample", 9, 2, 2, importUpsample},
};

ArrayRef<OpRow> onnx::getResizeOps() { return kRows; }
