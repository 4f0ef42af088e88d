// RUN: quant-opt %s --quant-insert-quantize --split-input-file | FileCheck %s

// The range [-1, 254] / 255 has the scale 1 and the zero point -127. The weight
// comes out as [N, K]: channel 0 is {2.5, -1.3, 0.8, -2.1}.
// CHECK-LABEL: func @static_per_channel
//  CHECK-SAME:     %[[X:.+]]: tensor<?x4xf32>, %{{.+}}: tensor
//       CHECK:   %[[S:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
//       CHECK:   %[[Z:.+]] = arith.constant dense<-127> : tensor<i8>
//       CHECK:   %[[Q:.+]] = quant.quantize %[[X]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>) : tensor<?x4xf32> -> tensor<?x4xi8>
//       CHECK:   %[[D:.+]] = quant.dequantize %[[Q]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>) : tensor<?x4xi8> -> tensor<?x4xf32>
//       CHECK:   %[[W:.+]] = linalg.transpose ins(%{{.+}} : tensor<4x2xf32>) outs(%{{.+}} : tensor<2x4xf32>) permutation = [1, 0]
//       CHECK:   %[[SW:.+]] = arith.constant dense<{{\[\[}}0.0196850393], [1.000000e+00]]> : tensor<2x1xf32>
//       CHECK:   %[[WQ:.+]] = quant.quantize %[[W]] scale(%[[SW]] : tensor<2x1xf32>) : tensor<2x4xf32> -> tensor<2x4xi8>
//       CHECK:   %[[WD:.+]] = quant.dequantize %[[WQ]] scale(%[[SW]] : tensor<2x1xf32>)
//       CHECK:   linalg.matmul indexing_maps = [#{{.*}}] {quant.config = {{{.*}}}, quant.weight_transposed} ins(%[[D]], %[[WD]] : tensor<?x4xf32>, tensor<2x4xf32>)
func.func @static_per_channel(%x: tensor<?x4xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[2.5, 127.0], [-1.3, 0.0], [0.8, 0.0], [-2.1, 0.0]]> : tensor<4x2xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel", symmetric_weights}, quant.input_range = array<f32: -1.0, 254.0>}
      ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A weight that is [N, K] already stays the constant that it is.
