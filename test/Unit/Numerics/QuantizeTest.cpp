//===- QuantizeTest.cpp - Quantize, dequantize, choose parameters ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Quantize.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cfenv>
#include <limits>
#include <random>
#include <vector>

using namespace quantc::numerics;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float smallest = std::numeric_limits<float>::denorm_min();
Evaluate a;

int32_t quantize8(float x, float scale, int32_t zeroPoint) {
  return quantize(a, x, scale, zeroPoint, -128, 127);
}

/// The formula in wide integers and doubles, as the contract states it.
int32_t expectedQuantize(float x, float scale, int32_t zp, StorageRange range) {
  float quotient = x / scale;
  if (std::isnan(quotient))
    return zp;
  double sum = std::nearbyint(double(quotient)) + zp;
  return std::min<double>(std::max<double>(sum, range.min), range.max);
}

TEST(EvaluateTest, RoundEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000000; ++i) {
    float x = Evaluate::bitcastToFloat(static_cast<int32_t>(random()));
    if (std::isnan(x))
      continue;
    ASSERT_EQ(Evaluate::bitcastToInt(a.roundEven(x)),
              Evaluate::bitcastToInt(std::nearbyint(x)));
  }
  EXPECT_EQ(a.roundEven(0.5f), 0);
  EXPECT_EQ(a.roundEven(1.5f), 2);
  EXPECT_EQ(a.roundEven(-2.5f), -2);
  EXPECT_TRUE(std::signbit(a.roundEven(-0.5f)));
}

TEST(EvaluateTest, MinimumAndMaximum) {
  EXPECT_TRUE(std::isnan(a.minimum(nan, 1)));
  EXPECT_TRUE(std::isnan(a.maximum(1, nan)));
  for (bool swap : {false, true}) {
    float x = swap ? 0.0f : -0.0f, y = swap ? -0.0f : 0.0f;
    EXPECT_TRUE(std::signbit(a.minimum(x, y)));
    EXPECT_FALSE(std::signbit(a.maximum(x, y)));
  }
}

