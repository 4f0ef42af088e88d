//===- Pooling.cpp - Pooling over windows ---------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each is a linalg.generic over batch, channels, positions and the window, as
// linalg.pooling_nchw_max is one: an empty tensor of the window's shape has the
// sizes of the innermost loops. Elements of a window are combined in row-major
// order, whatever the layout.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The windows of a pooling operator over the dimensions from the third on.
static FailureOr<SmallVector<Window>> getPoolWindows(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  size_t rank = input.getRank();
  if (rank < 3)
    return node.emitError(node.getOpType() + " of " +
                          node.toString(input.shape) +
                          "; expects batch, channels and more");
  if (!node.getInts("kernel_shape"))
    return node.emitError(node.getOpType() +
                          " without kernel_shape; expects one");
  FailureOr<SmallVector<int64_t>> kernel =
      getWindowInts(node, "kernel_shape", rank - 2, 1, 1);
  if (failed(kernel))
    return failure();
  return getWindows(node, ArrayRef(input.shape).drop_front(2), *kernel);
}

/// A generic that combines each window of `padded` into the elements of
/// `inits`, all of `shape`, by `body`: it gets the element and what was
/// combined so far.
static SmallVector<Value> createPool(
    NodeImporter &node, Tensor &padded, ArrayRef<Window> windows,
    ValueRange inits,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> body) {
  MLIRContext *context = node.getContext();
  size_t spatial = windows.size(), rank = spatial + 2;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.append(spatial, utils::IteratorType::reduction);
  size_t numLoops = iterators.size();
  SmallVector<AffineExpr> element = {getAffineDimExpr(0, context),
                                     getAffineDimExpr(1, context)};
  SmallVector<AffineExpr> windowElement;
  Shape windowShape;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    AffineExpr position = getAffineDimExpr(dim + 2, context);
    windowElement.push_back(getAffineDimExpr(rank + dim, context));
    element.push_back(position * window.stride +
                      windowElement.back() * window.dilation);
    windowShape.push_back(node.getConstantSize(window.kernel));
  }
  SmallVector<AffineMap> maps = {
      AffineMap::get(numLoops, 0, element, context),
      AffineMap::get(numLoops, 0, windowElement, context)};
  maps.append(inits.size(), AffineMap::getMultiDimIdentityMap(numLoops, context)
                                .getMajorSubMap(rank));
  Value operands[] = {node.getValue(padded),
                      node.createEmpty(padded.type, windowShape)};
  auto generic = linalg::GenericOp::create(
      node.b, inits.getTypes(), operands, inits, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder b(loc, builder);
        SmallVector<Value> combined = {elements.front()};
        llvm::append_range(combined, elements.take_back(inits.size()));
        linalg::YieldOp::create(b, body(b, combined));
      });
  return SmallVector<Value>(generic.getResults());
}

/// The same with one result of the type of `padded`.
static Tensor createPool(NodeImporter &node, Tensor &padded,
                         ArrayRef<Window> windows, double identity,
                         ElementBody body) {
  Shape shape = getWindowedShape(node, padded, padded.shape[1], windows);
  Value init = node.createFilled(node.createScalar(padded.type, identity),
                                 padded.type, shape);
  SmallVector<Value> result = createPool(
      node, padded, windows, init,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        return SmallVector<Value>{body(b, llvm::to_vector(elements))};
      });
  return makeTensor(padded.type, shape, result.front());
}

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

/// The least value of `type`.
static double getLowest(ElementType type) {
  if (isFloat(type))
    return -std::numeric_limits<double>::infinity();
  return isUnsigned(type) ? 0.0 : -std::ldexp(1.0, getBitWidth(type) - 1);
}

/// Where the element that the loops are at lies in the input, counted in
/// row-major order, or with the spatial dimensions in column-major order.
static Value createElementIndex(ImplicitLocOpBuilder &b, Value channels,
                                ArrayRef<Window> windows, bool isColumnMajor) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto multiplyAdd = [&](Value x, Value y, Value z) -> Value {
    return arith::AddIOp::create(b, arith::MulIOp::create(b, x, y), z);
  };
  size_t rank = windows.size() + 2;
  SmallVector<Value> positions;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    Value start =
        multiplyAdd(linalg::IndexOp::create(b, dim + 2),
                    constant(window.stride), constant(-window.padBefore));
    positions.push_back(multiplyAdd(linalg::IndexOp::create(b, rank + dim),
                                    constant(window.dilation), start));
  }
  Value index = multiplyAdd(linalg::IndexOp::create(b, 0), channels,
                            linalg::IndexOp::create(b, 1));
  int64_t spatial = 1;
  for (const Window &window : windows)
    spatial *= window.size;
  index = arith::MulIOp::create(b, index, constant(spatial));
  int64_t step = isColumnMajor ? 1 : spatial;
  for (auto [position, window] : llvm::zip(positions, windows)) {
    if (!isColumnMajor)
      step /= window.size;
    index = multiplyAdd(position, constant(step), index);
    if (isColumnMajor)
      step *= window.size;
  }
  return arith::IndexCastOp::create(b, b.getI64Type(), index);
}

