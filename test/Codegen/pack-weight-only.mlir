// RUN: quant-opt %s --quant-pack --canonicalize --cse | FileCheck %s
// RUN: quant-opt %s --quant-pack --canonicalize --cse --quant-tile-linear --quant-vectorize --canonicalize | FileCheck %s --check-prefix=TILED

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512f", "+avx512bw", "+fma"]>>} {

// Few rows are one block, in which a weight is decoded once, in a register.
// CHECK-LABEL: func @few_rows(
//   CHECK-NOT:   quant.per_panel
//       CHECK:   linalg.generic {{.*}}quant.tile_sizes = array<i64: 0, 0, 0, 1>
//       CHECK:     arith.sitofp
//       CHECK:     math.fma
//       CHECK:   linalg.generic {{.*}}quant.tile_sizes = array<i64: 8, 1, 0>
// TILED-LABEL: func @few_rows(
//       TILED:   arith.sitofp {{.*}} : vector<{{.*}}x32xi32>
//       TILED:   math.fma {{.*}} : vector<8x1x32xf32>
func.func @few_rows(%x: tensor<8x784xf32>) -> tensor<8x128xf32> {
  %w = arith.constant dense<3> : tensor<128x784xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<8x784xf32>, tensor<128x784xi8> -> tensor<8x128xf32>
  return %y : tensor<8x128xf32>
}

// The sums of one row are as many as keep the multiply-adds from waiting.
// TILED-LABEL: func @one_row(
//       TILED:   math.fma {{.*}} : vector<1x1x128xf32>
func.func @one_row(%x: tensor<1x784xf32>) -> tensor<1x128xf32> {
  %w = arith.constant dense<3> : tensor<128x784xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<1x784xf32>, tensor<128x784xi8> -> tensor<1x128xf32>
  return %y : tensor<1x128xf32>
}

// Multipliers take registers, so that panels are narrower.
// TILED-LABEL: func @multipliers_few_rows(
//       TILED:   math.fma {{.*}} : vector<4x1x32xf32>
func.func @multipliers_few_rows(%x: tensor<4x64xf32>) -> tensor<4x128xf32> {
  %bytes = arith.constant dense<33> : tensor<128x32xi8>
  %w = quant.unpack %bytes : tensor<128x32xi8> -> tensor<128x64xi4>
  %m = arith.constant dense<3> : tensor<128x2xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) multiplier(%m : tensor<128x2xi8>)
      : tensor<4x64xf32>, tensor<128x64xi4> -> tensor<4x128xf32>
  return %y : tensor<4x128xf32>
}

// Rows are cut into blocks of the same size: 5, 5 and 3, not 6, 6 and 1, whose
// multiply-adds would wait for each other.
// CHECK-LABEL: func @even_blocks(
//       CHECK:   linalg.generic {{.*}}quant.tile_sizes = array<i64: 5, 0, 0, 1>
func.func @even_blocks(%x: tensor<13x784xf32>) -> tensor<13x128xf32> {
  %w = arith.constant dense<3> : tensor<128x784xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<13x784xf32>, tensor<128x784xi8> -> tensor<13x128xf32>
  return %y : tensor<13x128xf32>
}

// More read blocks of 112 of K that are decoded once, and add to sums that lie
// in memory, one panel wide.
// CHECK-LABEL: func @blocks(
//       CHECK:   scf.for %{{.+}} = %c0 to %c2 step %c1 iter_args(%[[RESULTS:.+]] = %{{.+}})
//       CHECK:     %[[ZEROS:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<32x1x64xf32>) attrs = {quant.tile_sizes = array<i64: 1, 1, 0>}
//       CHECK:     %[[SUMS:.+]] = scf.for %{{.+}} = %c0 to %c784 step %c112 iter_args(%[[ACC:.+]] = %[[ZEROS]])
//       CHECK:       %[[WEIGHT:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<1x112x64xf32>) attrs = {quant.per_panel
//       CHECK:         arith.sitofp
//       CHECK:       %[[ROWS:.+]] = tensor.extract_slice %arg0[0, %{{.+}}] [32, 112] [1, 1]
//       CHECK:       linalg.generic {{.*}} ins(%[[ROWS]], %[[WEIGHT]] : {{.*}} outs(%[[ACC]] : {{.*}}quant.tile_sizes = array<i64: 6, 0, 0, 1>
//       CHECK:         math.fma
//       CHECK:     %[[PART:.+]] = tensor.extract_slice %[[RESULTS]]
//       CHECK:     linalg.generic {{.*}} ins(%[[SUMS]], {{.*}} outs(%[[PART]] : {{.*}}quant.tile_sizes = array<i64: 1, 1, 0>
//       CHECK:       math.fma
//       CHECK:   } {quant.parallel}
// TILED-LABEL: func @blocks(
//       TILED:   arith.sitofp {{.*}} : vector<{{.*}}x64xi32>
//       TILED:   scf.for {{.*}} step %c112
//       TILED:     scf.for {{.*}} step %c6
//       TILED:       scf.for {{.*}} -> (vector<6x1x64xf32>)
//       TILED:         math.fma {{.*}} : vector<6x1x64xf32>
func.func @blocks(%x: tensor<32x784xf32>) -> tensor<32x128xf32> {
  %w = arith.constant dense<3> : tensor<128x784xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<32x784xf32>, tensor<128x784xi8> -> tensor<32x128xf32>
  return %y : tensor<32x128xf32>
}

