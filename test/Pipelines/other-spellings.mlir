// RUN: quant-opt %s --quant-ptq --split-input-file | FileCheck %s

// What other compilers write: a transposition of the weight, arithmetic on whole
// tensors, a bias for every row, a maximum with a tensor of zeros.
// CHECK-LABEL: func @tensors
//   CHECK-NOT:   linalg
//       CHECK:   %[[H:.+]] = quant.linear {{.*}} bias(%{{.+}} : tensor<8xf32>) output({{.*}} {clamp_min = -64 : si64, {{.*}} -> tensor<3x8xi8>
//       CHECK:   quant.linear %[[H]], {{.*}} -> tensor<3x4xf32>
//   CHECK-NOT:   linalg
func.func @tensors(%x: tensor<3x16xf32>) -> tensor<3x4xf32> {
  %w = arith.constant dense<0.5> : tensor<8x16xf32>
  %b = arith.constant dense<1.0> : tensor<3x8xf32>
  %v = arith.constant dense<0.25> : tensor<8x4xf32>
  %zero = arith.constant 0.0 : f32
  %zeros = arith.constant dense<0.0> : tensor<3x8xf32>
  %t = tensor.empty() : tensor<16x8xf32>
  %e1 = tensor.empty() : tensor<3x8xf32>
  %e2 = tensor.empty() : tensor<3x4xf32>
  %wt = linalg.transpose ins(%w : tensor<8x16xf32>) outs(%t : tensor<16x8xf32>) permutation = [1, 0]
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %h = linalg.matmul {quant.input_range = array<f32: -1.0, 1.0>} ins(%x, %wt : tensor<3x16xf32>, tensor<16x8xf32>) outs(%f1 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %s = arith.addf %h, %b : tensor<3x8xf32>
  %r = arith.maximumf %s, %zeros : tensor<3x8xf32>
  %y = linalg.matmul {quant.input_range = array<f32: -1.0, 3.0>} ins(%r, %v : tensor<3x8xf32>, tensor<8x4xf32>) outs(%f2 : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// A product of three dimensions: both layers work on rows, and nothing between
// them is float or reshaped.
// CHECK-LABEL: func @three_dimensions
//       CHECK:   quant.quantize
//       CHECK:   tensor.collapse_shape
//       CHECK:   %[[H:.+]] = quant.linear {{.*}} bias({{.*}} -> tensor<6x8xi8>
//  CHECK-NEXT:   %[[Y:.+]] = quant.linear %[[H]], {{.*}} -> tensor<6x4xf32>
//  CHECK-NEXT:   tensor.expand_shape %[[Y]]
func.func @three_dimensions(%x: tensor<2x3x16xf32>) -> tensor<2x3x4xf32> {
  %w = arith.constant dense<0.5> : tensor<16x8xf32>
  %b = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %v = arith.constant dense<0.25> : tensor<8x4xf32>
  %zero1 = arith.constant dense<0.0> : tensor<6x8xf32>
  %zero2 = arith.constant dense<0.0> : tensor<6x4xf32>
  %e = tensor.empty() : tensor<2x3x8xf32>
  %xc = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x16xf32> into tensor<6x16xf32>
  %h = linalg.matmul {quant.input_range = array<f32: -1.0, 1.0>} ins(%xc, %w : tensor<6x16xf32>, tensor<16x8xf32>) outs(%zero1 : tensor<6x8xf32>) -> tensor<6x8xf32>
  %he = tensor.expand_shape %h [[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (c)>, affine_map<(a, b, c) -> (a, b, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%he, %b : tensor<2x3x8xf32>, tensor<8xf32>) outs(%e : tensor<2x3x8xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %a = arith.addf %p, %q : f32
    linalg.yield %a : f32
  } -> tensor<2x3x8xf32>
  %hc = tensor.collapse_shape %s [[0, 1], [2]] : tensor<2x3x8xf32> into tensor<6x8xf32>
  %y = linalg.matmul {quant.input_range = array<f32: -1.0, 3.0>} ins(%hc, %v : tensor<6x8xf32>, tensor<8x4xf32>) outs(%zero2 : tensor<6x4xf32>) -> tensor<6x4xf32>
  %ye = tensor.expand_shape %y [[0, 1], [2]] output_shape [2, 3, 4] : tensor<6x4xf32> into tensor<2x3x4xf32>
  return %ye : tensor<2x3x4xf32>
}
