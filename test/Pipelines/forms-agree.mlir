// RUN: quant-opt %s --quant-insert-quantize | quant-translate --interpret > %t.simulated
// RUN: quant-opt %s --quant-insert-quantize --quant-fold-weights --quant-convert-to-integer | quant-translate --interpret > %t.integer
// RUN: quant-opt %s --quant-insert-quantize --quant-fold-weights --quant-convert-to-integer --quant-fuse-requantize | quant-translate --interpret > %t.fused
// RUN: cmp %t.simulated %t.integer
// RUN: cmp %t.integer %t.fused
// RUN: FileCheck %s < %t.fused

// All scales are powers of two, so no float step rounds and the forms before
// and after each pass have the same bytes: an INT4 layer with two-level scales,
// a clip that cuts both ends, and an INT8 layer with zero points.
// CHECK: output0 = dense<{{\[\[}}2.946400e+04, -1.160000e+02], [3.810000e+04, -1.500000e+02], [-2.540000e+04, 1.000000e+02]]> : tensor<3x2xf32>
func.func @main() -> tensor<3x2xf32> {
  %x = arith.constant dense<[
    [ 1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, -8.0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5],
    [-1.0, -1.0, 1.0, 1.0, 63.5, 0.25, 0.75, 1.25, 99.0, -99.0, 0.0, 0.0, 2.0, 2.0, -2.0, -2.0],
    [ 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0]]> : tensor<3x16xf32>
  %w1 = arith.constant dense<[
    [1.75], [-2.0], [0.25], [0.5], [0.75], [1.0], [-1.5], [1.25],
    [26.25], [-30.0], [3.75], [7.5], [11.25], [15.0], [-22.5], [18.75]]> : tensor<16x1xf32>
  %b1 = arith.constant dense<[3.0]> : tensor<1xf32>
  %w2 = arith.constant dense<[[254.0], [-1.0]]> : tensor<2x1xf32>
  %lo = arith.constant -100.0 : f32
  %hi = arith.constant 150.0 : f32
  %zero1 = arith.constant dense<0.0> : tensor<3x1xf32>
  %zero2 = arith.constant dense<0.0> : tensor<3x2xf32>
  %h = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "static", granularity = "per_group", group_size = 8 : i64, symmetric_weights}, quant.input_range = array<f32: -63.5, 64.0>}
      ins(%x, %w1 : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero1 : tensor<3x1xf32>) -> tensor<3x1xf32> loc("fc1")
  %hb = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%h, %b1 : tensor<3x1xf32>, tensor<1xf32>) outs(%zero1 : tensor<3x1xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<3x1xf32>
  %hc = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%hb : tensor<3x1xf32>) outs(%zero1 : tensor<3x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.maximumf %a, %lo : f32
    %t = arith.minimumf %s, %hi : f32
    linalg.yield %t : f32
  } -> tensor<3x1xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_tensor"}, quant.input_range = array<f32: -254.0, 256.0>}
      ins(%hc, %w2 : tensor<3x1xf32>, tensor<2x1xf32>) outs(%zero2 : tensor<3x2xf32>) -> tensor<3x2xf32> loc("fc2")
  return %y : tensor<3x2xf32>
}
