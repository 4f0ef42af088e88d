//===- GridSample.cpp - Elements at computed positions --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linalg.generic over batch, channels and the positions of the grid. Its body
// interpolates between taps, neighbours of the position along each dimension:
// one, two or four. Positions stay f32 until they are known to lie in the
// input, because the conversion of others is poison.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
enum class SampleMode { Nearest, Linear, Cubic };
enum class PaddingMode { Zeros, Border, Reflection };

/// Builds the arithmetic of one element of the result, on values of the
/// element type.
class Sampler {
public:
  Sampler(ImplicitLocOpBuilder &b, Type type, SampleMode mode,
          PaddingMode padding, bool alignsCorners)
      : b(b), type(type), mode(mode), padding(padding),
        alignsCorners(alignsCorners) {}

  /// Sets what follows from the position in [-1, 1] along the next dimension.
  void addDimension(Value position, int64_t size) {
    Value x = denormalize(position, size);
    if (mode == SampleMode::Nearest)
      x = math::RoundEvenOp::create(b, x);
    x = padPosition(x, size);
    Dimension dim;
    dim.size = size;
    if (mode == SampleMode::Nearest) {
      dim.taps = {x};
    } else {
      Value floor = math::FloorOp::create(b, x);
      dim.ratio = sub(x, floor);
      int64_t first = mode == SampleMode::Linear ? 0 : -1;
      for (int64_t tap = first; tap <= 1 - first; ++tap)
        dim.taps.push_back(tap == 0 ? floor : add(floor, constant(tap)));
    }
    for (Value &tap : dim.taps)
      dim.isInside.push_back(clampTap(tap, size));
    dims.push_back(std::move(dim));
  }

  /// The element of `source` at the index `prefix` and the dimensions.
  Value sample(Value source, ArrayRef<Value> prefix) {
    return interpolate(source, llvm::to_vector(prefix), Value(), 0);
  }

private:
  struct Dimension {
    int64_t size;
    Value ratio;
    /// As floats, then as indices.
    SmallVector<Value> taps;
    /// Null where every tap is.
    SmallVector<Value> isInside;
  };

  Value constant(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value isLess(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  /// Between both, and NaN becomes `low`.
  Value clamp(Value x, double low, double high) {
    Value raised = arith::MaxNumFOp::create(b, x, constant(low));
    return arith::MinNumFOp::create(b, raised, constant(high));
  }

  /// From [-1, 1] to elements: the ends are the centers of the outermost
  /// elements, or their outer edges.
  Value denormalize(Value position, int64_t size) {
    Value shifted = add(position, constant(1));
    if (alignsCorners)
      return mul(shifted, constant((size - 1) / 2.0));
    Value scaled = mul(shifted, constant(static_cast<double>(size)));
    return mul(sub(scaled, constant(1)), constant(0.5));
  }

  double getLow() const { return alignsCorners ? 0 : -0.5; }
  double getHigh(int64_t size) const { return getLow() + getWidth(size); }
  double getWidth(int64_t size) const {
    return static_cast<double>(alignsCorners ? size - 1 : size);
  }

  /// Mirrors `x` at both ends as often as it takes.
  Value reflect(Value x, int64_t size) {
    double width = getWidth(size);
    if (width == 0)
      return constant(0);
    Value low = constant(getLow()), high = constant(getHigh(size));
    Value distance = math::AbsFOp::create(b, sub(x, low));
    Value quotient = arith::DivFOp::create(b, distance, constant(width));
    Value times = math::FloorOp::create(b, quotient);
    Value rest = sub(distance, mul(times, constant(width)));
    Value half = mul(times, constant(0.5));
    Value isEven = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, half,
                                         math::FloorOp::create(b, half));
    return select(isEven, add(low, rest), sub(high, rest));
  }

  /// `x`, or what padding makes of it where it is outside.
  Value padPosition(Value x, int64_t size) {
    if (padding == PaddingMode::Zeros)
      return x;
    Value padded = padding == PaddingMode::Border
                       ? clamp(x, 0, static_cast<double>(size - 1))
                       : reflect(x, size);
    Value isBelow = isLess(x, constant(getLow()));
    Value isAbove = isLess(constant(getHigh(size)), x);
    return select(arith::OrIOp::create(b, isBelow, isAbove), padded, x);
  }

  /// Makes an index in the input of `tap`; returns whether it was one before,
  /// or null if padding has elements everywhere.
  Value clampTap(Value &tap, int64_t size) {
    auto last = static_cast<double>(size - 1);
    Value isInside;
    if (padding == PaddingMode::Zeros) {
      Value isAbove =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, tap, constant(0));
      Value isBelow = arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, tap,
                                            constant(last));
      isInside = arith::AndIOp::create(b, isAbove, isBelow);
    }
    if (padding == PaddingMode::Reflection) {
      Value isBelow = isLess(tap, constant(getLow()));
      Value isAbove = isLess(constant(getHigh(size)), tap);
      Value isOutside = arith::OrIOp::create(b, isBelow, isAbove);
      tap = select(isOutside, reflect(tap, size), tap);
    }
    Value integer =
        arith::FPToSIOp::create(b, b.getI64Type(), clamp(tap, 0, last));
    tap = arith::IndexCastOp::create(b, b.getIndexType(), integer);
    return isInside;
  }

  /// The weights of the taps at distance `ratio` behind the first one, or the
  /// second of four.
  SmallVector<Value> getWeights(Value ratio) {
    Value one = constant(1);
    if (mode == SampleMode::Linear)
      return {sub(one, ratio), ratio};
    // Keys' cubic with a = -0.75.
    double a = -0.75;
    auto near = [&](Value x) {
      Value inner = sub(mul(constant(a + 2), x), constant(a + 3));
      return add(mul(mul(inner, x), x), one);
    };
    auto far = [&](Value x) {
      Value inner = sub(mul(constant(a), x), constant(5 * a));
      inner = add(mul(inner, x), constant(8 * a));
      return sub(mul(inner, x), constant(4 * a));
    };
    Value rest = sub(one, ratio);
    return {far(add(ratio, one)), near(ratio), near(rest), far(add(rest, one))};
  }

  /// Interpolates along the dimensions from `index` on.
  Value interpolate(Value source, SmallVector<Value> position, Value isInside,
                    size_t index) {
    if (index == dims.size()) {
      Value element = tensor::ExtractOp::create(b, source, position);
      return isInside ? select(isInside, element, constant(0)) : element;
    }
    const Dimension &dim = dims[index];
    SmallVector<Value> elements;
    for (auto [tap, isTapInside] : llvm::zip(dim.taps, dim.isInside)) {
      SmallVector<Value> next = position;
      next.push_back(tap);
      Value isBoth = isInside && isTapInside
                         ? arith::AndIOp::create(b, isInside, isTapInside)
                         : isTapInside;
      elements.push_back(interpolate(source, next, isBoth, index + 1));
    }
    if (elements.size() == 1)
      return elements.front();
    Value sum;
    for (auto [element, weight] : llvm::zip(elements, getWeights(dim.ratio))) {
      Value product = mul(element, weight);
      sum = sum ? add(sum, product) : product;
    }
    return sum;
  }

  ImplicitLocOpBuilder &b;
  Type type;
  SampleMode mode;
  PaddingMode padding;
  bool alignsCorners;
  SmallVector<Dimension> dims;
};
} // namespace

