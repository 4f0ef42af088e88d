// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// weights_a1: the example of the contract, from the range to the bytes.
// CHECK: output0 = dense<[127, -66, 41, -107]> : tensor<4xi8>
// CHECK-NEXT: output1 = dense<0.0196850393> : tensor<f32>
// CHECK-NEXT: output2 = dense<0> : tensor<i8>
func.func @weights_a1() -> (tensor<4xi8>, tensor<f32>, tensor<i8>) {
  %x = arith.constant dense<[2.5, -1.3, 0.8, -2.1]> : tensor<4xf32>
  %range = quant.observe %x : tensor<4xf32> -> tensor<2xf32>
  %s, %z = quant.choose_params %range {bits = 8 : i64, symmetric} : tensor<2xf32> -> tensor<f32>, tensor<i8>
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q, %s, %z : tensor<4xi8>, tensor<f32>, tensor<i8>
}

// -----

// quantize_a1: half to even, and the zero point is added after rounding.
// CHECK: output0 = dense<[0, 2, 2, 0, -2, -2, 4]> : tensor<7xi8>
// CHECK-NEXT: output1 = dense<[1, 3, 3, 1, -1, -1, 5]> : tensor<7xi8>
func.func @quantize_a1() -> (tensor<7xi8>, tensor<7xi8>) {
  %x = arith.constant dense<[0.25, 0.75, 1.25, -0.25, -0.75, -1.25, 1.75]> : tensor<7xf32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %one = arith.constant dense<1> : tensor<i8>
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<7xf32> -> tensor<7xi8>
  %shifted = quant.quantize %x scale(%s : tensor<f32>) zero_point(%one : tensor<i8>) : tensor<7xf32> -> tensor<7xi8>
  return %q, %shifted : tensor<7xi8>, tensor<7xi8>
}

// -----

// quantize_a2, quantize_a3: Inf, -Inf, NaN, the largest f32, -0, a denormal, one
// past each end.
// CHECK: output0 = dense<[127, -128, 3, 127, 3, 3, 127, -128]> : tensor<8xi8>
// CHECK-NEXT: output1 = dense<[7, -8, 3, 7, 3, 3, 7, -8]> : tensor<8xi4>
func.func @quantize_a3() -> (tensor<8xi8>, tensor<8xi4>) {
  %x = arith.constant dense<[0x7F800000, 0xFF800000, 0x7FC00000, 3.40282347E+38, -0.0, 1.0e-45, 125.0, -132.0]> : tensor<8xf32>
  %s = arith.constant dense<1.0> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %q8 = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<8xf32> -> tensor<8xi8>
  %q4 = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<8xf32> -> tensor<8xi4>
  return %q8, %q4 : tensor<8xi8>, tensor<8xi4>
}

// -----

// A denormal scale: the quotient overflows and saturates.
// CHECK: output0 = dense<[127, -128, 0, 1]> : tensor<4xi8>
func.func @quantize_denormal_scale() -> tensor<4xi8> {
  %x = arith.constant dense<[1.0, -1.0, 0.0, 1.0e-45]> : tensor<4xf32>
  %s = arith.constant dense<1.0e-45> : tensor<f32>
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// -----

// block_a1: per channel, in groups, per row, and with a multiplier of each group.
// CHECK: output0 = dense<{{\[}}[1, 2, 3, 4], [1, 1, 2, 2]]> : tensor<2x4xi8>
// CHECK-NEXT: output1 = dense<{{\[}}[1, 2, 2, 2], [0, 1, 3, 4]]> : tensor<2x4xi8>
// CHECK-NEXT: output2 = dense<{{\[}}[1, 2, 2, 2], [0, 0, 2, 2]]> : tensor<2x4xi4>
func.func @block_a1() -> (tensor<2x4xi8>, tensor<2x4xi8>, tensor<2x4xi4>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]> : tensor<2x4xf32>
  %channel = arith.constant dense<[[1.0], [1.9]]> : tensor<2x1xf32>
  %group = arith.constant dense<[[1.0, 1.9], [2.1, 1.0]]> : tensor<2x2xf32>
  %multiplier = arith.constant dense<[[1, 2], [2, 1]]> : tensor<2x2xi8>
  %two = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %0 = quant.quantize %x scale(%channel : tensor<2x1xf32>) : tensor<2x4xf32> -> tensor<2x4xi8>
  %1 = quant.quantize %x scale(%group : tensor<2x2xf32>) : tensor<2x4xf32> -> tensor<2x4xi8>
  %2 = quant.quantize %x scale(%two : tensor<2x1xf32>) multiplier(%multiplier : tensor<2x2xi8>) : tensor<2x4xf32> -> tensor<2x4xi4>
  return %0, %1, %2 : tensor<2x4xi8>, tensor<2x4xi8>, tensor<2x4xi4>
}

