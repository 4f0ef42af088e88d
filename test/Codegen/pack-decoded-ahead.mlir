// RUN: quant-opt %s --quant-pack --canonicalize --cse --split-input-file | FileCheck %s

// The weight of a layer in a loop is decoded before it, one panel at a time; an iteration multiplies by floats.

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// CHECK-LABEL: func @steps(
//       CHECK:   %[[W:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<[[NB:[0-9]+]]x64x[[NR:[0-9]+]]xf32>)
//  CHECK-SAME:     quant.tile_root
//  CHECK-SAME:     quant.tile_sizes = array<i64: 1, 1, 0>
//       CHECK:     arith.sitofp
//   CHECK-NOT:   quant.per_panel
//       CHECK:   scf.for
//   CHECK-NOT:     arith.sitofp
//       CHECK:     linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : tensor<4x64xf32>, tensor<[[NB]]x64x[[NR]]xf32>)
//       CHECK:     math.fma
//       CHECK:     scf.yield
func.func @steps(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %w = arith.constant dense<3> : tensor<64x64xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %h = scf.for %t = %c0 to %c8 step %c1 iter_args(%state = %x) -> tensor<4x64xf32> {
    %y = quant.linear %state, %w scale(%s : tensor<64x1xf32>) : tensor<4x64xf32>, tensor<64x64xi8> -> tensor<4x64xf32>
    scf.yield %y : tensor<4x64xf32>
  }
  return %h : tensor<4x64xf32>
}

// Nibbles with multipliers are floats as well.
// CHECK-LABEL: func @nibbles(
//       CHECK:   linalg.generic {{.*}}quant.tile_root
//       CHECK:   scf.for
//   CHECK-NOT:     arith.shrui
//       CHECK:     math.fma
//       CHECK:     scf.yield
func.func @nibbles(%x: tensor<1x64xf32>, %n: index) -> tensor<1x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %bytes = arith.constant dense<33> : tensor<64x32xi8>
  %w = quant.unpack %bytes : tensor<64x32xi8> -> tensor<64x64xi4>
  %m = arith.constant dense<3> : tensor<64x2xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %h = scf.for %t = %c0 to %n step %c1 iter_args(%state = %x) -> tensor<1x64xf32> {
    %y = quant.linear %state, %w scale(%s : tensor<64x1xf32>) multiplier(%m : tensor<64x2xi8>) : tensor<1x64xf32>, tensor<64x64xi4> -> tensor<1x64xf32>
    scf.yield %y : tensor<1x64xf32>
  }
  return %h : tensor<1x64xf32>
}

// Bytes of one row are decoded where they are read.
// CHECK-LABEL: func @one_row_untouched(
//   CHECK-NOT:   quant.tile_root
//       CHECK:   scf.for
//       CHECK:     arith.sitofp
func.func @one_row_untouched(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %w = arith.constant dense<3> : tensor<64x64xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %h = scf.for %t = %c0 to %c8 step %c1 iter_args(%state = %x) -> tensor<1x64xf32> {
    %y = quant.linear %state, %w scale(%s : tensor<64x1xf32>) : tensor<1x64xf32>, tensor<64x64xi8> -> tensor<1x64xf32>
    scf.yield %y : tensor<1x64xf32>
  }
  return %h : tensor<1x64xf32>
}

// Two iterations are too few.
// CHECK-LABEL: func @two_steps_untouched(
//   CHECK-NOT:   quant.tile_root
//       CHECK:   scf.for
func.func @two_steps_untouched(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %w = arith.constant dense<3> : tensor<64x64xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %h = scf.for %t = %c0 to %c2 step %c1 iter_args(%state = %x) -> tensor<4x64xf32> {
    %y = quant.linear %state, %w scale(%s : tensor<64x1xf32>) : tensor<4x64xf32>, tensor<64x64xi8> -> tensor<4x64xf32>
    scf.yield %y : tensor<4x64xf32>
  }
  return %h : tensor<4x64xf32>
}

// 1 MiB of floats would leave the second cache.
// CHECK-LABEL: func @large_untouched(
//   CHECK-NOT:   quant.tile_root
//       CHECK:   scf.for
func.func @large_untouched(%x: tensor<4x512xf32>) -> tensor<4x512xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %w = arith.constant dense<3> : tensor<512x512xi8>
  %s = arith.constant dense<0.5> : tensor<512x1xf32>
  %h = scf.for %t = %c0 to %c8 step %c1 iter_args(%state = %x) -> tensor<4x512xf32> {
    %y = quant.linear %state, %w scale(%s : tensor<512x1xf32>) : tensor<4x512xf32>, tensor<512x512xi8> -> tensor<4x512xf32>
    scf.yield %y : tensor<4x512xf32>
  }
  return %h : tensor<4x512xf32>
}
}

// -----

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// CHECK-LABEL: func @many_rows(
//       CHECK:   %[[W:.+]] = linalg.generic {{.*}}quant.tile_root
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}}, %[[W]] : tensor<128x64xf32>,
func.func @many_rows(%x: tensor<128x64xf32>) -> tensor<128x64xf32> {
  %w = arith.constant dense<3> : tensor<64x64xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<64x1xf32>) : tensor<128x64xf32>, tensor<64x64xi8> -> tensor<128x64xf32>
  return %y : tensor<128x64xf32>
}

// CHECK-LABEL: func @fewer_rows_untouched(
//   CHECK-NOT:   quant.tile_root
//       CHECK:   quant.per_panel
func.func @fewer_rows_untouched(%x: tensor<120x64xf32>) -> tensor<120x64xf32> {
  %w = arith.constant dense<3> : tensor<64x64xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<64x1xf32>) : tensor<120x64xf32>, tensor<64x64xi8> -> tensor<120x64xf32>
  return %y : tensor<120x64xf32>
}
}
