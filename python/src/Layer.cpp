//===- Layer.cpp - One layer as Python sees it ----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "Ports.h"
#include "quantc/Dialect/Quant/Transforms/LayerSummary.h"
#include "quantc/Numerics/NormalFloat.h"
#include "quantc/Numerics/Quantize.h"
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace quantc;
using namespace quantc::python;

namespace {
/// A summary of which one number is asked for in several places.
struct Layer : LayerSummary {
  explicit Layer(LayerSummary summary) : LayerSummary(std::move(summary)) {}

  bool isQuantized() const {
    return isProduct || (weight && weight->type != DataType::F32);
  }
  bool isNormalFloat() const {
    return config && config->weightFormat == WeightFormat::NormalFloat;
  }
};
} // namespace

/// The bits that one element takes in the compiled program. Multipliers of
/// groups are 1 to 15.
static constexpr int64_t kMultiplierBits = 4;

static int64_t getBits(DataType type) {
  return type == DataType::I4 ? 4 : 8 * getByteSize(type);
}

static int64_t getStoredBytes(const std::optional<HostTensor> &tensor,
                              int64_t bits) {
  return tensor ? (tensor->getNumElements() * bits + 7) / 8 : 0;
}

static int64_t getWeightBits(const Layer &layer) {
  if (layer.isProduct)
    return 8;
  return layer.weight ? getBits(layer.weight->type) : 32;
}

static int64_t getWeightBytes(const Layer &layer) {
  if (!layer.weight)
    return 0;
  // The zeros that fill the last group are stored as well.
  int64_t outputs = layer.weight->shape[layer.isWeightTransposed ? 1 : 0];
  int64_t count = outputs * layer.paddedDepth;
  int64_t weightBytes = (count * getBits(layer.weight->type) + 7) / 8;
  if (layer.isNormalFloat()) {
    // A byte for each magnitude, an f32 for each super-block, and the mean.
    int64_t blocks = layer.weightScale->getNumElements();
    return weightBytes + blocks + 4 +
           4 * llvm::divideCeil(blocks, numerics::normalFloatSuperBlock);
  }
  return weightBytes + getStoredBytes(layer.weightScale, 32) +
         getStoredBytes(layer.weightZeroPoint, 8) +
         getStoredBytes(layer.groupMultiplier, kMultiplierBits);
}

/// (q - zero_point) * scale for each weight, in the order of the weights.
static std::optional<HostTensor> getDequantizedWeight(const Layer &layer) {
  if (!layer.isQuantized() || !layer.weight || !layer.weightScale)
    return std::nullopt;
  // The multipliers of groups are in the integer weight, exactly.
  const HostTensor &integers =
      layer.integerWeight ? *layer.integerWeight : *layer.weight;
  const HostTensor &scale = *layer.weightScale;
  int64_t rows = integers.shape[0], columns = integers.shape[1];
  int64_t groups = scale.shape.size() == 2 ? scale.shape[1] : 1;

  HostTensor result(DataType::F32, integers.shape);
  numerics::Evaluate evaluate;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      auto [n, k] = layer.isWeightTransposed ? std::pair(column, row)
                                             : std::pair(row, column);
      int64_t block =
          scale.shape.empty() ? 0 : n * groups + k * groups / layer.paddedDepth;
      int64_t index = row * columns + column;
      int32_t zeroPoint = layer.weightZeroPoint
                              ? layer.weightZeroPoint->values<int8_t>()[block]
                              : 0;
      if (layer.isNormalFloat()) {
        int32_t q = integers.values<int8_t>()[index];
        result.values<float>()[index] = evaluate.mul(
            numerics::normalFloatLevels[q + 8], scale.values<float>()[block]);
        continue;
      }
      result.values<float>()[index] =
          numerics::dequantize(evaluate, integers.values<int8_t>()[index],
                               scale.values<float>()[block], zeroPoint);
    }
  return result;
}

