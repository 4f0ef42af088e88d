//===- TargetSpecTest.cpp - What target strings mean ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/TargetSpec.h"

#include "mlir/IR/MLIRContext.h"
#include "quantc/Support/Diagnostics.h"
#include "gtest/gtest.h"

using namespace quantc;

namespace {

class TargetSpecTest : public testing::Test {
protected:
  TargetSpec parse(llvm::StringRef text) {
    mlir::FailureOr<TargetSpec> target = parseTarget(text, emitError);
    EXPECT_TRUE(mlir::succeeded(target)) << text.str();
    return mlir::succeeded(target) ? *target : TargetSpec();
  }

  mlir::MLIRContext context;
  DiagnosticCollector diagnostics{&context};
  std::function<mlir::InFlightDiagnostic()> emitError = [this] {
    return mlir::emitError(mlir::UnknownLoc::get(&context));
  };
};

TEST_F(TargetSpecTest, FeaturesAreComplete) {
  TargetSpec v3 = parse("x86-64-v3");
  EXPECT_EQ(v3.triple, "x86_64-unknown-linux-gnu");
  EXPECT_TRUE(v3.hasFeature("avx2") && v3.hasFusedMultiplyAdd());
  EXPECT_FALSE(v3.hasFeature("avx512f"));
  TargetSpec v4 = parse("x86-64-v4");
  EXPECT_TRUE(v4.hasFeature("avx512bw"));
  EXPECT_FALSE(v4.hasFeature("avx512vnni"));
  EXPECT_TRUE(parse("sapphirerapids").hasFeature("amx-int8"));
  TargetSpec oldest = parse("x86-64");
  EXPECT_FALSE(oldest.hasFusedMultiplyAdd() || oldest.hasRounding());
  EXPECT_TRUE(oldest.features.empty());
}

TEST_F(TargetSpecTest, FeaturesAreAdded) {
  EXPECT_TRUE(parse("x86-64-v4+avx512vnni").hasFeature("avx512vnni"));
  TargetSpec arm = parse("aarch64+dotprod+i8mm");
  EXPECT_EQ(arm.triple, "aarch64-unknown-linux-gnu");
  EXPECT_TRUE(arm.hasFeature("dotprod") && arm.hasFeature("i8mm") &&
              arm.hasFeature("neon"));
  EXPECT_FALSE(arm.hasFeature("sve"));
  EXPECT_TRUE(arm.hasByteMultiply());
  EXPECT_FALSE(parse("x86-64-v4").hasByteMultiply());
}

TEST_F(TargetSpecTest, FeaturesOfTheCpuCanBeTakenAway) {
  mlir::FailureOr<TargetSpec> target =
      makeTarget("x86_64-linux-gnu", "x86-64-v3", "-fma", emitError);
  ASSERT_TRUE(mlir::succeeded(target));
  EXPECT_FALSE(target->hasFusedMultiplyAdd());
  EXPECT_NE(target->getFeatureString().find("-fma"), std::string::npos);
}

TEST_F(TargetSpecTest, ListsAreForOneObject) {
  auto getNames = [&](llvm::StringRef text) {
    std::vector<std::string> names;
    std::vector<TargetSpec> targets = *parseTargets(text, emitError);
    for (const TargetSpec &target : targets)
      names.push_back(target.str());
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(getNames("x86-64-v3"), Names({"x86-64-v3"}));
  EXPECT_EQ(getNames("x86-64-v3+avxvnni,x86-64-v2"),
            Names({"x86-64-v3+avxvnni", "x86-64-v2"}));
  EXPECT_EQ(getNames("aarch64-multi"),
            Names({"aarch64+dotprod+fullfp16+i8mm+sve", "aarch64+dotprod+i8mm",
                   "aarch64+dotprod", "aarch64"}));
  // Who may be refused is followed by who may not.
  EXPECT_EQ(getNames("x86-64-v4+amx-int8"),
            Names({"x86-64-v4+amx-int8+amx-tile", "x86-64-v4"}));
  EXPECT_EQ(getNames("sapphirerapids").back(),
            "sapphirerapids without amx-bf16, amx-int8, amx-tile");
  // Unless nobody has to be asked.
  EXPECT_EQ(getNames("x86-64-v4+amx-int8+notiles"), Names({"x86-64-v4"}));
  EXPECT_EQ(getNames("aarch64+dotprod+notiles"), Names({"aarch64+dotprod"}));
  EXPECT_EQ(getNames("native+notiles").size(), 1u);
  Names multi = getNames("x86-64-multi");
  EXPECT_EQ(multi.front(), "x86-64-v4+amx-int8+amx-tile+avx512vnni");
  EXPECT_EQ(multi.back(), "x86-64-v2");
  EXPECT_EQ(llvm::count(multi, "x86-64-v4+avx512vnni"), 1);
  for (llvm::StringRef text :
       {"", ",", "x86-64-v3,", "x86-64-v3,aarch64", "multi,x86-64-v3"})
    EXPECT_TRUE(mlir::failed(parseTargets(text, emitError))) << text.str();
}

TEST_F(TargetSpecTest, NativeRunsHere) {
  EXPECT_TRUE(getMissingHostFeatures(parse("native").features).empty());
}

TEST_F(TargetSpecTest, AttributeRoundTrips) {
  TargetSpec target = parse("x86-64-v3");
  mlir::OwningOpRef<mlir::ModuleOp> module(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  setTarget(*module, target);
  TargetSpec read = getTarget(*module);
  EXPECT_EQ(read.triple, target.triple);
  EXPECT_EQ(read.cpu, target.cpu);
  EXPECT_EQ(read.features, target.features);
}

TEST_F(TargetSpecTest, WrongTextIsAnError) {
  for (llvm::StringRef text :
       {"", "+", "x86", "pentium", "x86-64-v3+", "x86-64-v3+sve", "native+",
        "native+x", "multi", "x86-64-v3,x86-64-v2", "x86-64-v3++avx",
        "x86-64,-avx", "+notiles", "x86-64+notiles+avx"})
    EXPECT_TRUE(mlir::failed(parseTarget(text, emitError))) << text.str();
}

} // namespace
