//===- Interpreter.cpp - The reference interpreter ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks the inputs against the program's interface and runs its entry.
//
//===----------------------------------------------------------------------===//

#include "quantc/Reference/Interpreter.h"

#include "Frame.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Support/TensorAttribute.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;

/// An error about input or output `port` of `entry`.
static InFlightDiagnostic reportPort(func::FuncOp entry, const Port &port) {
  return emitError(NameLoc::get(StringAttr::get(entry.getContext(), port.name),
                                entry.getLoc()));
}

/// Checks the data type and the constant sizes of an input, and gives each
/// dynamic dimension of the program its size where it is first met.
static LogicalResult bindInput(func::FuncOp entry, const Port &port,
                               const HostTensor &tensor,
                               SmallVectorImpl<std::optional<int64_t>> &dims) {
  std::optional<DataType> type = port.getDataType();
  if (tensor.type != type) {
    InFlightDiagnostic error = reportPort(entry, port);
    error << "expects elements of type ";
    if (type)
      error << "'" << getName(*type) << "'";
    else
      error << port.type.getElementType();
    return error << ", got " << getName(tensor.type);
  }
  if (static_cast<int64_t>(tensor.shape.size()) != port.type.getRank())
    return reportPort(entry, port)
           << "expects " << port.type.getRank() << " dimensions, got "
           << tensor.shape.size();
  for (auto [dim, size] : llvm::enumerate(tensor.shape)) {
    AffineExpr expr = port.shape.getResult(dim);
    std::optional<int64_t> expected;
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      expected = constant.getValue();
    else if (auto symbol = dyn_cast<AffineDimExpr>(expr))
      expected = dims[symbol.getPosition()] =
          dims[symbol.getPosition()].value_or(size);
    if (expected && *expected != size)
      return reportPort(entry, port)
             << "expects size " << *expected << " in dimension " << dim
             << ", got " << size;
  }
  return success();
}

/// Checks sizes that are expressions in the dynamic dimensions.
static LogicalResult checkShape(func::FuncOp entry, const Port &port,
                                ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> dims) {
  SmallVector<int64_t, 4> expected = port.shape.compose(dims);
  if (llvm::equal(expected, shape))
    return success();
  InFlightDiagnostic diagnostic = reportPort(entry, port) << "expects shape [";
  llvm::interleaveComma(expected, diagnostic);
  diagnostic << "], got [";
  llvm::interleaveComma(shape, diagnostic);
  return diagnostic << "]";
}

FailureOr<std::vector<HostTensor>>
quantc::interpret(ModuleOp module, ArrayRef<HostTensor> inputs) {
  FailureOr<func::FuncOp> entry = getEntry(module);
  if (failed(entry))
    return failure();
  FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
  if (failed(interface))
    return failure();
  if (!entry->getBody().hasOneBlock())
    return entry->emitError("expects structured control flow, got a function "
                            "of several blocks");
  if (inputs.size() != interface->inputs.size())
    return entry->emitError("expects ")
           << interface->inputs.size() << " inputs, got " << inputs.size();

  SmallVector<std::optional<int64_t>> bound(interface->dims.size());
  for (auto [port, tensor] : llvm::zip_equal(interface->inputs, inputs))
    if (failed(bindInput(*entry, port, tensor, bound)))
      return failure();
  SmallVector<int64_t> dims;
  for (auto [name, size] : llvm::zip_equal(interface->dims, bound)) {
    if (!size)
      return entry->emitError("no input has dimension '") << name << "'";
    dims.push_back(*size);
  }

  Frame frame;
  for (auto [port, tensor, argument] :
       llvm::zip_equal(interface->inputs, inputs, entry->getArguments())) {
    if (failed(checkShape(*entry, port, tensor.shape, dims)))
      return failure();
    HostTensor held = tensor;
    held.type = *getDataType(port.type.getElementType());
    frame.set(argument, std::move(held));
  }
  Block &body = entry->front();
  if (failed(frame.run(body)))
    return failure();

  std::vector<HostTensor> outputs;
  for (auto [port, value] : llvm::zip_equal(
           interface->outputs, body.getTerminator()->getOperands())) {
    outputs.push_back(frame.getTensor(value));
    outputs.back().type = *port.getDataType();
    if (failed(checkShape(*entry, port, outputs.back().shape, dims)))
      return failure();
  }
  return outputs;
}
