//===- GraphImporter.h - An ONNX graph to a program -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_GRAPHIMPORTER_H
#define QUANTC_LIB_IMPORT_GRAPHIMPORTER_H

#include "OpTable.h"

#include "quantc/Import/OnnxImport.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <deque>

namespace quantc::onnx {

class GraphImporter : public BodyImporter {
public:
  /// External data is beside `path`; locations call the model `name`.
  GraphImporter(const ModelProto &model, llvm::StringRef path,
                llvm::StringRef name, mlir::MLIRContext *context,
                const OnnxImportOptions &options);

  /// The program, or null after emitting errors.
  mlir::OwningOpRef<mlir::ModuleOp> import();

  mlir::FailureOr<llvm::SmallVector<Tensor>>
  importBody(llvm::StringRef body, llvm::ArrayRef<Tensor> inputs,
             mlir::Location loc) override;

private:
  mlir::LogicalResult readOpset();
  /// Reports all operators that are not supported at once.
  mlir::LogicalResult checkOperators(const GraphProto &graph);
  mlir::LogicalResult readInitializers(const GraphProto &graph);
  mlir::LogicalResult createInputs();
  /// Whether all values in the options are for inputs.
  mlir::LogicalResult checkConstants();
  /// `input` with the value that the options give it.
  mlir::LogicalResult bindInput(const ValueInfoProto &input,
                                const HostTensor &value);
  mlir::LogicalResult createInput(const ValueInfoProto &input);
  mlir::LogicalResult importNode(const NodeProto &node);
  /// Builds the operations of a node by `row` and sets its outputs.
  mlir::LogicalResult build(NodeImporter &node, const OpRow &row,
                            llvm::MutableArrayRef<Tensor *> operands);
  mlir::LogicalResult createOutputs();
  /// Whether what the model says about `output` agrees with `tensor`.
  mlir::LogicalResult checkOutput(const ValueInfoProto &output,
                                  const Tensor &tensor);
  /// Makes `tensor` known as `name`; fails when the name is taken.
  mlir::LogicalResult define(llvm::StringRef name, Tensor tensor,
                             mlir::Location loc);
  /// Writes names and symbolic shapes of inputs and outputs to the function.
  mlir::LogicalResult setInterface();
  mlir::AffineMap getShapeMap(llvm::ArrayRef<mlir::AffineExpr> shape);

  mlir::InFlightDiagnostic emitError(llvm::StringRef name = {});

  const GraphProto &graph;
  const ModelProto &model;
  const OnnxImportOptions &options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp entry;
  ProgramBuilder program;
  int64_t opset = 0;
  /// A deque, since `tensors` points into it.
  std::deque<Tensor> storage;
  llvm::StringMap<Tensor *> tensors;
  /// The names that were defined, in order: those of a body are known in it
  /// only.
  std::vector<std::string> definedNames;
  unsigned bodyDepth = 0;
  /// Of all bodies so far, once for each time that one is imported.
  size_t numBodyNodes = 0;
  llvm::SmallVector<std::pair<llvm::StringRef, Tensor *>> inputs;
};

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_GRAPHIMPORTER_H
