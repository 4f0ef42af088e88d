// RUN: quant-opt %s --quant-pack | FileCheck %s

// Many rows multiply 16 bits where the target does so as fast as 8: activations
// are extended once, and each panel of weights once for all rows.

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {
// CHECK-LABEL: func @many
//       CHECK:   %[[X:.+]] = linalg.generic {{.*}} ins(%arg0 : tensor<40x8xi8>)
//       CHECK:     arith.extsi %{{.+}} : i8 to i16
//       CHECK:   %[[STEPS:.+]] = tensor.expand_shape %{{.+}} output_shape [40, 1, 2, 2, 2] : tensor<40x1x8xi16>
//       CHECK:   %[[STORED:.+]] = arith.constant dense<{{.*}}> : tensor<1x2x8x2x2xi8>
//       CHECK:   %[[W:.+]] = linalg.generic {{.*}} ins(%[[STORED]] : tensor<1x2x8x2x2xi8>) outs(%{{.+}} : tensor<1x2x2x8x2xi16>) attrs = {quant.per_panel
//       CHECK:     arith.extsi %{{.+}} : i8 to i16
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : tensor<40x2x2x2xi16>, tensor<1x2x2x8x2xi16>) {{.*}}quant.dot_instruction = "avx2_1x8x2_i32_s16_s16"
func.func @many(%x: tensor<40x8xi8>) -> tensor<40x8xf32> {
  %w = arith.constant dense<65> : tensor<8x8xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<40x8xi8>, tensor<8x8xi8> -> tensor<40x8xf32>
  return %y : tensor<40x8xf32>
}

// CHECK-LABEL: func @few_untouched
//   CHECK-NOT:   xi16
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_s8_s8"
//   CHECK-NOT:   xi16
//       CHECK:   return
func.func @few_untouched(%x: tensor<39x8xi8>) -> tensor<39x8xf32> {
  %w = arith.constant dense<65> : tensor<8x8xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<39x8xi8>, tensor<8x8xi8> -> tensor<39x8xf32>
  return %y : tensor<39x8xf32>
}

// An unknown number of rows has one code.
// CHECK-LABEL: func @unknown_untouched
//   CHECK-NOT:   xi16
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_s8_s8"
//   CHECK-NOT:   xi16
//       CHECK:   return
func.func @unknown_untouched(%x: tensor<?x8xi8>) -> tensor<?x8xf32> {
  %w = arith.constant dense<65> : tensor<8x8xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x8xi8>, tensor<8x8xi8> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Nibbles become 16 bits at once.
// CHECK-LABEL: func @nibbles
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}}, %{{.+}} : tensor<1x1x8x2x2xi8>, tensor<1x8xi8>) outs(%{{.+}} : tensor<1x1x2x2x8x2xi16>) attrs = {quant.per_panel
//       CHECK:     arith.subi %{{.+}} : i8
//       CHECK:     arith.extsi %{{.+}} : i8 to i16
func.func @nibbles(%x: tensor<40x8xi8>) -> tensor<40x8xf32> {
  %w = arith.constant dense<-8> : tensor<8x8xi4>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %m = arith.constant dense<9> : tensor<8x1xi8>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) multiplier(%m : tensor<8x1xi8>)
      input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<40x8xi8>, tensor<8x8xi4> -> tensor<40x8xf32>
  return %y : tensor<40x8xf32>
}

// Those that stay within [-64, 64] have a faster instruction.
// CHECK-LABEL: func @half_range_untouched
//   CHECK-NOT:   xi16
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_u8_s8"
//   CHECK-NOT:   xi16
//       CHECK:   return
func.func @half_range_untouched(%x: tensor<40x8xi8>) -> tensor<40x8xf32> {
  %w = arith.constant dense<3> : tensor<8x8xi4>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<40x8xi8>, tensor<8x8xi4> -> tensor<40x8xf32>
  return %y : tensor<40x8xf32>
}

// An instruction takes a whole step of weights that may be -128.
// CHECK-LABEL: func @lowest
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}} : tensor<1x4x8x2xi8>) outs(%{{.+}} : tensor<1x4x8x2xi16>) attrs = {quant.per_panel
func.func @lowest(%x: tensor<40x8xi8>) -> tensor<40x8xf32> {
  %w = arith.constant dense<-128> : tensor<8x8xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<40x8xi8>, tensor<8x8xi8> -> tensor<40x8xf32>
  return %y : tensor<40x8xf32>
}
}