TEST(EvaluateTest, IntegersWrap) {
  EXPECT_EQ(a.addInt(INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(a.mulInt(1 << 16, 1 << 16), 0);
  EXPECT_EQ(a.ashrInt(-5, 1), -3);
  EXPECT_EQ(a.truncate(int64_t(1) << 32 | 7), 7);
}

TEST(StorageTest, Ranges) {
  EXPECT_EQ(storageRange(8, false).min, -128);
  EXPECT_EQ(storageRange(8, false).max, 127);
  EXPECT_EQ(storageRange(8, true).min, -127);
  EXPECT_EQ(storageRange(4, false).min, -8);
  EXPECT_EQ(storageRange(4, true).min, -7);
  EXPECT_EQ(storageRange(4, true).max, 7);
  EXPECT_FALSE(isStorageWidth(2));
}

TEST(QuantizeTest, ContractExample) {
  float values[] = {2.5f, -1.3f, 0.8f, -2.1f};
  int32_t expected[] = {127, -66, 41, -107};
  auto parameters = chooseParameters(a, -2.1f, 2.5f, 8, true);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(quantize(a, values[i], parameters.scale, 0, -127, 127),
              expected[i]);
}

TEST(QuantizeTest, TiesGoToEvenBeforeTheZeroPoint) {
  EXPECT_EQ(quantize8(0.5f, 1, 3), 3); // rne(0.5) + 3, not rne(3.5)
  EXPECT_EQ(quantize8(1.5f, 1, 3), 5); // rne(1.5) = 2
  EXPECT_EQ(quantize8(-2.5f, 1, 0), -2);
  EXPECT_EQ(quantize8(3.75f, 1, 0), 4); // upstream's lowering gives 3
  EXPECT_EQ(quantize8(200, 1, 0), 127); // and -56 here
}

TEST(QuantizeTest, SpecialValues) {
  for (int32_t zp : {-128, -5, 0, 127}) {
    EXPECT_EQ(quantize8(inf, 0.1f, zp), 127);
    EXPECT_EQ(quantize8(-inf, 0.1f, zp), -128);
    EXPECT_EQ(quantize8(nan, 0.1f, zp), zp);
    EXPECT_EQ(quantize8(-0.0f, 0.1f, zp), zp);
    EXPECT_EQ(quantize8(largestFinite, smallest, zp), 127); // x / s overflows
    EXPECT_EQ(quantize8(-largestFinite, 1e-8f, zp), -128);
    EXPECT_EQ(quantize8(smallest, smallest, zp), std::min(zp + 1, 127));
  }
}

TEST(QuantizeTest, AgreesWithTheFormula) {
  std::mt19937 random(2);
  for (int i = 0; i < 500000; ++i) {
    StorageRange range = storageRange(i % 2 ? 8 : 4, i % 3 == 0);
    int32_t zp = range.min + int32_t(random() % (range.max - range.min + 1));
    float scale = std::ldexp(1.0f + random() * 0x1p-32f, int(random() % 9) - 4);
    float x = scale * ((random() % 2048) * 0.25f - 256);
    ASSERT_EQ(quantize(a, x, scale, zp, range.min, range.max),
              expectedQuantize(x, scale, zp, range));
  }
}

TEST(QuantizeTest, ReciprocalGivesTheSameStorage) {
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    float scale = std::ldexp(1.0f + (random() >> 9) * 0x1p-23f,
                             i % 4 ? -5 : int(random() % 276) - 149);
    ReciprocalScale<Evaluate> reciprocal = getReciprocalScale(a, scale);
    int32_t zp = int32_t(random() % 256) - 128;
    // Around every threshold k + 1/2, and the values that saturate.
    std::vector<float> inputs = {inf,  -inf,  nan,      largestFinite,
                                 0.0f, -0.0f, smallest, -largestFinite};
    for (int k = -256; k < 256; ++k)
      for (int step = -2; step <= 2; ++step)
        inputs.push_back(Evaluate::bitcastToFloat(
            Evaluate::bitcastToInt(scale * (k + 0.5f)) + step));
    for (float x : inputs)
      ASSERT_EQ(quantizeByReciprocal(a, x, reciprocal, zp, -128, 127),
                quantize(a, x, scale, zp, -128, 127))
          << x << " " << scale << " " << zp;
  }
}

TEST(QuantizeTest, ScalesAreBroughtIntoRange) {
  for (float scale : {0x1p-100f, 0.1f, 0x1p+100f})
    EXPECT_EQ(getReciprocalScale(a, scale).factor, 1.0f);
  for (float scale : {smallest, 0x1.8p-101f, 0x1.8p+100f, largestFinite}) {
    ReciprocalScale<Evaluate> reciprocal = getReciprocalScale(a, scale);
    EXPECT_LE(0x1p-100f, reciprocal.scale);
    EXPECT_LE(reciprocal.scale, 0x1p+100f);
    EXPECT_EQ(double(reciprocal.scale), double(scale) * reciprocal.factor);
  }
}

TEST(RoundToIntTest, RoundsHalfToEven) {
  for (int k = -(1 << 21); k <= 1 << 21; k += 7)
    for (float fraction : {0.0f, 0.25f, 0.5f, -0.5f}) {
      float x = float(k) + fraction;
      ASSERT_EQ(roundToInt(a, x), int32_t(Evaluate::roundEven(x))) << x;
    }
  EXPECT_EQ(roundToInt(a, 4194304.0f), 1 << 22);
  EXPECT_EQ(roundToInt(a, -4194304.0f), -(1 << 22));
  EXPECT_EQ(roundToInt(a, -0.0f), 0);
  EXPECT_EQ(roundToInt(a, -smallest), 0);
}

TEST(DequantizeTest, SubtractsInIntegers) {
  EXPECT_EQ(dequantize(a, 127, 0.5f, -128), 127.5f);
  EXPECT_EQ(dequantize(a, -128, 0.5f, 127), -127.5f);
  EXPECT_FALSE(std::signbit(dequantize(a, 7, 0.5f, 7)));
}

TEST(RequantizeTest, EqualsDequantizeThenQuantize) {
  for (int32_t q = -128; q < 128; ++q) {
    EXPECT_EQ(requantize(a, q, 0.1f, 3, 0.1f, 3, -128, 127), q);
    EXPECT_EQ(requantize(a, q, 0.1f, 3, 0.37f, -9, -128, 127),
              quantize8(dequantize(a, q, 0.1f, 3), 0.37f, -9));
    EXPECT_EQ(fakeQuantize(a, q * 0.25f, 0.25f, 0, -128, 127), q * 0.25f);
  }
}

TEST(ChooseParametersTest, Symmetric) {
  auto p = chooseParameters(a, -12.7f, 3.0f, 8, true);
  EXPECT_EQ(p.scale, 12.7f / 127);
  EXPECT_EQ(p.zeroPoint, 0);
  EXPECT_EQ(chooseParameters(a, 0.0f, 3.5f, 4, true).scale, 0.5f);
}

TEST(ChooseParametersTest, AsymmetricWidensToZero) {
  auto p = chooseParameters(a, 2.0f, 5.1f, 8, false);
  EXPECT_EQ(p.scale, 5.1f / 255);
  EXPECT_EQ(p.zeroPoint, -128);
  p = chooseParameters(a, -5.1f, -2.0f, 8, false);
  EXPECT_EQ(p.zeroPoint, 127);
  p = chooseParameters(a, -1.0f, 2.0f, 4, false);
  EXPECT_EQ(p.scale, 3.0f / 15);
  EXPECT_EQ(p.zeroPoint, -3);
}

TEST(ChooseParametersTest, DegenerateRanges) {
  for (bool symmetric : {false, true})
    for (int bits : {4, 8}) {
      EXPECT_EQ(chooseParameters(a, 0.0f, 0.0f, bits, symmetric).scale, 1e-8f);
      EXPECT_EQ(chooseParameters(a, -0.0f, nan, bits, symmetric).scale, 1e-8f);
      // One denormal over 7 levels and more underflows.
      EXPECT_EQ(chooseParameters(a, 0.0f, smallest, bits, symmetric).scale,
                1e-8f);
      float large[] = {-inf, -largestFinite, -1, 0, 1, largestFinite, inf};
      for (float min : large)
        for (float max : large) {
          auto p = chooseParameters(a, min, max, bits, symmetric);
          EXPECT_GT(p.scale, 0);
          EXPECT_LT(p.scale, inf);
          EXPECT_EQ(quantize8(0, p.scale, p.zeroPoint), p.zeroPoint);
        }
    }
}

TEST(ChooseParametersTest, WidthOverflow) {
  auto p = chooseParameters(a, -largestFinite, largestFinite, 8, false);
  EXPECT_EQ(p.scale, largestFinite / 255 + largestFinite / 255);
  EXPECT_EQ(p.zeroPoint, 0); // rne(-128 + 127.5) = rne(-0.5)
}

TEST(ChooseParametersTest, UnsignedRange) {
  auto p = chooseParametersInRange(a, -1.0f, 3.0f, 0, 255, false);
  EXPECT_EQ(p.scale, 4.0f / 255);
  EXPECT_EQ(p.zeroPoint, 64);
}

TEST(ObserveTest, RangeIgnoresOrderAndNaN) {
  std::vector<float> values = {3, nan, -0.0f, -2, 0, 1, -1};
  std::sort(values.begin() + 2, values.end());
  do {
    auto range = emptyRange(a);
    for (float x : values)
      range = extendRange(a, range, x);
    ASSERT_EQ(range.min, -2);
    ASSERT_EQ(range.max, 3);
  } while (std::next_permutation(values.begin() + 2, values.end()));
  auto range = extendRange(a, emptyRange(a), -0.0f);
  EXPECT_FALSE(std::signbit(range.min));
}

TEST(ObserveTest, StatisticsTakeFiniteValuesInAnyOrder) {
  std::vector<float> values = {inf, nan, -0.0f, 0, -inf, 1};
  std::sort(values.begin() + 2, values.end());
  do {
    auto range = emptyStatistics(a);
    for (float x : values)
      range = extendStatistics(a, range, x);
    range = finishStatistics(a, range);
    ASSERT_EQ(Evaluate::bitcastToInt(range.min), 0);
    ASSERT_EQ(range.max, 1);
  } while (std::next_permutation(values.begin() + 2, values.end()));
  auto none = finishStatistics(a, extendStatistics(a, emptyStatistics(a), nan));
  EXPECT_EQ(none.min, inf);
  EXPECT_EQ(none.max, -inf);
  // The identity has parameters, those of a range without width.
  EXPECT_EQ(chooseParameters(a, none.min, none.max, 8, false).scale, 1e-8f);
}

TEST(HistogramTest, Bucket) {
  EXPECT_EQ(histogramBucket(a, 0.0f), 0);
  EXPECT_EQ(histogramBucket(a, 1.0f), 0x3F80);
  EXPECT_EQ(histogramBucket(a, -1.0f), 0xBF80);
  EXPECT_EQ(histogramBucket(a, -smallest), 0x8000);
}
} // namespace
