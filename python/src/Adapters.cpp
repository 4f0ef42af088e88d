//===- Adapters.cpp - LoRA adapters as Python gives them ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapters.h"

#include "Model.h"
#include "Session.h"
#include "mlir/Pass/PassManager.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Target/AdapterBlock.h"
#include "quantc/Target/EntryAbi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace llvm;
using namespace quantc;
using namespace quantc::python;

//===----------------------------------------------------------------------===//
// Adapters to blocks
//===----------------------------------------------------------------------===//

using Matrix =
    nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

/// From names of layers to (A, B, scale): what `adapter` says for the layers of
/// `layout`.
static nb::dict getLayerDict(const AdapterLayout &layout, nb::handle value,
                             const Twine &where) {
  nb::object adapter = nb::borrow(value);
  if (nb::isinstance<nb::str>(adapter) || nb::hasattr(adapter, "__fspath__"))
    adapter = nb::module_::import_("quantc").attr("load_adapter")(adapter);
  if (nb::isinstance<nb::dict>(adapter))
    return nb::borrow<nb::dict>(adapter);
  if (!nb::hasattr(adapter, "layers"))
    raise(where + "expected an adapter, a dict of layers or a folder, got " +
          nb::type_name(value.type()).c_str());
  // Modules of the model that the adapter was trained for, by our names.
  if (nb::hasattr(adapter, "for_layers")) {
    nb::list names;
    for (const AdapterLayer &layer : layout.layers)
      names.append(nb::cast(layer.name));
    adapter = adapter.attr("for_layers")(names);
  }
  for (const char *part : {"biases", "saved_modules"})
    if (nb::hasattr(adapter, part) &&
        nb::len(nb::object(adapter.attr(part))) != 0)
      raise(where + "it has " + part +
            ", which a program cannot change; merge it instead");
  return nb::dict(adapter.attr("layers"));
}

static Matrix getMatrix(nb::handle value, const Twine &where) {
  Matrix matrix;
  if (!nb::try_cast<Matrix>(value, matrix))
    raise(where + "expected a matrix of float32");
  return matrix;
}

static std::vector<char> packPythonAdapter(const AdapterLayout &layout,
                                           nb::handle adapter,
                                           const Twine &where) {
  std::vector<Matrix> owners;
  std::vector<LoraMatrices> matrices;
  for (auto [key, value] : getLayerDict(layout, adapter, where)) {
    std::string name = nb::str(key).c_str();
    std::string part = (where + name + ": ").str();
    if (!nb::isinstance<nb::sequence>(value) || nb::len(value) != 3)
      raise(part + "expected (A, B, scale)");
    Matrix a = getMatrix(value[0], part + "A: ");
    Matrix b = getMatrix(value[1], part + "B: ");
    if (a.shape(0) != b.shape(1))
      raise(part + "A has rank " + Twine(a.shape(0)) + ", B has rank " +
            Twine(b.shape(1)));
    float scale;
    if (!nb::try_cast<float>(value[2], scale))
      raise(part + "the scale is no number");
    auto getSize = [](const Matrix &matrix, size_t dim) {
      return static_cast<int64_t>(matrix.shape(dim));
    };
    matrices.push_back({name, getSize(a, 0), getSize(a, 1), getSize(b, 0),
                        ArrayRef(a.data(), a.size()),
                        ArrayRef(b.data(), b.size()), scale});
    owners.push_back(std::move(a));
    owners.push_back(std::move(b));
  }
  Expected<std::vector<char>> block = packAdapter(layout, matrices);
  if (!block)
    raise(where + toString(block.takeError()));
  return std::move(*block);
}

//===----------------------------------------------------------------------===//
// Banks
//===----------------------------------------------------------------------===//

std::shared_ptr<const AdapterBank>
AdapterBank::with(const std::string &name, ArrayRef<char> block) const {
  auto next = std::make_shared<AdapterBank>(blockSize);
  next->names = names;
  auto found = find(next->names, name);
  size_t index = found - next->names.begin();
  if (found == next->names.end())
    next->names.push_back(name);
  next->bytes.reset(static_cast<char *>(
      std::aligned_alloc(kBufferAlignment, next->names.size() * blockSize)));
  std::copy_n(bytes.get(), names.size() * blockSize, next->bytes.get());
  copy(block, next->bytes.get() + index * blockSize);
  return next;
}

std::shared_ptr<const AdapterBank>
AdapterBank::without(const std::string &name) const {
  auto next = std::make_shared<const AdapterBank>(blockSize);
  for (auto [index, other] : enumerate(names))
    if (other != name)
      next = next->with(other, ArrayRef(getBlock(index), blockSize));
  return next;
}

int32_t AdapterBank::getIndex(const std::string &name) const {
  auto found = find(names, name);
  if (found == names.end())
    raise("there is no adapter \"" + name + "\"; loaded are " +
          (names.empty() ? "none" : join(names, ", ")));
  return found - names.begin();
}

