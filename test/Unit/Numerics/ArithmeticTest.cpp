//===- ArithmeticTest.cpp - Formulas read by another arithmetic -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `Trace` has values without any content and writes down what is called. That
// it compiles shows that formulas use nothing but the arithmetic; that the
// traces are these shows that the emitted order is ours and not the host
// compiler's.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/ElementaryFunctions.h"
#include "quantc/Numerics/Epilogues.h"

#include "gtest/gtest.h"

#include <string>

using namespace quantc::numerics;

namespace {
struct Trace {
  struct Float {};
  struct Int {};
  struct Long {};
  struct Bool {};

  Float constant(float) { return {}; }
  Int constantInt(int32_t) { return {}; }
  Long constantLong(int64_t) { return {}; }
  Float add(Float, Float) { return note<Float>("add"); }
  Float sub(Float, Float) { return note<Float>("sub"); }
  Float mul(Float, Float) { return note<Float>("mul"); }
  Float div(Float, Float) { return note<Float>("div"); }
  Float fma(Float, Float, Float) { return note<Float>("fma"); }
  Float neg(Float) { return note<Float>("neg"); }
  Float abs(Float) { return note<Float>("abs"); }
  Float sqrt(Float) { return note<Float>("sqrt"); }
  Float roundEven(Float) { return note<Float>("roundEven"); }
  Bool lessThan(Float, Float) { return note<Bool>("lessThan"); }
  Bool lessEqual(Float, Float) { return note<Bool>("lessEqual"); }
  Bool equal(Float, Float) { return note<Bool>("equal"); }
  Bool isNaN(Float) { return note<Bool>("isNaN"); }
  Bool andBool(Bool, Bool) { return note<Bool>("andBool"); }
  Float select(Bool, Float, Float) { return note<Float>("select"); }
  Int selectInt(Bool, Int, Int) { return note<Int>("selectInt"); }
  Int toInt(Float) { return note<Int>("toInt"); }
  Float toFloat(Int) { return note<Float>("toFloat"); }
  Int addInt(Int, Int) { return note<Int>("addInt"); }
  Int subInt(Int, Int) { return note<Int>("subInt"); }
  Int andInt(Int, Int) { return note<Int>("andInt"); }
  Int orInt(Int, Int) { return note<Int>("orInt"); }
  Int shlInt(Int, Int) { return note<Int>("shlInt"); }
  Int ashrInt(Int, Int) { return note<Int>("ashrInt"); }
  Long toLong(Int) { return note<Long>("toLong"); }
  Int truncate(Long) { return note<Int>("truncate"); }
  Long addLong(Long, Long) { return note<Long>("addLong"); }
  Long subLong(Long, Long) { return note<Long>("subLong"); }
  Long mulLong(Long, Long) { return note<Long>("mulLong"); }
  Long shlLong(Long, Long) { return note<Long>("shlLong"); }
  Long ashrLong(Long, Long) { return note<Long>("ashrLong"); }
  Long minLong(Long, Long) { return note<Long>("minLong"); }
  Long maxLong(Long, Long) { return note<Long>("maxLong"); }
  Int bitcastToInt(Float) { return note<Int>("bitcastToInt"); }
  Float bitcastToFloat(Int) { return note<Float>("bitcastToFloat"); }

  template <typename T>
  T note(const char *name) {
    calls += std::string(calls.empty() ? "" : " ") + name;
    return {};
  }
  std::string calls;
};

/// What one formula calls.
template <typename F>
std::string trace(F formula) {
  Trace a;
  formula(a);
  return a.calls;
}

/// FNV-1a, to compare a long trace with the one known.
uint32_t hash(const std::string &text) {
  uint32_t value = 2166136261u;
  for (char c : text)
    value = (value ^ static_cast<unsigned char>(c)) * 16777619u;
  return value;
}

constexpr Trace::Float x, s;
constexpr Trace::Int q, zp;

TEST(TraceTest, Quantize) {
  EXPECT_EQ(trace([](Trace &a) { quantize(a, x, s, zp, -128, 127); }),
            "div subInt toFloat subInt toFloat isNaN select lessThan select "
            "lessThan select add bitcastToInt subInt addInt");
  EXPECT_EQ(trace([](Trace &a) { getReciprocalScale(a, s); }),
            "lessThan select lessThan select mul div");
  EXPECT_EQ(trace([](Trace &a) {
              quantizeByReciprocal(a, x, {s, s, s}, zp, -128, 127);
            }),
            "subInt toFloat subInt toFloat mul mul mul isNaN select lessThan "
            "select lessThan select mul neg fma fma add bitcastToInt subInt "
            "addInt");
  EXPECT_EQ(trace([](Trace &a) { dequantize(a, q, s, zp); }),
            "subInt toFloat mul");
}

TEST(TraceTest, Epilogues) {
  EXPECT_EQ(trace([](Trace &a) { dequantizeAccumulator(a, q, s, x); }),
            "toFloat mul add");
  EXPECT_EQ(trace([](Trace &a) { dequantizeAccumulatorDynamic(a, q, s, s); }),
            "toFloat mul mul");
  EXPECT_EQ(trace([](Trace &a) { finishGroups(a, addGroup(a, x, q, s), s); }),
            "toFloat mul add mul");
  EXPECT_EQ(trace([](Trace &a) {
              requantizeAccumulatorFixed(a, q, q, q, zp, -128, 127);
            }),
            "toLong subLong shlLong toLong toLong mulLong addLong ashrLong "
            "toLong addLong maxLong minLong truncate");
  EXPECT_EQ(trace([](Trace &a) { addWeightOnlyElement(a, x, x, q, zp); }),
            "subInt toFloat fma");
}

TEST(TraceTest, EveryCompilerGivesTheSameOrder) {
  auto all = [](Trace &a) {
    ValueRange<Trace> range = extendRange(a, emptyRange(a), x);
    chooseParameters(a, range.min, range.max, 8, true);
    chooseParameters(a, range.min, range.max, 8, false);
    fakeQuantize(a, x, s, zp, -128, 127);
    requantize(a, q, s, zp, s, zp, -128, 127);
    requantizeAccumulator(a, q, s, x, zp, -128, 127);
    getReciprocalScale(a, s);
    pow(a, x, x);
    tanh(a, x);
    erf(a, x);
  };
  std::string calls = trace(all);
  EXPECT_EQ(hash(calls), 1471938459u) << calls;
}
} // namespace
