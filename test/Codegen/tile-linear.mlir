// RUN: quant-opt %s --quant-tile-linear --split-input-file | FileCheck %s

#lhs = affine_map<(m, nb, n, k, kk) -> (m, k, kk)>
#rhs = affine_map<(m, nb, n, k, kk) -> (nb, k, n, kk)>
#acc = affine_map<(m, nb, n, k, kk) -> (m, nb, n)>
#out = affine_map<(m, nb, n) -> (m, nb, n)>
#col = affine_map<(m, nb, n) -> (nb, n)>

// Blocks of 6 rows inside panels, the leftover rows by 4, 2 and 1; the sum
// starts at the correction in each block.
// CHECK-LABEL: func @dynamic_rows
//       CHECK:   scf.for %{{.+}} = %c0 to %c2 step %c1
//       CHECK:     scf.for %{{.+}} = %c0 to %{{.+}} step %c6
//       CHECK:       %[[START:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<6x1x64xi32>) attrs = {quant.tiled}
//       CHECK:       %[[ACC:.+]] = scf.for {{.*}} iter_args({{.*}} = %[[START]]) -> (tensor<6x1x64xi32>)
//       CHECK:         linalg.generic {{.*}} ins({{.*}} : tensor<6x1x4xi8>, tensor<1x1x64x4xi8>) {{.*}} attrs = {quant.tiled}
//       CHECK:       linalg.generic {{.*}} ins(%[[ACC]], {{.*}} attrs = {quant.tiled}
//       CHECK:     scf.for %{{.+}} = %{{.+}} to %{{.+}} step %c6
//       CHECK:       scf.for %{{.+}} = %c0 to %{{.+}} step %c4
//       CHECK:         linalg.generic {{.*}} ins({{.*}} : tensor<4x1x4xi8>, tensor<1x1x64x4xi8>)
//       CHECK:       scf.for %{{.+}} = %{{.+}} to %{{.+}} step %c4
//       CHECK:         scf.for %{{.+}} = %c0 to %{{.+}} step %c2
//       CHECK:           linalg.generic {{.*}} ins({{.*}} : tensor<2x1x4xi8>, tensor<1x1x64x4xi8>)
//       CHECK:         scf.for %{{.+}} = %{{.+}} to %{{.+}} step %c2
//       CHECK:           scf.for %{{.+}} = %c0 to %{{.+}} step %c1
//       CHECK:             linalg.generic {{.*}} ins({{.*}} : tensor<1x1x4xi8>, tensor<1x1x64x4xi8>)
//   CHECK-NOT:   quant.tile_sizes
func.func @dynamic_rows(%x: tensor<?x16x4xi8>, %w: tensor<2x16x64x4xi8>, %corr: tensor<2x64xi32>,
                        %scale: tensor<2x64xf32>) -> tensor<?x2x64xf32> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x16x4xi8>
  %e = tensor.empty(%rows) : tensor<?x2x64xi32>
  %init = linalg.generic {indexing_maps = [#col, #out], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%corr : tensor<2x64xi32>) outs(%e : tensor<?x2x64xi32>)
      attrs = {quant.tile_sizes = array<i64: 0, 0, 0>} {
  ^bb0(%a: i32, %o: i32):
    linalg.yield %a : i32
  } -> tensor<?x2x64xi32>
  %acc = linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x16x4xi8>, tensor<2x16x64x4xi8>) outs(%init : tensor<?x2x64xi32>)
      attrs = {quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extui %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<?x2x64xi32>
  %f = tensor.empty(%rows) : tensor<?x2x64xf32>
  %y = linalg.generic {indexing_maps = [#out, #col, #out], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc, %scale : tensor<?x2x64xi32>, tensor<2x64xf32>) outs(%f : tensor<?x2x64xf32>)
      attrs = {quant.tile_sizes = array<i64: 6, 1, 0>} {
  ^bb0(%a: i32, %m: f32, %o: f32):
    %v = arith.sitofp %a : i32 to f32
    %r = arith.mulf %v, %m : f32
    linalg.yield %r : f32
  } -> tensor<?x2x64xf32>
  return %y : tensor<?x2x64xf32>
}

// -----

#lhs = affine_map<(m, nb, n, k) -> (m, k)>
#rhs = affine_map<(m, nb, n, k) -> (nb, k, n)>
#acc = affine_map<(m, nb, n, k) -> (m, nb, n)>
#out = affine_map<(m, nb, n) -> (m, nb, n)>

// A single row of floats takes four panels of two registers at a time.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {
// CHECK-LABEL: func @one_float_row
//       CHECK:   %[[ROWS:.+]] = tensor.dim
//       CHECK:   %[[ONE:.+]] = arith.cmpi eq, %[[ROWS]], %c1
//       CHECK:   scf.if %[[ONE]]
//       CHECK:     scf.for %{{.+}} = %c0 to %c8 step %c4
//   CHECK-NOT:     scf.for
//       CHECK:       scf.for %{{.+}} = %c0 to %c16 step %c1 iter_args({{.*}} -> (tensor<1x4x16xf32>)
//       CHECK:         linalg.generic {{.*}} ins({{.*}} : tensor<1x1xf32>, tensor<4x1x16xf32>) outs({{.*}} : tensor<1x4x16xf32>) attrs = {quant.tiled}
//       CHECK:     tensor<10x16x16xf32> to tensor<2x16x16xf32>
//       CHECK:       linalg.generic {{.*}} outs({{.*}} : tensor<1x2x16xf32>) attrs = {quant.tiled}
//       CHECK:   } else {
//       CHECK:     scf.for %{{.+}} = %c0 to %c10 step %c1
//       CHECK:       scf.for %{{.+}} = %c0 to %{{.+}} step %c6
func.func @one_float_row(%x: tensor<?x16xf32>, %w: tensor<10x16x16xf32>) -> tensor<?x10x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%rows) : tensor<?x10x16xf32>
  %init = linalg.generic {indexing_maps = [#out], iterator_types = ["parallel", "parallel", "parallel"]}
      outs(%e : tensor<?x10x16xf32>) attrs = {quant.tile_sizes = array<i64: 0, 0, 0>} {
  ^bb0(%o: f32):
    linalg.yield %zero : f32
  } -> tensor<?x10x16xf32>
  %y = linalg.generic {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x16xf32>, tensor<10x16x16xf32>) outs(%init : tensor<?x10x16xf32>)
      attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = math.fma %a, %b, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x10x16xf32>
  return %y : tensor<?x10x16xf32>
}

// It is known that there are two.
// CHECK-LABEL: func @two_float_rows
//   CHECK-NOT:   scf.if
//       CHECK:   scf.for %{{.+}} = %c0 to %c8 step %c2
//       CHECK:     linalg.generic {{.*}} ins({{.*}} : tensor<2x1xf32>, tensor<2x1x16xf32>)
func.func @two_float_rows(%x: tensor<2x16xf32>, %w: tensor<8x16x16xf32>, %init: tensor<2x8x16xf32>) -> tensor<2x8x16xf32> {
  %y = linalg.generic {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x16xf32>, tensor<8x16x16xf32>) outs(%init : tensor<2x8x16xf32>)
      attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = math.fma %a, %b, %c : f32
    linalg.yield %s : f32
  } -> tensor<2x8x16xf32>
  return %y : tensor<2x8x16xf32>
}

// Three have sums enough.
// CHECK-LABEL: func @three_float_rows_untouched
//       CHECK:   scf.for %{{.+}} = %c0 to %c8 step %c1
func.func @three_float_rows_untouched(%x: tensor<3x16xf32>, %w: tensor<8x16x16xf32>, %init: tensor<3x8x16xf32>) -> tensor<3x8x16xf32> {
  %y = linalg.generic {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x16xf32>, tensor<8x16x16xf32>) outs(%init : tensor<3x8x16xf32>)
      attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = math.fma %a, %b, %c : f32
    linalg.yield %s : f32
  } -> tensor<3x8x16xf32>
  return %y : tensor<3x8x16xf32>
}
}

