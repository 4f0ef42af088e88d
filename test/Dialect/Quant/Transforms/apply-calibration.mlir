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
