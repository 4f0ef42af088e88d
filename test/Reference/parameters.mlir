// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// observe_a2: only finite values count, and a zero is +0.
// CHECK: output0 = dense<[-3.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: output1 = dense<{{\[}}{{\[}}[1.000000e+00, 2.000000e+00]], {{\[}}[-3.000000e+00, 0.000000e+00]]]> : tensor<2x1x2xf32>
func.func @observe_a2() -> (tensor<2xf32>, tensor<2x1x2xf32>) {
  %x = arith.constant dense<[[1.0, 0x7FC00000, 2.0, 0x7F800000], [-0.0, -3.0, -2.0, 0xFF800000]]> : tensor<2x4xf32>
  %all = quant.observe %x : tensor<2x4xf32> -> tensor<2xf32>
  %rows = quant.observe %x : tensor<2x4xf32> -> tensor<2x1x2xf32>
  return %all, %rows : tensor<2xf32>, tensor<2x1x2xf32>
}

// -----

// Counts by the upper half of the bits: 1.0 is bucket 0x3F80 = 16256, 1.0078125
// the next, -0.0 is 0x8000 = 32768.
// CHECK: output0 = dense<[2, 1, 1]> : tensor<3xi64>
func.func @histogram() -> tensor<3xi64> {
  %x = arith.constant dense<[1.0, 1.001, 1.0078125, -0.0]> : tensor<4xf32>
  %h = quant.histogram %x : tensor<4xf32> -> tensor<65536xi64>
  %near = tensor.extract_slice %h[16256] [2] [1] : tensor<65536xi64> to tensor<2xi64>
  %zero = tensor.extract_slice %h[32768] [1] [1] : tensor<65536xi64> to tensor<1xi64>
  %all = tensor.concat dim(0) %near, %zero : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  return %all : tensor<3xi64>
}

// -----

// choose_params_a4, choose_params_a5: 255 levels over [-1, 254], zero at -127;
// widened to 0 from [51, 102]; choose_params_a3 for a range of width 0.
// CHECK: output0 = dense<[1.000000e+00, 4.000000e-01, 9.99999993E-9]> : tensor<3xf32>
// CHECK-NEXT: output1 = dense<[-127, -128, -128]> : tensor<3xi8>
// CHECK-NEXT: output2 = dense<[2.000000e+00, 0.80314958, 9.99999993E-9]> : tensor<3xf32>
// CHECK-NEXT: output3 = dense<0> : tensor<3xi8>
// CHECK-NEXT: output4 = dense<[1.700000e+01, 6.800000e+00, 9.99999993E-9]> : tensor<3xf32>
// CHECK-NEXT: output5 = dense<-8> : tensor<3xi8>
func.func @choose_params() -> (tensor<3xf32>, tensor<3xi8>, tensor<3xf32>, tensor<3xi8>, tensor<3xf32>, tensor<3xi8>) {
  %range = arith.constant dense<[[-1.0, 254.0], [51.0, 102.0], [0.0, 0.0]]> : tensor<3x2xf32>
  %s0, %z0 = quant.choose_params %range {bits = 8 : i64} : tensor<3x2xf32> -> tensor<3xf32>, tensor<3xi8>
  %s1, %z1 = quant.choose_params %range {bits = 8 : i64, symmetric} : tensor<3x2xf32> -> tensor<3xf32>, tensor<3xi8>
  %s2, %z2 = quant.choose_params %range {bits = 4 : i64} : tensor<3x2xf32> -> tensor<3xf32>, tensor<3xi8>
  return %s0, %z0, %s1, %z1, %s2, %z2 : tensor<3xf32>, tensor<3xi8>, tensor<3xf32>, tensor<3xi8>, tensor<3xf32>, tensor<3xi8>
}

// -----

// choose_params_a1: infinite bounds become the largest f32, NaN counts as 0.
// CHECK: output0 = dense<[2.66888115E+36, 1.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: output1 = dense<[0, -128]> : tensor<2xi8>
func.func @choose_params_a1() -> (tensor<2xf32>, tensor<2xi8>) {
  %range = arith.constant dense<[[0xFF800000, 0x7F800000], [0x7FC00000, 255.0]]> : tensor<2x2xf32>
  %s, %z = quant.choose_params %range {bits = 8 : i64} : tensor<2x2xf32> -> tensor<2xf32>, tensor<2xi8>
  return %s, %z : tensor<2xf32>, tensor<2xi8>
}
