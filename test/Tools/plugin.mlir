// The stock mlir-opt of the same LLVM runs our passes beside its own.
// RUN: mlir-opt %s --load-dialect-plugin=%quantc_lib --load-pass-plugin=%quantc_lib \
// RUN:   --pass-pipeline='builtin.module(quant-ptq{mode=dynamic},canonicalize)' | FileCheck %s
// RUN: mlir-opt %s --load-dialect-plugin=%quantc_lib --load-pass-plugin=%quantc_lib \
// RUN:   --pass-pipeline='builtin.module(quant-calibrate,quant-lower-to-linalg,cse)' | FileCheck %s --check-prefix=STATISTICS

// CHECK-LABEL: func @main
//       CHECK:   quant.linear
//   CHECK-NOT:   linalg.matmul
// STATISTICS-LABEL: func @main
//  STATISTICS-SAME:   quant.name = "fc1.input.range"
//   STATISTICS-NOT:   quant.observe
//       STATISTICS:   linalg.generic
//   STATISTICS-NOT:   linalg.matmul
func.func @main(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  return %y : tensor<3x4xf32>
}
