//===- ProgramTest.cpp - Compiled programs against the interpreter --------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/Program.h"

#include "mlir/Parser/Parser.h"
#include "quantc/InitAll.h"
#include "quantc/Reference/Interpreter.h"
#include "quantc/Target/Compile.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>
#include <thread>

using namespace quantc;

namespace {

class ProgramTest : public testing::Test {
protected:
  ProgramTest() {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    return mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }

  /// Compiles for `target` and loads.
  std::unique_ptr<Program> compile(llvm::StringRef text,
                                   llvm::StringRef target = "native",
                                   int64_t threads = 1) {
    mlir::OwningOpRef<mlir::ModuleOp> module = parse(text);
    if (!module)
      return nullptr;
    llvm::SmallString<128> path;
    llvm::sys::fs::createTemporaryFile("program", "so", path);
    llvm::FileRemover remover(path);
    CompileOptions options;
    options.name = "test";
    options.emit = EmitKind::SharedLibrary;
    options.threads = threads;
    // Everything is worth a thread.
    options.threadWork = 1;
    options.targets =
        *parseTargets(target, [&] { return module->emitError(); });
    if (mlir::failed(compileToFile(*module, options, path)))
      return nullptr;
    llvm::Expected<std::unique_ptr<Program>> program = Program::load(path);
    if (program)
      return std::move(*program);
    ADD_FAILURE() << llvm::toString(program.takeError());
    return nullptr;
  }

  /// A tensor of small integers, so that sums are exact in any order.
  HostTensor random(DataType type, llvm::ArrayRef<int64_t> shape) {
    HostTensor tensor(type, shape);
    std::uniform_int_distribution<int> distribution(-9, 9);
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      if (type == DataType::F32)
        tensor.values<float>()[i] = distribution(generator);
      else
        tensor.values<int8_t>()[i] = distribution(generator);
    return tensor;
  }

  /// Compares all outputs with those of the interpreter, byte for byte.
  void check(llvm::StringRef text, Program &program,
             llvm::ArrayRef<HostTensor> inputs) {
    mlir::OwningOpRef<mlir::ModuleOp> module = parse(text);
    mlir::FailureOr<std::vector<HostTensor>> expected =
        interpret(*module, inputs);
    ASSERT_TRUE(mlir::succeeded(expected));
    llvm::Expected<std::vector<HostTensor>> outputs = program.run(inputs);
    ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    ASSERT_EQ(outputs->size(), expected->size());
    for (auto [output, reference] : llvm::zip_equal(*outputs, *expected)) {
      EXPECT_EQ(output.type, reference.type);
      EXPECT_EQ(output.shape, reference.shape);
      EXPECT_EQ(output.bytes, reference.bytes);
    }
  }

  void expectError(llvm::Error error, llvm::StringRef text) {
    EXPECT_EQ(llvm::toString(std::move(error)), text.str());
  }

