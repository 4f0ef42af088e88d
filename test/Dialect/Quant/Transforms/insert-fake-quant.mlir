// RUN: quant-opt %s --quant-insert-fake-quant --split-input-file | FileCheck %s

// CHECK-LABEL: func @static_per_channel
//  CHECK-SAME:     %[[X:.+]]: tensor<?x8xf32>
//       CHECK:   %[[W:.+]] = arith.constant dense<5.000000e-01> : tensor<2x8xf32>
//       CHECK:   %[[R:.+]] = quant.observe %[[X]] : tensor<?x8xf32> -> tensor<2xf32>
//       CHECK:   %[[S:.+]], %[[Z:.+]] = quant.choose_params %[[R]] {bits = 8 : i64} : tensor<2xf32> -> tensor<f32>, tensor<i8>
//       CHECK:   %[[F:.+]] = quant.fake_quant %[[X]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>) {bits = 8 : i64}
//       CHECK:   %[[RW:.+]] = quant.observe %[[W]] : tensor<2x8xf32> -> tensor<2x1x2xf32>
//       CHECK:   %[[SW:.+]], %{{.+}} = quant.choose_params %[[RW]] {bits = 4 : i64, symmetric} : tensor<2x1x2xf32> -> tensor<2x1xf32>, tensor<2x1xi8>
//       CHECK:   %[[FW:.+]] = quant.fake_quant %[[W]] scale(%[[SW]] : tensor<2x1xf32>) {bits = 4 : i64}
//       CHECK:   linalg.matmul {{.*}}{quant.config = {{{.*}}}} ins(%[[F]], %[[FW]] :
func.func @static_per_channel(%x: tensor<?x8xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x8xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {quant.config = {weight_bits = 4 : i64, mode = "static", granularity = "per_channel", symmetric_weights}}
      ins(%x, %w : tensor<?x8xf32>, tensor<2x8xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Rows of the input, groups of the weight with zero points.
// CHECK-LABEL: func @dynamic_groups
//       CHECK:   quant.observe %{{.+}} : tensor<?x16xf32> -> tensor<?x1x2xf32>
//       CHECK:   quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<?x1xf32>) zero_point(%{{.+}} : tensor<?x1xi8>)
//       CHECK:   quant.observe %{{.+}} : tensor<2x16xf32> -> tensor<2x2x2xf32>
//       CHECK:   quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<2x2xf32>) zero_point(%{{.+}} : tensor<2x2xi8>) {bits = 4 : i64}
//       CHECK:   linalg.matmul {{.*}} quant.weight_transposed}
func.func @dynamic_groups(%x: tensor<?x16xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0.5> : tensor<16x2xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "dynamic", granularity = "per_group", group_size = 8 : i64}}
      ins(%x, %w : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Two-level scales are constants; activations of a weight-only layer are float.
// CHECK-LABEL: func @weight_only_two_level
//  CHECK-SAME:     %[[X:.+]]: tensor<3x16xf32>
//   CHECK-NOT:   quant.observe
//       CHECK:   %[[F:.+]] = quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<2x1xf32>) multiplier(%{{.+}} : tensor<2x2xi8>) {bits = 4 : i64}
//       CHECK:   linalg.matmul {{.*}} ins(%[[X]], %[[F]] :
func.func @weight_only_two_level(%x: tensor<3x16xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<0.5> : tensor<16x2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 8 : i64, symmetric_weights}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @unselected_untouched
//   CHECK-NOT:   quant.fake_quant
func.func @unselected_untouched(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.skipped = "it is not wanted"} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}
