//===- AdapterLayout.cpp - The memory of a LoRA adapter -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/AdapterLayout.h"

#include "mlir/IR/Builders.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quantc;

bool quantc::isAdapterStorage(DataType type) {
  return type == DataType::F32 || type == DataType::BF16 ||
         type == DataType::I8;
}

void AdapterLayout::addLayer(StringRef name, int64_t numInputs,
                             int64_t numOutputs) {
  AdapterLayer layer{name.str(), numInputs, numOutputs};
  auto place = [&](int64_t &offset, int64_t count, DataType type) {
    offset = size;
    size = llvm::alignTo(size + count * getByteSize(type), kAdapterAlignment);
  };
  place(layer.scale, 1, DataType::F32);
  place(layer.down, numInputs * maxRank, storage);
  place(layer.up, maxRank * numOutputs, storage);
  if (hasStorageScales()) {
    place(layer.downScale, maxRank, DataType::F32);
    place(layer.upScale, numOutputs, DataType::F32);
  }
  layers.push_back(std::move(layer));
}

Attribute AdapterLayout::toAttribute(MLIRContext *context) const {
  Builder builder(context);
  auto getNumber = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  SmallVector<Attribute> items;
  for (const AdapterLayer &layer : layers)
    items.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("name", builder.getStringAttr(layer.name)),
         getNumber("inputs", layer.numInputs),
         getNumber("outputs", layer.numOutputs)}));
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("storage",
                            TypeAttr::get(getElementType(context, storage))),
       getNumber("max_rank", maxRank),
       builder.getNamedAttr("layers", builder.getArrayAttr(items))});
}

std::optional<AdapterLayout> AdapterLayout::fromAttribute(Attribute attr) {
  auto dictionary = dyn_cast_or_null<DictionaryAttr>(attr);
  if (!dictionary)
    return std::nullopt;
  auto storage = dictionary.getAs<TypeAttr>("storage");
  auto maxRank = dictionary.getAs<IntegerAttr>("max_rank");
  auto layers = dictionary.getAs<ArrayAttr>("layers");
  std::optional<DataType> type =
      storage ? getDataType(storage.getValue()) : std::nullopt;
  if (!type || !isAdapterStorage(*type) || !maxRank || maxRank.getInt() < 1 ||
      !layers)
    return std::nullopt;
  AdapterLayout layout;
  layout.storage = *type;
  layout.maxRank = maxRank.getInt();
  for (Attribute item : layers) {
    auto layer = dyn_cast<DictionaryAttr>(item);
    auto name = layer ? layer.getAs<StringAttr>("name") : StringAttr();
    auto inputs = layer ? layer.getAs<IntegerAttr>("inputs") : IntegerAttr();
    auto outputs = layer ? layer.getAs<IntegerAttr>("outputs") : IntegerAttr();
    if (!name || !inputs || !outputs || inputs.getInt() < 0 ||
        outputs.getInt() < 0)
      return std::nullopt;
    layout.addLayer(name, inputs.getInt(), outputs.getInt());
  }
  return layout;
}
