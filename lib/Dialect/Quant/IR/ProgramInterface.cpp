//===- ProgramInterface.cpp - Inputs and outputs of a program -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/ProgramInterface.h"

#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "quantc/Support/TensorAttribute.h"

using namespace mlir;
using namespace quantc;

std::optional<DataType> Port::getDataType() const {
  return callerType ? callerType : quantc::getDataType(type.getElementType());
}

FailureOr<func::FuncOp> quantc::getEntry(ModuleOp module) {
  func::FuncOp entry;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func.isPublic() || func.isExternal())
      continue;
    if (entry)
      return emitError(module.getLoc(), "expects one public function, found '")
             << entry.getName() << "' and '" << func.getName() << "'";
    entry = func;
  }
  if (!entry)
    return emitError(module.getLoc(),
                     "expects one public function with a body");
  return entry;
}

/// The affine expression of dimension `dim` of an output without attributes:
/// the first input dimension that it is provably equal to.
static AffineExpr
findEqualDim(Value output, int64_t dim, func::FuncOp entry,
             ArrayRef<std::pair<unsigned, int64_t>> inputDims) {
  for (auto [index, source] : llvm::enumerate(inputDims)) {
    FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
        {output, dim}, {entry.getArgument(source.first), source.second});
    if (succeeded(equal) && *equal)
      return getAffineDimExpr(index, entry.getContext());
  }
  return {};
}

/// The map of constant sizes, with `getDynamic(dim)` in place of dynamic ones.
static AffineMap
getShapeMap(RankedTensorType type, unsigned numDims,
            llvm::function_ref<AffineExpr(int64_t)> getDynamic) {
  SmallVector<AffineExpr> exprs;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    AffineExpr expr = ShapedType::isDynamic(size)
                          ? getDynamic(dim)
                          : getAffineConstantExpr(size, type.getContext());
    if (!expr)
      return {};
    exprs.push_back(expr);
  }
  return AffineMap::get(numDims, 0, exprs, type.getContext());
}

static std::string getPortName(StringAttr attr, StringRef fallback,
                               unsigned index) {
  return attr ? attr.str() : (fallback + Twine(index)).str();
}

FailureOr<std::optional<DataType>>
quantc::getCallerType(Attribute attr, Type elementType, Location loc) {
  if (!attr)
    return std::optional<DataType>();
  auto typeAttr = dyn_cast<TypeAttr>(attr);
  std::optional<DataType> type, held = getDataType(elementType);
  if (typeAttr && isa<IntegerType>(typeAttr.getValue()))
    type = getDataType(typeAttr.getValue());
  if (!type || !held || !isa<IntegerType>(elementType) ||
      getByteSize(*type) != getByteSize(*held))
    return emitError(loc, "expects ")
           << kTypeAttr << " to be an integer type of as many bytes as "
           << elementType << ", got " << attr;
  return type;
}

FailureOr<ProgramInterface> quantc::getProgramInterface(func::FuncOp entry) {
  for (Type type : llvm::concat<const Type>(entry.getArgumentTypes(),
                                            entry.getResultTypes()))
    if (!isa<RankedTensorType>(type))
      return emitError(entry.getLoc(),
                       "expects inputs and outputs that are ranked "
                       "tensors, got ")
             << type;

  ProgramInterface interface;
  SmallVector<std::pair<unsigned, int64_t>> inputDims;
  auto dims = entry->getAttrOfType<ArrayAttr>(kDimsAttr);
  if (entry->hasAttr(kDimsAttr) &&
      (!dims || !llvm::all_of(dims, llvm::IsaPred<StringAttr>)))
    return emitError(entry.getLoc(), "expects ")
           << kDimsAttr << " to be an array of strings";
  if (dims) {
    for (StringRef name : dims.getAsValueRange<StringAttr>())
      interface.dims.push_back(name.str());
  } else {
    for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes()))
      for (int64_t dim = 0; dim < cast<RankedTensorType>(type).getRank(); ++dim)
        if (cast<RankedTensorType>(type).isDynamicDim(dim)) {
          interface.dims.push_back("dim" + std::to_string(inputDims.size()));
          inputDims.emplace_back(index, dim);
        }
  }

  if (Attribute adapters = entry->getAttr(kAdaptersAttr)) {
    interface.adapters = AdapterLayout::fromAttribute(adapters);
    if (!interface.adapters || !dims ||
        dims.size() < ProgramInterface::kNumAdapterDims ||
        entry.getNumArguments() < ProgramInterface::kNumAdapterInputs)
      return emitError(entry.getLoc(), "expects ")
             << kAdaptersAttr << " as quant-insert-lora writes it";
  }

  unsigned nextDim = 0;
  for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes())) {
    auto tensor = cast<RankedTensorType>(type);
    auto map = entry.getArgAttrOfType<AffineMapAttr>(index, kShapeAttr);
    AffineMap shape =
        map ? map.getValue()
            : getShapeMap(tensor, interface.dims.size(), [&](int64_t) {
                return dims ? AffineExpr()
                            : getAffineDimExpr(nextDim++, entry.getContext());
              });
    if (!shape)
      return emitError(entry.getLoc(), "expects ")
             << kShapeAttr << " on input " << index;
    auto name = entry.getArgAttrOfType<StringAttr>(index, kNameAttr);
    FailureOr<std::optional<DataType>> callerType =
        getCallerType(entry.getArgAttr(index, kTypeAttr),
                      tensor.getElementType(), entry.getLoc());
    if (failed(callerType))
      return failure();
    interface.inputs.push_back(
        {getPortName(name, "input", index), tensor, shape, *callerType});
  }

  Operation *terminator = entry.front().getTerminator();
  for (auto [index, type] : llvm::enumerate(entry.getResultTypes())) {
    auto tensor = cast<RankedTensorType>(type);
    auto map = entry.getResultAttrOfType<AffineMapAttr>(index, kShapeAttr);
    AffineMap shape =
        map ? map.getValue()
            : getShapeMap(tensor, interface.dims.size(),
                          [&, index = index](int64_t dim) {
                            return findEqualDim(terminator->getOperand(index),
                                                dim, entry, inputDims);
                          });
    if (!shape)
      return emitError(entry.getLoc(), "cannot tell the size of output ")
             << index << " from the inputs; give it a " << kShapeAttr
             << " attribute";
    auto name = entry.getResultAttrOfType<StringAttr>(index, kNameAttr);
    FailureOr<std::optional<DataType>> callerType =
        getCallerType(entry.getResultAttr(index, kTypeAttr),
                      tensor.getElementType(), entry.getLoc());
    if (failed(callerType))
      return failure();
    interface.outputs.push_back(
        {getPortName(name, "output", index), tensor, shape, *callerType});
  }
  return interface;
}