  mlir::MLIRContext context;
  std::mt19937 generator{0};
};

constexpr llvm::StringLiteral kLinear = R"mlir(
#bias = affine_map<(m, n) -> (n)>
#all = affine_map<(m, n) -> (m, n)>
func.func @main(%x: tensor<?x3xf32> {quant.name = "image",
                    quant.shape = affine_map<(d0) -> (d0, 3)>})
    -> (tensor<?x2xf32> {quant.name = "logits",
                    quant.shape = affine_map<(d0) -> (d0, 2)>})
    attributes {quant.dims = ["batch"]} {
  %w = arith.constant dense<[[1.0, 2.0], [-3.0, 4.0], [5.0, -6.0]]>
      : tensor<3x2xf32>
  %b = arith.constant dense<[7.0, -8.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %e = tensor.empty(%n) : tensor<?x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>)
      -> tensor<?x2xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x2xf32>)
                     outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.generic {indexing_maps = [#all, #bias, #all],
                       iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<?x2xf32>, tensor<2xf32>)
      outs(%e : tensor<?x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
)mlir";

TEST_F(ProgramTest, DynamicBatchOnEveryTarget) {
  for (llvm::StringRef target : {"x86-64", "x86-64-v2", "native"}) {
    std::unique_ptr<Program> program = compile(kLinear, target);
    ASSERT_TRUE(program);
    for (int64_t batch : {0, 1, 2, 33})
      check(kLinear, *program, {random(DataType::F32, {batch, 3})});
  }
}

TEST_F(ProgramTest, EveryVariantOfAnObject) {
  for (llvm::StringRef list = "x86-64-v4+avx512vnni,x86-64-v4,"
                              "x86-64-v3+avxvnni,x86-64-v3,x86-64-v2";
       !list.empty(); list = list.split(',').second) {
    std::unique_ptr<Program> program = compile(kLinear, list);
    ASSERT_TRUE(program);
    // The first that this machine can run.
    const std::vector<TargetSpec> &all = program->getMetadata().variants;
    ASSERT_EQ(all.size(), list.count(',') + (list.count(',') != 0));
    for (const TargetSpec &variant : all) {
      bool runsHere = getMissingHostFeatures(variant.features).empty();
      if (variant == program->getVariant()) {
        EXPECT_TRUE(runsHere);
        break;
      }
      EXPECT_FALSE(runsHere) << variant.str();
    }
    for (int64_t batch : {0, 1, 33})
      check(kLinear, *program, {random(DataType::F32, {batch, 3})});
  }
}

constexpr llvm::StringLiteral kProduct = R"mlir(
func.func @main(%a: tensor<?x37xf32> {quant.name = "a",
                    quant.shape = affine_map<(d0) -> (d0, 37)>},
                %b: tensor<37x200xf32> {quant.name = "b",
                    quant.shape = affine_map<(d0) -> (37, 200)>})
    -> (tensor<?x200xf32> {quant.name = "c",
                    quant.shape = affine_map<(d0) -> (d0, 200)>})
    attributes {quant.dims = ["n"]} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x37xf32>
  %e = tensor.empty(%n) : tensor<?x200xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x200xf32>)
      -> tensor<?x200xf32>
  %c = linalg.matmul ins(%a, %b : tensor<?x37xf32>, tensor<37x200xf32>)
                     outs(%f : tensor<?x200xf32>) -> tensor<?x200xf32>
  return %c : tensor<?x200xf32>
}
)mlir";

TEST_F(ProgramTest, AnyNumberOfThreads) {
  for (int64_t threads : {1, 2, 3, 7}) {
    std::unique_ptr<Program> program = compile(kProduct, "native", threads);
    ASSERT_TRUE(program);
    EXPECT_EQ(program->getMetadata().threads, threads);
    EXPECT_EQ(program->getNumThreads(), threads);
    for (int64_t rows : {0, 1, 2, 33})
      check(kProduct, *program,
            {random(DataType::F32, {rows, 37}),
             random(DataType::F32, {37, 200})});
    // Calls at the same time share the threads.
    std::vector<HostTensor> inputs = {random(DataType::F32, {50, 37}),
                                      random(DataType::F32, {37, 200})};
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i)
      callers.emplace_back([&] {
        for (int repeat = 0; repeat < 10; ++repeat)
          check(kProduct, *program, inputs);
      });
    for (std::thread &caller : callers)
      caller.join();
  }
}

TEST_F(ProgramTest, ThreadsAreLimited) {
  mlir::OwningOpRef<mlir::ModuleOp> module = parse(kProduct);
  CompileOptions options;
  options.name = "test";
  options.emit = EmitKind::SharedLibrary;
  options.threads = 3;
  llvm::SmallString<128> path;
  llvm::sys::fs::createTemporaryFile("program", "so", path);
  llvm::FileRemover remover(path);
  ASSERT_TRUE(mlir::succeeded(compileToFile(*module, options, path)));
  auto load = [&](int64_t threads) {
    return Program::load(path, threads).takeError();
  };
  EXPECT_FALSE(bool(load(1)) || bool(load(3)));
  expectError(load(4), (path + ": was compiled for at most 3 threads, not for "
                               "4; compile it again for more")
                           .str());
  expectError(load(0), (path + ": threads must be at least 1, not 0").str());
}

