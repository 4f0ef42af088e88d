// RUN: quant-opt %s --quant-recognize-layers --split-input-file | FileCheck %s

// A weight [K, N] is transposed with its parameters, and its 4-bit values are
// packed.
// CHECK-LABEL: func @weight_transposed
//   CHECK-DAG:   %[[BYTES:.+]] = arith.constant dense<{{\[\[}}65], [82], [99]]> : tensor<3x1xi8>
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<{{\[\[}}1.{{.+}}], [2.{{.+}}], [3.{{.+}}]]> : tensor<3x1xf32>
//   CHECK-DAG:   %[[Z:.+]] = arith.constant dense<{{\[\[}}1], [2], [3]]> : tensor<3x1xi8>
//   CHECK-DAG:   %[[Q:.+]] = quant.unpack %[[BYTES]] : tensor<3x1xi8> -> tensor<3x2xi4>
//       CHECK:   %[[W:.+]] = quant.dequantize %[[Q]] scale(%[[S]] : tensor<3x1xf32>) zero_point(%[[Z]] : tensor<3x1xi8>)
//       CHECK:   linalg.matmul indexing_maps
//  CHECK-SAME:     quant.config = {granularity = "per_channel", mode = "weight_only", weight_bits = 4 : i64}
//  CHECK-SAME:     quant.weight_transposed
//  CHECK-SAME:     ins(%{{.+}}, %[[W]] : tensor<?x2xf32>, tensor<3x2xf32>)
func.func @weight_transposed(%x: tensor<?x2xf32>, %init: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c : f32) outs(%init : tensor<?x3xf32>) -> tensor<?x3xf32>
  %q = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi4>
  %s = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %z = arith.constant dense<[[1, 2, 3]]> : tensor<1x3xi8>
  %w = quant.dequantize %q scale(%s : tensor<1x3xf32>) zero_point(%z : tensor<1x3xi8>)
      : tensor<2x3xi4> -> tensor<2x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x3xf32>)
      outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// The dequantization of an input meets its layer, and the layer is static.