// So do many rows. The last block is shorter where blocks do not divide K.
// CHECK-LABEL: func @rest(
//       CHECK:   arith.cmpi ule, %{{.+}}, %c6
//       CHECK:   scf.if
//   CHECK-NOT:     quant.per_panel
//       CHECK:   } else {
//       CHECK:     scf.for %[[K:.+]] = %c0 to %c1000 step %c112
//       CHECK:       %[[LENGTH:.+]] = affine.min #{{.+}}(%[[K]])
//       CHECK:       linalg.generic {{.*}} outs({{.*}} : tensor<1x?x64xf32>) attrs = {quant.per_panel
//       CHECK:       tensor.extract_slice %arg0[0, %[[K]]] [%{{.+}}, %[[LENGTH]]] [1, 1]
//       CHECK:     linalg.generic {{.*}}quant.tile_sizes = array<i64: 1, 1, 0>
//   CHECK-NOT:   quant.per_panel
// Rows that do not fill a block of 6 are 4, 2 and 1.
// TILED-LABEL: func @rest(
//       TILED:   scf.for {{.*}} step %c112
//       TILED:     scf.for {{.*}} step %c6
//       TILED:       scf.for {{.*}} -> (vector<6x1x64xf32>)
//       TILED:     scf.for {{.*}} step %c4
//       TILED:       scf.for {{.*}} -> (vector<4x1x64xf32>)
//       TILED:     scf.for {{.*}} step %c2
//       TILED:       scf.for {{.*}} -> (vector<2x1x64xf32>)
//       TILED:     scf.for {{.*}} -> (vector<1x1x64xf32>)
//   TILED-NOT:   -> (vector<{{.}}x1x64xf32>)
//       TILED:   return
func.func @rest(%x: tensor<?x1000xf32>) -> tensor<?x64xf32> {
  %w = arith.constant dense<3> : tensor<64x1000xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<64x1xf32>) : tensor<?x1000xf32>, tensor<64x1000xi8> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// Where a panel is one block, sums stay in registers until the result.
// CHECK-LABEL: func @one_block(
//       CHECK:   scf.for %{{.+}} = %c0 to %c2 step %c1 iter_args(%[[RESULTS:.+]] = %{{.+}})
//   CHECK-NOT:     scf.for
//       CHECK:     linalg.generic {{.*}} outs({{.*}} : tensor<1x100x64xf32>) attrs = {quant.per_panel
//       CHECK:     %[[SUMS:.+]] = linalg.generic {{.*}}quant.tile_sizes = array<i64: 0, 0, 0, 1>
//       CHECK:     %[[PART:.+]] = tensor.extract_slice %[[RESULTS]]
//       CHECK:     linalg.generic {{.*}} ins(%[[SUMS]], {{.*}} outs(%[[PART]] : {{.*}}quant.tile_sizes = array<i64: 6, 1, 0>
//       CHECK:   } {quant.parallel}
// TILED-LABEL: func @one_block(
//       TILED:   scf.for {{.*}} step %c6
//       TILED:     scf.for {{.*}} -> (vector<6x1x64xf32>)
func.func @one_block(%x: tensor<32x100xf32>) -> tensor<32x128xf32> {
  %w = arith.constant dense<3> : tensor<128x100xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<32x100xf32>, tensor<128x100xi8> -> tensor<32x128xf32>
  return %y : tensor<32x128xf32>
}

// Zeros that fill the last group are not read.
// CHECK-LABEL: func @padded_groups(
//  CHECK-SAME:   %[[X:.+]]: tensor<32x100xf32>
//   CHECK-NOT:   tensor.insert_slice %[[X]]
//       CHECK:   %[[W:.+]] = tensor.extract_slice %{{.+}}[0, 0, 0] [1, 100, 64] [1, 1, 1]
//       CHECK:   linalg.generic {{.*}} ins(%[[X]], %[[W]] :
func.func @padded_groups(%x: tensor<32x100xf32>) -> tensor<32x64xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<32x104xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<32x104xf32>) -> tensor<32x104xf32>
  %padded = tensor.insert_slice %x into %zeros[0, 0] [32, 100] [1, 1] : tensor<32x100xf32> into tensor<32x104xf32>
  %bytes = arith.constant dense<33> : tensor<64x52xi8>
  %w = quant.unpack %bytes : tensor<64x52xi8> -> tensor<64x104xi4>
  %m = arith.constant dense<3> : tensor<64x13xi8>
  %s = arith.constant dense<0.5> : tensor<64x1xf32>
  %y = quant.linear %padded, %w scale(%s : tensor<64x1xf32>) multiplier(%m : tensor<64x13xi8>)
      : tensor<32x104xf32>, tensor<64x104xi4> -> tensor<32x64xf32>
  return %y : tensor<32x64xf32>
}

// A panel is decoded by the thread that reads it: no loop that decodes is
// parallel, and short ones can be unrolled.
// TILED-LABEL: func @decoded_by_one_thread(
//       TILED:   arith.shrsi
//   TILED-NOT:   quant.parallel
//       TILED:   scf.for %{{.+}} = %c0 to %c2 step %c1
//       TILED:     math.fma
//       TILED:   } {quant.parallel}
func.func @decoded_by_one_thread(%x: tensor<32x784xf32>) -> tensor<32x128xf32> {
  %bytes = arith.constant dense<33> : tensor<128x392xi8>
  %w = quant.unpack %bytes : tensor<128x392xi8> -> tensor<128x784xi4>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<32x784xf32>, tensor<128x784xi4> -> tensor<32x128xf32>
  return %y : tensor<32x128xf32>
}
}
