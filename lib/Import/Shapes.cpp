//===- Shapes.cpp - Operators that change only the shape ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"
#include "TensorData.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// Also Dropout, which does nothing in inference.
static LogicalResult importIdentity(NodeImporter &node) {
  return node.setOutput(0, node.getInput(0));
}

/// Output 0 is input 0 with another shape.
static LogicalResult setReshape(NodeImporter &node, Shape shape) {
  if (!isReasonable(shape))
    return node.emitError("result has an absurd shape " + node.toString(shape));
  return node.setOutput(0, reshapeTensor(node, node.getInput(0), shape));
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

/// The size that `-1` stands for: what is left of `total` elements when the
/// other sizes take `known`. Where that does not divide symbolically, it is a
/// division at run time.
static FailureOr<AffineExpr> inferSize(NodeImporter &node, const Product &total,
                                       const Product &known) {
  MLIRContext *context = node.getContext();
  if (std::optional<Product> quotient = total.divide(known))
    return quotient->getExpr(context);
  if (known.getCoefficient() > 0 && known.isConstant() && !total.isConstant())
    return total.getExpr(context).floorDiv(known.getExpr(context));
  return node.emitError("cannot reshape " +
                        node.toString(node.getInput(0).shape) +
                        ": the size that -1 stands for is not a whole number");
}

static LogicalResult importReshape(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  std::optional<Shape> target = getElements(node.getInput(1));
  if (!target)
    return node.emitUnknown(1, "shape");
  bool allowZero = node.getInt("allowzero", 0);
  Shape shape;
  std::optional<size_t> inferred;
  Product known;
  for (auto [dim, size] : llvm::enumerate(*target)) {
    bool isInferred = isConstant(size, -1);
    if (isInferred && inferred)
      return node.emitError("the shape has several -1; expects one at most");
    if (isInferred)
      inferred = dim;
    else if (isConstant(size, 0) && !allowZero) {
      if (dim >= input.getRank())
        return node.emitError("the shape copies dimension " + Twine(dim) +
                              " of an input of rank " + Twine(input.getRank()));
      size = input.shape[dim];
    }
    shape.push_back(size);
    if (!isInferred)
      known.multiply(size);
  }
  Product total(input.shape);
  if (inferred) {
    FailureOr<AffineExpr> size = inferSize(node, total, known);
    if (failed(size))
      return failure();
    shape[*inferred] = *size;
  } else if (!(total == known)) {
    return node.emitError("cannot reshape " + node.toString(input.shape) +
                          " to " + node.toString(shape) +
                          "; expects as many elements");
  }
  return setReshape(node, shape);
}

/// All dimensions before `axis` become one, and all from `axis` on.
static LogicalResult importFlatten(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  int64_t rank = input.getRank();
  int64_t axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return node.emitError("axis " + Twine(axis) +
                          " is outside of a tensor of rank " + Twine(rank));
  axis = axis < 0 ? axis + rank : axis;
  ArrayRef<AffineExpr> shape = input.shape;
  return setReshape(
      node, {Product(shape.take_front(axis)).getExpr(node.getContext()),
             Product(shape.drop_front(axis)).getExpr(node.getContext())});
}

static LogicalResult importSqueeze(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("axes", 1);
  if (failed(given))
    return failure();
  SmallVector<int64_t> axes;
  if (*given) {
    FailureOr<SmallVector<int64_t>> normalized =
        node.getAxes(**given, input.getRank());
    if (failed(normalized))
      return failure();
    axes = *normalized;
  } else {
    for (auto [dim, size] : llvm::enumerate(input.shape))
      if (isConstant(size, 1))
        axes.push_back(dim);
  }
  Shape shape;
  for (auto [dim, size] : llvm::enumerate(input.shape)) {
    if (!llvm::is_contained(axes, dim))
      shape.push_back(size);
    else if (!isConstant(size, 1))
      return node.emitError("cannot squeeze dimension " + Twine(dim) + " of " +
                            node.toString(input.shape) + "; expects size 1");
  }
  return setReshape(node, shape);
}

static LogicalResult importUnsqueeze(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.getIntsOrInput("axes", 1);
  if (failed(given))
    return failure();
  if (!*given)
    return node.emitError("Unsqueeze has no axes; expects a list");
  size_t rank = input.getRank() + (*given)->size();
  FailureOr<SmallVector<int64_t>> axes = node.getAxes(**given, rank);
  if (failed(axes))
    return failure();
  Shape shape;
  ArrayRef<AffineExpr> sizes = input.shape;
  for (size_t dim = 0; dim < rank; ++dim) {
    if (llvm::is_contained(*axes, dim)) {
      shape.push_back(node.getConstantSize(1));
      continue;
    }
    shape.push_back(sizes.front());
    sizes = sizes.drop_front();
  }
  return setReshape(node, shape);
}

//===----------------------------------------------------------------------===//
// Shapes as data, constants
//===----------------------------------------------------------------------===//

static LogicalResult importShape(NodeImporter &node) {
  ArrayRef<AffineExpr> shape = node.getInput(0).shape;
  int64_t rank = shape.size();
  auto getBound = [&](StringRef name, int64_t fallback) {
    int64_t bound = node.getInt(name, fallback);
    return std::clamp<int64_t>(bound < 0 ? bound + rank : bound, 0, rank);
  };
  int64_t start = getBound("start", 0);
  int64_t end = std::max(getBound("end", rank), start);
  return node.setOutput(0, makeElements(ElementType::Int64,
                                        node.getConstantSize(end - start),
                                        shape.slice(start, end - start)));
}

/// A constant of rank 0 or 1 from the numbers of an attribute.
template <class T>
static LogicalResult setNumbers(NodeImporter &node, ElementType type,
                                ArrayRef<T> numbers, bool isScalar) {
  SmallVector<int64_t> shape;
  if (!isScalar)
    shape.push_back(numbers.size());
  auto tensorType =
      RankedTensorType::get(shape, getMlirType(type, node.getContext()));
  return node.setOutput(
      0, createConstant(type, DenseElementsAttr::get(tensorType, numbers)));
}

static LogicalResult importConstant(NodeImporter &node) {
  if (const AttributeProto *value = node.findAttribute("value");
      value && value->t)
    return node.setConstantOutput(0, *value->t);
  if (const AttributeProto *value = node.findAttribute("value_float");
      value && value->f)
    return setNumbers<float>(node, ElementType::Float, *value->f,
                             /*isScalar=*/true);
  if (const AttributeProto *value = node.findAttribute("value_int");
      value && value->i)
    return setNumbers<int64_t>(node, ElementType::Int64, *value->i,
                               /*isScalar=*/true);
  if (const AttributeProto *value = node.findAttribute("value_floats")) {
    SmallVector<float> floats(value->floatBytes.size() / sizeof(float));
    std::memcpy(floats.data(), value->floatBytes.data(),
                floats.size() * sizeof(float));
    return setNumbers<float>(node, ElementType::Float, floats,
                             /*isScalar=*/false);
  }
  if (const AttributeProto *value = node.findAttribute("value_ints"))
    return setNumbers<int64_t>(node, ElementType::Int64, value->ints,
                               /*isScalar=*/false);
  return node.emitError("Constant has no value that is supported; expects "
                        "a tensor or numbers");
}

/// Repeats input 0 along dimensions of size 1.
static LogicalResult importExpand(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  std::optional<Shape> target = getElements(node.getInput(1));
  if (!target)
    return node.emitUnknown(1, "shape");
  Tensor like;
  like.shape = *target;
  FailureOr<Shape> shape = getBroadcastShape(node, {&input, &like});
  if (failed(shape))
    return failure();
  if (*shape == input.shape)
    return node.setOutput(0, input);
  Value value =
      createElementwise(node, input.type, *shape, &input,
                        [](ImplicitLocOpBuilder &, ArrayRef<Value> elements) {
                          return elements[0];
                        });
  return node.setOutput(0, input.type, *shape, value);
}

/// The number of elements.
static LogicalResult importSize(NodeImporter &node) {
  AffineExpr size = Product(node.getInput(0).shape).getExpr(node.getContext());
  return node.setOutput(0, makeElements(ElementType::Int64, {}, size));
}

/// Without training, the input, and a mask that keeps all of it.
static LogicalResult importDropout(NodeImporter &node) {
  Tensor &input = node.getInput(0);
  if (node.hasInput(2)) {
    Tensor &training = node.getInput(2);
    if (!training.constant)
      return node.emitUnknown(2, "training_mode");
    if (training.type != ElementType::Bool ||
        training.constant.getNumElements() != 1 ||
        *training.constant.getValues<bool>().begin())
      return node.emitError("Dropout in training mode; expects inference");
  }
  if (node.getNumOutputs() > 1) {
    Value isKept = node.createScalar(ElementType::Bool, 1);
    if (failed(node.setOutput(
            1, ElementType::Bool, input.shape,
            node.createFilled(isKept, ElementType::Bool, input.shape))))
      return failure();
  }
  return node.setOutput(0, input);
}

static constexpr OpRow kRows[] = {
    {"Constant", 1, 0, 0, importConstant, Halves::Keep},
    {"Dropout", 7, 1, 3, importDropout, Halves::Keep},
    {"Expand", 8, 2, 2, importExpand, Halves::Keep},
    {"Flatten", 1, 1, 1, importFlatten, Halves::Keep},
    {"Identity", 1, 1, 1, importIdentity, Halves::Keep},
    {"Reshape", 5, 2, 2, importReshape, Halves::Keep},
    {"Shape", 1, 1, 1, importShape, Halves::Keep},
    {"Size", 1, 1, 1, importSize, Halves::Keep},
    {"Squeeze", 1, 1, 2, importSqueeze, Halves::Keep},
    {"Unsqueeze", 1, 1, 2, importUnsqueeze, Halves::Keep},
};

ArrayRef<OpRow> onnx::getShapeOps() { return kRows; }
