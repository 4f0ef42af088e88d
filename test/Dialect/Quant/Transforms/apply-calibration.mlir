// RUN: quant-opt %s --quant-apply-calibration="calibration=%S/Inputs/calibration.json" | FileCheck %s
// RUN: quant-opt %s --quant-apply-calibration="calibration=%S/Inputs/calibration.json calibration-method=minmax" | FileCheck %s
// RUN: quant-opt %s --quant-apply-calibration="calibration=%S/Inputs/calibration.json calibration-method=percentile percentile=80" | FileCheck %s --check-prefix=PERCENTILE

// Of 100 elements, 10 go at each end: the range ends with the buckets of 0.0
// (all of it is below the 11th element from below) and 1.0, 0x3F80FFFF.
// CHECK-LABEL: func @static
//       CHECK:   quant.input_range = array<f32: -5.000000e-01, 6.000000e+00>
//   CHECK-NOT:   quant.input_range
// PERCENTILE-LABEL: func @static
//       PERCENTILE:   quant.input_range = array<f32: 0.000000e+00, 1.00781238>
//   PERCENTILE-NOT:   quant.input_range
func.func @static(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  %1 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "dynamic", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc2")
  return %1 : tensor<3x4xf32>
}

// What reads the same elements in another order has the same range: that of
// both.
// PERCENTILE-LABEL: func @shared
// CHECK-LABEL: func @shared
//       CHECK:   quant.input_range = array<f32: -1.000000e+00, 6.000000e+00>
//       CHECK:   quant.input_range = array<f32: -1.000000e+00, 6.000000e+00>
func.func @shared(%x: tensor<8x8xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %t = linalg.transpose ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) permutation = [1, 0]
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32> loc("fc1")
  %1 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%t, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32> loc("fc3")
  return %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
}