/// An array, a NumPy scalar (`isScalar`: of a tensor without dimensions), or
/// None.
static nb::object toPython(const std::optional<HostTensor> &tensor,
                           bool isScalar) {
  if (!tensor)
    return nb::none();
  nb::object array = toNumPy(*tensor);
  return isScalar ? array[nb::tuple()] : array;
}

/// `weight`, a matrix, in the shape of the model.
static std::optional<HostTensor>
restoreShape(const Layer &layer, const std::optional<HostTensor> &weight) {
  return weight && layer.kernel ? layer.kernel->restore(*weight) : weight;
}

/// Zero points of symmetric weights are zeros.
static std::optional<HostTensor> getWeightZeroPoint(const Layer &layer) {
  if (layer.weightZeroPoint || !layer.weightScale || layer.isNormalFloat())
    return layer.weightZeroPoint;
  return HostTensor(DataType::I8, layer.weightScale->shape);
}

static std::optional<std::string> getMode(const Layer &layer) {
  if (!layer.isQuantized() || !layer.config)
    return std::nullopt;
  switch (layer.config->mode) {
  case Mode::Static:
    return "static";
  case Mode::Dynamic:
    return "dynamic";
  case Mode::WeightOnly:
    return "weight_only";
  }
  return std::nullopt;
}

static std::optional<std::string> getGranularity(const Layer &layer) {
  if (!layer.isQuantized() || !layer.config)
    return std::nullopt;
  switch (layer.config->granularity) {
  case Granularity::PerTensor:
    return "per_tensor";
  case Granularity::PerChannel:
    return "per_channel";
  case Granularity::PerGroup:
    return "per_group";
  }
  return std::nullopt;
}

/// The inputs that share a scale, multiplier or zero point of an output; none
/// if all do.
static std::optional<int64_t> getGroupSize(const Layer &layer) {
  if (!layer.isQuantized() || !layer.weightScale || layer.isNormalFloat())
    return std::nullopt;
  const HostTensor &blocks =
      layer.groupMultiplier ? *layer.groupMultiplier : *layer.weightScale;
  if (blocks.shape.size() < 2 || blocks.shape[1] == 1)
    return std::nullopt;
  return layer.paddedDepth / blocks.shape[1];
}

nb::dict quantc::python::getLayers(mlir::ModuleOp module) {
  nb::dict layers;
  for (LayerSummary &summary : summarizeLayers(module)) {
    nb::str name(summary.name.c_str(), summary.name.size());
    layers[name] = nb::cast(Layer(std::move(summary)));
  }
  return layers;
}

/// Adds a read-only property that is an array (`isScalar`: a NumPy scalar) or
/// None.
template <class Get>
static void addArray(nb::class_<Layer> &layer, const char *name, Get get,
                     const char *doc, bool isScalar = false) {
  std::string signature =
      std::string("def ") + name + "(self) -> " +
      (isScalar ? "numpy.generic" : "numpy.typing.NDArray") + " | None";
  layer.def_prop_ro(
      name,
      [get, isScalar](const Layer &l) { return toPython(get(l), isScalar); },
      nb::sig(signature.c_str()), doc);
}

