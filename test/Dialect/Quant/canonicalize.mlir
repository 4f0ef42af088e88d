// RUN: quant-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @dequantize_then_quantize
//  CHECK-SAME:     %[[Q:.+]]: tensor<4xi8>
//       CHECK:   return %[[Q]]
func.func @dequantize_then_quantize(%q: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<4xi8> {
  %x = quant.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<4xi8> -> tensor<4xf32>
  %r = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<4xf32> -> tensor<4xi8>
  return %r : tensor<4xi8>
}

// CHECK-LABEL: func @identity_requantize
//  CHECK-SAME:     %[[Q:.+]]: tensor<4xi8>
//       CHECK:   return %[[Q]]
func.func @identity_requantize(%q: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<4xi8> {
  %r = quant.requantize %q input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>) : tensor<4xi8>
  return %r : tensor<4xi8>
}

// Quantizing rounds, so the pair is not the identity.
// CHECK-LABEL: func @quantize_then_dequantize_untouched
//       CHECK:   quant.quantize
//       CHECK:   quant.dequantize
func.func @quantize_then_dequantize_untouched(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  %r = quant.dequantize %q scale(%s : tensor<f32>) : tensor<4xi8> -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: func @other_parameters_untouched
//       CHECK:   quant.dequantize
//       CHECK:   quant.quantize
func.func @other_parameters_untouched(%q: tensor<4xi8>, %s: tensor<f32>, %t: tensor<f32>) -> tensor<4xi8> {
  %x = quant.dequantize %q scale(%s : tensor<f32>) : tensor<4xi8> -> tensor<4xf32>
  %r = quant.quantize %x scale(%t : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %r : tensor<4xi8>
}

// CHECK-LABEL: func @clamping_requantize_untouched
//       CHECK:   quant.requantize
func.func @clamping_requantize_untouched(%q: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<4xi8> {
  %r = quant.requantize %q input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>) {clamp_min = 0 : si64} : tensor<4xi8>
  return %r : tensor<4xi8>
}
