//===- NodeImporter.h - What an operator's import function sees -*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_NODEIMPORTER_H
#define QUANTC_LIB_IMPORT_NODEIMPORTER_H

#include "ProgramBuilder.h"

namespace quantc::onnx {

/// Imports the bodies of nodes.
class BodyImporter {
public:
  virtual ~BodyImporter() = default;
  /// Builds the operations of `body`, whose tensors may be those around it, and
  /// returns its outputs. `inputs` are what its inputs are.
  virtual mlir::FailureOr<llvm::SmallVector<Tensor>>
  importBody(llvm::StringRef body, llvm::ArrayRef<Tensor> inputs,
             mlir::Location loc) = 0;
};

/// One node: its inputs, attributes and outputs, and a builder whose location
/// is the node.
class NodeImporter {
public:
  NodeImporter(ProgramBuilder &program, const NodeProto &node, int64_t opset,
               llvm::ArrayRef<Tensor *> inputs);
  /// The same node with other inputs, for an operator that is built from
  /// others.
  NodeImporter(const NodeImporter &node, llvm::ArrayRef<Tensor *> inputs,
               unsigned numOutputs);

  mlir::ImplicitLocOpBuilder b;

  /// Imports bodies; null for what is no node.
  BodyImporter *bodies = nullptr;

  int64_t getOpset() const { return opset; }
  llvm::StringRef getOpType() const { return node.opType; }
  mlir::MLIRContext *getContext() const { return program.getContext(); }

  /// Emits an error at this node; returns failure.
  mlir::LogicalResult emitError(const llvm::Twine &message);

  //===--------------------------------------------------------------------===//
  // Inputs
  //===--------------------------------------------------------------------===//

  unsigned getNumInputs() const { return inputs.size(); }
  /// Whether the optional input is there.
  bool hasInput(unsigned index) const {
    return index < inputs.size() && inputs[index];
  }
  Tensor &getInput(unsigned index) { return *inputs[index]; }
  /// Null if the optional input is not there.
  Tensor *findInput(unsigned index) {
    return hasInput(index) ? inputs[index] : nullptr;
  }
  llvm::ArrayRef<Tensor *> getInputs() const { return inputs; }
  mlir::Value getValue(Tensor &tensor) { return program.getValue(tensor, b); }
  mlir::Value getInputValue(unsigned index) {
    return getValue(getInput(index));
  }
  /// Emits an error that input `index`, which is `what` and must be known while
  /// importing, is not; returns failure.
  mlir::LogicalResult emitUnknown(unsigned index, llvm::StringRef what);
  /// Fails unless all given inputs have the type of the first one and it is
  /// floating point.
  mlir::LogicalResult expectFloats(unsigned numInputs);

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  const AttributeProto *findAttribute(llvm::StringRef name) const;
  int64_t getInt(llvm::StringRef name, int64_t fallback) const;
  float getFloat(llvm::StringRef name, float fallback) const;
  llvm::StringRef getString(llvm::StringRef name,
                            llvm::StringRef fallback) const;
  std::optional<llvm::SmallVector<int64_t>> getInts(llvm::StringRef name) const;
  /// Empty if the attribute is not there.
  llvm::SmallVector<float> getFloats(llvm::StringRef name) const;
  llvm::SmallVector<llvm::StringRef> getStrings(llvm::StringRef name) const;
  /// The integers that older opsets have in attribute `name` and newer ones in
  /// input `index`, which must be constant; nothing when neither is there.
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
  getIntsOrInput(llvm::StringRef name, unsigned index);

  /// `axis` counted from 0, where negative ones count from the end of `rank`
  /// dimensions; fails outside of [-rank, rank).
  mlir::FailureOr<int64_t> getAxis(int64_t axis, int64_t rank);
  /// The same for a list, sorted; fails for an axis that occurs twice.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  getAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===--------------------------------------------------------------------===//
  // Outputs
  //===--------------------------------------------------------------------===//

  unsigned getNumOutputs() const { return outputs.size(); }
  /// Whether output `index` has a name.
  bool isOutputUsed(unsigned index) const {
    return index < node.outputs.size() && !node.outputs[index].empty();
  }
  mlir::LogicalResult setOutput(unsigned index, Tensor tensor);
  mlir::LogicalResult setOutput(unsigned index, ElementType type, Shape shape,
                                mlir::Value value);
  /// The tensor of an attribute; fails for malformed data.
  mlir::FailureOr<Tensor> readTensor(const TensorProto &value);
  /// The tensor of an attribute becomes output `index`.
  mlir::LogicalResult setConstantOutput(unsigned index,
                                        const TensorProto &value);
  llvm::ArrayRef<std::optional<Tensor>> getOutputs() const { return outputs; }

  //===--------------------------------------------------------------------===//
  // Building
  //===--------------------------------------------------------------------===//

  mlir::AffineExpr getConstantSize(int64_t size) const {
    return mlir::getAffineConstantExpr(size, getContext());
  }
  Shape getConstantSizes(llvm::ArrayRef<int64_t> sizes) const {
    return llvm::map_to_vector<4>(
        sizes, [&](int64_t size) { return getConstantSize(size); });
  }
  mlir::RankedTensorType getType(ElementType type,
                                 llvm::ArrayRef<mlir::AffineExpr> shape) const {
    return program.getType(type, shape);
  }
  mlir::OpFoldResult getSize(mlir::AffineExpr size) {
    return program.getSize(size, b);
  }
  mlir::Value getSizeValue(mlir::AffineExpr size) {
    return program.getSizeValue(size, b);
  }
  llvm::SmallVector<mlir::OpFoldResult>
  getSizes(llvm::ArrayRef<mlir::AffineExpr> shape);
  /// An uninitialized tensor.
  mlir::Value createEmpty(ElementType type,
                          llvm::ArrayRef<mlir::AffineExpr> shape);
  /// A tensor whose elements are all `value`.
  mlir::Value createFilled(mlir::Value value, ElementType type,
                           llvm::ArrayRef<mlir::AffineExpr> shape);
  /// A scalar of `type`.
  mlir::Value createScalar(ElementType type, double value);

  /// How many elements of `tensor` one result of a reduction along `axes`
  /// combines, as a scalar of its type, which is floating point.
  mlir::Value createCount(const Tensor &tensor, llvm::ArrayRef<int64_t> axes);

  /// `shape` for messages, with the names of the dynamic dimensions.
  std::string toString(llvm::ArrayRef<mlir::AffineExpr> shape) const;

private:
  ProgramBuilder &program;
  const NodeProto &node;
  int64_t opset;
  llvm::ArrayRef<Tensor *> inputs;
  llvm::SmallVector<std::optional<Tensor>, 1> outputs;
};

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_NODEIMPORTER_H
