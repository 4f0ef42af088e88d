// RUN: quant-opt %s --quant-pack --canonicalize --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-pack --quant-lower-to-linalg --canonicalize --cse --quant-tile-linear --split-input-file | FileCheck %s --check-prefix=TILED

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512vnni"]>>} {
// Without an adapter the layer has no addend; the deltas of one adapter are in
// the panels of the layer; those of many are a tensor.
// CHECK-LABEL: func @layer
//   CHECK-NOT:   quant.l
//       CHECK:   %[[ONE:.*]] = arith.cmpi eq
//       CHECK:   scf.if %[[ONE]]
//       CHECK:     scf.if
//   CHECK-NOT:       arith.addf
//       CHECK:     } else {
//       CHECK:       linalg.generic {{.*}} : tensor<?x4xf32>, tensor<4x8xf32>) outs({{.*}} : tensor<?x8xf32>) attrs = {quant.tile_root, quant.tile_sizes = array<i64: {{[0-9]+}}, 0, 1>}
//       CHECK:       linalg.generic {{.*}} : tensor<?x8xf32>, tensor<8x1x64xf32>) outs({{.*}} : tensor<?x1x64xf32>) attrs = {quant.tile_sizes = array<i64: 0, 0, 0, 1>}
//       CHECK:       arith.addf
//       CHECK:   } else {
//       CHECK:     scf.for
//       CHECK:     scf.for
//       CHECK:     arith.addf

// The second product of one adapter is in the tile of the layer, behind the
// whole of the first.
// TILED-LABEL: func @layer
//       TILED:   } else {
//       TILED:     scf.for
//       TILED:       math.fma {{.*}} : f32
//       TILED:     scf.for
//       TILED:       linalg.generic {{.*}} : tensor<{{[0-9]+}}x1x4xi8>, tensor<1x1x64x4xi8>)
//       TILED:       math.fma {{.*}} : f32
//       TILED:       arith.addf
func.func @layer(%x: tensor<?x4xf32>, %q: tensor<?x4xi8>, %a: tensor<?x4x8xf32>, %b: tensor<?x8x64xf32>, %s: tensor<?xf32>, %i: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = arith.constant dense<1> : tensor<64x4xi8>
  %sw = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %d = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>) : tensor<?x4xf32>, tensor<?x4x8xf32>, tensor<?x8x64xf32> -> tensor<?x64xf32>
  %y = quant.linear %q, %w scale(%sw : tensor<f32>) input(%sw, %z : tensor<f32>, tensor<i8>) addend(%d : tensor<?x64xf32>) : tensor<?x4xi8>, tensor<64x4xi8> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
}

// -----

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512vnni"]>>} {
// An addend of another kind is padded like the columns.
// CHECK-LABEL: func @addend
//   CHECK-NOT:   scf.if
//       CHECK:   tensor.insert_slice %arg1 into {{.*}} : tensor<?x3xf32> into tensor<?x16xf32>
//       CHECK:   arith.addf
func.func @addend(%q: tensor<?x4xi8>, %d: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %w = arith.constant dense<1> : tensor<3x4xi8>
  %sw = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %q, %w scale(%sw : tensor<f32>) input(%sw, %z : tensor<f32>, tensor<i8>) addend(%d : tensor<?x3xf32>) : tensor<?x4xi8>, tensor<3x4xi8> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
}