// CHECK-LABEL: func @dynamic_per_tensor_asymmetric
//  CHECK-SAME:     %[[X:.+]]: tensor<?x4xf32>, %{{.+}}: tensor
//       CHECK:   %[[W:.+]] = arith.constant dense<{{\[\[}}-1.000000e+00, 2.540000e+02
//       CHECK:   %[[R:.+]] = quant.observe %[[X]] : tensor<?x4xf32> -> tensor<?x1x2xf32>
//       CHECK:   %[[S:.+]], %[[Z:.+]] = quant.choose_params %[[R]] {bits = 8 : i64, symmetric} : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
//       CHECK:   %[[Q:.+]] = quant.quantize %[[X]] scale(%[[S]] : tensor<?x1xf32>) zero_point(%[[Z]] : tensor<?x1xi8>)
//       CHECK:   quant.dequantize %[[Q]] scale(%[[S]] : tensor<?x1xf32>) zero_point(%[[Z]] : tensor<?x1xi8>)
//       CHECK:   %[[SW:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
//       CHECK:   %[[ZW:.+]] = arith.constant dense<-127> : tensor<i8>
//       CHECK:   quant.quantize %[[W]] scale(%[[SW]] : tensor<f32>) zero_point(%[[ZW]] : tensor<i8>) : tensor<2x4xf32> -> tensor<2x4xi8>
//       CHECK:   linalg.matmul
//   CHECK-NOT:   quant.weight_transposed
func.func @dynamic_per_tensor_asymmetric(%x: tensor<?x4xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[-1.0, 254.0, 0.0, 1.0], [2.0, 3.0, 4.0, 5.0]]> : tensor<2x4xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_tensor", symmetric_activations}}
      ins(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Two groups of 8 in each channel, the second 15 times the first: the weight is
// 1/4 times {1, 15} times {7, -8, ...}. 0xF1, which is -15, holds 1 and 15.
// CHECK-LABEL: func @weight_only_two_level
//  CHECK-SAME:     %[[X:.+]]: tensor<3x16xf32>
//   CHECK-DAG:   %[[SW:.+]] = arith.constant dense<2.500000e-01> : tensor<1x1xf32>
//   CHECK-DAG:   %[[PAIR:.+]] = arith.constant dense<-15> : tensor<1x1xi8>
//       CHECK:   %[[M:.+]] = quant.unpack %[[PAIR]] : tensor<1x1xi8> -> tensor<1x2xi8>
//   CHECK-NOT:   quant.observe
//       CHECK:   %[[Q:.+]] = quant.quantize %{{.*}} scale(%[[SW]] : tensor<1x1xf32>) multiplier(%[[M]] : tensor<1x2xi8>) : tensor<1x16xf32> -> tensor<1x16xi4>
//       CHECK:   %[[D:.+]] = quant.dequantize %[[Q]] scale(%[[SW]] : tensor<1x1xf32>) multiplier(%[[M]] : tensor<1x2xi8>)
//       CHECK:   linalg.matmul {{.*}} ins(%[[X]], %[[D]] :
func.func @weight_only_two_level(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<[[1.75], [-2.0], [0.25], [0.5], [0.75], [1.0], [-1.5], [1.25], [26.25], [-30.0], [3.75], [7.5], [11.25], [15.0], [-22.5], [18.75]]> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 8 : i64, symmetric_weights}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// Float scales for the groups of 8 bits: 127 / 127 and 254 / 127.
// CHECK-LABEL: func @float_groups
//   CHECK-DAG:   %[[SW:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
//       CHECK:   quant.quantize %{{.*}} scale(%[[SW]] : tensor<1x2xf32>) : tensor<1x16xf32> -> tensor<1x16xi8>
func.func @float_groups(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<[[127.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [254.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0]]> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "weight_only", granularity = "per_group", group_size = 8 : i64, symmetric_weights}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// Nothing between two layers: the second takes the new result of the first.
// CHECK-LABEL: func @chain
//       CHECK:   %[[FIRST:.+]] = linalg.matmul
//       CHECK:   quant.observe %[[FIRST]] : tensor<3x2xf32> -> tensor<3x1x2xf32>
//       CHECK:   quant.quantize %[[FIRST]]
func.func @chain(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel", symmetric_weights}}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %z = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel", symmetric_weights}}
      ins(%y, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %z : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @unselected_untouched
//   CHECK-NOT:   quant.quantize
func.func @unselected_untouched(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.skipped = "it is not wanted"} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// What a layer carries is taken as it is.
// CHECK-LABEL: func @given_parameters
//       CHECK:   %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
//       CHECK:   %[[Z:.+]] = arith.constant dense<7> : tensor<i8>
//       CHECK:   quant.quantize %{{.+}} scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
//       CHECK:   %[[SW:.+]] = arith.constant dense<1.250000e-01> : tensor<1x1xf32>
//       CHECK:   %[[PAIR:.+]] = arith.constant dense<-15> : tensor<1x1xi8>
//       CHECK:   %[[MW:.+]] = quant.unpack %[[PAIR]] : tensor<1x1xi8> -> tensor<1x2xi8>
//       CHECK:   quant.quantize %{{.+}} scale(%[[SW]] : tensor<1x1xf32>) multiplier(%[[MW]] : tensor<1x2xi8>) : tensor<1x16xf32> -> tensor<1x16xi4>
//       CHECK:   linalg.matmul
//   CHECK-NOT:   quant.input_parameters
//   CHECK-NOT:   quant.weight_scale
func.func @given_parameters(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "static", granularity = "per_group", group_size = 8 : i64, symmetric_weights}, quant.input_parameters = {scale = 0.5 : f32, zero_point = 7 : i64}, quant.weight_scale = dense<0.125> : tensor<1x1xf32>, quant.weight_multiplier = dense<[[1, 15]]> : tensor<1x2xi8>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// Asymmetric weights have zero points too.
// CHECK-LABEL: func @given_zero_point
//   CHECK-DAG:   %[[SW:.+]] = arith.constant dense<2.500000e-01> : tensor<f32>
//   CHECK-DAG:   %[[ZW:.+]] = arith.constant dense<-3> : tensor<i8>
//       CHECK:   quant.quantize %{{.+}} scale(%[[SW]] : tensor<f32>) zero_point(%[[ZW]] : tensor<i8>) : tensor<1x16xf32> -> tensor<1x16xi8>
func.func @given_zero_point(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "weight_only", granularity = "per_tensor"}, quant.weight_scale = dense<0.25> : tensor<f32>, quant.weight_zero_point = dense<-3> : tensor<i8>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// Both channels have the level 1 (7) everywhere. Their magnitudes 2 and 4 are
// the mean 3 and, in steps of 1 / 127, -127 and 127.
// CHECK-LABEL: func @normal_float
//   CHECK-DAG:   %[[BYTES:.+]] = arith.constant dense<119> : tensor<2x32xi8>
//   CHECK-DAG:   %[[C:.+]] = arith.constant dense<"0x817F0000{{[0]*}}"> : tensor<1x256xi8>
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<0.00787401571> : tensor<1x1xf32>
//   CHECK-DAG:   %[[M:.+]] = arith.constant dense<3.000000e+00> : tensor<f32>
//   CHECK-DAG:   %[[Q:.+]] = quant.unpack %[[BYTES]] : tensor<2x32xi8> -> tensor<2x64xi4>
//       CHECK:   %[[W:.+]] = quant.dequantize_normal_float %[[Q]] magnitude(%[[C]], %[[S]], %[[M]] :
//       CHECK:   linalg.matmul indexing_maps = [{{.*}}] {quant.config = {{{.*}}weight_format = "nf4"}, quant.weight_transposed} ins(%{{.+}}, %[[W]] : tensor<?x64xf32>, tensor<2x64xf32>)
func.func @normal_float(%x: tensor<?x64xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0],
    [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0]]> : tensor<64x2xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 64 : i64, symmetric_weights, weight_format = "nf4"}}
      ins(%x, %w : tensor<?x64xf32>, tensor<64x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The table of an embedding: a scale for each row.
// CHECK-LABEL: func @embedding
//   CHECK-DAG:   %[[T:.+]] = arith.constant dense<{{\[\[}}1.270000e+02, 0.000000e+00], [2.540000e+02, 1.000000e+00]]> : tensor<2x2xf32>
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<{{\[\[}}1.000000e+00], [2.000000e+00]]> : tensor<2x1xf32>
//       CHECK:   %[[Q:.+]] = quant.quantize %[[T]] scale(%[[S]] : tensor<2x1xf32>) : tensor<2x2xf32> -> tensor<2x2xi8>
//       CHECK:   %[[D:.+]] = quant.dequantize %[[Q]] scale(%[[S]] : tensor<2x1xf32>)
//       CHECK:   linalg.generic {{.*}} attrs = {quant.config
//       CHECK:     tensor.extract %[[D]]
func.func @embedding(%ids: tensor<4xi64>, %init: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %table = arith.constant dense<[[127.0, 0.0], [254.0, 1.0]]> : tensor<2x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x2xf32>)
      attrs = {quant.config = {weight_bits = 8 : i64, mode = "weight_only", granularity = "per_channel", symmetric_weights}} {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<2x2xf32>
    linalg.yield %v : f32
  } -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

#at = affine_map<(b, h, w, i, j, c) -> (b, h + i, w * 2 + j, c)>
#id = affine_map<(b, h, w, i, j, c) -> (b, h, w, i, j, c)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// The rows of a sample share the parameters of all its elements.
// CHECK-LABEL: func @dynamic_windows
//  CHECK-SAME:     %[[X:.+]]: tensor<?x4x6x3xf32>
//       CHECK:   %[[P:.+]] = linalg.generic {{.*}} ins(%[[X]]
//       CHECK:   %[[ROWS:.+]] = tensor.collapse_shape %[[P]] {{\[\[}}0, 1, 2], [3, 4, 5]]
//       CHECK:   %[[SAMPLES:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2, 3]] : tensor<?x4x6x3xf32> into tensor<?x72xf32>
//       CHECK:   %[[R:.+]] = quant.observe %[[SAMPLES]] : tensor<?x72xf32> -> tensor<?x1x2xf32>
//       CHECK:   %[[S:.+]], %[[Z:.+]] = quant.choose_params %[[R]]
//       CHECK:   %[[BS:.+]] = linalg.broadcast ins(%[[S]] : tensor<?x1xf32>) outs(%{{.+}} : tensor<?x3x3x1xf32>) dimensions = [1, 2]
//       CHECK:   %[[CS:.+]] = tensor.collapse_shape %[[BS]] {{\[\[}}0, 1, 2], [3]]
//       CHECK:   %[[BZ:.+]] = linalg.broadcast ins(%[[Z]] : tensor<?x1xi8>)
//       CHECK:   %[[CZ:.+]] = tensor.collapse_shape %[[BZ]]
//       CHECK:   quant.quantize %[[ROWS]] scale(%[[CS]] : tensor<?x1xf32>) zero_point(%[[CZ]] : tensor<?x1xi8>)
func.func @dynamic_windows(%x: tensor<?x4x6x3xf32>, %patches: tensor<?x3x3x2x2x3xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x12xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x4x6x3xf32>) outs(%patches : tensor<?x3x3x2x2x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x3x3x2x2x3xf32>
  %r = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<?x3x3x2x2x3xf32> into tensor<?x12xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel", symmetric_weights}}
      ins(%r, %w : tensor<?x12xf32>, tensor<2x12xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

#at = affine_map<(b, h, w, i, j, c) -> (b, h + i, w + j, c)>
#id = affine_map<(b, h, w, i, j, c) -> (b, h, w, i, j, c)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Windows along one dimension are tokens.
// CHECK-LABEL: func @dynamic_sequence
//       CHECK:   %[[ROWS:.+]] = tensor.collapse_shape
//       CHECK:   quant.observe %[[ROWS]] : tensor<?x6xf32> -> tensor<?x1x2xf32>
//   CHECK-NOT:   linalg.broadcast
func.func @dynamic_sequence(%x: tensor<?x4x6x3xf32>, %patches: tensor<?x3x6x2x1x3xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x6xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x4x6x3xf32>) outs(%patches : tensor<?x3x6x2x1x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x3x6x2x1x3xf32>
  %r = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<?x3x6x2x1x3xf32> into tensor<?x6xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel", symmetric_weights}}
      ins(%r, %w : tensor<?x6xf32>, tensor<2x6xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
