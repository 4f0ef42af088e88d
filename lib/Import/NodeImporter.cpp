//===- NodeImporter.cpp - What an operator's import function sees ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"

#include "TensorData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

NodeImporter::NodeImporter(ProgramBuilder &program, const NodeProto &node,
                           int64_t opset, ArrayRef<Tensor *> inputs)
    : b(ImplicitLocOpBuilder::atBlockEnd(program.getLoc(node.getLayerName()),
                                         program.getBlock())),
      program(program), node(node), opset(opset), inputs(inputs),
      outputs(node.outputs.size()) {}

NodeImporter::NodeImporter(const NodeImporter &node, ArrayRef<Tensor *> inputs,
                           unsigned numOutputs)
    : b(node.b), program(node.program), node(node.node), opset(node.opset),
      inputs(inputs), outputs(numOutputs) {}

LogicalResult NodeImporter::emitError(const Twine &message) {
  return mlir::emitError(b.getLoc(), message);
}

LogicalResult NodeImporter::emitUnknown(unsigned index, StringRef what) {
  const Tensor &input = getInput(index);
  if (input.isInput)
    return emitError(what + " is input '" + input.name +
                     "' of the model, known only when it runs; bind it to a "
                     "value while importing (constants={\"" +
                     input.name + "\": ...}, --constant " + input.name +
                     "=FILE.npy)");
  return emitError("input " + Twine(index) + " (" + what +
                   ") is computed; expects one that is constant or follows "
                   "from the shapes of the model's inputs");
}

LogicalResult NodeImporter::expectFloats(unsigned numInputs) {
  for (unsigned index = 0; index < numInputs; ++index) {
    if (!hasInput(index))
      continue;
    ElementType type = getInput(index).type;
    if (type != getInput(0).type || !isFloat(type))
      return emitError("input " + Twine(index) + " has element type " +
                       getName(type) +
                       "; expects floating point, the same for all inputs");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const AttributeProto *NodeImporter::findAttribute(StringRef name) const {
  for (const AttributeProto &attribute : node.attributes)
    if (attribute.name == name)
      return &attribute;
  return nullptr;
}

int64_t NodeImporter::getInt(StringRef name, int64_t fallback) const {
  const AttributeProto *attribute = findAttribute(name);
  return attribute ? attribute->i.value_or(fallback) : fallback;
}

float NodeImporter::getFloat(StringRef name, float fallback) const {
  const AttributeProto *attribute = findAttribute(name);
  return attribute ? attribute->f.value_or(fallback) : fallback;
}

StringRef NodeImporter::getString(StringRef name, StringRef fallback) const {
  const AttributeProto *attribute = findAttribute(name);
  return attribute ? attribute->s.value_or(fallback) : fallback;
}

std::optional<SmallVector<int64_t>>
NodeImporter::getInts(StringRef name) const {
  if (const AttributeProto *attribute = findAttribute(name))
    return llvm::to_vector(ArrayRef<int64_t>(attribute->ints));
  return std::nullopt;
}

SmallVector<float> NodeImporter::getFloats(StringRef name) const {
  const AttributeProto *attribute = findAttribute(name);
  if (!attribute)
    return {};
  SmallVector<float> floats(attribute->floatBytes.size() / sizeof(float));
  llvm::copy(attribute->floatBytes, reinterpret_cast<char *>(floats.data()));
  return floats;
}

SmallVector<StringRef> NodeImporter::getStrings(StringRef name) const {
  const AttributeProto *attribute = findAttribute(name);
  if (!attribute)
    return {};
  return llvm::to_vector(ArrayRef<StringRef>(attribute->strings));
}

FailureOr<std::optional<SmallVector<int64_t>>>
NodeImporter::getIntsOrInput(StringRef name, unsigned index) {
  if (std::optional<SmallVector<int64_t>> ints = getInts(name))
    return ints;
  if (!hasInput(index))
    return std::optional<SmallVector<int64_t>>();
  std::optional<SmallVector<int64_t>> ints = getIntegers(getInput(index));
  if (!ints)
    return emitUnknown(index, name);
  return ints;
}

FailureOr<int64_t> NodeImporter::getAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return emitError("axis " + Twine(axis) +
                     " is outside of a tensor of rank " + Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> NodeImporter::getAxes(ArrayRef<int64_t> axes,
                                                      int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normalized = getAxis(axis, rank);
    if (failed(normalized))
      return failure();
    result.push_back(*normalized);
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return emitError("an axis occurs twice; expects different axes");
  return result;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

LogicalResult NodeImporter::setOutput(unsigned index, Tensor tensor) {
  if (!isReasonable(tensor.shape))
    return emitError("output " + Twine(index) +
                     " has an absurd shape; expects rank " + Twine(kMaxRank) +
                     " and 2^40 elements at most");
  outputs[index] = std::move(tensor);
  return success();
}

LogicalResult NodeImporter::setOutput(unsigned index, ElementType type,
                                      Shape shape, Value value) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.value = value;
  return setOutput(index, std::move(tensor));
}

FailureOr<Tensor> NodeImporter::readTensor(const TensorProto &value) {
  llvm::Expected<DenseElementsAttr> elements =
      readTensorData(value, program.externalData, getContext());
  if (!elements)
    return emitError(llvm::toString(elements.takeError()));
  return createConstant(value.type, *elements, node.getLayerName());
}

LogicalResult NodeImporter::setConstantOutput(unsigned index,
                                              const TensorProto &value) {
  FailureOr<Tensor> tensor = readTensor(value);
  return failed(tensor) ? failure() : setOutput(index, *tensor);
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

SmallVector<OpFoldResult> NodeImporter::getSizes(ArrayRef<AffineExpr> shape) {
  return llvm::map_to_vector(shape,
                             [&](AffineExpr size) { return getSize(size); });
}

Value NodeImporter::createEmpty(ElementType type, ArrayRef<AffineExpr> shape) {
  return tensor::EmptyOp::create(b, getSizes(shape),
                                 getMlirType(type, getContext()));
}

Value NodeImporter::createFilled(Value value, ElementType type,
                                 ArrayRef<AffineExpr> shape) {
  return linalg::FillOp::create(b, value, createEmpty(type, shape))
      .getResult(0);
}

Value NodeImporter::createScalar(ElementType type, double value) {
  Type elementType = getMlirType(type, getContext());
  TypedAttr attr;
  if (isFloat(type))
    attr = b.getFloatAttr(elementType, value);
  else
    attr = b.getIntegerAttr(elementType, static_cast<int64_t>(value));
  return arith::ConstantOp::create(b, attr);
}

Value NodeImporter::createCount(const Tensor &tensor, ArrayRef<int64_t> axes) {
  Product product;
  for (int64_t axis : axes)
    product.multiply(tensor.shape[axis]);
  if (product.isConstant())
    return createScalar(tensor.type, product.getCoefficient());
  Value count = getSizeValue(product.getExpr(getContext()));
  count = arith::IndexCastOp::create(b, b.getI64Type(), count);
  return arith::SIToFPOp::create(b, getMlirType(tensor.type, getContext()),
                                 count);
}

std::string NodeImporter::toString(ArrayRef<AffineExpr> shape) const {
  return onnx::toString(shape, program.getSymbolNames());
}
