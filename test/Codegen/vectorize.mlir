// RUN: quant-opt %s --quant-tile-linear --quant-vectorize --cse | FileCheck %s

// The loop along K carries the accumulator as a vector around one contraction,
// which keeps the name of the instruction that its operands are packed for.
// CHECK-LABEL: func @dynamic_rows
//       CHECK:   %[[START:.+]] = vector.broadcast {{.*}} to vector<6x1x64xi32>
//       CHECK:   scf.for {{.*}} iter_args(%[[ACC:.+]] = %[[START]]) -> (vector<6x1x64xi32>)
//       CHECK:     %[[A:.+]] = vector.transfer_read {{.*}} vector<6x1x4xi8>
//       CHECK:     %[[W:.+]] = vector.transfer_read {{.*}} vector<1x1x64x4xi8>
//   CHECK-DAG:     %[[AE:.+]] = arith.extui %[[A]]
//   CHECK-DAG:     %[[WE:.+]] = arith.extsi %[[W]]
//       CHECK:     %[[SUM:.+]] = vector.contract {{.*}} %[[AE]], %[[WE]], %[[ACC]] {quant.dot_instruction = "avx512vnni_1x16x4_i32_u8_s8"}
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
      attrs = {quant.dot_instruction = "avx512vnni_1x16x4_i32_u8_s8", quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>} {
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

// A value of each row lines up with the rows by a cast, not by a transposition;
// rows and columns are as many, so no shape would show an exchange.
// CHECK-LABEL: func @square_block
//   CHECK-NOT:   vector.transpose
//       CHECK:   %[[X:.+]] = vector.transfer_read {{.*}} tensor<8x16xf32>, vector<8xf32>
//       CHECK:   %[[C:.+]] = vector.shape_cast %[[X]] : vector<8xf32> to vector<8x1x1xf32>
//       CHECK:   vector.broadcast %[[C]] : vector<8x1x1xf32> to vector<8x1x8xf32>
//       CHECK:   math.fma
func.func @square_block(%x: tensor<8x16xf32>, %w: tensor<1x16x8xf32>) -> tensor<8x1x8xf32> {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x1x8xf32>
  %init = linalg.fill ins(%c0 : f32) outs(%e : tensor<8x1x8xf32>) -> tensor<8x1x8xf32>
  %acc = linalg.generic {indexing_maps = [affine_map<(m, nb, n, k) -> (m, k)>, affine_map<(m, nb, n, k) -> (nb, k, n)>,
                                          affine_map<(m, nb, n, k) -> (m, nb, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x16xf32>, tensor<1x16x8xf32>) outs(%init : tensor<8x1x8xf32>)
      attrs = {quant.tile_sizes = array<i64: 8, 1, 0, 1>} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = math.fma %a, %b, %c : f32
    linalg.yield %s : f32
  } -> tensor<8x1x8xf32>
  return %acc : tensor<8x1x8xf32>
}

// A sum is read without its unit dimension just after it was written: it stays a
// vector.
// CHECK-LABEL: func @forward_without_unit_dims
//  CHECK-SAME:   (%[[V:.+]]: vector<6x1x1x64xi32>)
//       CHECK:   %[[R:.+]] = vector.shape_cast %[[V]] : vector<6x1x1x64xi32> to vector<6x1x64xi32>
//  CHECK-NEXT:   return %[[R]]
func.func @forward_without_unit_dims(%v: vector<6x1x1x64xi32>) -> vector<6x1x64xi32> {
  %c0 = arith.constant 0 : index
  %pad = arith.constant 0 : i32
  %e = tensor.empty() : tensor<6x1x1x64xi32>
  %t = vector.transfer_write %v, %e[%c0, %c0, %c0, %c0] {in_bounds = [true, true, true, true]} : vector<6x1x1x64xi32>, tensor<6x1x1x64xi32>
  %r = vector.transfer_read %t[%c0, %c0, %c0, %c0], %pad {in_bounds = [true, true, true], permutation_map = affine_map<(a, b, c, d) -> (a, c, d)>} : tensor<6x1x1x64xi32>, vector<6x1x64xi32>
  return %r : vector<6x1x64xi32>
}

// CHECK-LABEL: func @forward_part_untouched
//       CHECK:   vector.transfer_read
func.func @forward_part_untouched(%v: vector<2x64xi32>) -> vector<64xi32> {
  %c0 = arith.constant 0 : index
  %pad = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x64xi32>
  %t = vector.transfer_write %v, %e[%c0, %c0] {in_bounds = [true, true]} : vector<2x64xi32>, tensor<2x64xi32>
  %r = vector.transfer_read %t[%c0, %c0], %pad {in_bounds = [true]} : tensor<2x64xi32>, vector<64xi32>
  return %r : vector<64xi32>
}
