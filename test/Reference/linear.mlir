// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// All layers are on the input [[1, 2, 3, 4], [-1, 0, 1, -2]].

// linear_a2: acc = 1*(3-1) + 1*(4-1) = 5 and -1*(1-1) + 2*(2-1) + ... per row;
// y = acc * (0.5 * sw) + bias.
//   row 0 less zero point 1: [0, 1, 2, 3], row 1: [-2, -1, 0, -3]
//   acc row 0: [1*0+0+1*2+0, 2*1-1*3] = [2, -1], row 1: [-2, -2+3] = [-2, 1]
// CHECK: output0 = dense<{{\[}}[2.000000e+00, -5.000000e-01], [-2.000000e+00, 5.000000e-01]]> : tensor<2x2xf32>
// CHECK-NEXT: output1 = dense<{{\[}}[1.200000e+01, 1.950000e+01], [8.000000e+00, 2.050000e+01]]> : tensor<2x2xf32>
func.func @linear_a2() -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %x = arith.constant dense<[[1, 2, 3, 4], [-1, 0, 1, -2]]> : tensor<2x4xi8>
  %w = arith.constant dense<[[1, 0, 1, 0], [0, 2, 0, -1]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[[2.0], [1.0]]> : tensor<2x1xf32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<1> : tensor<i8>
  %b = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %0 = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<2x4xi8>, tensor<2x4xi8> -> tensor<2x2xf32>
  %1 = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<2xf32>) : tensor<2x4xi8>, tensor<2x4xi8> -> tensor<2x2xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// linear_a1: no bias makes no addition, so -0 stays; a bias of 0 makes it +0.
// CHECK: output0 = dense<-0.000000e+00> : tensor<1x1xf32>
// CHECK-NEXT: output1 = dense<0.000000e+00> : tensor<1x1xf32>
func.func @linear_a1() -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %x = arith.constant dense<-1.0e-45> : tensor<1x1xf32>
  %w = arith.constant dense<1> : tensor<1x1xi8>
  %s = arith.constant dense<0.1> : tensor<f32>
  %b = arith.constant dense<0.0> : tensor<1xf32>
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<1x1xf32>, tensor<1x1xi8> -> tensor<1x1xf32>
  %1 = quant.linear %x, %w scale(%s : tensor<f32>) bias(%b : tensor<1xf32>) : tensor<1x1xf32>, tensor<1x1xi8> -> tensor<1x1xf32>
  return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// linear_a3: each row has a scale and a zero point of its own; the weight has a
