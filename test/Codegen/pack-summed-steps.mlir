// RUN: quant-opt %s --quant-pack --canonicalize --split-input-file | FileCheck %s

// The products of several steps are added up in i16 where weights are small: with
// AVX2 tiles have eight steps along K, four pairs of them.

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {

// The panel in memory has nibbles without their multipliers, which each sum of a
// group takes, from a panel of their own. Nothing is to be undone but what
// activations are higher by, in the start.
// CHECK-LABEL: func @groups
//   CHECK-DAG:   %[[START:.+]] = arith.constant dense<-114688> : tensor<1x8xi32>
//       CHECK:   arith.xori
//       CHECK:   %[[PANEL:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<1x2x4x2x8x4xi8>) attrs = {quant.per_panel
//       CHECK:     %[[U:.+]] = arith.andi %{{.+}}, %c15
//  CHECK-NEXT:     arith.subi %[[U]], %c8
//       CHECK:   %[[SUMS:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[PANEL]] : tensor<13x2x4x2x4xi8>, tensor<1x2x4x2x8x4xi8>) outs(%{{.+}} : tensor<13x1x2x8xi32>)
//  CHECK-SAME:     quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.summed_steps = 8 : i64, quant.tile_sizes = array<i64: 0, 0, 0, 0, 4, 2, 0>
//       CHECK:   %[[M:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<1x2x8xi32>) attrs = {quant.per_panel
//       CHECK:     arith.extui %{{.+}} : i8 to i32
//       CHECK:   linalg.generic {{.*}} ins(%[[START]]
//       CHECK:   linalg.generic {{.*}} ins(%[[SUMS]], %[[M]] : tensor<13x1x2x8xi32>, tensor<1x2x8xi32>) outs(%{{.+}} : tensor<13x1x8xi32>)
//       CHECK:     arith.muli
//   CHECK-NOT:     arith.subi
//       CHECK:     linalg.yield
func.func @groups(%x: tensor<13x64xi8>) -> tensor<13x8xf32> {
  %bytes = arith.constant dense<17> : tensor<8x32xi8>
  %w = quant.unpack %bytes : tensor<8x32xi8> -> tensor<8x64xi4>
  %m = arith.constant dense<14> : tensor<8x2xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) multiplier(%m : tensor<8x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x64xi8>, tensor<8x64xi4> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// Groups of two steps would take their multipliers too often.
// CHECK-LABEL: func @small_groups_untouched
//       CHECK:     arith.muli %{{.+}}, %{{.+}} : i8
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_s8_s8", quant.tile_sizes = array<i64: 0, 0, 1, 0, 1, 1, 0>
func.func @small_groups_untouched(%x: tensor<13x16xi8>) -> tensor<13x8xf32> {
  %bytes = arith.constant dense<119> : tensor<8x8xi8>
  %w = quant.unpack %bytes : tensor<8x8xi8> -> tensor<8x16xi4>
  %m = arith.constant dense<14> : tensor<8x2xi8>
  %w2 = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%w2 : tensor<8x1xf32>) multiplier(%m : tensor<8x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x16xi8>, tensor<8x16xi4> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// Little padding makes whole tiles: 250 values are 63 steps, then 64.
// CHECK-LABEL: func @padded
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.summed_steps = 8 : i64, quant.tile_sizes = array<i64: 0, 0, 0, 4, 2, 0>
func.func @padded(%x: tensor<13x250xi8>) -> tensor<13x8xf32> {
  %w = arith.constant dense<-8> : tensor<8x250xi4>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x250xi8>, tensor<8x250xi4> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// With zero points weights are up to 15: four steps. Much padding is not worth
// it: ten steps are taken two by two.
// CHECK-LABEL: func @zero_points
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.summed_steps = 2 : i64, quant.tile_sizes = array<i64: 0, 0, 0, 1, 2, 0>
func.func @zero_points(%x: tensor<13x40xi8>) -> tensor<13x8xf32> {
  %w = arith.constant dense<-8> : tensor<8x40xi4>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %zw = arith.constant dense<7> : tensor<8x1xi8>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) zero_point(%zw : tensor<8x1xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x40xi8>, tensor<8x40xi4> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// Bytes may be as small.
// CHECK-LABEL: func @bytes
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.summed_steps = 8 : i64, quant.tile_sizes = array<i64: 0, 0, 0, 8, 0>
func.func @bytes(%x: tensor<13x64xi8>) -> tensor<13x8xf32> {
  %w = arith.constant dense<8> : tensor<8x64xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x64xi8>, tensor<8x64xi8> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// CHECK-LABEL: func @bytes_untouched
//       CHECK:   quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>
func.func @bytes_untouched(%x: tensor<13x64xi8>) -> tensor<13x8xf32> {
  %w = arith.constant dense<17> : tensor<8x64xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x64xi8>, tensor<8x64xi8> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}
}

// -----

// Without sdot, products of bytes with sign fit i16 two by two if none is -128;
// activations of eight steps are read at once.
module attributes {llvm.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+neon"]>>} {
// CHECK-LABEL: func @widened
//       CHECK:   quant.dot_instruction = "neon_1x4x2_i32_s8_s8", quant.summed_steps = 2 : i64, quant.tile_sizes = array<i64: 0, 0, 0, 8, 0>
func.func @widened(%x: tensor<13x64xi8>) -> tensor<13x8xf32> {
  %w = arith.constant dense<-127> : tensor<8x64xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x64xi8>, tensor<8x64xi8> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}

// CHECK-LABEL: func @lowest
//       CHECK:   quant.dot_instruction = "neon_1x4x2_i32_s8_s8", quant.tile_sizes = array<i64: 0, 0, 0, 8, 0>
func.func @lowest(%x: tensor<13x64xi8>) -> tensor<13x8xf32> {
  %w = arith.constant dense<-128> : tensor<8x64xi8>
  %sw = arith.constant dense<0.5> : tensor<8x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<8x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<13x64xi8>, tensor<8x64xi8> -> tensor<13x8xf32>
  return %y : tensor<13x8xf32>
}
}
