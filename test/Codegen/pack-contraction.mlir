// RUN: quant-opt %s --quant-pack | FileCheck %s
// RUN: quant-opt %s --quant-pack --canonicalize --quant-tile-linear --quant-vectorize --canonicalize | FileCheck %s --check-prefix=TILED

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#nm = affine_map<(m, n, k) -> (n, m)>

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// y = x w^T. The weight is transposed into panels of 16 columns; the 4 that are
// left have a panel of their own. A panel is filled once for all rows.
// CHECK-LABEL: func @forward(
//       CHECK:   %[[PANEL:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<1x24x36xf32>) attrs = {quant.per_panel, quant.tile_sizes = array<i64: 0, 8, 8>}
//       CHECK:   %[[ZEROS:.+]] = linalg.generic {{.*}} {quant.tile_sizes = array<i64: 0, 0>}
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}}, %[[PANEL]] : {{.*}} outs(%[[ZEROS]] : {{.*}} {quant.tile_sizes = array<i64: 6, 16, 1>}
//       CHECK:     math.fma
// TILED-LABEL: func @forward(
//       TILED:   scf.for
//       TILED:     %[[PANEL:.+]] = scf.for {{.*}}tensor<1x24x16xf32>
//       TILED:       vector.transfer_read {{.*}} vector<8x8xf32>
//       TILED:       vector.transpose
//       TILED:     scf.for
//       TILED:       scf.for {{.*}} -> (vector<6x16xf32>)
//       TILED:         vector.transfer_read %[[PANEL]]
//       TILED:         math.fma {{.*}} : vector<6x16xf32>
//       TILED:     scf.for
//       TILED:       scf.for {{.*}} -> (vector<1x16xf32>)
//       TILED:   %[[LAST:.+]] = scf.for {{.*}}tensor<1x24x4xf32>
//       TILED:     scf.for {{.*}} -> (vector<6x4xf32>)
//   TILED-NOT:   linalg.generic
func.func @forward(%x: tensor<?x24xf32>, %w: tensor<36x24xf32>) -> tensor<?x36xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x24xf32>
  %e = tensor.empty(%m) : tensor<?x36xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x36xf32>) -> tensor<?x36xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %w : tensor<?x24xf32>, tensor<36x24xf32>) outs(%f : tensor<?x36xf32>) -> tensor<?x36xf32>
  return %y : tensor<?x36xf32>
}

// dw = dy^T x: rows of x are copied into panels, the sum is over the rows.
// CHECK-LABEL: func @weight_gradient(
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<1x?x32xf32>) attrs = {quant.per_panel, quant.tile_sizes = array<i64: 0, 1, 0>}
//       CHECK:   linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 16, 1>}
// TILED-LABEL: func @weight_gradient(
//       TILED:   %[[ROWS:.+]] = tensor.dim
//       TILED:   scf.for %{{.+}} = %c0 to %[[ROWS]] step %c1 iter_args({{.*}}) -> (vector<6x16xf32>)
//   TILED-NOT:   linalg.generic
func.func @weight_gradient(%dy: tensor<?x12xf32>, %x: tensor<?x32xf32>) -> tensor<12x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<12x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<12x32xf32>) -> tensor<12x32xf32>
  %dw = linalg.matmul indexing_maps = [#km, #kn, #mn] ins(%dy, %x : tensor<?x12xf32>, tensor<?x32xf32>) outs(%f : tensor<12x32xf32>) -> tensor<12x32xf32>
  return %dw : tensor<12x32xf32>
}

// Where the terms of a row are a page apart, and several panels read them, they
// are brought together by squares first, once for all panels.
// CHECK-LABEL: func @far_apart(
//       CHECK:   %[[LHS:.+]] = linalg.generic {{.*}} ins(%arg0 : {{.*}} outs({{.*}} : tensor<1024x24xf32>) attrs = {quant.tile_root, quant.tile_sizes = array<i64: 8, 8>}
//       CHECK:   linalg.generic {{.*}} ins(%[[LHS]], {{.*}} {quant.tile_sizes = array<i64: 6, 16, 1>}
// TILED-LABEL: func @far_apart(
//       TILED:   scf.for
//       TILED:     scf.for
//       TILED:       vector.transfer_read %arg0{{.*}} vector<8x8xf32>
//       TILED:       vector.transpose
//       TILED:   scf.for
//   TILED-NOT:   linalg.generic
func.func @far_apart(%dy: tensor<24x1024xf32>, %x: tensor<24x64xf32>) -> tensor<1024x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1024x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1024x64xf32>) -> tensor<1024x64xf32>
  %dw = linalg.matmul indexing_maps = [#km, #kn, #mn] ins(%dy, %x : tensor<24x1024xf32>, tensor<24x64xf32>) outs(%f : tensor<1024x64xf32>) -> tensor<1024x64xf32>
  return %dw : tensor<1024x64xf32>
}

