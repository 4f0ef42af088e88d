//===- LowRank.cpp - Merging adapters into weights ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/LowRank.h"
#include "quantc/Numerics/TwoLevelGroups.h"

#include <limits>

using namespace quantc::numerics;

void quantc::numerics::addLowRank(llvm::MutableArrayRef<float> weight,
                                  int64_t rows, int64_t cols,
                                  const LowRank &adapter) {
  assert(static_cast<int64_t>(weight.size()) == rows * cols && "shape");
  int64_t depth = adapter.a.size() / adapter.rank;
  assert(depth <= cols && "more inputs than the weight has");
  // Row by row of A, so that memory is read in order; the order of each
  // element's own sum is r ascending all the same.
  Evaluate e;
  std::vector<float> product(depth);
  for (int64_t n = 0; n < rows; ++n) {
    std::fill(product.begin(), product.end(), 0.0f);
    for (int64_t r = 0; r < adapter.rank; ++r) {
      float b = adapter.b[n * adapter.rank + r];
      for (int64_t k = 0; k < depth; ++k)
        product[k] = e.fma(b, adapter.a[r * depth + k], product[k]);
    }
    for (int64_t k = 0; k < depth; ++k) {
      float &w = weight[n * cols + k];
      w = e.add(w, e.mul(adapter.scale, product[k]));
    }
  }
}

namespace {
/// The parameters of one part of a weight, and what rounding with them costs.
struct RowParameters {
  llvm::ArrayRef<float> scales;
  llvm::ArrayRef<int8_t> zeroPoints, multipliers;

  RowParameters(const WeightParameters &all, int64_t row, int64_t rows)
      : scales(getPart<float>(all.scales, row, rows)),
        zeroPoints(getPart<int8_t>(all.zeroPoints, row, rows)),
        multipliers(getPart<int8_t>(all.multipliers, row, rows)) {}

  /// The sum of squared errors, infinite if a value does not fit: only
  /// two-level scales are meant to cut off outliers.
  double getError(llvm::ArrayRef<float> values, StorageRange range) const {
    Evaluate e;
    size_t block = values.size() / scales.size();
    size_t group = multipliers.empty() ? 1 : values.size() / multipliers.size();
    double error = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      float scale = scales[i / block];
      if (!multipliers.empty())
        scale *= multipliers[i / group];
      int32_t zeroPoint = zeroPoints.empty() ? 0 : zeroPoints[i / block];
      double steps = e.roundEven(values[i] / scale);
      if (multipliers.empty() &&
          (steps < range.min - zeroPoint || steps > range.max - zeroPoint))
        return std::numeric_limits<double>::infinity();
      int32_t q =
          quantize(e, values[i], scale, zeroPoint, range.min, range.max);
      double difference =
          double(dequantize(e, q, scale, zeroPoint)) - values[i];
      error += difference * difference;
    }
    return error;
  }

  void appendTo(WeightParameters &result) const {
    result.scales.insert(result.scales.end(), scales.begin(), scales.end());
    result.zeroPoints.insert(result.zeroPoints.end(), zeroPoints.begin(),
                             zeroPoints.end());
    result.multipliers.insert(result.multipliers.end(), multipliers.begin(),
                              multipliers.end());
  }

private:
  template <class T>
  static llvm::ArrayRef<T> getPart(const std::vector<T> &all, int64_t row,
                                   int64_t rows) {
    size_t size = all.size() / rows;
    return llvm::ArrayRef<T>(all).slice(row * size, size);
  }
};
} // namespace

WeightParameters quantc::numerics::chooseNearer(llvm::ArrayRef<float> values,
                                                int64_t rows,
                                                StorageRange range,
                                                const WeightParameters &before,
                                                const WeightParameters &after) {
  assert(before.scales.size() == after.scales.size() &&
         before.zeroPoints.size() == after.zeroPoints.size() &&
         before.multipliers.size() == after.multipliers.size() && "blocks");
  WeightParameters result;
  size_t size = values.size() / rows;
  for (int64_t row = 0; row < rows; ++row) {
    llvm::ArrayRef<float> part = values.slice(row * size, size);
    RowParameters old(before, row, rows), chosen(after, row, rows);
    bool isNearer = chosen.getError(part, range) < old.getError(part, range);
    (isNearer ? chosen : old).appendTo(result);
  }
  return result;
}

/// x S x^T with the second moments S; see measureSurvival.
static double getEnergy(llvm::ArrayRef<double> x,
                        llvm::ArrayRef<float> moments) {
  size_t size = x.size();
  bool isMatrix = moments.size() > size;
  double sum = 0;
  for (size_t i = 0; i < size; ++i) {
    double scaled = x[i];
    if (isMatrix) {
      scaled = 0;
      for (size_t j = 0; j < size; ++j)
        scaled += moments[i * size + j] * x[j];
    } else if (!moments.empty()) {
      scaled *= moments[i];
    }
    sum += x[i] * scaled;
  }
  return sum;
}

Survival quantc::numerics::measureSurvival(llvm::ArrayRef<float> before,
                                           llvm::ArrayRef<float> wanted,
                                           llvm::ArrayRef<float> after,
                                           int64_t rows, int64_t cols,
                                           llvm::ArrayRef<float> moments) {
  double weight = 0, adapter = 0, common = 0, signal = 0, noise = 0;
  std::vector<double> d(cols), error(cols);
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t k = 0; k < cols; ++k) {
      int64_t i = n * cols + k;
      double w = before[i], e = after[i] - w;
      d[k] = wanted[i] - w;
      error[k] = e - d[k];
      weight += w * w;
      adapter += d[k] * d[k];
      common += e * d[k];
    }
    signal += getEnergy(d, moments);
    noise += getEnergy(error, moments);
  }
  Survival result;
  result.weightNorm = std::sqrt(weight);
  result.adapterNorm = std::sqrt(adapter);
  if (adapter > 0)
    result.share = common / adapter;
  // Moments that were estimated may leave a tiny negative energy.
  if (noise > 0)
    result.outputError = std::sqrt(noise / std::max(signal, 0.0));
  return result;
}

std::vector<float> quantc::numerics::roundWeights(llvm::ArrayRef<float> values,
                                                  int64_t rows, int64_t cols,
                                                  const WeightOptions &options,
                                                  bool twoLevel) {
  Evaluate e;
  std::vector<float> result(values.size());
  if (twoLevel) {
    TwoLevelWeights weights =
        quantizeTwoLevel(values, rows, cols, options.groupSize);
    int64_t size = options.groupSize;
    for (size_t i = 0; i < result.size(); ++i)
      result[i] =
          dequantize(e, weights.storage[i],
                     weights.scales[i / cols] * weights.multipliers[i / size],
                     /*zeroPoint=*/0);
    return result;
  }
  QuantizedWeights weights = quantizeWeights(values, rows, cols, options);
  size_t size = values.size() / weights.scales.size();
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = dequantize(e, weights.storage[i], weights.scales[i / size],
                           weights.zeroPoints[i / size]);
  return result;
}