// CHECK-LABEL: func @input_reshaped
//       CHECK:   %[[R:.+]] = tensor.collapse_shape %{{.+}} {{.+}} : tensor<?x3x2xi8> into tensor<?x2xi8>
//       CHECK:   %[[D:.+]] = quant.dequantize %[[R]]
//       CHECK:   linalg.matmul
//  CHECK-SAME:     quant.config = {granularity = "per_tensor", mode = "static", symmetric_activations, symmetric_weights, weight_bits = 8 : i64}
//  CHECK-SAME:     ins(%[[D]]
func.func @input_reshaped(%x: tensor<?x3x2xi8>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %d = quant.dequantize %x scale(%s : tensor<f32>) : tensor<?x3x2xi8> -> tensor<?x3x2xf32>
  %r = tensor.collapse_shape %d [[0, 1], [2]] : tensor<?x3x2xf32> into tensor<?x2xf32>
  %q = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %w = quant.dequantize %q scale(%s : tensor<f32>) : tensor<2x2xi8> -> tensor<2x2xf32>
  %y = linalg.matmul ins(%r, %w : tensor<?x2xf32>, tensor<2x2xf32>)
      outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A convolution: padding of the input becomes its zero point, and the constant
// weight is put in the order of the layer.
// CHECK-LABEL: func @convolution
// CHECK-SAME: %[[X:.+]]: tensor<1x2x3xi8>
//   CHECK-DAG:   %[[Z:.+]] = arith.constant 7 : i8
//   CHECK-DAG:   %[[Q:.+]] = arith.constant dense<{{\[\[}}1, 3, 2, 4], [5, 7, 6, 8]]> : tensor<2x4xi8>
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<{{\[\[}}5.000000e-01], [2.500000e-01]]> : tensor<2x1xf32>
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[X]] : tensor<1x2x3xi8>)
//       CHECK:   %[[P:.+]] = tensor.pad %[[T]]
//       CHECK:     tensor.yield %[[Z]] : i8
//       CHECK:   %[[C:.+]] = linalg.generic {{.+}} ins(%[[P]] : tensor<1x4x2xi8>) outs(%{{.+}} : tensor<1x3x2x2xi8>)
//       CHECK:   %[[R:.+]] = tensor.collapse_shape %[[C]] {{.+}} : tensor<1x3x2x2xi8> into tensor<3x4xi8>
//   CHECK-DAG:   %[[A:.+]] = quant.dequantize %[[R]] {{.+}} : tensor<3x4xi8>
//   CHECK-DAG:   %[[W:.+]] = quant.dequantize %[[Q]] scale(%[[S]] : tensor<2x1xf32>)
//       CHECK:   linalg.matmul {{.*}} ins(%[[A]], %[[W]]
func.func @convolution(%x: tensor<1x2x3xi8>, %t: tensor<1x3x2xf32>, %p: tensor<1x3x2x2xf32>,
                       %k: tensor<2x2x2xf32>, %zero: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %c = arith.constant 0.0 : f32
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<i8>
  %q = arith.constant dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]> : tensor<2x2x2xi8>
  %sw = arith.constant dense<[[[0.5]], [[0.25]]]> : tensor<2x1x1xf32>
  %d = quant.dequantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
      : tensor<1x2x3xi8> -> tensor<1x2x3xf32>
  %w = quant.dequantize %q scale(%sw : tensor<2x1x1xf32>) : tensor<2x2x2xi8> -> tensor<2x2x2xf32>
  %last = linalg.transpose ins(%d : tensor<1x2x3xf32>) outs(%t : tensor<1x3x2xf32>) permutation = [0, 2, 1]
  %padded = tensor.pad %last low[0, 1, 0] high[0, 0, 0] {
  ^bb0(%0: index, %1: index, %2: index):
    tensor.yield %c : f32
  } : tensor<1x3x2xf32> to tensor<1x4x2xf32>
  %kernel = linalg.transpose ins(%w : tensor<2x2x2xf32>) outs(%k : tensor<2x2x2xf32>) permutation = [0, 2, 1]
  %patches = linalg.generic {
      indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1 + d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%padded : tensor<1x4x2xf32>) outs(%p : tensor<1x3x2x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<1x3x2x2xf32>
  %rows = tensor.collapse_shape %patches [[0, 1], [2, 3]] : tensor<1x3x2x2xf32> into tensor<3x4xf32>
  %matrix = tensor.collapse_shape %kernel [[0], [1, 2]] : tensor<2x2x2xf32> into tensor<2x4xf32>
  %init = linalg.fill ins(%c : f32) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %y = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%rows, %matrix : tensor<3x4xf32>, tensor<2x4xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Padding with something else than 0 has no exact integer.
// CHECK-LABEL: func @padded_with_one_untouched
//       CHECK:   %[[D:.+]] = quant.dequantize
//       CHECK:   tensor.pad %[[D]]
func.func @padded_with_one_untouched(%x: tensor<2x3xi8>) -> tensor<3x3xf32> {
  %one = arith.constant 1.0 : f32
  %s = arith.constant dense<0.3> : tensor<f32>
  %d = quant.dequantize %x scale(%s : tensor<f32>) : tensor<2x3xi8> -> tensor<2x3xf32>
  %padded = tensor.pad %d low[1, 0] high[0, 0] {
  ^bb0(%0: index, %1: index):
    tensor.yield %one : f32
  } : tensor<2x3xf32> to tensor<3x3xf32>
  return %padded : tensor<3x3xf32>
}

// -----

// CHECK-LABEL: func @float_layers_untouched
//       CHECK:   linalg.matmul {quant.skipped = "the model has it in float"}
func.func @float_layers_untouched(%x: tensor<?x2xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>)
      outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A lookup of rows of dequantized integers.
// CHECK-LABEL: func @embedding
//       CHECK:   linalg.generic {{.*}} attrs = {quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64}}
func.func @embedding(%ids: tensor<4xi64>, %init: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %q = arith.constant dense<[[127, 0], [25, 1]]> : tensor<2x2xi8>
  %s = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %table = quant.dequantize %q scale(%s : tensor<2x1xf32>) : tensor<2x2xi8> -> tensor<2x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x2xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<2x2xf32>
    linalg.yield %v : f32
  } -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
