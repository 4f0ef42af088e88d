// RUN: quant-opt %s --quant-select-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Names are added in the order of the program, and are unique.
// CHECK-LABEL: func @names
//       CHECK:   linalg.matmul {{.*}} loc("linear_0"({{.*}}select-layers-names.mlir
//       CHECK:   linalg.matmul {{.*}} loc("fc")
//       CHECK:   linalg.matmul {{.*}} loc("fc_1"("fc"))
//       CHECK:   linalg.matmul {{.*}} loc("linear_1"({{.*}}select-layers-names.mlir
func.func @names(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %w = arith.constant dense<0.5> : tensor<8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<4x8xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.matmul ins(%0, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<4x8xf32>) -> tensor<4x8xf32> loc("fc")
  %2 = linalg.matmul ins(%1, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<4x8xf32>) -> tensor<4x8xf32> loc("fc")
  %3 = linalg.matmul ins(%2, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}