SmallVector<NamedAttribute> quantc::getPortAttributes(const Port &port) {
  Builder builder(port.type.getContext());
  SmallVector<NamedAttribute> attrs = {
      builder.getNamedAttr(kNameAttr, builder.getStringAttr(port.name)),
      builder.getNamedAttr(kShapeAttr, AffineMapAttr::get(port.shape))};
  if (port.callerType)
    attrs.push_back(builder.getNamedAttr(
        kTypeAttr, TypeAttr::get(getElementType(port.type.getContext(),
                                                *port.callerType))));
  return attrs;
}

void quantc::setProgramInterface(func::FuncOp entry,
                                 const ProgramInterface &interface) {
  Builder builder(entry.getContext());
  SmallVector<StringRef> dims(interface.dims.begin(), interface.dims.end());
  entry->setAttr(kDimsAttr, builder.getStrArrayAttr(dims));
  if (interface.adapters)
    entry->setAttr(kAdaptersAttr,
                   interface.adapters->toAttribute(entry.getContext()));
  for (auto [index, port] : llvm::enumerate(interface.inputs)) {
    for (NamedAttribute attr : getPortAttributes(port))
      entry.setArgAttr(index, attr.getName(), attr.getValue());
  }
  for (auto [index, port] : llvm::enumerate(interface.outputs)) {
    for (NamedAttribute attr : getPortAttributes(port))
      entry.setResultAttr(index, attr.getName(), attr.getValue());
  }
}

std::optional<unsigned> quantc::findPort(ArrayRef<Port> ports, StringRef name) {
  for (auto [index, port] : llvm::enumerate(ports))
    if (port.name == name)
      return index;
  return std::nullopt;
}

Port quantc::getStaticPort(const ProgramInterface &interface, StringRef name,
                           RankedTensorType type) {
  AffineMap shape = getShapeMap(type, interface.dims.size(),
                                [](int64_t) { return AffineExpr(); });
  return {name.str(), type, shape};
}

FailureOr<BlockArgument> quantc::addInput(func::FuncOp entry, StringRef name,
                                          RankedTensorType type) {
  FailureOr<ProgramInterface> interface = getProgramInterface(entry);
  if (failed(interface))
    return failure();
  if (findPort(interface->inputs, name))
    return emitError(entry.getLoc(), "the program has an input '")
           << name << "' already; rename it";
  unsigned index = entry.getNumArguments();
  Location loc = NameLoc::get(StringAttr::get(entry.getContext(), name));
  if (failed(entry.insertArgument(index, type, {}, loc)))
    return failure();
  interface->inputs.push_back(getStaticPort(*interface, name, type));
  setProgramInterface(entry, *interface);
  return entry.getArgument(index);
}

void quantc::setOutputs(func::FuncOp entry, ValueRange outputs,
                        ArrayRef<Port> ports, ProgramInterface interface) {
  entry.front().getTerminator()->setOperands(outputs);
  entry.removeResAttrsAttr();
  entry.setType(FunctionType::get(entry.getContext(), entry.getArgumentTypes(),
                                  outputs.getTypes()));
  interface.outputs.assign(ports.begin(), ports.end());
  setProgramInterface(entry, interface);
}

bool quantc::isTrainable(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return false;
  auto entry = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return entry && entry.getArgAttr(argument.getArgNumber(), kTrainableAttr);
}
