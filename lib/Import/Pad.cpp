//===- Pad.cpp - More of a tensor around it -------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
enum class PadMode { Constant, Edge, Reflect, Wrap };

/// How many elements are added, or taken away where negative, along a
/// dimension.
struct Padding {
  int64_t before = 0;
  int64_t after = 0;
};
} // namespace

/// No tensor has more.
static constexpr int64_t kMaxPadding = int64_t(1) << 40;

static FailureOr<PadMode> getMode(NodeImporter &node) {
  StringRef mode = node.getString("mode", "constant");
  if (mode == "constant")
    return PadMode::Constant;
  if (mode == "edge")
    return PadMode::Edge;
  if (mode == "reflect")
    return PadMode::Reflect;
  if (mode == "wrap")
    return PadMode::Wrap;
  return node.emitError("Pad with mode '" + mode +
                        "'; expects constant, edge, reflect or wrap");
}

/// For each dimension; `pads` has all that come before first.
static FailureOr<SmallVector<Padding>> getPaddings(NodeImporter &node) {
  int64_t rank = node.getInput(0).getRank();
  FailureOr<std::optional<SmallVector<int64_t>>> pads =
      node.getIntsOrInput("pads", 1);
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("axes", 3);
  if (failed(pads) || failed(given))
    return failure();
  SmallVector<int64_t> axes;
  if (*given)
    axes = **given;
  else
    axes = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (!*pads || (*pads)->size() != 2 * axes.size())
    return node.emitError("Pad has " + Twine(*pads ? (*pads)->size() : 0) +
                          " pads; expects two for each axis");
  if (failed(node.getAxes(axes, rank)))
    return failure();
  SmallVector<Padding> paddings(rank);
  for (auto [index, axis] : llvm::enumerate(axes)) {
    Padding padding{(**pads)[index], (**pads)[axes.size() + index]};
    if (std::abs(padding.before) > kMaxPadding ||
        std::abs(padding.after) > kMaxPadding)
      return node.emitError("Pad by absurd sizes; expects at most 2^40");
    paddings[axis < 0 ? axis + rank : axis] = padding;
  }
  return paddings;
}

/// The input without what negative paddings take away, which become 0.
static FailureOr<Tensor> crop(NodeImporter &node,
                              MutableArrayRef<Padding> paddings) {
  Tensor input = node.getInput(0);
  for (auto [axis, padding] : llvm::enumerate(paddings)) {
    if (padding.before >= 0 && padding.after >= 0)
      continue;
    std::optional<int64_t> size = getConstant(input.shape[axis]);
    int64_t before = std::max<int64_t>(-padding.before, 0);
    int64_t after = std::max<int64_t>(-padding.after, 0);
    if (!size || before + after > *size)
      return node.emitError("cannot take " + Twine(before + after) +
                            " elements from dimension " + Twine(axis) + " of " +
                            node.toString(input.shape));
    input = extractPart(node, input, axis, before, *size - before - after);
    padding = {std::max<int64_t>(padding.before, 0),
               std::max<int64_t>(padding.after, 0)};
  }
  return input;
}

/// The scalar to pad with: an attribute of old opsets, input 2 of newer ones.
static FailureOr<Value> getPadValue(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  if (!node.hasInput(2))
    return node.createScalar(type, node.getFloat("value", 0));
  Tensor &value = node.getInput(2);
  if (value.type != type || !(Product(value.shape) == Product()))
    return node.emitError("Pad with a value of type " + getName(value.type) +
                          " and shape " + node.toString(value.shape) +
                          "; expects a scalar of type " + getName(type));
  SmallVector<Value> first(value.getRank(),
                           node.getSizeValue(node.getConstantSize(0)));
  return Value(tensor::ExtractOp::create(node.b, node.getValue(value), first));
}

