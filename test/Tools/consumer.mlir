// A project outside of ours finds the installed package, builds against it and
// runs our pipelines from C++.
// RUN: rm -rf %t && mkdir %t
// RUN: %cmake --install %build_root --prefix %t/prefix > %t/install.log
// RUN: %cmake -S %source_root/test/consumer -B %t/build -G Ninja -DCMAKE_PREFIX_PATH=%t/prefix \
// RUN:   -DCMAKE_C_COMPILER=%cc -DCMAKE_CXX_COMPILER=%cxx > %t/configure.log
// RUN: %cmake --build %t/build > %t/build.log
// RUN: %t/build/consumer %s | FileCheck %s
// RUN: %t/prefix/bin/quant-translate --help | FileCheck %s --check-prefix=INSTALLED

// INSTALLED: --import-onnx
// CHECK: quant.linear
func.func @main(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  return %y : tensor<3x4xf32>
}