TEST_F(ProgramTest, ThreadsChooseTheSameVariant) {
  std::unique_ptr<Program> program = compile(kLinear, "x86-64-multi");
  ASSERT_TRUE(program);
  std::vector<HostTensor> inputs = {random(DataType::F32, {5, 3})};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { check(kLinear, *program, inputs); });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(ProgramTest, ReshapesWithDynamicBatch) {
  llvm::StringRef text = R"mlir(
    #all = affine_map<(m, n) -> (m, n)>
    #swapped = affine_map<(m, n) -> (n, m)>
    func.func @main(%x: tensor<?x2x3xf32>) -> tensor<?x3x2xf32> {
      %flat = tensor.collapse_shape %x [[0], [1, 2]]
          : tensor<?x2x3xf32> into tensor<?x6xf32>
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?x2x3xf32>
      %e = tensor.empty(%n) : tensor<?x6xf32>
      %y = linalg.generic {indexing_maps = [#all, #all],
                           iterator_types = ["parallel", "parallel"]}
          ins(%flat : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
      ^bb0(%a: f32, %o: f32):
        %s = arith.mulf %a, %a : f32
        linalg.yield %s : f32
      } -> tensor<?x6xf32>
      %z = tensor.expand_shape %y [[0], [1, 2]] output_shape [%n, 3, 2]
          : tensor<?x6xf32> into tensor<?x3x2xf32>
      return %z : tensor<?x3x2xf32>
    })mlir";
  std::unique_ptr<Program> program = compile(text);
  ASSERT_TRUE(program);
  for (int64_t batch : {0, 1, 5})
    check(text, *program, {random(DataType::F32, {batch, 2, 3})});
}

TEST_F(ProgramTest, SeveralDimensionsAndTemporaries) {
  // Softmax without the exponential, transposed: two temporaries of a dynamic
  // size of their own.
  llvm::StringRef text = R"mlir(
    #all = affine_map<(m, n) -> (m, n)>
    #row = affine_map<(m, n) -> (m)>
    func.func @main(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %lowest = arith.constant 0xFF800000 : f32
      %m = tensor.dim %x, %c0 : tensor<?x?xf32>
      %n = tensor.dim %x, %c1 : tensor<?x?xf32>
      %rows = tensor.empty(%m) : tensor<?xf32>
      %init = linalg.fill ins(%lowest : f32) outs(%rows : tensor<?xf32>)
          -> tensor<?xf32>
      %max = linalg.generic {indexing_maps = [#all, #row],
                             iterator_types = ["parallel", "reduction"]}
          ins(%x : tensor<?x?xf32>) outs(%init : tensor<?xf32>) {
      ^bb0(%a: f32, %o: f32):
        %s = arith.maximumf %a, %o : f32
        linalg.yield %s : f32
      } -> tensor<?xf32>
      %e = tensor.empty(%m, %n) : tensor<?x?xf32>
      %y = linalg.generic {indexing_maps = [#all, #row, #all],
                           iterator_types = ["parallel", "parallel"]}
          ins(%x, %max : tensor<?x?xf32>, tensor<?xf32>)
          outs(%e : tensor<?x?xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %s = arith.subf %a, %b : f32
        linalg.yield %s : f32
      } -> tensor<?x?xf32>
      %t = tensor.empty(%n, %m) : tensor<?x?xf32>
      %z = linalg.transpose ins(%y : tensor<?x?xf32>)
                            outs(%t : tensor<?x?xf32>) permutation = [1, 0]
      return %z : tensor<?x?xf32>
    })mlir";
  std::unique_ptr<Program> program = compile(text);
  ASSERT_TRUE(program);
  check(text, *program, {random(DataType::F32, {3, 7})});
  check(text, *program, {random(DataType::F32, {8, 1})});
  check(text, *program, {random(DataType::F32, {0, 4})});
  check(text, *program, {random(DataType::F32, {4, 0})});
}

TEST_F(ProgramTest, OutputsThatAreInputsOrConstantsOrEqual) {
  llvm::StringRef text = R"mlir(
    func.func @main(%x: tensor<2xi8>, %n: tensor<f32>)
        -> (tensor<2xi8>, tensor<3xf32>, tensor<2xi8>, tensor<f32>) {
      %c = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
      return %x, %c, %x, %n
          : tensor<2xi8>, tensor<3xf32>, tensor<2xi8>, tensor<f32>
    })mlir";
  std::unique_ptr<Program> program = compile(text);
  ASSERT_TRUE(program);
  check(text, *program, {random(DataType::I8, {2}), random(DataType::F32, {})});
}