/// The largest element of each window and, as the second output, where it is
/// first found.
static LogicalResult importMaxPool(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  if (!isFloat(type) && !isInteger(type))
    return node.emitError("MaxPool of " + getName(type) + "; expects numbers");
  FailureOr<SmallVector<Window>> windows = getPoolWindows(node);
  if (failed(windows))
    return failure();
  double lowest = getLowest(type);
  FailureOr<Tensor> padded =
      createPad(node, input, *windows, node.createScalar(type, lowest));
  if (failed(padded))
    return failure();
  if (node.getNumOutputs() < 2)
    return node.setOutput(
        0, createPool(node, *padded, *windows, lowest,
                      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                        return createMax(b, type, elements[1], elements[0]);
                      }));

  Shape shape = getWindowedShape(node, input, input.shape[1], *windows);
  bool isColumnMajor = node.getInt("storage_order", 0);
  Value channels = node.getSizeValue(input.shape[1]);
  Value inits[] = {
      node.createFilled(node.createScalar(type, lowest), type, shape),
      node.createFilled(node.createScalar(ElementType::Int64, -1),
                        ElementType::Int64, shape)};
  SmallVector<Value> results = createPool(
      node, *padded, *windows, inits,
      [&](ImplicitLocOpBuilder &b, ValueRange elements) {
        Value isLarger;
        if (isFloat(type))
          isLarger = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                           elements[0], elements[1]);
        else
          isLarger = arith::CmpIOp::create(b,
                                           isUnsigned(type)
                                               ? arith::CmpIPredicate::ugt
                                               : arith::CmpIPredicate::sgt,
                                           elements[0], elements[1]);
        Value index = createElementIndex(b, channels, *windows, isColumnMajor);
        Value maximum =
            arith::SelectOp::create(b, isLarger, elements[0], elements[1]);
        return SmallVector<Value>{
            maximum, arith::SelectOp::create(b, isLarger, index, elements[2])};
      });
  if (failed(node.setOutput(0, type, shape, results[0])))
    return failure();
  return node.setOutput(1, ElementType::Int64, shape, results[1]);
}

//===----------------------------------------------------------------------===//
// AveragePool and LpPool
//===----------------------------------------------------------------------===//

/// How many of the elements of the window at `position` count: those of the
/// input and, if `withPadding`, those of its padding.
static int64_t countElements(const Window &window, int64_t position,
                             bool withPadding) {
  int64_t start = position * window.stride - window.padBefore;
  int64_t low = withPadding ? -window.padBefore : 0;
  int64_t high = window.size + (withPadding ? window.padAfter : 0);
  // The first elements of the window that are at or behind each bound.
  auto getFirst = [&](int64_t bound) {
    return std::clamp<int64_t>(
        llvm::divideCeilSigned(bound - start, window.dilation), 0,
        window.kernel);
  };
  return getFirst(high) - getFirst(low);
}

/// A constant vector with the number of elements that count at each position
/// along a dimension.
static Tensor createCounts(NodeImporter &node, ElementType type,
                           const Window &window, bool withPadding) {
  Type elementType = getMlirType(type, node.getContext());
  SmallVector<Attribute> counts;
  for (int64_t position = 0; position < window.numPositions; ++position)
    counts.push_back(node.b.getFloatAttr(
        elementType,
        static_cast<double>(countElements(window, position, withPadding))));
  return createConstant(
      type,
      DenseElementsAttr::get(
          RankedTensorType::get(window.numPositions, elementType), counts));
}