// -----

// dequantize_a1: the difference may leave i8.
// CHECK: output0 = dense<[-1.270000e+02, 5.000000e-01, 0.000000e+00]> : tensor<3xf32>
// CHECK-NEXT: output1 = dense<{{\[}}[-4.000000e+00, 3.500000e+00, -8.000000e+00, 7.000000e+00]]> : tensor<1x4xf32>
func.func @dequantize_a1() -> (tensor<3xf32>, tensor<1x4xf32>) {
  %q = arith.constant dense<[-128, 127, 126]> : tensor<3xi8>
  %z = arith.constant dense<126> : tensor<i8>
  %s = arith.constant dense<0.5> : tensor<f32>
  %q4 = arith.constant dense<[[-8, 7, -8, 7]]> : tensor<1x4xi4>
  %s4 = arith.constant dense<0.5> : tensor<1x1xf32>
  %m = arith.constant dense<[[1, 2]]> : tensor<1x2xi8>
  %x = quant.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<3xi8> -> tensor<3xf32>
  %x4 = quant.dequantize %q4 scale(%s4 : tensor<1x1xf32>) multiplier(%m : tensor<1x2xi8>) : tensor<1x4xi4> -> tensor<1x4xf32>
  return %x, %x4 : tensor<3xf32>, tensor<1x4xf32>
}

// -----

// fake_quant_a1: saturates, rounds half to even; NaN gives 0.
// CHECK: output0 = dense<[3.500000e+00, -4.000000e+00, 0.000000e+00, 1.000000e+00, -1.000000e+00, 3.500000e+00]> : tensor<6xf32>
// CHECK-NEXT: output1 = dense<[1.000000e+02, -2.750000e+01, 0.000000e+00, 1.000000e+00, -1.000000e+00, 1.000000e+02]> : tensor<6xf32>
func.func @fake_quant_a1() -> (tensor<6xf32>, tensor<6xf32>) {
  %x = arith.constant dense<[100.0, -100.0, 0x7FC00000, 0.75, -1.25, 0x7F800000]> : tensor<6xf32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-73> : tensor<i8>
  %4 = quant.fake_quant %x scale(%s : tensor<f32>) {bits = 4 : i64} : tensor<6xf32>
  %8 = quant.fake_quant %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {bits = 8 : i64} : tensor<6xf32>
  return %4, %8 : tensor<6xf32>, tensor<6xf32>
}

// -----

// requantize_a1: quantize(dequantize(q)), within the clamp bounds.
// CHECK: output0 = dense<[10, 12, 10, -54, 73]> : tensor<5xi8>
// CHECK-NEXT: output1 = dense<[10, 12, 10, 10, 60]> : tensor<5xi8>
func.func @requantize_a1() -> (tensor<5xi8>, tensor<5xi8>) {
  %q = arith.constant dense<[1, 4, 2, -128, 127]> : tensor<5xi8>
  %s0 = arith.constant dense<0.5> : tensor<f32>
  %z0 = arith.constant dense<1> : tensor<i8>
  %s1 = arith.constant dense<1.0> : tensor<f32>
  %small = arith.constant dense<0.01> : tensor<f32>
  %z1 = arith.constant dense<10> : tensor<i8>
  %0 = quant.requantize %q input(%s0, %z0 : tensor<f32>, tensor<i8>) output(%s1, %z1 : tensor<f32>, tensor<i8>) : tensor<5xi8>
  %1 = quant.requantize %q input(%s0, %z0 : tensor<f32>, tensor<i8>) output(%s1, %z1 : tensor<f32>, tensor<i8>) {clamp_min = 10 : si64, clamp_max = 60 : si64} : tensor<5xi8>
  return %0, %1 : tensor<5xi8>, tensor<5xi8>
}

// -----

// unpack_a1: the low nibble first; an odd size leaves the last high nibble out.
// CHECK: output0 = dense<{{\[}}[1, -1, -8], [7, 0, 5]]> : tensor<2x3xi4>
func.func @unpack() -> tensor<2x3xi4> {
  %bytes = arith.constant dense<[[-15, 8], [7, 5]]> : tensor<2x2xi8>
  %w = quant.unpack %bytes : tensor<2x2xi8> -> tensor<2x3xi4>
  return %w : tensor<2x3xi4>
}

// -----

// An i8 result holds the nibbles without a sign.
// CHECK: output0 = dense<{{\[}}[1, 15, 8], [7, 0, 5]]> : tensor<2x3xi8>
func.func @unpack_unsigned() -> tensor<2x3xi8> {
  %bytes = arith.constant dense<[[-15, 8], [7, 5]]> : tensor<2x2xi8>
  %m = quant.unpack %bytes : tensor<2x2xi8> -> tensor<2x3xi8>
  return %m : tensor<2x3xi8>
}
