//===- ProgramMetadata.cpp - What a compiled program says of itself -------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/ProgramMetadata.h"

#include "mlir/IR/AffineExpr.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quantc;

namespace json = llvm::json;

static llvm::Error makeError(const llvm::Twine &text) {
  return llvm::createStringError("metadata of the program: " + text);
}

//===----------------------------------------------------------------------===//
// Data types
//===----------------------------------------------------------------------===//

static constexpr std::pair<DataType, StringLiteral> kNumpyNames[] = {
    {DataType::Bool, "bool"},     {DataType::I8, "int8"},
    {DataType::I16, "int16"},     {DataType::I32, "int32"},
    {DataType::I64, "int64"},     {DataType::U8, "uint8"},
    {DataType::U16, "uint16"},    {DataType::U32, "uint32"},
    {DataType::U64, "uint64"},    {DataType::F16, "float16"},
    {DataType::BF16, "bfloat16"}, {DataType::F32, "float32"},
    {DataType::F64, "float64"},   {DataType::I4, "int4"},
    {DataType::U4, "uint4"},      {DataType::I2, "int2"},
    {DataType::U2, "uint2"}};

StringRef quantc::getNumpyName(DataType type) {
  for (const auto &[known, name] : kNumpyNames)
    if (known == type)
      return name;
  llvm_unreachable("every data type has a name");
}

static std::optional<DataType> parseNumpyName(StringRef text) {
  for (const auto &[type, name] : kNumpyNames)
    if (name == text)
      return type;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// How operations are spelled in the JSON.
static constexpr std::pair<SizeExpr::Kind, StringLiteral> kOperators[] = {
    {SizeExpr::Kind::Add, "+"},
    {SizeExpr::Kind::Mul, "*"},
    {SizeExpr::Kind::FloorDiv, "floordiv"},
    {SizeExpr::Kind::CeilDiv, "ceildiv"},
    {SizeExpr::Kind::Mod, "mod"}};

SizeExpr SizeExpr::fromAffine(AffineExpr expr) {
  auto getBinary = [&](Kind kind) {
    auto op = cast<AffineBinaryOpExpr>(expr);
    return binary(kind, fromAffine(op.getLHS()), fromAffine(op.getRHS()));
  };
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    return constant(cast<AffineConstantExpr>(expr).getValue());
  case AffineExprKind::DimId:
  case AffineExprKind::SymbolId:
    return dim(cast<AffineDimExpr>(expr).getPosition());
  case AffineExprKind::Add:
    return getBinary(Kind::Add);
  case AffineExprKind::Mul:
    return getBinary(Kind::Mul);
  case AffineExprKind::FloorDiv:
    return getBinary(Kind::FloorDiv);
  case AffineExprKind::CeilDiv:
    return getBinary(Kind::CeilDiv);
  case AffineExprKind::Mod:
    return getBinary(Kind::Mod);
  }
  llvm_unreachable("every kind is handled");
}

std::optional<size_t> SizeExpr::getDim() const {
  if (kind != Kind::Dim)
    return std::nullopt;
  return value;
}

std::optional<int64_t> SizeExpr::getConstant() const {
  if (kind != Kind::Constant)
    return std::nullopt;
  return value;
}

int64_t SizeExpr::evaluate(ArrayRef<int64_t> dims) const {
  if (kind == Kind::Constant)
    return value;
  if (kind == Kind::Dim)
    return dims[value];
  int64_t lhs = operands[0].evaluate(dims);
  int64_t rhs = operands[1].evaluate(dims);
  if (kind == Kind::Add)
    return lhs + rhs;
  if (kind == Kind::Mul)
    return lhs * rhs;
  if (rhs <= 0)
    return 0;
  int64_t quotient = llvm::divideFloorSigned(lhs, rhs);
  if (kind == Kind::Mod)
    return lhs - quotient * rhs;
  return kind == Kind::FloorDiv ? quotient : llvm::divideCeilSigned(lhs, rhs);
}

std::string SizeExpr::str(ArrayRef<std::string> dims) const {
  if (kind == Kind::Constant)
    return std::to_string(value);
  if (kind == Kind::Dim)
    return dims[value];
  std::string lhs = operands[0].str(dims), rhs = operands[1].str(dims);
  switch (kind) {
  case Kind::Add:
    return "(" + lhs + " + " + rhs + ")";
  case Kind::Mul:
    return "(" + lhs + " * " + rhs + ")";
  case Kind::FloorDiv:
    return "(" + lhs + " / " + rhs + ")";
  case Kind::CeilDiv:
    return "((" + lhs + " + " + rhs + " - 1) / " + rhs + ")";
  default:
    return "(" + lhs + " % " + rhs + ")";
  }
}