/// The mean of each window: its sum by the product of the counts along the
/// dimensions, which are constant along those without padding.
static LogicalResult importAveragePool(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  Tensor &input = node.getInput(0);
  ElementType type = input.type;
  FailureOr<SmallVector<Window>> windows = getPoolWindows(node);
  if (failed(windows))
    return failure();
  FailureOr<Tensor> padded =
      createPad(node, input, *windows, node.createScalar(type, 0));
  if (failed(padded))
    return failure();
  Tensor sum =
      createPool(node, *padded, *windows, /*identity=*/0,
                 [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                   return createAdd(b, type, elements[1], elements[0]);
                 });
  int64_t rank = sum.getRank();
  SmallVector<Operand> operands = {
      {node.getValue(sum), node.b.getMultiDimIdentityMap(rank)}};
  double whole = 1;
  for (auto [dim, window] : llvm::enumerate(*windows)) {
    bool withPadding = node.getInt("count_include_pad", 0);
    bool isWhole = window.getOverhang() == 0 &&
                   (withPadding || (!window.padBefore && !window.padAfter));
    if (isWhole) {
      whole *= static_cast<double>(window.kernel);
      continue;
    }
    if (window.numPositions > kMaxWindow)
      return node.emitError("AveragePool with padding at " +
                            Twine(window.numPositions) +
                            " positions; expects at most 2^20");
    Tensor counts = createCounts(node, type, window, withPadding);
    operands.push_back(
        {node.getValue(counts),
         AffineMap::get(rank, 0,
                        getAffineDimExpr(dim + 2, node.getContext()))});
  }
  Value count = node.createScalar(type, whole);
  Value mean = createGeneric(
      node, type, sum.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value divisor = count;
        for (Value along : elements.slice(1, operands.size() - 1))
          divisor = arith::MulFOp::create(b, divisor, along);
        return arith::DivFOp::create(b, elements[0], divisor);
      });
  return node.setOutput(0, type, sum.shape, mean);
}

/// |x|^p, for p of at least 1.
static Value createPower(ImplicitLocOpBuilder &b, Value x, Value p,
                         int64_t constant) {
  if (constant == 2)
    return arith::MulFOp::create(b, x, x);
  Value absolute = math::AbsFOp::create(b, x);
  if (constant == 1)
    return absolute;
  return math::PowFOp::create(b, absolute, p);
}

/// The p-norm of each window, (sum |x|^p)^(1/p).
static LogicalResult setNorm(NodeImporter &node, Tensor &padded,
                             ArrayRef<Window> windows) {
  ElementType type = padded.type;
  int64_t p = node.getInt("p", 2);
  if (p < 1)
    return node.emitError(node.getOpType() + " with p of " + Twine(p) +
                          "; expects at least 1");
  Value exponent = node.createScalar(type, static_cast<double>(p));
  Value inverse = node.createScalar(type, 1.0 / static_cast<double>(p));
  Tensor sum =
      createPool(node, padded, windows, /*identity=*/0,
                 [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                   return createAdd(b, type, elements[1],
                                    createPower(b, elements[0], exponent, p));
                 });
  if (p == 1)
    return node.setOutput(0, sum);
  return setElementwiseOutput(
      node, type, &sum,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (p == 2)
          return math::SqrtOp::create(b, elements[0]);
        return math::PowFOp::create(b, elements[0], inverse);
      });
}

static LogicalResult importLpPool(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  Tensor &input = node.getInput(0);
  FailureOr<SmallVector<Window>> windows = getPoolWindows(node);
  if (failed(windows))
    return failure();
  FailureOr<Tensor> padded =
      createPad(node, input, *windows, node.createScalar(input.type, 0));
  if (failed(padded))
    return failure();
  return setNorm(node, *padded, *windows);
}

/// LpPool with one window of the size of the input.
static LogicalResult importGlobalLpPool(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  if (failed(node.expectFloats(1)))
    return failure();
  SmallVector<int64_t> sizes =
      getStaticShape(ArrayRef(input.shape).drop_front(2));
  if (input.getRank() < 3 || ShapedType::isDynamicShape(sizes))
    return node.emitError("GlobalLpPool of " + node.toString(input.shape) +
                          "; expects batch, channels and spatial sizes that "
                          "are known");
  FailureOr<SmallVector<Window>> windows =
      getWindows(node, ArrayRef(input.shape).drop_front(2), sizes);
  if (failed(windows))
    return failure();
  return setNorm(node, input, *windows);
}

static constexpr OpRow kRows[] = {
    {"AveragePool", 1, 1, 1, importAveragePool},
    {"GlobalLpPool", 2, 1, 1, importGlobalLpPool},
    {"LpPool", 2, 1, 1, importLpPool},
    {"MaxPool", 1, 1, 1, importMaxPool},
};

ArrayRef<OpRow> onnx::getPoolingOps() { return kRows; }