// Two panels do not pay for it.
// CHECK-LABEL: func @far_apart_untouched(
//   CHECK-NOT:   quant.tile_root
//       CHECK:   return
func.func @far_apart_untouched(%dy: tensor<24x1024xf32>, %x: tensor<24x32xf32>) -> tensor<1024x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1024x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1024x32xf32>) -> tensor<1024x32xf32>
  %dw = linalg.matmul indexing_maps = [#km, #kn, #mn] ins(%dy, %x : tensor<24x1024xf32>, tensor<24x32xf32>) outs(%f : tensor<1024x32xf32>) -> tensor<1024x32xf32>
  return %dw : tensor<1024x32xf32>
}

// One panel of columns that lie side by side is read where it is. The sum
// starts from what there is.
// CHECK-LABEL: func @in_place(
//   CHECK-NOT:   quant.per_panel
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}}, %arg1 : {{.*}} outs(%arg2 : tensor<?x16xf32>) attrs = {quant.tile_sizes
func.func @in_place(%x: tensor<?x24xf32>, %w: tensor<24x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %r = linalg.matmul ins(%x, %w : tensor<?x24xf32>, tensor<24x16xf32>) outs(%y : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// A transposed result is the product of the operands in the other order.
// CHECK-LABEL: func @transposed_result(
//       CHECK:   linalg.generic {{.*}} ins(%arg1, {{.*}} outs({{.*}} : tensor<8x24xf32>)
func.func @transposed_result(%x: tensor<24x40xf32>, %w: tensor<8x40xf32>, %y: tensor<8x24xf32>) -> tensor<8x24xf32> {
  %r = linalg.matmul indexing_maps = [#mk, #nk, #nm] ins(%x, %w : tensor<24x40xf32>, tensor<8x40xf32>) outs(%y : tensor<8x24xf32>) -> tensor<8x24xf32>
  return %r : tensor<8x24xf32>
}

// Products of a batch are made one by one.
// CHECK-LABEL: func @batch(
//       CHECK:   scf.for
//       CHECK:     tensor.extract_slice %arg0{{.*}} to tensor<8x24xf32>
//       CHECK:     linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 16, 1>}
//       CHECK:     tensor.insert_slice
func.func @batch(%x: tensor<3x8x24xf32>, %w: tensor<3x24x16xf32>, %y: tensor<3x8x16xf32>) -> tensor<3x8x16xf32> {
  %r = linalg.batch_matmul ins(%x, %w : tensor<3x8x24xf32>, tensor<3x24x16xf32>) outs(%y : tensor<3x8x16xf32>) -> tensor<3x8x16xf32>
  return %r : tensor<3x8x16xf32>
}

// So are rows that only one operand has, here d0: the longest are the rows of a
// product, the others loops around it.
// CHECK-LABEL: func @broadcast(
//       CHECK:   scf.for {{.*}} to %c3
//       CHECK:     scf.for {{.*}} to %c2
//       CHECK:       tensor.extract_slice %arg0[%{{.+}}, 0, %{{.+}}, 0] [1, 8, 1, 24] {{.*}} to tensor<8x24xf32>
//       CHECK:       tensor.extract_slice %arg1[%{{.+}}, 0, 0] [1, 24, 16] {{.*}} to tensor<24x16xf32>
//       CHECK:       linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 16, 1>}
//       CHECK:       tensor.insert_slice {{.*}} into {{.*}}[%{{.+}}, %{{.+}}, 0, 0] [1, 1, 8, 16]
func.func @broadcast(%x: tensor<3x8x2x24xf32>, %w: tensor<3x24x16xf32>, %y: tensor<3x2x8x16xf32>) -> tensor<3x2x8x16xf32> {
  %r = linalg.contract indexing_maps = [
      affine_map<(b, g, m, n, k) -> (b, m, g, k)>,
      affine_map<(b, g, m, n, k) -> (b, k, n)>,
      affine_map<(b, g, m, n, k) -> (b, g, m, n)>]
    ins(%x, %w : tensor<3x8x2x24xf32>, tensor<3x24x16xf32>) outs(%y : tensor<3x2x8x16xf32>) -> tensor<3x2x8x16xf32>
  return %r : tensor<3x2x8x16xf32>
}

// Two dimensions to sum over are no product of matrices.
// CHECK-LABEL: func @depth_untouched(
//       CHECK:   linalg.contract
func.func @depth_untouched(%x: tensor<8x2x24xf32>, %w: tensor<2x24x16xf32>, %y: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %r = linalg.contract indexing_maps = [
      affine_map<(m, n, j, k) -> (m, j, k)>,
      affine_map<(m, n, j, k) -> (j, k, n)>,
      affine_map<(m, n, j, k) -> (m, n)>]
    ins(%x, %w : tensor<8x2x24xf32>, tensor<2x24x16xf32>) outs(%y : tensor<8x16xf32>) -> tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// CHECK-LABEL: func @vector_untouched(
//       CHECK:   linalg.matvec
func.func @vector_untouched(%w: tensor<24x16xf32>, %x: tensor<16xf32>, %y: tensor<24xf32>) -> tensor<24xf32> {
  %r = linalg.matvec ins(%w, %x : tensor<24x16xf32>, tensor<16xf32>) outs(%y : tensor<24xf32>) -> tensor<24xf32>
  return %r : tensor<24xf32>
}
}
