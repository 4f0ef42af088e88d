// RUN: quant-opt %s --quant-fuse-epilogues --canonicalize | FileCheck %s

#mk = affine_map<(m, b, n, k) -> (m, k)>
#nkn = affine_map<(m, b, n, k) -> (b, k, n)>
#mnn = affine_map<(m, b, n, k) -> (m, b, n)>
#all = affine_map<(m, b, n) -> (m, b, n)>
#id = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>
#m = affine_map<(m, n) -> (m)>
#one = affine_map<(m, n) -> ()>

// CHECK-DAG: #[[MBN:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[BN:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[ONE:.+]] = affine_map<(d0, d1, d2) -> ()>

// CHECK-LABEL: func @by_row_column_and_whole(
//  CHECK-SAME:     %[[B:[a-z0-9]+]]: tensor<32xf32>, %[[R:[a-z0-9]+]]: tensor<?x32xf32>, %[[S:[a-z0-9]+]]: tensor<f32>
//       CHECK:   %[[Y:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 1, 0, 1>}
//   CHECK-DAG:   %[[PANELS:.+]] = tensor.expand_shape %[[B]] {{\[\[}}0, 1]] output_shape [2, 16]
//   CHECK-DAG:   %[[OLD:.+]] = tensor.expand_shape %[[R]] {{\[\[}}0], [1, 2]]
//       CHECK:   %[[E:.+]] = linalg.generic {indexing_maps = [#[[BN]], #[[MBN]], #[[MBN]], #[[ONE]], #[[MBN]]]
//  CHECK-SAME:       ins(%[[PANELS]], %[[Y]], %[[OLD]], %[[S]] :
//  CHECK-SAME:       {quant.tile_root, quant.tile_sizes = array<i64: 6, 1, 0>}
//       CHECK:   tensor.collapse_shape %[[E]] {{\[\[}}0], [1, 2]]
func.func @by_row_column_and_whole(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %z: tensor<?x2x16xf32>, %f: tensor<?x32xf32>, %b: tensor<32xf32>, %r: tensor<?x32xf32>, %s: tensor<f32>) -> tensor<?x32xf32> {
  %y = linalg.generic {indexing_maps = [#mk, #nkn, #mnn], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<2x8x16xf32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b0: f32, %acc: f32):
    %0 = math.fma %a, %b0, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?x2x16xf32>
  %rows = tensor.collapse_shape %y [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %e = linalg.generic {indexing_maps = [#n, #id, #id, #one, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b, %rows, %r, %s : tensor<32xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<f32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%bias: f32, %sum: f32, %old: f32, %scale: f32, %o: f32):
    %1 = arith.addf %sum, %bias : f32
    %2 = arith.mulf %old, %scale : f32
    %3 = arith.addf %1, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<?x32xf32>
  return %e : tensor<?x32xf32>
}

// What is added is the result of another layer that others read too: it is
// computed alone.
// CHECK-LABEL: func @of_another_layer(
//       CHECK:   %[[OTHER:.+]] = linalg.generic {{.*}} {quant.tile_root, quant.tile_sizes = array<i64: 6, 1, 0, 1>}
//       CHECK:   %[[Y:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 1, 0, 1>}
//       CHECK:   linalg.generic {{.*}} ins(%[[Y]], %[[OTHER]] :
func.func @of_another_layer(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %z: tensor<?x2x16xf32>, %f: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %other = linalg.generic {indexing_maps = [#mk, #nkn, #mnn], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<2x8x16xf32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b0: f32, %acc: f32):
    %0 = math.fma %a, %b0, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?x2x16xf32>
  %r = tensor.collapse_shape %other [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %y = linalg.generic {indexing_maps = [#mk, #nkn, #mnn], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<2x8x16xf32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b0: f32, %acc: f32):
    %0 = math.fma %a, %b0, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?x2x16xf32>
  %rows = tensor.collapse_shape %y [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%rows, %r : tensor<?x32xf32>, tensor<?x32xf32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%sum: f32, %old: f32, %o: f32):
    %1 = arith.addf %sum, %old : f32
    linalg.yield %1 : f32
  } -> tensor<?x32xf32>
  return %e, %r : tensor<?x32xf32>, tensor<?x32xf32>
}

// Nothing else reads what the other layer gives, in the same tiles: both are
// computed there.
// CHECK-LABEL: func @of_another_layer_in_tiles(
//       CHECK:   %[[OTHER:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 64, 1, 0>}
//       CHECK:   %[[Y:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 64, 1, 0>}
//       CHECK:   linalg.generic {{.*}} ins(%[[Y]], %[[OTHER]] : {{.*}} {quant.inner_tile_sizes = array<i64: 1, 1, 16>, quant.tile_root, quant.tile_sizes = array<i64: 64, 1, 0>}
func.func @of_another_layer_in_tiles(%sums: tensor<64x2x16xi32>, %others: tensor<64x2x16xi32>, %z: tensor<64x2x16xf32>, %f: tensor<64x32xf32>) -> tensor<64x32xf32> {
  %other = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%others : tensor<64x2x16xi32>) outs(%z : tensor<64x2x16xf32>) attrs = {quant.inner_tile_sizes = array<i64: 1, 1, 16>, quant.tile_sizes = array<i64: 64, 1, 0>} {
  ^bb0(%a: i32, %o: f32):
    %0 = arith.sitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<64x2x16xf32>
  %r = tensor.collapse_shape %other [[0], [1, 2]] : tensor<64x2x16xf32> into tensor<64x32xf32>
  %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sums : tensor<64x2x16xi32>) outs(%z : tensor<64x2x16xf32>) attrs = {quant.inner_tile_sizes = array<i64: 1, 1, 16>, quant.tile_sizes = array<i64: 64, 1, 0>} {
  ^bb0(%a: i32, %o: f32):
    %0 = arith.uitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<64x2x16xf32>
  %rows = tensor.collapse_shape %y [[0], [1, 2]] : tensor<64x2x16xf32> into tensor<64x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%rows, %r : tensor<64x32xf32>, tensor<64x32xf32>) outs(%f : tensor<64x32xf32>) {
  ^bb0(%sum: f32, %old: f32, %o: f32):
    %1 = arith.addf %sum, %old : f32
    linalg.yield %1 : f32
  } -> tensor<64x32xf32>
  return %e : tensor<64x32xf32>
}

// A layer that stays on memory inside of its tile hands its inner tile on.
// CHECK-LABEL: func @inner_tile(
//       CHECK:   linalg.generic {{.*}} {quant.tile_sizes = array<i64: 64, 1, 0>}
//       CHECK:   linalg.generic {{.*}} {quant.inner_tile_sizes = array<i64: 4, 1, 16>, quant.tile_root, quant.tile_sizes = array<i64: 64, 1, 0>}
func.func @inner_tile(%sums: tensor<64x2x16xi32>, %z: tensor<64x2x16xf32>, %f: tensor<64x32xf32>) -> tensor<64x32xf32> {
  %y = linalg.generic {indexing_maps = [affine_map<(m, b, n) -> (m, b, n)>, affine_map<(m, b, n) -> (m, b, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sums : tensor<64x2x16xi32>) outs(%z : tensor<64x2x16xf32>) attrs = {quant.inner_tile_sizes = array<i64: 4, 1, 16>, quant.tile_sizes = array<i64: 64, 1, 0>} {
  ^bb0(%a: i32, %o: f32):
    %0 = arith.sitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<64x2x16xf32>
  %rows = tensor.collapse_shape %y [[0], [1, 2]] : tensor<64x2x16xf32> into tensor<64x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%rows : tensor<64x32xf32>) outs(%f : tensor<64x32xf32>) {
  ^bb0(%sum: f32, %o: f32):
    %1 = arith.negf %sum : f32
    linalg.yield %1 : f32
  } -> tensor<64x32xf32>
  return %e : tensor<64x32xf32>
}

// Where the layer is a choice by the number of rows, each branch has its
// epilogue, after what else the epilogue reads, and in the same place.
// CHECK-LABEL: func @in_branches(
//  CHECK-SAME:     %[[R:[a-z0-9]+]]: tensor<?x32xf32>, %[[MANY:[a-z0-9]+]]: i1
//       CHECK:   %[[OLD:.+]] = linalg.generic {{.*}} ins(%[[R]] :
//   CHECK-DAG:   %[[PANELS:.+]] = tensor.expand_shape %[[OLD]]
//   CHECK-DAG:   %[[INIT:.+]] = tensor.expand_shape %{{.*}} : tensor<?x32xi8> into tensor<?x2x16xi8>
//       CHECK:   %[[IF:.+]] = scf.if %[[MANY]] -> (tensor<?x2x16xi8>)
//       CHECK:     %[[Y:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 64, 1, 0>}
//       CHECK:     linalg.generic {{.*}} ins(%[[Y]], %[[PANELS]] : {{.*}} outs(%[[INIT]] : {{.*}} {quant.tile_root, quant.tile_sizes = array<i64: 64, 1, 0>}
//       CHECK:   } else {
//       CHECK:     %[[Y2:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 1, 0>}
//       CHECK:     linalg.generic {{.*}} ins(%[[Y2]], %[[PANELS]] : {{.*}} outs(%[[INIT]] : {{.*}} {quant.tile_root, quant.tile_sizes = array<i64: 6, 1, 0>}
//       CHECK:   tensor.collapse_shape %{{.*}} : tensor<?x2x16xi8> into tensor<?x32xi8>
func.func @in_branches(%sums: tensor<?x2x16xi32>, %z: tensor<?x2x16xf32>, %f: tensor<?x32xi8>, %f32: tensor<?x32xf32>, %r: tensor<?x32xf32>, %many: i1, %rows: index) -> tensor<?x32xi8> {
  %choice = scf.if %many -> tensor<?x2x16xf32> {
    %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%sums : tensor<?x2x16xi32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 64, 1, 0>} {
    ^bb0(%a: i32, %o: f32):
      %0 = arith.sitofp %a : i32 to f32
      linalg.yield %0 : f32
    } -> tensor<?x2x16xf32>
    %part = tensor.extract_slice %y[0, 0, 0] [%rows, 2, 16] [1, 1, 1] : tensor<?x2x16xf32> to tensor<?x2x16xf32>
    scf.yield %part : tensor<?x2x16xf32>
  } else {
    %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%sums : tensor<?x2x16xi32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 6, 1, 0>} {
    ^bb0(%a: i32, %o: f32):
      %0 = arith.uitofp %a : i32 to f32
      linalg.yield %0 : f32
    } -> tensor<?x2x16xf32>
    %part = tensor.extract_slice %y[0, 0, 0] [%rows, 2, 16] [1, 1, 1] : tensor<?x2x16xf32> to tensor<?x2x16xf32>
    scf.yield %part : tensor<?x2x16xf32>
  }
  %all = tensor.extract_slice %choice[0, 0, 0] [%rows, 2, 16] [1, 1, 1] : tensor<?x2x16xf32> to tensor<?x2x16xf32>
  %joined = tensor.collapse_shape %all [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %old = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%r : tensor<?x32xf32>) outs(%f32 : tensor<?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.negf %a : f32
    linalg.yield %1 : f32
  } -> tensor<?x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%joined, %old : tensor<?x32xf32>, tensor<?x32xf32>) outs(%f : tensor<?x32xi8>) {
  ^bb0(%a: f32, %b: f32, %o: i8):
    %1 = arith.addf %a, %b : f32
    %2 = arith.fptosi %1 : f32 to i8
    linalg.yield %2 : i8
  } -> tensor<?x32xi8>
  return %e : tensor<?x32xi8>
}

// One branch is no packed layer.
// CHECK-LABEL: func @one_branch_untouched(
//       CHECK:   scf.if %{{.*}} -> (tensor<?x2x16xf32>)
//       CHECK:   tensor.collapse_shape
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]}
func.func @one_branch_untouched(%sums: tensor<?x2x16xi32>, %z: tensor<?x2x16xf32>, %f: tensor<?x32xf32>, %many: i1) -> tensor<?x32xf32> {
  %choice = scf.if %many -> tensor<?x2x16xf32> {
    %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%sums : tensor<?x2x16xi32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 64, 1, 0>} {
    ^bb0(%a: i32, %o: f32):
      %0 = arith.sitofp %a : i32 to f32
      linalg.yield %0 : f32
    } -> tensor<?x2x16xf32>
    scf.yield %y : tensor<?x2x16xf32>
  } else {
    scf.yield %z : tensor<?x2x16xf32>
  }
  %joined = tensor.collapse_shape %choice [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%joined : tensor<?x32xf32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.negf %a : f32
    linalg.yield %1 : f32
  } -> tensor<?x32xf32>
  return %e : tensor<?x32xf32>
}

// CHECK-LABEL: func @value_by_row_untouched(
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]}
func.func @value_by_row_untouched(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %z: tensor<?x2x16xf32>, %f: tensor<?x32xf32>, %b: tensor<?xf32>) -> tensor<?x32xf32> {
  %y = linalg.generic {indexing_maps = [#mk, #nkn, #mnn], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<2x8x16xf32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b0: f32, %acc: f32):
    %0 = math.fma %a, %b0, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?x2x16xf32>
  %rows = tensor.collapse_shape %y [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #m, #id], iterator_types = ["parallel", "parallel"]}
      ins(%rows, %b : tensor<?x32xf32>, tensor<?xf32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%sum: f32, %bias: f32, %o: f32):
    %1 = arith.addf %sum, %bias : f32
    linalg.yield %1 : f32
  } -> tensor<?x32xf32>
  return %e : tensor<?x32xf32>
}

// CHECK-LABEL: func @several_readers_untouched(
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]}
func.func @several_readers_untouched(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %z: tensor<?x2x16xf32>, %f: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %y = linalg.generic {indexing_maps = [#mk, #nkn, #mnn], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<2x8x16xf32>) outs(%z : tensor<?x2x16xf32>) attrs = {quant.tile_sizes = array<i64: 6, 1, 0, 1>} {
  ^bb0(%a: f32, %b0: f32, %acc: f32):
    %0 = math.fma %a, %b0, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?x2x16xf32>
  %rows = tensor.collapse_shape %y [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%rows : tensor<?x32xf32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%sum: f32, %o: f32):
    %1 = arith.negf %sum : f32
    linalg.yield %1 : f32
  } -> tensor<?x32xf32>
  return %rows, %e : tensor<?x32xf32>, tensor<?x32xf32>
}
