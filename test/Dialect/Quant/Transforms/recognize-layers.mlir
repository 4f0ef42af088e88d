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