void quantc::python::bindLayer(nb::module_ &m) {
  nb::class_<Layer> layer(m, "Layer",
                          R"(One layer of a model: N outputs, K inputs.

What does not exist is None: scales of a layer that stays float, an input scale
in the modes dynamic and weight_only.)");
  layer
      .def_prop_ro(
          "name", [](const Layer &l) { return l.name; },
          "The name of the ONNX node.")
      .def_prop_ro(
          "skipped_because",
          [](const Layer &l) {
            return l.skippedBecause.empty() ? std::nullopt
                                            : std::optional(l.skippedBecause);
          },
          "Why the layer stays float, or None.")
      .def_prop_ro(
          "folded", [](const Layer &l) { return l.folded; },
          "The names of the nodes after the layer that are in its weight and "
          "its bias: a BatchNormalization, a Mul by constants.")
      .def_prop_ro(
          "kind",
          [](const Layer &l) {
            return l.isEmbedding ? "embedding"
                   : l.isProduct ? "product"
                   : l.kernel    ? "convolution"
                                 : "linear";
          },
          "``linear``, ``convolution``, ``embedding``, whose weight is the "
          "table (N rows of K numbers), or ``product`` of two quantized "
          "activations, which has no weight.")
      .def_prop_ro("mode", &getMode,
                   "``static``, ``dynamic``, ``weight_only``, or None for a "
                   "layer that is float.")
      .def_prop_ro(
          "granularity", &getGranularity,
          "``per_tensor``, ``per_channel``, ``per_group``, or None for "
          "a layer that is float.")
      .def_prop_ro(
          "weight_format",
          [](const Layer &l) {
            return l.isNormalFloat() ? "nf4"
                   : l.isQuantized() ? "integer"
                                     : "float";
          },
          "``integer``, ``nf4`` or ``float``.")
      .def_prop_ro("weight_bits", &getWeightBits,
                   "Bits of a stored weight: 4, 8, or 32 for a layer that is "
                   "float.")
      .def_prop_ro("group_size", &getGroupSize,
                   "Inputs in a group along K, the last one of which may be "
                   "smaller; None unless the weights are in groups.")
      .def_prop_ro(
          "is_weight_transposed",
          [](const Layer &l) { return l.isWeightTransposed; },
          "Whether weight is [K, N], as a MatMul has it; else it is [N, K].")
      .def_prop_ro("weight_bytes", &getWeightBytes,
                   "Bytes of the stored weights with their scales, zero points "
                   "and multipliers.")
      .def("__repr__", [](const Layer &l) {
        return "Layer('" + l.name + "', " + getMode(l).value_or("float") +
               ", weight_bits=" + std::to_string(getWeightBits(l)) + ")";
      });
  addArray(
      layer, "weight", [](const Layer &l) { return restoreShape(l, l.weight); },
      "The stored weights: int8 (4-bit ones too), float32 in a layer that "
      "is float. [K, N] or [N, K] as in the model, [N, C, ...] of a "
      "convolution.");
  addArray(
      layer, "weight_scale", [](const Layer &l) { return l.weightScale; },
      "float32: [] per tensor, [N] per channel and with multipliers of "
      "groups, [N, groups] for float group scales; the magnitudes of nf4.");
  addArray(layer, "weight_zero_point", &getWeightZeroPoint,
           "int8, of the shape of weight_scale; zeros when symmetric.");
  addArray(
      layer, "group_multiplier",
      [](const Layer &l) { return l.groupMultiplier; },
      "int8 [N, groups], 1 to 15: the integer scales of groups.");
  addArray(
      layer, "integer_weight",
      [](const Layer &l) { return restoreShape(l, l.integerWeight); },
      "int8, in the order of weight: what enters the contraction, stored "
      "weights times the multiplier of their group.");
  addArray(
      layer, "dequantized_weight",
      [](const Layer &l) { return restoreShape(l, getDequantizedWeight(l)); },
      "float32, in the order of weight: what the integers stand for.");
  addArray(
      layer, "bias", [](const Layer &l) { return l.bias; }, "float32 [N].");
  addArray(
      layer, "input_scale", [](const Layer &l) { return l.inputScale; },
      "float32.", /*isScalar=*/true);
  addArray(
      layer, "input_zero_point",
      [](const Layer &l) { return l.inputZeroPoint; }, "int8.",
      /*isScalar=*/true);
  addArray(
      layer, "output_scale", [](const Layer &l) { return l.outputScale; },
      "float32.", /*isScalar=*/true);
  addArray(
      layer, "output_zero_point",
      [](const Layer &l) { return l.outputZeroPoint; }, "int8.",
      /*isScalar=*/true);
}
