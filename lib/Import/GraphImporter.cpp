//===- GraphImporter.cpp - An ONNX graph to a program ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "Builders.h"
#include "TensorData.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Support/TensorAttribute.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The program's function.
static constexpr llvm::StringLiteral kEntryName = "main";

static OwningOpRef<ModuleOp> createModule(Location loc) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder(module->getBodyRegion());
  auto entry = func::FuncOp::create(builder, loc, kEntryName,
                                    builder.getFunctionType({}, {}));
  entry.addEntryBlock();
  return module;
}

GraphImporter::GraphImporter(const ModelProto &model, StringRef path,
                             StringRef name, MLIRContext *context,
                             const OnnxImportOptions &options)
    : graph(*model.graph), model(model), options(options),
      module(createModule(FileLineColLoc::get(context, name, 0, 0))),
      entry(*module->getOps<func::FuncOp>().begin()),
      program(&entry.front(), context, path, name) {}

InFlightDiagnostic GraphImporter::emitError(StringRef name) {
  return mlir::emitError(name.empty() ? module->getLoc()
                                      : program.getLoc(name));
}

OwningOpRef<ModuleOp> GraphImporter::import() {
  if (failed(readOpset()) || failed(checkOperators(graph)) ||
      failed(readInitializers(graph)) || failed(checkConstants()) ||
      failed(createInputs()))
    return nullptr;
  for (const NodeProto &node : graph.nodes)
    if (failed(importNode(node)))
      return nullptr;
  if (failed(createOutputs()) || failed(setInterface()))
    return nullptr;
  // Sizes that no operation needed, and nodes that reach no output.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(entry.front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  return std::move(module);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::readOpset() {
  for (auto [domain, version] : model.opsets)
    if (isStandardDomain(domain))
      opset = version;
  if (opset < kMinOpset || opset > kMaxOpset)
    return emitError() << "model uses opset " << opset
                       << "; supported are opsets " << kMinOpset << " to "
                       << kMaxOpset;
  if (graph.hasSparseInitializer)
    return emitError() << "model has sparse initializers; expects dense ones";
  return success();
}

LogicalResult GraphImporter::checkOperators(const GraphProto &graph) {
  llvm::MapVector<StringRef, unsigned> unsupported;
  unsigned numNodes = 0;
  for (const NodeProto &node : graph.nodes) {
    if (findOp(node.domain, node.opType, opset))
      continue;
    ++unsupported[node.opType];
    ++numNodes;
    emitError(node.getLayerName())
        << "operator " << node.opType << " of domain "
        << (isStandardDomain(node.domain) ? "ai.onnx" : node.domain)
        << " is not supported (opset " << opset << ")";
  }
  if (unsupported.empty())
    return success();
  InFlightDiagnostic summary = emitError();
  summary << numNodes << " of " << graph.nodes.size()
          << " nodes are not supported: ";
  llvm::interleaveComma(unsupported, summary, [&](const auto &entry) {
    summary << entry.first << " (" << entry.second << ")";
  });
  return summary;
}

//===----------------------------------------------------------------------===//
// Inputs, nodes, outputs
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::define(StringRef name, Tensor tensor,
                                    Location loc) {
  auto [entry, isNew] = tensors.try_emplace(name);
  if (!isNew)
    return mlir::emitError(loc) << "tensor '" << name
                                << "' is defined twice; expects one definition";
  entry->second = &storage.emplace_back(std::move(tensor));
  definedNames.push_back(name.str());
  return success();
}

