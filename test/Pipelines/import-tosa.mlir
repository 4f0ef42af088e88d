// RUN: quant-opt %s --quant-import-tosa --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-import-tosa --split-input-file | quant-translate --interpret --split-input-file | FileCheck %s --check-prefix=VALUE
// RUN: quant-opt %s --quant-import-tosa --split-input-file | quant-translate --quant-to-object --split-input-file --emit=asm | FileCheck %s --check-prefix=ASM

// A fully connected layer: x - 1 is [[0, 1, 2, 3], [-2, -1, 0, -3]], the sums with the bias are
// [[12, -5], [8, -3]], half of them rounded half up [[6, -2], [4, -1]], less 1.
// CHECK-LABEL: func @fully_connected() -> tensor<2x2xi8>
// CHECK-NOT:     {{tosa\.|quant\.uniform}}
// CHECK:         linalg.quantized_batch_matmul
// CHECK:         arith.shrsi
// CHECK-NOT:     {{tosa\.|quant\.uniform}}
// CHECK:         return
// VALUE: output0 = dense<{{\[\[}}5, -3], [3, -2]]> : tensor<2x2xi8>
// ASM: _run:
!x = !quant.uniform<i8:f32, 0.5:1>
!w = !quant.uniform<i8:f32, 0.25>
!a = !quant.uniform<i32:f32, 0.125>
!y = !quant.uniform<i8:f32, 0.25:-1>
func.func @fully_connected() -> tensor<2x2xi8> {
  %x = "tosa.const"() <{values = dense<[[[1, 2, 3, 4], [-1, 0, 1, -2]]]> : tensor<1x2x4xi8>}> : () -> tensor<1x2x4x!x>
  %w = "tosa.const"() <{values = dense<[[[1, 0], [0, 2], [1, 0], [0, -1]]]> : tensor<1x4x2xi8>}> : () -> tensor<1x4x2x!w>
  %bias = "tosa.const"() <{values = dense<[[[10, -4]]]> : tensor<1x1x2xi32>}> : () -> tensor<1x1x2xi32>
  %xz = "tosa.const"() <{values = dense<1> : tensor<1xi8>}> : () -> tensor<1xi8>
  %wz = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %az = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %yz = "tosa.const"() <{values = dense<-1> : tensor<1xi8>}> : () -> tensor<1xi8>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<31> : tensor<1xi8>}> : () -> tensor<1xi8>
  %sum = tosa.matmul %x, %w, %xz, %wz : (tensor<1x2x4x!x>, tensor<1x4x2x!w>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2xi32>
  %biased = tosa.add %sum, %bias : (tensor<1x2x2xi32>, tensor<1x1x2xi32>) -> tensor<1x2x2xi32>
  %y = tosa.rescale %biased, %multiplier, %shift, %az, %yz {scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = false, input_unsigned = false, output_unsigned = false} : (tensor<1x2x2xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x!y>
  %shape = tosa.const_shape {values = dense<[2, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %rows = tosa.reshape %y, %shape : (tensor<1x2x2x!y>, !tosa.shape<2>) -> tensor<2x2x!y>
  %result = quant.scast %rows : tensor<2x2x!y> to tensor<2x2xi8>
  return %result : tensor<2x2xi8>
}

// -----

// Sums of windows of 2 by 2, [[12, 16], [24, 28]], and a quarter of them.
// CHECK-LABEL: func @convolution() -> tensor<1x2x2x1xi8>
// CHECK-NOT:     tosa.
// CHECK:         linalg.conv_2d
// CHECK-NOT:     tosa.
// CHECK:         return
// VALUE: output0 = dense<{{\[\[\[\[}}3], [4]], {{\[\[}}6], [7]]]]> : tensor<1x2x2x1xi8>
// ASM: _run:
func.func @convolution() -> tensor<1x2x2x1xi8> {
  %x = "tosa.const"() <{values = dense<[[[[1], [2], [3]], [[4], [5], [6]], [[7], [8], [9]]]]> : tensor<1x3x3x1xi8>}> : () -> tensor<1x3x3x1xi8>
  %w = "tosa.const"() <{values = dense<1> : tensor<1x2x2x1xi8>}> : () -> tensor<1x2x2x1xi8>
  %bias = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %multiplier = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<32> : tensor<1xi8>}> : () -> tensor<1xi8>
  %sum = tosa.conv2d %x, %w, %bias, %z, %z {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x3x3x1xi8>, tensor<1x2x2x1xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x1xi32>
  %y = tosa.rescale %sum, %multiplier, %shift, %bias, %z {scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = false, input_unsigned = false, output_unsigned = false} : (tensor<1x2x2x1xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x2x1xi8>
  return %y : tensor<1x2x2x1xi8>
}
