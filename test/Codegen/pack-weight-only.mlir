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

// More read blocks of 112 of K that are decoded once, and add to the result.
// CHECK-LABEL: func @blocks(
//       CHECK:   %[[SUMS:.+]] = scf.for %{{.+}} = %c0 to %c2 step %c1
//       CHECK:     linalg.fill
//       CHECK:     scf.for %{{.+}} = %c0 to %c784 step %c112 iter_args(%[[ACC:.+]] = %{{.+}})
//       CHECK:       %[[WEIGHT:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<1x112x64xf32>) attrs = {quant.per_panel
//       CHECK:         arith.sitofp
//       CHECK:       %[[ROWS:.+]] = tensor.extract_slice %arg0[0, %{{.+}}] [32, 112] [1, 1]
//       CHECK:       linalg.generic {{.*}} ins(%[[ROWS]], %[[WEIGHT]] : {{.*}} outs(%[[ACC]] : {{.*}}quant.tile_sizes = array<i64: 6, 0, 0, 1>
//       CHECK:         math.fma
//       CHECK:   } {quant.parallel}
//       CHECK:   linalg.generic {{.*}} outs(%[[SUMS]] : tensor<32x2x64xf32>)
//       CHECK:     math.fma
// TILED-LABEL: func @blocks(
//       TILED:   scf.for {{.*}} step %c112
//       TILED:     scf.for
//       TILED:       arith.sitofp {{.*}} : vector<{{.*}}x64xi32>
//       TILED:     scf.for {{.*}} step %c6
//       TILED:       scf.for {{.*}} -> (vector<6x1x64xf32>)
//       TILED:         math.fma {{.*}} : vector<6x1x64xf32>
func.func @blocks(%x: tensor<32x784xf32>) -> tensor<32x128xf32> {
  %w = arith.constant dense<3> : tensor<128x784xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<32x784xf32>, tensor<128x784xi8> -> tensor<32x128xf32>
  return %y : tensor<32x128xf32>
}

// The sums of many rows are too many to leave the registers: a panel is decoded
// as a whole.
// CHECK-LABEL: func @whole_panels(
//   CHECK-NOT:   scf.for
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<2x784x64xf32>) attrs = {quant.per_panel
func.func @whole_panels(%x: tensor<256x784xf32>) -> tensor<256x128xf32> {
  %w = arith.constant dense<3> : tensor<128x784xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) : tensor<256x784xf32>, tensor<128x784xi8> -> tensor<256x128xf32>
  return %y : tensor<256x128xf32>
}
}