LogicalResult GraphImporter::readInitializers(const GraphProto &graph) {
  for (const TensorProto &proto : graph.initializers) {
    llvm::Expected<DenseElementsAttr> data =
        readTensorData(proto, program.externalData, program.getContext());
    if (!data)
      return emitError(proto.name) << llvm::toString(data.takeError());
    if (failed(define(proto.name, createConstant(proto.type, *data, proto.name),
                      program.getLoc(proto.name))))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::checkConstants() {
  for (const NamedTensor &constant : options.constants) {
    auto hasName = [&](const ValueInfoProto &input) {
      return input.name == constant.first;
    };
    if (llvm::any_of(graph.inputs, hasName))
      continue;
    InFlightDiagnostic error = emitError(constant.first);
    error << "there is no input to bind a value to; the inputs are ";
    llvm::interleaveComma(graph.inputs, error, [&](const auto &input) {
      error << "'" << input.name << "'";
    });
    return error;
  }
  return success();
}

LogicalResult GraphImporter::createInputs() {
  for (const ValueInfoProto &input : graph.inputs) {
    // Old models list initializers among their inputs.
    if (tensors.contains(input.name))
      continue;
    auto bound = llvm::find_if(options.constants, [&](const auto &value) {
      return value.first == input.name;
    });
    if (failed(bound == options.constants.end()
                   ? createInput(input)
                   : bindInput(input, bound->second)))
      return failure();
  }
  for (auto [name, tensor] : inputs)
    for (auto [dim, size] : llvm::enumerate(tensor->shape))
      program.defineSymbol(size, tensor->value, dim);
  // Integers of less than a byte come in bytes.
  for (auto [name, tensor] : inputs) {
    ElementType portType = getPortType(tensor->type);
    if (portType == tensor->type)
      continue;
    NodeProto proto;
    proto.name = name;
    NodeImporter node(program, proto, opset, {});
    Tensor port = makeTensor(portType, tensor->shape, tensor->value);
    tensor->value = castTensor(node, port, tensor->type).value;
  }
  return success();
}

/// The elements of `value` as those of a tensor of signless integers.
static DenseElementsAttr getSignlessElements(const HostTensor &value,
                                             RankedTensorType type) {
  DenseElementsAttr elements = getElementsAttr(type.getContext(), value);
  return isa<IntegerType>(type.getElementType())
             ? elements.bitcast(type.getElementType())
             : elements;
}

LogicalResult GraphImporter::bindInput(const ValueInfoProto &input,
                                       const HostTensor &value) {
  MLIRContext *context = program.getContext();
  Type elementType = getMlirType(input.type, context);
  std::optional<DataType> type = getCallerType(input.type);
  if (!type && elementType)
    type = getDataType(elementType);
  if (value.type != type)
    return emitError(input.name) << "the value to bind has elements of type "
                                 << quantc::getName(value.type) << "; expects "
                                 << onnx::getName(input.type);
  bool fits = !input.shape || input.shape->size() == value.shape.size();
  if (fits && input.shape)
    for (auto [dim, size] : llvm::zip_equal(*input.shape, value.shape))
      fits &= dim.size.value_or(size) == size;
  if (!fits)
    return emitError(input.name)
           << "the value to bind has a shape that is not that of the input";
  DenseElementsAttr elements = getSignlessElements(
      value, RankedTensorType::get(value.shape, elementType));
  return define(input.name, createConstant(input.type, elements, input.name),
                program.getLoc(input.name));
}

LogicalResult GraphImporter::createInput(const ValueInfoProto &input) {
  if (!input.isTensor)
    return emitError(input.name) << "input is no tensor; expects a tensor";
  if (!getMlirType(input.type, program.getContext()))
    return emitError(input.name)
           << "input has the unsupported element type " << getName(input.type);
  if (!input.shape)
    return emitError(input.name)
           << "input has no shape; expects a rank, with sizes or names for its "
              "dimensions";
  Tensor tensor;
  tensor.type = input.type;
  tensor.name = input.name.str();
  tensor.isInput = true;
  for (auto [dim, size] : llvm::enumerate(*input.shape)) {
    if (size.size) {
      tensor.shape.push_back(
          getAffineConstantExpr(*size.size, program.getContext()));
      continue;
    }
    std::string ownName = (input.name + "_dim" + Twine(dim)).str();
    tensor.shape.push_back(program.getSymbol(
        size.param.empty() ? StringRef(ownName) : size.param));
  }
  if (!isReasonable(tensor.shape))
    return emitError(input.name)
           << "input has an absurd shape; expects rank " << kMaxRank
           << ", sizes of at least 0 and 2^40 elements at most";
  tensor.value = program.getBlock()->addArgument(
      program.getType(getPortType(tensor.type), tensor.shape),
      program.getLoc(input.name));
  if (failed(define(input.name, tensor, program.getLoc(input.name))))
    return failure();
  inputs.emplace_back(input.name, &storage.back());
  return success();
}

LogicalResult GraphImporter::build(NodeImporter &node, const OpRow &row,
                                   MutableArrayRef<Tensor *> operands) {
  if (row.halves == Halves::Keep)
    return row.import(node);
  std::optional<ElementType> half;
  for (Tensor *&operand : operands) {
    if (!operand || !isHalf(operand->type))
      continue;
    half = half.value_or(operand->type);
    operand =
        &storage.emplace_back(castTensor(node, *operand, ElementType::Float));
  }
  if (failed(row.import(node)))
    return failure();
  unsigned numRounded = !half ? 0
                        : row.halves == Halves::ComputeFirst
                            ? 1
                            : node.getNumOutputs();
  for (unsigned index = 0; index < numRounded; ++index) {
    std::optional<Tensor> output = node.getOutputs()[index];
    if (output && output->type == ElementType::Float &&
        failed(node.setOutput(index, castTensor(node, *output, *half))))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::importNode(const NodeProto &proto) {
  StringRef name = proto.getLayerName();
  const OpRow *row = findOp(proto.domain, proto.opType, opset);
  SmallVector<Tensor *> operands;
  for (StringRef input : proto.inputs) {
    Tensor *tensor = input.empty() ? nullptr : tensors.lookup(input);
    if (!tensor && !input.empty())
      return emitError(name)
             << "input '" << input
             << "' is not defined before this node; expects nodes in an order "
                "without cycles";
    operands.push_back(tensor);
  }
  // An absent optional input at the end is the same as none.
  while (!operands.empty() && !operands.back())
    operands.pop_back();
  if (operands.size() < row->minInputs || operands.size() > row->maxInputs ||
      llvm::is_contained(ArrayRef(operands).take_front(row->minInputs),
                         nullptr)) {
    InFlightDiagnostic error = emitError(name);
    error << proto.opType << " has " << operands.size() << " inputs; expects "
          << row->minInputs;
    if (row->maxInputs == kVariadic)
      error << " or more";
    else if (row->maxInputs != row->minInputs)
      error << " to " << row->maxInputs;
    return error;
  }
  if (proto.outputs.empty())
    return emitError(name) << proto.opType << " has no outputs; expects one";

  NodeImporter node(program, proto, opset, operands);
  node.bodies = this;
  if (failed(build(node, *row, operands)))
    return failure();
  for (auto [output, tensor] : llvm::zip(proto.outputs, node.getOutputs())) {
    if (output.empty())
      continue;
    if (!tensor)
      return emitError(name) << "output '" << output << "' of " << proto.opType
                             << " is not supported";
    if (failed(define(output, *tensor, program.getLoc(name))))
      return failure();
  }
  return success();
}

/// Bodies that are nested deeper are taken for hostile.
static constexpr unsigned kMaxBodyDepth = 16;

/// So are more nodes than that in the iterations of all loops.
static constexpr size_t kMaxBodyNodes = 1 << 16;

FailureOr<SmallVector<Tensor>>
GraphImporter::importBody(StringRef bytes, ArrayRef<Tensor> inputs,
                          Location loc) {
  std::optional<GraphProto> body = parseGraph(bytes);
  if (!body)
    return mlir::emitError(loc, "a body is damaged; expects a graph");
  if (bodyDepth == kMaxBodyDepth)
    return mlir::emitError(loc, "bodies are nested deeper than ")
           << kMaxBodyDepth;
  if (body->inputs.size() != inputs.size())
    return mlir::emitError(loc, "a body has ")
           << body->inputs.size() << " inputs; expects " << inputs.size();
  if (body->hasSparseInitializer)
    return mlir::emitError(loc, "a body has sparse initializers; expects dense "
                                "ones");
  numBodyNodes += body->nodes.size() + 1;
  if (numBodyNodes > kMaxBodyNodes)
    return mlir::emitError(loc, "bodies have more than ")
           << kMaxBodyNodes << " nodes in all iterations";
  ++bodyDepth;
  size_t outerNames = definedNames.size();
  llvm::scope_exit leave([&] {
    --bodyDepth;
    for (size_t index = outerNames; index < definedNames.size(); ++index)
      tensors.erase(definedNames[index]);
    definedNames.resize(outerNames);
  });

  if (failed(checkOperators(*body)) || failed(readInitializers(*body)))
    return failure();
  for (auto [port, tensor] : llvm::zip_equal(body->inputs, inputs))
    if (failed(define(port.name, tensor, loc)))
      return failure();
  for (const NodeProto &node : body->nodes)
    if (failed(importNode(node)))
      return failure();
  SmallVector<Tensor> outputs;
  for (const ValueInfoProto &output : body->outputs) {
    Tensor *tensor = tensors.lookup(output.name);
    if (!tensor)
      return mlir::emitError(loc, "output '")
             << output.name << "' of a body is not defined";
    outputs.push_back(*tensor);
  }
  return outputs;
}

LogicalResult GraphImporter::checkOutput(const ValueInfoProto &output,
                                         const Tensor &tensor) {
  if (output.type != ElementType::Undefined && output.type != tensor.type)
    return emitError(output.name)
           << "output is declared as " << getName(output.type) << "; it is "
           << getName(tensor.type);
  if (!output.shape)
    return success();
  bool agrees = output.shape->size() == tensor.getRank();
  for (auto [declared, size] : llvm::zip(*output.shape, tensor.shape))
    if (std::optional<int64_t> constant = getConstant(size))
      agrees &= declared.size.value_or(*constant) == *constant;
  if (!agrees)
    return emitError(output.name)
           << "output has shape "
           << onnx::toString(tensor.shape, program.getSymbolNames())
           << ", which is not what the model declares";
  return success();
}

LogicalResult GraphImporter::createOutputs() {
  SmallVector<Value> results;
  for (const ValueInfoProto &output : graph.outputs) {
    Tensor *tensor = tensors.lookup(output.name);
    if (!tensor)
      return emitError(output.name)
             << "output is not defined by any node, input or initializer";
    if (failed(checkOutput(output, *tensor)))
      return failure();
    auto b = ImplicitLocOpBuilder::atBlockEnd(program.getLoc(output.name),
                                              program.getBlock());
    NodeProto proto;
    proto.name = output.name;
    NodeImporter node(program, proto, opset, {});
    Tensor port = castTensor(node, *tensor, getPortType(tensor->type));
    results.push_back(program.getValue(port, b));
  }
  if (results.empty())
    return emitError() << "model has no outputs; expects at least one";
  OpBuilder builder = OpBuilder::atBlockEnd(program.getBlock());
  func::ReturnOp::create(builder, module->getLoc(), results);
  entry.setType(builder.getFunctionType(program.getBlock()->getArgumentTypes(),
                                        ValueRange(results).getTypes()));
  return success();
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

AffineMap GraphImporter::getShapeMap(ArrayRef<AffineExpr> shape) {
  unsigned numDims = program.getSymbolNames().size();
  SmallVector<AffineExpr> dims;
  for (unsigned index = 0; index < numDims; ++index)
    dims.push_back(getAffineDimExpr(index, program.getContext()));
  SmallVector<AffineExpr> sizes;
  for (AffineExpr size : shape) {
    // A product of two dynamic sizes is affine in symbols only.
    if (!size.isPureAffine())
      return {};
    sizes.push_back(size.replaceDimsAndSymbols({}, dims));
  }
  return AffineMap::get(numDims, 0, sizes, program.getContext());
}

LogicalResult GraphImporter::setInterface() {
  ProgramInterface interface;
  for (const std::string &name : program.getSymbolNames())
    interface.dims.push_back(name);
  for (auto [input, argument] : llvm::zip_equal(inputs, entry.getArguments())) {
    auto [name, tensor] = input;
    interface.inputs.push_back(
        {name.str(), cast<RankedTensorType>(argument.getType()),
         getShapeMap(tensor->shape), getCallerType(tensor->type)});
  }
  for (const ValueInfoProto &output : graph.outputs) {
    const Tensor &tensor = *tensors.lookup(output.name);
    AffineMap shape = getShapeMap(tensor.shape);
    if (!shape)
      return emitError(output.name)
             << "output has shape "
             << onnx::toString(tensor.shape, program.getSymbolNames())
             << "; expects sizes that are no products of dynamic ones";
    interface.outputs.push_back(
        {output.name.str(),
         program.getType(getPortType(tensor.type), tensor.shape), shape,
         getCallerType(tensor.type)});
  }
  setProgramInterface(entry, interface);
  return success();
}
