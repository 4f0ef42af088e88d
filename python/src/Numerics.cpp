//===- Numerics.cpp - Formulas that Python calls --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"

#include "Ports.h"
#include "Session.h"
#include "quantc/Numerics/TwoLevelGroups.h"

namespace nb = nanobind;
using namespace quantc;
using namespace quantc::python;

using FloatMatrix = nb::ndarray<nb::ro, const float, nb::ndim<2>, nb::c_contig,
                                nb::device::cpu>;

/// two_level_a3: scales [N, 1] and multipliers [N, K / groupSize].
static nb::object chooseGroupScales(const FloatMatrix &weight,
                                    int64_t groupSize) {
  auto rows = static_cast<int64_t>(weight.shape(0));
  auto cols = static_cast<int64_t>(weight.shape(1));
  if (groupSize < 1 || cols % groupSize)
    raise("groups of " + llvm::Twine(groupSize) +
          " do not divide K = " + llvm::Twine(cols));
  numerics::TwoLevelWeights chosen = numerics::quantizeTwoLevel(
      llvm::ArrayRef(weight.data(), rows * cols), rows, cols, groupSize);
  HostTensor scales(DataType::F32, {rows, 1});
  HostTensor multipliers(DataType::I8, {rows, cols / groupSize});
  llvm::copy(chosen.scales, scales.values<float>().begin());
  llvm::copy(chosen.multipliers, multipliers.values<int8_t>().begin());
  return nb::make_tuple(toNumPy(std::move(scales)),
                        toNumPy(std::move(multipliers)));
}

void quantc::python::bindNumerics(nb::module_ &m) {
  m.def("choose_group_scales", &chooseGroupScales, nb::arg("weight"),
        nb::arg("group_size"),
        R"(Choose the integer scales of the groups of a float32 weight [N, K].

Returns the scale of each channel, float32 [N, 1], and the multiplier of each
group, int8 [N, K / group_size].)");
}