// -----

#lhs = affine_map<(m, nb, n, k) -> (m, k)>
#rhs = affine_map<(m, nb, n, k) -> (nb, k, n)>
#acc = affine_map<(m, nb, n, k) -> (m, nb, n)>

// Without multiply-add nothing waits for it.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v2", features = <["+sse4.1"]>>} {
// CHECK-LABEL: func @one_float_row_untouched
//   CHECK-NOT:   tensor<1x4x16xf32>
//       CHECK:   return
func.func @one_float_row_untouched(%x: tensor<1x16xf32>, %w: tensor<8x16x16xf32>, %init: tensor<1x8x16xf32>) -> tensor<1x8x16xf32> {
  %y = linalg.generic {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x16xf32>, tensor<8x16x16xf32>) outs(%init : tensor<1x8x16xf32>)
      attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = math.fma %a, %b, %c : f32
    linalg.yield %s : f32
  } -> tensor<1x8x16xf32>
  return %y : tensor<1x8x16xf32>
}
}

// -----

#lhs = affine_map<(m, nb, n, k, kk) -> (m, k, kk)>
#rhs = affine_map<(m, nb, n, k, kk) -> (nb, k, n, kk)>
#acc = affine_map<(m, nb, n, k, kk) -> (m, nb, n)>
#out = affine_map<(m, nb, n) -> (m, nb, n)>
#col = affine_map<(m, nb, n) -> (nb, n)>