AdapterSelection AdapterChoice::select(int64_t numRows) const {
  if (indices.size() != 1 && static_cast<int64_t>(indices.size()) != numRows)
    raise("expected an adapter for each of " + Twine(numRows) + " rows, got " +
          Twine(indices.size()));
  AdapterSelection selection;
  if (!bank || all_of(indices, [](int32_t index) { return index < 0; }))
    return selection;
  // One adapter for all rows takes all of them at a time.
  if (all_equal(indices)) {
    selection.adapters = bank->getBlock(indices.front());
    return selection;
  }
  selection.adapters = bank->getBlock(0);
  selection.adapterOfRow = indices.data();
  return selection;
}

//===----------------------------------------------------------------------===//
// The adapters of a program
//===----------------------------------------------------------------------===//

const AdapterLayout &AdapterSet::getLayout() const {
  if (!layout)
    raise("the program takes no adapters; compile what quantc.insert_lora "
          "returns");
  return *layout;
}

void AdapterSet::load(const std::string &name, nb::handle adapter) {
  const AdapterLayout &known = getLayout();
  std::vector<char> block =
      packPythonAdapter(known, adapter, "adapter \"" + name + "\": ");
  if (!bank)
    bank = std::make_shared<const AdapterBank>(known.size);
  bank = bank->with(name, block);
  // An adapter keeps its index: what is set stays set, with the new values.
  if (current.bank)
    current.bank = bank;
}

void AdapterSet::unload(const std::string &name) {
  getLayout();
  if (!bank)
    bank = std::make_shared<const AdapterBank>(layout->size);
  int32_t index = bank->getIndex(name);
  if (is_contained(current.indices, index))
    raise("adapter \"" + name + "\" is in use; set another one first");
  for (int32_t &other : current.indices)
    other -= other > index;
  bank = bank->without(name);
  if (current.bank)
    current.bank = bank;
}

AdapterChoice AdapterSet::choose(nb::handle names) const {
  getLayout();
  AdapterChoice choice;
  choice.bank = bank;
  AdapterBank none(0);
  auto getIndex = [&](nb::handle name) {
    if (name.is_none())
      return int32_t(-1);
    if (!nb::isinstance<nb::str>(name))
      raise(Twine("expected the name of an adapter or None, got ") +
            nb::type_name(name.type()).c_str());
    return (bank ? *bank : none).getIndex(nb::cast<std::string>(name));
  };
  if (names.is_none() || nb::isinstance<nb::str>(names)) {
    choice.indices = {getIndex(names)};
    return choice;
  }
  if (!nb::isinstance<nb::sequence>(names))
    raise(Twine("expected a name, None or a sequence of them, got ") +
          nb::type_name(names.type()).c_str());
  choice.indices.clear();
  for (nb::handle name : names)
    choice.indices.push_back(getIndex(name));
  return choice;
}

nb::tuple AdapterSet::getNames() const {
  nb::list names;
  if (bank)
    for (const std::string &name : bank->getNames())
      names.append(nb::cast(name));
  return nb::tuple(names);
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

std::vector<HostTensor>
quantc::python::getAdapterInputs(const AdapterLayout &layout,
                                 nb::handle adapter, int64_t numRows) {
  std::vector<char> bytes;
  std::vector<int32_t> slots;
  auto add = [&](nb::handle item) {
    if (item.is_none()) {
      slots.push_back(-1);
      return;
    }
    slots.push_back(bytes.size() / layout.size);
    append_range(bytes, packPythonAdapter(layout, item, "adapter: "));
  };
  if (nb::isinstance<nb::list>(adapter) || nb::isinstance<nb::tuple>(adapter)) {
    for (nb::handle item : adapter)
      add(item);
    if (static_cast<int64_t>(slots.size()) != numRows)
      raise("expected an adapter for each of " + Twine(numRows) +
            " rows, got " + Twine(slots.size()));
  } else {
    add(adapter);
  }
  std::vector<HostTensor> inputs;
  int64_t count = bytes.size() / layout.size;
  for (DataType type : {DataType::F32, layout.storage}) {
    inputs.emplace_back(
        type, SmallVector<int64_t>{count, layout.size / getByteSize(type)});
    inputs.back().bytes = bytes;
  }
  inputs.emplace_back(DataType::I32, static_cast<int64_t>(slots.size()));
  copy(slots, inputs.back().values<int32_t>().begin());
  return inputs;
}

//===----------------------------------------------------------------------===//
// Insertion
//===----------------------------------------------------------------------===//

static Model insertLora(const Model &model, int64_t maxRank,
                        const std::vector<std::string> &layers,
                        const std::string &dtype) {
  InsertLoraOptions options;
  options.maxRank = maxRank;
  options.layers.assign(layers.begin(), layers.end());
  options.storage = StringSwitch<DataType>(dtype)
                        .Case("bfloat16", DataType::BF16)
                        .Case("int8", DataType::I8)
                        .Default(DataType::F32);
  mlir::OwningOpRef<mlir::ModuleOp> copy(model.getModule().clone());
  ErrorScope scope(model.getContext());
  mlir::PassManager pm(model.getContext());
  pm.addPass(createInsertLora(options));
  mlir::LogicalResult result = pm.run(*copy);
  scope.finish(succeeded(result), model.path + ": cannot take adapters");
  return Model(model.getSharedContext(), std::move(copy), model.path);
}

void quantc::python::bindAdapters(nb::module_ &m) {
  m.def("insert_lora", &insertLora, nb::arg("model"), nb::arg("max_rank"),
        nb::arg("layers"), nb::arg("dtype"));
}