TEST_F(ProgramTest, QuantizedLayers) {
  // Static and dynamic, 8 and 4 bits, float and integer results.
  llvm::StringRef text = R"mlir(
    #matrix = affine_map<(d0) -> (d0, 2)>
    #column = affine_map<(d0) -> (d0, 1)>
    func.func @main(
        %x: tensor<?x4xf32> {quant.shape = affine_map<(d0) -> (d0, 4)>},
        %sd: tensor<?x1xf32> {quant.shape = #column},
        %zd: tensor<?x1xi8> {quant.shape = #column})
        -> (tensor<?x2xf32> {quant.shape = #matrix},
            tensor<?x2xf32> {quant.shape = #matrix},
            tensor<?x2xi8> {quant.shape = #matrix})
        attributes {quant.dims = ["batch"]} {
      %w = arith.constant dense<[[127, 3, -127, 5], [7, 20, 0, -9]]>
          : tensor<2x4xi8>
      %bytes = arith.constant dense<[[33, 67], [-2, 120]]> : tensor<2x2xi8>
      %w4 = quant.unpack %bytes : tensor<2x2xi8> -> tensor<2x4xi4>
      %multiplier = arith.constant dense<[[3, 1], [15, 2]]> : tensor<2x2xi8>
      %sw = arith.constant dense<[[0.3], [0.7]]> : tensor<2x1xf32>
      %sg = arith.constant dense<[[0.25], [0.75]]> : tensor<2x1xf32>
      %sa = arith.constant dense<0.1> : tensor<f32>
      %za = arith.constant dense<3> : tensor<i8>
      %sy = arith.constant dense<1.7> : tensor<f32>
      %b = arith.constant dense<[10.0, -20.0]> : tensor<2xf32>
      %q = quant.quantize %x scale(%sa : tensor<f32>)
          zero_point(%za : tensor<i8>) : tensor<?x4xf32> -> tensor<?x4xi8>
      %static = quant.linear %q, %w scale(%sw : tensor<2x1xf32>)
          input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<2xf32>)
          : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
      %integer = quant.linear %q, %w4 scale(%sg : tensor<2x1xf32>)
          multiplier(%multiplier : tensor<2x2xi8>)
          input(%sa, %za : tensor<f32>, tensor<i8>)
          output(%sy, %za : tensor<f32>, tensor<i8>)
          : tensor<?x4xi8>, tensor<2x4xi4> -> tensor<?x2xi8>
      %d = quant.quantize %x scale(%sd : tensor<?x1xf32>)
          zero_point(%zd : tensor<?x1xi8>) : tensor<?x4xf32> -> tensor<?x4xi8>
      %dynamic = quant.linear %d, %w scale(%sw : tensor<2x1xf32>)
          input(%sd, %zd : tensor<?x1xf32>, tensor<?x1xi8>)
          : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
      return %static, %dynamic, %integer
          : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xi8>
    })mlir";
  for (llvm::StringRef target : {"x86-64", "x86-64-v3", "native"}) {
    std::unique_ptr<Program> program = compile(text, target);
    ASSERT_TRUE(program);
    for (int64_t batch : {0, 1, 17}) {
      HostTensor input = random(DataType::F32, {batch, 4});
      HostTensor scale = random(DataType::F32, {batch, 1});
      for (float &value : input.values<float>())
        value *= 0.37f;
      for (float &value : scale.values<float>())
        value = std::abs(value) + 0.03f;
      check(text, *program, {input, scale, random(DataType::I8, {batch, 1})});
    }
  }
}

TEST_F(ProgramTest, InputsAreNotWritten) {
  llvm::StringRef text = R"mlir(
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>) {
      %one = arith.constant 1.0 : f32
      %c0 = arith.constant 0 : index
      %y = tensor.insert %one into %x[%c0] : tensor<4xf32>
      return %y : tensor<4xf32>
    })mlir";
  std::unique_ptr<Program> program = compile(text);
  ASSERT_TRUE(program);
  HostTensor input = random(DataType::F32, {4});
  std::vector<char> before = input.bytes;
  check(text, *program, {input});
  EXPECT_EQ(input.bytes, before);
}

TEST_F(ProgramTest, StridedCopies) {
  llvm::StringRef text = R"mlir(
    func.func @main(%x: tensor<4x6xf32>, %y: tensor<2x3xf32>)
        -> tensor<4x6xf32> {
      %z = tensor.insert_slice %y into %x[1, 2] [2, 3] [1, 1]
          : tensor<2x3xf32> into tensor<4x6xf32>
      return %z : tensor<4x6xf32>
    })mlir";
  std::unique_ptr<Program> program = compile(text);
  ASSERT_TRUE(program);
  check(text, *program,
        {random(DataType::F32, {4, 6}), random(DataType::F32, {2, 3})});
}

/// Bit patterns of all kinds, values near ties of roundings, and addends that
/// cancel the product.
std::vector<HostTensor> getHardFloats(std::mt19937 &generator, int64_t count) {
  HostTensor x(DataType::F32, {count}), y(x), z(x);
  auto any = [&] { return llvm::bit_cast<float>(uint32_t(generator())); };
  auto near = [&] { return float(int32_t(generator()) >> 8) / 4; };
  for (int64_t i = 0; i < count; ++i) {
    bool isNear = i % 4 == 0;
    float a = isNear ? near() : any(), b = isNear ? near() / 64 : any();
    float product = a * b;
    x.values<float>()[i] = a;
    y.values<float>()[i] = b;
    z.values<float>()[i] = i % 3 == 0 ? -product
                           : i % 3 == 1
                               ? std::ldexp(product, int(generator() % 64) - 32)
                               : any();
  }
  return {x, y, z};
}

TEST_F(ProgramTest, FloatOperationsAreExactOnEveryTarget) {
  constexpr llvm::StringLiteral text = R"mlir(
    #map = affine_map<(i) -> (i)>
    func.func @main(%x: tensor<20000xf32>, %y: tensor<20000xf32>,
                    %z: tensor<20000xf32>)
        -> (tensor<20000xf32>, tensor<20000xf32>, tensor<20000xf32>,
            tensor<20000xf32>, tensor<20000xf32>) {
      %e = tensor.empty() : tensor<20000xf32>
      %0:5 = linalg.generic {
          indexing_maps = [#map, #map, #map, #map, #map, #map, #map, #map],
          iterator_types = ["parallel"]}
          ins(%x, %y, %z
              : tensor<20000xf32>, tensor<20000xf32>, tensor<20000xf32>)
          outs(%e, %e, %e, %e, %e
              : tensor<20000xf32>, tensor<20000xf32>, tensor<20000xf32>,
                tensor<20000xf32>, tensor<20000xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32,
           %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: f32):
        %fma = math.fma %a, %b, %c : f32
        %even = math.roundeven %a : f32
        %floor = math.floor %a : f32
        %ceil = math.ceil %a : f32
        %trunc = math.trunc %a : f32
        linalg.yield %fma, %even, %floor, %ceil, %trunc
            : f32, f32, f32, f32, f32
      } -> (tensor<20000xf32>, tensor<20000xf32>, tensor<20000xf32>,
            tensor<20000xf32>, tensor<20000xf32>)
      return %0#0, %0#1, %0#2, %0#3, %0#4
          : tensor<20000xf32>, tensor<20000xf32>, tensor<20000xf32>,
            tensor<20000xf32>, tensor<20000xf32>
    })mlir";
  std::vector<HostTensor> inputs = getHardFloats(generator, 20000);
  mlir::OwningOpRef<mlir::ModuleOp> module = parse(text);
  std::vector<HostTensor> expected = *interpret(*module, inputs);
  for (llvm::StringRef target : {"x86-64", "x86-64-v2", "native"}) {
    std::unique_ptr<Program> program = compile(text, target);
    ASSERT_TRUE(program);
    std::vector<HostTensor> outputs = *program->run(inputs);
    int64_t wrong = 0;
    for (auto [output, reference] : llvm::zip_equal(outputs, expected))
      for (auto [got, want] :
           llvm::zip_equal(output.values<float>(), reference.values<float>()))
        // Which NaN is not specified.
        wrong +=
            llvm::bit_cast<uint32_t>(got) != llvm::bit_cast<uint32_t>(want) &&
            !(std::isnan(got) && std::isnan(want));
    EXPECT_EQ(wrong, 0) << target.str();
  }
}

TEST_F(ProgramTest, SeveralThreads) {
  std::unique_ptr<Program> program = compile(kLinear);
  ASSERT_TRUE(program);
  HostTensor input = random(DataType::F32, {64, 3});
  std::vector<char> expected = (*program->run({input}))[0].bytes;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int &count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        count += (*program->run({input}))[0].bytes != expected;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST_F(ProgramTest, WrongInputsAreErrors) {
  std::unique_ptr<Program> program = compile(kLinear);
  ASSERT_TRUE(program);
  expectError(program->run({}).takeError(), "expected 1 inputs, got 0");
  expectError(
      program->run({HostTensor(DataType::F32, {2, 4})}).takeError(),
      "input \"image\": expected [batch, 3] float32, got [2, 4] float32");
  expectError(program->run({HostTensor(DataType::I8, {2, 3})}).takeError(),
              "input \"image\": expected [batch, 3] float32, got [2, 3] int8");
  expectError(program->run({HostTensor(DataType::F32, {3})}).takeError(),
              "input \"image\": expected [batch, 3] float32, got [3] float32");
}

TEST_F(ProgramTest, InputsMustAgree) {
  llvm::StringRef text = R"mlir(
    func.func @main(
        %x: tensor<?xf32> {quant.shape = affine_map<(d0) -> (d0)>},
        %y: tensor<?xf32> {quant.shape = affine_map<(d0) -> (d0 * 2)>})
        -> (tensor<?xf32> {quant.shape = affine_map<(d0) -> (d0 * 2)>})
        attributes {quant.dims = ["n"]} {
      return %y : tensor<?xf32>
    })mlir";
  std::unique_ptr<Program> program = compile(text);
  ASSERT_TRUE(program);
  check(text, *program,
        {random(DataType::F32, {3}), random(DataType::F32, {6})});
  expectError(program
                  ->run({HostTensor(DataType::F32, {3}),
                         HostTensor(DataType::F32, {5})})
                  .takeError(),
              "input \"input1\": expected [(n * 2)] float32, got [5] float32, "
              "but (n * 2) is 6");
}

TEST_F(ProgramTest, WrongFilesAreErrors) {
  llvm::SmallString<128> path;
  llvm::sys::fs::createTemporaryFile("program", "so", path);
  llvm::FileRemover remover(path);
  auto getError = [&] {
    return llvm::toString(Program::load(path).takeError());
  };
  EXPECT_NE(getError().find("not a program of quantc"), std::string::npos);

  mlir::OwningOpRef<mlir::ModuleOp> module = parse(kLinear);
  CompileOptions options;
  options.name = "test";
  options.emit = EmitKind::SharedLibrary;
  options.targets =
      *parseTargets("aarch64", [&] { return module->emitError(); });
  ASSERT_TRUE(mlir::succeeded(compileToFile(*module, options, path)));
  EXPECT_NE(getError().find("is for aarch64"), std::string::npos);
  EXPECT_NE(llvm::toString(Program::load("/nowhere.so").takeError())
                .find("No such file"),
            std::string::npos);
}

} // namespace