// What is left on memory stays whole in the tile of the layer, and the epilogue
// has tiles of its own inside.
// CHECK-LABEL: func @on_memory
//       CHECK:   scf.for %{{.+}} = %c0 to %c2 step %c1
//       CHECK:     %[[START:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<32x1x64xi32>) attrs = {quant.on_memory}
//       CHECK:     %[[ACC:.+]] = linalg.generic {{.*}} ins({{.*}} : tensor<32x16x4xi8>, tensor<1x16x64x4xi8>) outs(%[[START]] : tensor<32x1x64xi32>) attrs = {quant.on_memory}
//       CHECK:     scf.for %{{.+}} = %c0 to %c30 step %c6
//       CHECK:       tensor.extract_slice %[[ACC]]{{.*}} : tensor<32x1x64xi32> to tensor<6x1x64xi32>
//       CHECK:       linalg.generic {{.*}} : tensor<6x1x64xf32>) attrs = {quant.tiled}
//       CHECK:     linalg.generic {{.*}} : tensor<2x1x64xf32>) attrs = {quant.tiled}
//   CHECK-NOT:   quant.inner_tile_sizes
func.func @on_memory(%x: tensor<32x16x4xi8>, %w: tensor<2x16x64x4xi8>, %corr: tensor<2x64xi32>,
                     %scale: tensor<2x64xf32>) -> tensor<32x2x64xf32> {
  %e = tensor.empty() : tensor<32x2x64xi32>
  %init = linalg.generic {indexing_maps = [#col, #out], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%corr : tensor<2x64xi32>) outs(%e : tensor<32x2x64xi32>)
      attrs = {quant.on_memory, quant.tile_sizes = array<i64: 0, 0, 0>} {
  ^bb0(%a: i32, %o: i32):
    linalg.yield %a : i32
  } -> tensor<32x2x64xi32>
  %acc = linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<32x16x4xi8>, tensor<2x16x64x4xi8>) outs(%init : tensor<32x2x64xi32>)
      attrs = {quant.on_memory, quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<32x2x64xi32>
  %f = tensor.empty() : tensor<32x2x64xf32>
  %y = linalg.generic {indexing_maps = [#out, #col, #out], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc, %scale : tensor<32x2x64xi32>, tensor<2x64xf32>) outs(%f : tensor<32x2x64xf32>)
      attrs = {quant.tile_sizes = array<i64: 256, 1, 0>, quant.inner_tile_sizes = array<i64: 6, 1, 0>} {
  ^bb0(%a: i32, %m: f32, %o: f32):
    %v = arith.sitofp %a : i32 to f32
    %r = arith.mulf %v, %m : f32
    linalg.yield %r : f32
  } -> tensor<32x2x64xf32>
  return %y : tensor<32x2x64xf32>
}
