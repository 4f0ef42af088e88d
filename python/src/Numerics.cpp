//===- Numerics.cpp - Formulas that Python calls --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"

#include "Ports.h"
#include "Session.h"
#include "quantc/Numerics/NormalFloat.h"
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

/// optimizer_a6.
static nb::object roundGroupScales(const FloatMatrix &scales) {
  numerics::Evaluate a;
  HostTensor result(DataType::F32, {static_cast<int64_t>(scales.shape(0)),
                                    static_cast<int64_t>(scales.shape(1))});
  llvm::transform(llvm::ArrayRef(scales.data(), scales.size()),
                  result.values<float>().begin(), [&](float scale) {
                    return numerics::roundToTwoLevelScale(a, scale);
                  });
  return toNumPy(std::move(result));
}

/// normal_float_a2 to normal_float_a4.
static nb::object quantizeNormalFloat(const FloatMatrix &weight) {
  auto rows = static_cast<int64_t>(weight.shape(0));
  auto cols = static_cast<int64_t>(weight.shape(1));
  if (cols % numerics::normalFloatBlock)
    raise("blocks of " + llvm::Twine(numerics::normalFloatBlock) +
          " do not divide K = " + llvm::Twine(cols));
  numerics::NormalFloatWeights stored =
      numerics::quantizeNormalFloat({weight.data(), weight.size()});
  const numerics::NormalFloatMagnitudes &magnitudes = stored.magnitudes;
  int64_t count = magnitudes.scales.size();
  HostTensor integers(DataType::I8, {rows, cols});
  HostTensor magnitude(DataType::I8, {count, numerics::normalFloatSuperBlock});
  HostTensor scale(DataType::F32, {count, 1});
  HostTensor mean(DataType::F32, {});
  llvm::copy(stored.storage, integers.values<int8_t>().begin());
  llvm::copy(magnitudes.storage, magnitude.values<int8_t>().begin());
  llvm::copy(magnitudes.scales, scale.values<float>().begin());
  mean.values<float>()[0] = magnitudes.mean;
  return nb::make_tuple(toNumPy(std::move(integers)),
                        toNumPy(std::move(magnitude)),
                        toNumPy(std::move(scale)), toNumPy(std::move(mean)));
}

void quantc::python::bindNumerics(nb::module_ &m) {
  m.def("choose_group_scales", &chooseGroupScales, nb::arg("weight"),
        nb::arg("group_size"),
        R"(Choose the integer scales of the groups of a float32 weight [N, K].

Returns the scale of each channel, float32 [N, 1], and the multiplier of each
group, int8 [N, K / group_size].)");
  m.def("round_group_scales", &roundGroupScales, nb::arg("scales"),
        R"(Round scales of channels to those that groups can have.

``scales`` is float32 [N, 1] and positive; in the result the last four bits of
the mantissa are zero.)");
  m.def("quantize_normal_float", &quantizeNormalFloat, nb::arg("weight"),
        R"(Quantize a float32 weight [N, K] to the format nf4; 64 divides K.

Returns the integers, int8 [N, K] from -8 to 7, the magnitudes of the blocks in
B super-blocks, int8 [B, 256], their scales, float32 [B, 1], and their mean.)");
}