json::Value SizeExpr::toJson(ArrayRef<std::string> dims) const {
  if (kind == Kind::Constant)
    return value;
  if (kind == Kind::Dim)
    return dims[value];
  for (const auto &[known, name] : kOperators)
    if (known == kind)
      return json::Array{name, operands[0].toJson(dims),
                         operands[1].toJson(dims)};
  llvm_unreachable("every operation has a name");
}

llvm::Expected<SizeExpr> SizeExpr::fromJson(const json::Value &value,
                                            ArrayRef<std::string> dims) {
  if (auto number = value.getAsInteger())
    return constant(*number);
  if (auto name = value.getAsString()) {
    const auto *found = llvm::find(dims, *name);
    if (found != dims.end())
      return dim(found - dims.begin());
    return makeError("a size names no dimension: " + *name);
  }
  const json::Array *array = value.getAsArray();
  auto name =
      array && array->size() == 3 ? (*array)[0].getAsString() : std::nullopt;
  for (const auto &[kind, known] : kOperators) {
    if (name != known)
      continue;
    llvm::Expected<SizeExpr> lhs = fromJson((*array)[1], dims);
    if (!lhs)
      return lhs.takeError();
    llvm::Expected<SizeExpr> rhs = fromJson((*array)[2], dims);
    if (!rhs)
      return rhs.takeError();
    return binary(kind, std::move(*lhs), std::move(*rhs));
  }
  return makeError("a size is neither number, name nor operation");
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

static json::Array getStrings(ArrayRef<std::string> strings) {
  return json::Array(strings);
}

static std::vector<std::string> parseStrings(const json::Array &array) {
  std::vector<std::string> strings;
  for (const json::Value &value : array)
    strings.push_back(value.getAsString().value_or("").str());
  return strings;
}

static json::Array getPorts(ArrayRef<PortMetadata> ports,
                            ArrayRef<std::string> dims) {
  json::Array result;
  for (const PortMetadata &port : ports) {
    json::Array shape;
    for (const SizeExpr &size : port.shape)
      shape.push_back(size.toJson(dims));
    result.push_back(json::Object{{"name", port.name},
                                  {"dtype", getNumpyName(port.type)},
                                  {"shape", std::move(shape)}});
  }
  return result;
}

static llvm::Expected<std::vector<PortMetadata>>
parsePorts(const json::Array &array, ArrayRef<std::string> dims) {
  std::vector<PortMetadata> ports;
  for (const json::Value &value : array) {
    const json::Object *object = value.getAsObject();
    auto name = object ? object->getString("name") : std::nullopt;
    auto dtype = object ? object->getString("dtype") : std::nullopt;
    const json::Array *shape = object ? object->getArray("shape") : nullptr;
    auto type = dtype ? parseNumpyName(*dtype) : std::nullopt;
    if (!name || !type || !shape)
      return makeError("a port lacks name, dtype or shape");
    PortMetadata port{name->str(), *type, {}};
    for (const json::Value &size : *shape) {
      llvm::Expected<SizeExpr> expr = SizeExpr::fromJson(size, dims);
      if (!expr)
        return expr.takeError();
      port.shape.push_back(std::move(*expr));
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

static json::Object getAdapters(const AdapterLayout &layout) {
  json::Array layers;
  for (const AdapterLayer &layer : layout.layers)
    layers.push_back(json::Object{{"name", layer.name},
                                  {"inputs", layer.numInputs},
                                  {"outputs", layer.numOutputs}});
  return json::Object{{"dtype", getNumpyName(layout.storage)},
                      {"max_rank", layout.maxRank},
                      {"layers", std::move(layers)}};
}

static llvm::Expected<AdapterLayout> parseAdapters(const json::Object &object) {
  auto dtype = object.getString("dtype");
  auto type = dtype ? parseNumpyName(*dtype) : std::nullopt;
  auto maxRank = object.getInteger("max_rank");
  const json::Array *layers = object.getArray("layers");
  if (!type || !isAdapterStorage(*type) || !maxRank || *maxRank < 1 || !layers)
    return makeError("adapters lack dtype, max_rank or layers");
  AdapterLayout layout;
  layout.storage = *type;
  layout.maxRank = *maxRank;
  for (const json::Value &value : *layers) {
    const json::Object *layer = value.getAsObject();
    auto name = layer ? layer->getString("name") : std::nullopt;
    auto inputs = layer ? layer->getInteger("inputs") : std::nullopt;
    auto outputs = layer ? layer->getInteger("outputs") : std::nullopt;
    if (!name || !inputs || !outputs || *inputs < 0 || *outputs < 0)
      return makeError("a layer of adapters lacks name, inputs or outputs");
    layout.addLayer(*name, *inputs, *outputs);
  }
  return layout;
}

static json::Object getTargetObject(const TargetSpec &target) {
  return json::Object{{"triple", target.triple},
                      {"cpu", target.cpu},
                      {"features", getStrings(target.features)}};
}

static llvm::Expected<TargetSpec>
parseTargetObject(const json::Object *object) {
  const json::Array *features = object ? object->getArray("features") : nullptr;
  if (!features)
    return makeError("a target lacks its features");
  return TargetSpec{object->getString("triple").value_or("").str(),
                    object->getString("cpu").value_or("").str(),
                    parseStrings(*features)};
}

std::string ProgramMetadata::toJson() const {
  json::Object object{{"abi_version", kAbiVersion},
                      {"name", name},
                      {"dims", getStrings(dims)},
                      {"inputs", getPorts(inputs, dims)},
                      {"outputs", getPorts(outputs, dims)},
                      {"target", getTargetObject(target)},
                      {"threads", threads}};
  if (adapters)
    object["adapters"] = getAdapters(*adapters);
  if (parameters)
    object["parameters"] =
        json::Object{{"bytes", parameters->bytes},
                     {"checksum", llvm::utohexstr(parameters->checksum,
                                                  /*LowerCase=*/true)}};
  if (!variants.empty()) {
    json::Array array;
    for (const TargetSpec &variant : variants)
      array.push_back(getTargetObject(variant));
    object["variants"] = std::move(array);
  }
  return llvm::formatv("{0}", json::Value(std::move(object)));
}

llvm::Expected<ProgramMetadata> ProgramMetadata::fromJson(StringRef text) {
  llvm::Expected<json::Value> parsed = json::parse(text);
  if (!parsed)
    return parsed.takeError();
  const json::Object *object = parsed->getAsObject();
  if (!object || object->getInteger("abi_version") != kAbiVersion)
    return makeError("expects abi_version " + llvm::Twine(kAbiVersion));
  auto name = object->getString("name");
  const json::Array *dims = object->getArray("dims");
  const json::Array *inputs = object->getArray("inputs");
  const json::Array *outputs = object->getArray("outputs");
  auto threads = object->getInteger("threads");
  if (!name || !dims || !inputs || !outputs || !threads || *threads < 1)
    return makeError("name, dims, inputs, outputs or threads is missing");
  llvm::Expected<TargetSpec> target =
      parseTargetObject(object->getObject("target"));
  if (!target)
    return target.takeError();
  ProgramMetadata metadata;
  metadata.name = name->str();
  metadata.dims = parseStrings(*dims);
  metadata.target = std::move(*target);
  metadata.threads = *threads;
  for (auto [array, ports] : {std::pair(inputs, &metadata.inputs),
                              std::pair(outputs, &metadata.outputs)}) {
    llvm::Expected<std::vector<PortMetadata>> list =
        parsePorts(*array, metadata.dims);
    if (!list)
      return list.takeError();
    *ports = std::move(*list);
  }
  if (const json::Object *adapters = object->getObject("adapters")) {
    llvm::Expected<AdapterLayout> layout = parseAdapters(*adapters);
    if (!layout)
      return layout.takeError();
    metadata.adapters = std::move(*layout);
  }
  if (const json::Object *parameters = object->getObject("parameters")) {
    auto bytes = parameters->getInteger("bytes");
    auto checksum = parameters->getString("checksum");
    ParametersInfo info;
    if (!bytes || !checksum || checksum->getAsInteger(16, info.checksum))
      return makeError("parameters lack bytes or checksum");
    info.bytes = *bytes;
    metadata.parameters = info;
  }
  if (const json::Array *variants = object->getArray("variants"))
    for (const json::Value &value : *variants) {
      llvm::Expected<TargetSpec> variant =
          parseTargetObject(value.getAsObject());
      if (!variant)
        return variant.takeError();
      metadata.variants.push_back(std::move(*variant));
    }
  return metadata;
}

static std::vector<PortMetadata> getPortMetadata(ArrayRef<Port> ports) {
  std::vector<PortMetadata> result;
  for (const Port &port : ports) {
    std::vector<SizeExpr> shape;
    for (AffineExpr expr : port.shape.getResults())
      shape.push_back(SizeExpr::fromAffine(expr));
    result.push_back({port.name, *port.getDataType(), std::move(shape)});
  }
  return result;
}

ProgramMetadata quantc::getProgramMetadata(const ProgramInterface &interface,
                                           StringRef name,
                                           const TargetSpec &target,
                                           int64_t threads) {
  return {name.str(),
          interface.getCallerDims().vec(),
          getPortMetadata(interface.getCallerInputs()),
          getPortMetadata(interface.outputs),
          target,
          interface.adapters,
          /*parameters=*/std::nullopt,
          threads,
          /*variants=*/{}};
}