// zero point.
//   rows: [1, 2, 3, 4] - 0 and [-1, 0, 1, -2] + 2 = [1, 2, 3, 0]
//   weights: [1, 0, 1, 0] - 1 = [0, -1, 0, -1], so acc is -6 and -2
// CHECK: output0 = dense<{{\[}}[-6.000000e+00], [-1.600000e+01]]> : tensor<2x1xf32>
func.func @linear_a3() -> tensor<2x1xf32> {
  %x = arith.constant dense<[[1, 2, 3, 4], [-1, 0, 1, -2]]> : tensor<2x4xi8>
  %w = arith.constant dense<[[1, 0, 1, 0]]> : tensor<1x4xi8>
  %zw = arith.constant dense<[[1]]> : tensor<1x1xi8>
  %sw = arith.constant dense<[[2.0]]> : tensor<1x1xf32>
  %sa = arith.constant dense<[[0.5], [4.0]]> : tensor<2x1xf32>
  %za = arith.constant dense<[[0], [-2]]> : tensor<2x1xi8>
  %0 = quant.linear %x, %w scale(%sw : tensor<1x1xf32>) zero_point(%zw : tensor<1x1xi8>) input(%sa, %za : tensor<2x1xf32>, tensor<2x1xi8>) : tensor<2x4xi8>, tensor<1x4xi8> -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// -----

// linear_a2 and linear_a3 round differently: f32(f64(0.1) * 0.7) against
// (3 * 0.7) * 0.1.
// CHECK: output0 = dense<0.210000008> : tensor<1x1xf32>
// CHECK-NEXT: output1 = dense<2.100000e-01> : tensor<1x1xf32>
func.func @linear_a2_a3_rounding() -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %x = arith.constant dense<3> : tensor<1x1xi8>
  %w = arith.constant dense<1> : tensor<1x1xi8>
  %sw = arith.constant dense<0.7> : tensor<f32>
  %sa = arith.constant dense<0.1> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %rows = arith.constant dense<0.1> : tensor<1x1xf32>
  %rows_z = arith.constant dense<0> : tensor<1x1xi8>
  %0 = quant.linear %x, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<1x1xi8>, tensor<1x1xi8> -> tensor<1x1xf32>
  %1 = quant.linear %x, %w scale(%sw : tensor<f32>) input(%rows, %rows_z : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x1xi8>, tensor<1x1xi8> -> tensor<1x1xf32>
  return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// linear_a4: float scales of groups, with their zero points, static and dynamic.
//   groups of [1, 2 | 3, 4] by [1, 1 | 2 - 1, 0 - 1]: acc 3 and -1
//   y = (3 * 2 + -1 * 4) * 0.5 + 10
// CHECK: output0 = dense<1.100000e+01> : tensor<1x1xf32>
// CHECK-NEXT: output1 = dense<1.000000e+00> : tensor<1x1xf32>
func.func @linear_a4() -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %x = arith.constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi8>
  %w = arith.constant dense<[[1, 1, 2, 0]]> : tensor<1x4xi4>
  %zw = arith.constant dense<[[0, 1]]> : tensor<1x2xi8>
  %sw = arith.constant dense<[[2.0, 4.0]]> : tensor<1x2xf32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %rows = arith.constant dense<0.5> : tensor<1x1xf32>
  %rows_z = arith.constant dense<0> : tensor<1x1xi8>
  %b = arith.constant dense<10.0> : tensor<1xf32>
  %0 = quant.linear %x, %w scale(%sw : tensor<1x2xf32>) zero_point(%zw : tensor<1x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<1xf32>) : tensor<1x4xi8>, tensor<1x4xi4> -> tensor<1x1xf32>
  %1 = quant.linear %x, %w scale(%sw : tensor<1x2xf32>) zero_point(%zw : tensor<1x2xi8>) input(%rows, %rows_z : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x4xi8>, tensor<1x4xi4> -> tensor<1x1xf32>
  return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// linear_a5: acc 2 and -1 (as in linear_a2), m = 0.5 * sw / 0.25 = 4 and 2,
// b = 40 and 80, then + 3, half to even before it; saturated, then clamped.
// CHECK: output0 = dense<{{\[}}[51, 81], [35, 85]]> : tensor<2x2xi8>
// CHECK-NEXT: output1 = dense<{{\[}}[11, 3], [3, 5]]> : tensor<2x2xi8>
// CHECK-NEXT: output2 = dense<127> : tensor<2x2xi8>
func.func @linear_a5() -> (tensor<2x2xi8>, tensor<2x2xi8>, tensor<2x2xi8>) {
  %x = arith.constant dense<[[1, 2, 3, 4], [-1, 0, 1, -2]]> : tensor<2x4xi8>
  %w = arith.constant dense<[[1, 0, 1, 0], [0, 2, 0, -1]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[[2.0], [1.0]]> : tensor<2x1xf32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<1> : tensor<i8>
  %sy = arith.constant dense<0.25> : tensor<f32>
  %zy = arith.constant dense<3> : tensor<i8>
  %b = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %huge = arith.constant dense<[1.0e30, 0x7F800000]> : tensor<2xf32>
  %0 = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<2xf32>) output(%sy, %zy : tensor<f32>, tensor<i8>) : tensor<2x4xi8>, tensor<2x4xi8> -> tensor<2x2xi8>
  %1 = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) output(%sy, %zy : tensor<f32>, tensor<i8>) {clamp_min = 3 : si64} : tensor<2x4xi8>, tensor<2x4xi8> -> tensor<2x2xi8>
  %2 = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%huge : tensor<2xf32>) output(%sy, %zy : tensor<f32>, tensor<i8>) : tensor<2x4xi8>, tensor<2x4xi8> -> tensor<2x2xi8>
  return %0, %1, %2 : tensor<2x2xi8>, tensor<2x2xi8>, tensor<2x2xi8>
}

// -----

// two_level_a1: the weight is m_g * q = [2, -16 | 105, 0]; with [1, 2, 3, 4] the
// accumulator is 2 - 32 + 315 = 285.
// CHECK: output0 = dense<1.425000e+02> : tensor<1x1xf32>
// CHECK-NEXT: output1 = dense<2.850000e+02> : tensor<1x1xf32>
func.func @two_level_a1() -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %x = arith.constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi8>
  %xf = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %w = arith.constant dense<[[1, -8, 7, 0]]> : tensor<1x4xi4>
  %m = arith.constant dense<[[2, 15]]> : tensor<1x2xi8>
  %s = arith.constant dense<1.0> : tensor<1x1xf32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %0 = quant.linear %x, %w scale(%s : tensor<1x1xf32>) multiplier(%m : tensor<1x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<1x4xi8>, tensor<1x4xi4> -> tensor<1x1xf32>
  %1 = quant.linear %xf, %w scale(%s : tensor<1x1xf32>) multiplier(%m : tensor<1x2xi8>) : tensor<1x4xf32>, tensor<1x4xi4> -> tensor<1x1xf32>
  return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// linear_a7: upwards, 2^24 + 1 rounds back to 2^24 each time; downwards the sum
// would be 2^24 + 2. In groups: (1 + 2) * 2 + (3 * 1 + 4 * -1) * 4 + 5.
// CHECK: output0 = dense<0x4B800000> : tensor<1x1xf32>
// CHECK-NEXT: output1 = dense<7.000000e+00> : tensor<1x1xf32>
// CHECK-NEXT: output2 = dense<5.96046448E-8> : tensor<1x1xf32>
func.func @linear_a7() -> (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>) {
  %big = arith.constant dense<[[16777216.0, 1.0, 1.0, 1.0]]> : tensor<1x4xf32>
  %ones = arith.constant dense<1> : tensor<1x4xi8>
  %s = arith.constant dense<1.0> : tensor<f32>
  %0 = quant.linear %big, %ones scale(%s : tensor<f32>) : tensor<1x4xf32>, tensor<1x4xi8> -> tensor<1x1xf32>
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %w = arith.constant dense<[[1, 1, 2, 0]]> : tensor<1x4xi4>
  %zw = arith.constant dense<[[0, 1]]> : tensor<1x2xi8>
  %sw = arith.constant dense<[[2.0, 4.0]]> : tensor<1x2xf32>
  %b = arith.constant dense<5.0> : tensor<1xf32>
  %1 = quant.linear %x, %w scale(%sw : tensor<1x2xf32>) zero_point(%zw : tensor<1x2xi8>) bias(%b : tensor<1xf32>) : tensor<1x4xf32>, tensor<1x4xi4> -> tensor<1x1xf32>
  // Groups are added with an fma: (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24.
  %pair = arith.constant dense<[[-1.00048828125, 1.000244140625]]> : tensor<1x2xf32>
  %one = arith.constant dense<1> : tensor<1x2xi8>
  %scales = arith.constant dense<[[1.0, 1.000244140625]]> : tensor<1x2xf32>
  %2 = quant.linear %pair, %one scale(%scales : tensor<1x2xf32>) : tensor<1x2xf32>, tensor<1x2xi8> -> tensor<1x1xf32>
  return %0, %1, %2 : tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// linear_a10: last, and divided by the output scale; -0 changes nothing.
// CHECK: output0 = dense<{{\[\[}}3.000000e+00, -0.000000e+00]]> : tensor<1x2xf32>
// CHECK-NEXT: output1 = dense<{{\[\[}}7, 2]]> : tensor<1x2xi8>
func.func @linear_a10() -> (tensor<1x2xf32>, tensor<1x2xi8>) {
  %x = arith.constant dense<[[-1.0e-45]]> : tensor<1x1xf32>
  %w = arith.constant dense<1> : tensor<2x1xi8>
  %half = arith.constant dense<0.5> : tensor<f32>
  %d = arith.constant dense<[[3.0, -0.0]]> : tensor<1x2xf32>
  %0 = quant.linear %x, %w scale(%half : tensor<f32>) addend(%d : tensor<1x2xf32>) : tensor<1x1xf32>, tensor<2x1xi8> -> tensor<1x2xf32>
  // acc = 4, m = 0.5 * 0.5 / 0.5 = 0.5: 2 + 3 / 0.5 = 8 becomes the bound 7.
  %q = arith.constant dense<[[4]]> : tensor<1x1xi8>
  %z = arith.constant dense<0> : tensor<i8>
  %1 = quant.linear %q, %w scale(%half : tensor<f32>) input(%half, %z : tensor<f32>, tensor<i8>) output(%half, %z : tensor<f32>, tensor<i8>)
      addend(%d : tensor<1x2xf32>) {clamp_max = 7 : si64} : tensor<1x1xi8>, tensor<2x1xi8> -> tensor<1x2xi8>
  return %0, %1 : tensor<1x2xf32>, tensor<1x2xi8>
}
