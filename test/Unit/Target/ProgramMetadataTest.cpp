//===- ProgramMetadataTest.cpp - The JSON of a program --------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/ProgramMetadata.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/JSON.h"
#include "gtest/gtest.h"

using namespace quantc;

namespace {

TEST(SizeExprTest, AgreesWithAffine) {
  mlir::MLIRContext context;
  mlir::AffineExpr d0 = mlir::getAffineDimExpr(0, &context);
  mlir::AffineExpr d1 = mlir::getAffineDimExpr(1, &context);
  std::vector<std::string> names = {"batch", "length"};
  for (mlir::AffineExpr expr :
       {d0 * 3 + 1, (d0 - 7).floorDiv(2), (d1 + d0).ceilDiv(4), (d1 - 9) % 5}) {
    SizeExpr size = SizeExpr::fromAffine(expr);
    llvm::Expected<SizeExpr> read =
        SizeExpr::fromJson(size.toJson(names), names);
    ASSERT_TRUE(bool(read));
    auto map = mlir::AffineMap::get(2, 0, expr);
    for (int64_t a : {0, 1, 5, 12})
      for (int64_t b : {0, 3, 8}) {
        auto getConstant = [&](int64_t value) {
          return mlir::IntegerAttr::get(mlir::IndexType::get(&context), value);
        };
        llvm::SmallVector<mlir::Attribute> folded;
        ASSERT_TRUE(mlir::succeeded(
            map.constantFold({getConstant(a), getConstant(b)}, folded)));
        int64_t expected =
            llvm::cast<mlir::IntegerAttr>(folded.front()).getInt();
        EXPECT_EQ(size.evaluate({a, b}), expected);
        EXPECT_EQ(read->evaluate({a, b}), expected);
      }
  }
}

TEST(ProgramMetadataTest, WrongJsonIsAnError) {
  for (llvm::StringRef text :
       {"", "[]", "{}", R"({"abi_version": 0})", R"({"abi_version": 2})",
        R"({"abi_version": 1, "name": "a", "dims": [], "inputs": [],
            "outputs": [], "target": {"features": []}})",
        R"({"abi_version": 2, "name": "a", "dims": [], "outputs": [],
            "target": {"features": []},
            "inputs": [{"name": "x", "dtype": "float33", "shape": []}]})",
        R"({"abi_version": 2, "name": "a", "dims": [], "outputs": [],
            "target": {"features": []},
            "inputs": [{"name": "x", "dtype": "int8", "shape": ["n"]}]})"}) {
    llvm::Expected<ProgramMetadata> metadata = ProgramMetadata::fromJson(text);
    EXPECT_FALSE(bool(metadata)) << text.str();
    llvm::consumeError(metadata.takeError());
  }
}

TEST(ProgramMetadataTest, AdaptersAreRead) {
  ProgramMetadata metadata;
  metadata.name = "net";
  AdapterLayout layout;
  layout.storage = DataType::I8;
  layout.maxRank = 4;
  layout.addLayer("fc1", 10, 20);
  layout.addLayer("fc2", 20, 3);
  metadata.adapters = layout;
  llvm::Expected<ProgramMetadata> read =
      ProgramMetadata::fromJson(metadata.toJson());
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  ASSERT_TRUE(read->adapters);
  EXPECT_EQ(read->adapters->storage, DataType::I8);
  EXPECT_EQ(read->adapters->maxRank, 4);
  EXPECT_EQ(read->adapters->size, layout.size);
  ASSERT_EQ(read->adapters->layers.size(), 2u);
  EXPECT_EQ(read->adapters->layers[1].name, "fc2");
  EXPECT_EQ(read->adapters->layers[1].upScale, layout.layers[1].upScale);

  std::string wrong = metadata.toJson();
  wrong.replace(wrong.find("int8"), 4, "int9");
  llvm::Expected<ProgramMetadata> refused = ProgramMetadata::fromJson(wrong);
  EXPECT_FALSE(bool(refused));
  llvm::consumeError(refused.takeError());
}

} // namespace