static FailureOr<SampleMode> getMode(NodeImporter &node) {
  StringRef mode = node.getString("mode", "linear");
  // The second names are those of opset 16.
  if (mode == "linear" || mode == "bilinear")
    return SampleMode::Linear;
  if (mode == "cubic" || mode == "bicubic")
    return SampleMode::Cubic;
  if (mode == "nearest")
    return SampleMode::Nearest;
  return node.emitError("GridSample in mode '" + mode +
                        "'; expects nearest, linear or cubic");
}

static FailureOr<PaddingMode> getPadding(NodeImporter &node) {
  StringRef mode = node.getString("padding_mode", "zeros");
  if (mode == "zeros")
    return PaddingMode::Zeros;
  if (mode == "border")
    return PaddingMode::Border;
  if (mode == "reflection")
    return PaddingMode::Reflection;
  return node.emitError("GridSample with padding_mode '" + mode +
                        "'; expects zeros, border or reflection");
}

static LogicalResult importGridSample(NodeImporter &node) {
  FailureOr<SampleMode> mode = getMode(node);
  FailureOr<PaddingMode> padding = getPadding(node);
  if (failed(mode) || failed(padding) || failed(node.expectFloats(2)))
    return failure();
  Tensor &input = node.getInput(0);
  Tensor &grid = node.getInput(1);
  size_t rank = input.getRank();
  SmallVector<int64_t> sizes;
  if (rank >= 3)
    sizes = getStaticShape(ArrayRef(input.shape).drop_front(2));
  if (sizes.empty() || sizes.size() > 3 || grid.getRank() != rank ||
      grid.shape[0] != input.shape[0] ||
      !isConstant(grid.shape.back(), static_cast<int64_t>(sizes.size())) ||
      llvm::any_of(sizes,
                   [](int64_t size) { return size < 1 || size > kMaxWindow; }))
    return node.emitError("GridSample of " + node.toString(input.shape) +
                          " at " + node.toString(grid.shape) +
                          "; expects one to three known sizes in space, and as "
                          "many coordinates for each position");
  Shape shape = {input.shape[0], input.shape[1]};
  shape.append(grid.shape.begin() + 1, grid.shape.end() - 1);
  if (!isReasonable(shape))
    return node.emitError("GridSample has the absurd result shape " +
                          node.toString(shape));
  // The coordinates of a position are in reverse: that of the last dimension
  // comes first.
  SmallVector<Operand> operands;
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    SmallVector<AffineExpr> exprs = {getAffineDimExpr(0, node.getContext())};
    for (size_t loop = 2; loop < rank; ++loop)
      exprs.push_back(getAffineDimExpr(loop, node.getContext()));
    exprs.push_back(
        node.getConstantSize(static_cast<int64_t>(sizes.size() - 1 - dim)));
    operands.push_back({node.getValue(grid),
                        AffineMap::get(rank, 0, exprs, node.getContext())});
  }
  Value source = node.getValue(input);
  bool alignsCorners = node.getInt("align_corners", 0);
  Value result = createGeneric(
      node, input.type, shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Sampler sampler(b, getMlirType(input.type, b.getContext()), *mode,
                        *padding, alignsCorners);
        for (auto [position, size] : llvm::zip(elements, sizes))
          sampler.addDimension(position, size);
        Value batch = linalg::IndexOp::create(b, 0);
        Value channel = linalg::IndexOp::create(b, 1);
        return sampler.sample(source, {batch, channel});
      });
  return node.setOutput(0, input.type, shape, result);
}

static constexpr OpRow kRows[] = {
    {"GridSample", 16, 2, 2, importGridSample},
};

ArrayRef<OpRow> onnx::getGridSampleOps() { return kRows; }