/// The input in the middle of a tensor that is filled with the value.
static LogicalResult setFramed(NodeImporter &node, Tensor &input,
                               const Shape &shape, ArrayRef<Padding> paddings) {
  FailureOr<Value> scalar = getPadValue(node);
  if (failed(scalar))
    return failure();
  Value filled = node.createFilled(*scalar, input.type, shape);
  if (llvm::any_of(input.shape,
                   [](AffineExpr size) { return isConstant(size, 0); }))
    return node.setOutput(0, input.type, shape, filled);
  SmallVector<OpFoldResult> offsets;
  for (const Padding &padding : paddings)
    offsets.push_back(node.b.getIndexAttr(padding.before));
  SmallVector<OpFoldResult> strides(input.getRank(), node.b.getIndexAttr(1));
  Value value = tensor::InsertSliceOp::create(
      node.b, node.getValue(input), filled, offsets, node.getSizes(input.shape),
      strides);
  return node.setOutput(0, input.type, shape, value);
}

/// The position in `size` elements that stands at `index`, which is outside if
/// it is negative or not below `size`.
static Value createSource(ImplicitLocOpBuilder &b, PadMode mode, Value index,
                          Value size) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  // Rounded down, for negative ones too.
  auto modulo = [&](Value value, Value divisor) -> Value {
    Value rest = arith::RemSIOp::create(b, value, divisor);
    Value isNegative =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, rest, constant(0));
    Value moved = arith::AddIOp::create(b, rest, divisor);
    return arith::SelectOp::create(b, isNegative, moved, rest);
  };
  Value one = constant(1);
  Value last = arith::SubIOp::create(b, size, one);
  switch (mode) {
  case PadMode::Wrap:
    return modulo(index, size);
  case PadMode::Reflect: {
    // To the end and back, without the ends twice.
    Value period = arith::AddIOp::create(b, last, last);
    period = arith::MaxSIOp::create(b, period, one);
    Value place = modulo(index, period);
    Value back = arith::SubIOp::create(b, period, place);
    return arith::MinSIOp::create(b, place, back);
  }
  default:
    index = arith::MaxSIOp::create(b, index, constant(0));
    return arith::MinSIOp::create(b, index, last);
  }
}

static LogicalResult setContinued(NodeImporter &node, PadMode mode,
                                  Tensor &input, const Shape &shape,
                                  ArrayRef<Padding> paddings) {
  for (auto [size, padded] : llvm::zip_equal(input.shape, shape))
    if (isConstant(size, 0) && size != padded)
      return node.emitError("no element to continue in " +
                            node.toString(input.shape));
  Value source = node.getValue(input);
  SmallVector<Value> sizes = llvm::map_to_vector(
      input.shape, [&](AffineExpr size) { return node.getSizeValue(size); });
  Value value = createGeneric(
      node, input.type, shape, {},
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value>) -> Value {
        SmallVector<Value> point;
        for (auto [dim, padding] : llvm::enumerate(paddings)) {
          Value index = linalg::IndexOp::create(b, dim);
          if (padding.before || padding.after) {
            Value before = arith::ConstantIndexOp::create(b, padding.before);
            index = createSource(
                b, mode, arith::SubIOp::create(b, index, before), sizes[dim]);
          }
          point.push_back(index);
        }
        return tensor::ExtractOp::create(b, source, point);
      });
  return node.setOutput(0, input.type, shape, value);
}

static LogicalResult importPad(NodeImporter &node) {
  FailureOr<PadMode> mode = getMode(node);
  FailureOr<SmallVector<Padding>> paddings = getPaddings(node);
  if (failed(mode) || failed(paddings))
    return failure();
  FailureOr<Tensor> input = crop(node, *paddings);
  if (failed(input))
    return failure();
  Shape shape = input->shape;
  for (auto [size, padding] : llvm::zip_equal(shape, *paddings))
    size = size + padding.before + padding.after;
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape " + node.toString(shape));
  if (shape == input->shape)
    return node.setOutput(0, *input);
  return *mode == PadMode::Constant
             ? setFramed(node, *input, shape, *paddings)
             : setContinued(node, *mode, *input, shape, *paddings);
}

static constexpr OpRow kRows[] = {
    {"Pad", 2, 1, 4, importPad, Halves::Keep},
};

ArrayRef<OpRow> onnx::getPadOps() { return kRows; }
