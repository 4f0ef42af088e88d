//===- Adapters.h - LoRA adapters as Python gives them ----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_ADAPTERS_H
#define QUANTC_PYTHON_ADAPTERS_H

#include "quantc/Support/HostTensor.h"
#include "quantc/Target/Program.h"
#include <memory>
#include <nanobind/nanobind.h>

namespace quantc::python {

/// Adapters by name, in memory as programs take them. Never changed once made,
/// so that calls that are running keep theirs.
class AdapterBank {
public:
  explicit AdapterBank(int64_t blockSize) : blockSize(blockSize) {}

  /// A bank that has `block` as `name` too, in place of what had the name.
  std::shared_ptr<const AdapterBank> with(const std::string &name,
                                          llvm::ArrayRef<char> block) const;
  std::shared_ptr<const AdapterBank> without(const std::string &name) const;

  const std::vector<std::string> &getNames() const { return names; }
  /// The index of `name`; throws `quantc.Error` for one that is not loaded.
  int32_t getIndex(const std::string &name) const;
  const char *getBlock(int32_t index) const {
    return bytes.get() + index * blockSize;
  }

private:
  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };

  int64_t blockSize;
  std::vector<std::string> names;
  std::unique_ptr<char, Free> bytes;
};

/// What the calls of a program use: a bank and the choice from it.
struct AdapterChoice {
  std::shared_ptr<const AdapterBank> bank;
  /// One index for all rows (negative: none), or one for each row.
  std::vector<int32_t> indices = {-1};

  /// For a batch of `numRows`; throws `quantc.Error` if there are others. Valid
  /// as long as the choice is.
  AdapterSelection select(int64_t numRows) const;
};

/// The adapters of one program. Calls from Python, one at a time.
class AdapterSet {
public:
  explicit AdapterSet(std::optional<AdapterLayout> layout)
      : layout(std::move(layout)) {}

  /// `adapter` is an object with `layers`, such a dict, or a folder.
  void load(const std::string &name, nanobind::handle adapter);
  void unload(const std::string &name);
  /// `names` is a name, None, or a sequence of them, one for each row.
  AdapterChoice choose(nanobind::handle names) const;
  void set(nanobind::handle names) { current = choose(names); }
  /// The same for one call: None stands for what was set last.
  AdapterChoice chooseForCall(nanobind::handle names) const {
    return names.is_none() ? current : choose(names);
  }
  nanobind::tuple getNames() const;

private:
  const AdapterLayout &getLayout() const;

  std::optional<AdapterLayout> layout;
  std::shared_ptr<const AdapterBank> bank;
  AdapterChoice current;
};

/// The three inputs of adapters, for the interpreter. `adapter` is an adapter,
/// None, or a sequence of them, one for each of `numRows`.
std::vector<HostTensor> getAdapterInputs(const AdapterLayout &layout,
                                         nanobind::handle adapter,
                                         int64_t numRows);

void bindAdapters(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_ADAPTERS_H
