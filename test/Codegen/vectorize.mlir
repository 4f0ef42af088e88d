// RUN: quant-opt %s --quant-tile-linear --quant-vectorize --cse | FileCheck %s

// The loop along K carries the accumulator as a vector around one contraction.
// CHECK-LABEL: func @dynamic_rows
//       CHECK:   %[[START:.+]] = vector.broadcast {{.*}} to vector<6x1x64xi32>
//       CHECK:   scf.for {{.*}} iter_args(%[[ACC:.+]] = %[[START]]) -> (vector<6x1x64xi32>)
//       CHECK:     %[[A:.+]] = vector.transfer_read {{.*}} vector<6x1x4xi8>
//       CHECK:     %[[W:.+]] = vector.transfer_read {{.*}} vector<1x1x64x4xi8>
//   CHECK-DAG:     %[[AE:.+]] = arith.extui %[[A]]
//   CHECK-DAG:     %[[WE:.+]] = arith.extsi %[[W]]
//       CHECK:     %[[SUM:.+]] = vector.contract {{.*}} %[[AE]], %[[WE]], %[[ACC]]
//  CHECK-NEXT:     scf.yield %[[SUM]]
//       CHECK:   arith.sitofp {{.*}} vector<6x1x64xi32>
//   CHECK-NOT:   linalg.generic
#lhs = affine_map<(m, nb, n, k, kk) -> (m, k, kk)>
#rhs = affine_map<(m, nb, n, k, kk) -> (nb, k, n, kk)>
#acc = affine_map<(m, nb, n, k, kk) -> (m, nb, n)>
#out = affine_map<(m, nb, n) -> (m, nb, n)>
#col = affine_map<(m, nb, n) -> (nb, n)>

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
