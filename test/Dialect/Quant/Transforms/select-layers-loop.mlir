// RUN: quant-opt %s --quant-select-layers="skip-output" | FileCheck %s

// What a loop yields is an output only if its result reaches one: the second
// layer hides the first one, the third one is hidden by nothing.
// CHECK-LABEL: func @main
//       CHECK:   scf.for
//       CHECK:     linalg.matmul {quant.config
//       CHECK:   linalg.matmul {quant.skipped = "it is an output layer and skip-output is set"}
//       CHECK:   scf.for
//       CHECK:     linalg.matmul {quant.skipped = "it is an output layer and skip-output is set"}
func.func @main(%x: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant dense<0.0> : tensor<3x8xf32>
  %w = arith.constant dense<1.0> : tensor<8x8xf32>
  %0 = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x) -> tensor<3x8xf32> {
    %next = linalg.matmul ins(%h, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32> loc("recurrence")
    scf.yield %next : tensor<3x8xf32>
  }
  %1 = linalg.matmul ins(%0, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32> loc("head")
  %2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x) -> tensor<3x8xf32> {
    %next = linalg.matmul ins(%h, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32> loc("output")
    scf.yield %next : tensor<3x8xf32>
  }
  return %1, %2 : tensor<3x8xf32>, tensor<3x8xf32>
}
