//===- AdapterBlock.cpp - Adapters as programs take them ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/AdapterBlock.h"

#include "quantc/Numerics/Parameters.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace quantc;

/// What is wrong with `matrices` for `layer`.
static Error checkMatrices(const LoraMatrices &matrices,
                           const AdapterLayer &layer, int64_t maxRank) {
  auto fail = [&](const Twine &why) {
    return createStringError(matrices.layer + ": " + why);
  };
  int64_t rank = matrices.rank;
  if (rank > maxRank)
    return fail("rank " + Twine(rank) +
                " is above the largest of the program, " + Twine(maxRank));
  if (rank < 1)
    return fail("rank 0; a rank is at least 1");
  if (matrices.numInputs != layer.numInputs ||
      matrices.numOutputs != layer.numOutputs)
    return fail("A [" + Twine(rank) + ", " + Twine(matrices.numInputs) +
                "] and B [" + Twine(matrices.numOutputs) + ", " + Twine(rank) +
                "] do not fit a layer of " + Twine(layer.numInputs) +
                " inputs and " + Twine(layer.numOutputs) + " outputs");
  return Error::success();
}

static Error checkAdapter(const AdapterLayout &layout,
                          ArrayRef<LoraMatrices> adapter) {
  auto find = [&](StringRef name) {
    return find_if(layout.layers, [&](const AdapterLayer &layer) {
      return layer.name == name;
    });
  };
  auto isKnown = [&](const LoraMatrices &matrices) {
    return find(matrices.layer) != layout.layers.end();
  };
  std::string names =
      join(map_range(layout.layers,
                     [](const AdapterLayer &layer) { return layer.name; }),
           ", ");
  if (!adapter.empty() && none_of(adapter, isKnown))
    return createStringError("adapter for another base: none of its layers is "
                             "one of " +
                             names);
  StringSet<> seen;
  for (const LoraMatrices &matrices : adapter) {
    if (!isKnown(matrices))
      return createStringError(matrices.layer +
                               ": the program has no such layer with adapters; "
                               "it has " +
                               names);
    if (!seen.insert(matrices.layer).second)
      return createStringError(matrices.layer + ": is there twice");
    if (Error error =
            checkMatrices(matrices, *find(matrices.layer), layout.maxRank))
      return error;
  }
  return Error::success();
}

/// f32 to the nearest bfloat16, half to even.
static uint16_t toBFloat16(float value) {
  APFloat number(value);
  bool losesInfo;
  number.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &losesInfo);
  return number.bitcastToAPInt().getZExtValue();
}

namespace {
/// Writes one layer of a block.
class LayerWriter {
public:
  LayerWriter(const AdapterLayout &layout, char *block)
      : layout(layout), block(block) {}

  void write(const AdapterLayer &layer, const LoraMatrices &matrices) {
    *at<float>(layer.scale) = matrices.scale;
    // A [r, K] to [K, R]; B [N, r] to [R, N].
    writeMatrix(matrices.a, matrices.rank, layer.numInputs, layer.down,
                layer.downScale,
                [&](int64_t r, int64_t k) { return k * layout.maxRank + r; });
    writeMatrix(matrices.b, layer.numOutputs, matrices.rank, layer.up,
                layer.upScale,
                [&](int64_t n, int64_t r) { return r * layer.numOutputs + n; });
  }

private:
  template <class T>
  T *at(int64_t offset) {
    return reinterpret_cast<T *>(block + offset);
  }

  /// Element [row, column] of `values` goes to `getIndex(row, column)` of the
  /// matrix at `offset`; each row has a scale (lora_a3).
  void writeMatrix(ArrayRef<float> values, int64_t rows, int64_t columns,
                   int64_t offset, int64_t scales,
                   function_ref<int64_t(int64_t, int64_t)> getIndex) {
    numerics::QuantizedWeights quantized;
    if (layout.hasStorageScales()) {
      numerics::WeightOptions options;
      options.granularity = numerics::Granularity::PerChannel;
      quantized = numerics::quantizeWeights(values, rows, columns, options);
      copy(quantized.scales, at<float>(scales));
    }
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column) {
        int64_t from = row * columns + column, to = getIndex(row, column);
        if (layout.storage == DataType::I8)
          at<int8_t>(offset)[to] = quantized.storage[from];
        else if (layout.storage == DataType::BF16)
          at<uint16_t>(offset)[to] = toBFloat16(values[from]);
        else
          at<float>(offset)[to] = values[from];
      }
  }

  const AdapterLayout &layout;
  char *block;
};
} // namespace

Expected<std::vector<char>>
quantc::packAdapter(const AdapterLayout &layout,
                    ArrayRef<LoraMatrices> adapter) {
  if (Error error = checkAdapter(layout, adapter))
    return error;
  std::vector<char> block(layout.size);
  LayerWriter writer(layout, block.data());
  for (const AdapterLayer &layer : layout.layers) {
    const auto *matrices = find_if(adapter, [&](const LoraMatrices &candidate) {
      return candidate.layer == layer.name;
    });
    // A layer that the adapter leaves alone has a delta of +0 * -0, which is
    // the addend that changes nothing.
    LoraMatrices none{layer.name, 0,    layer.numInputs, layer.numOutputs, {},
                      {},         -0.0f};
    writer.write(layer, matrices == adapter.end() ? none : *matrices);
  }
  return block;
}
