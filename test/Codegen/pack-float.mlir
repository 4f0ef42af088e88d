// RUN: quant-opt %s --quant-pack | FileCheck %s
// RUN: quant-opt %s --quant-pack --canonicalize --quant-tile-linear --quant-vectorize | FileCheck %s --check-prefix=TILED

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {
// The weight [K, N] becomes panels of 8 columns, padded; rows run in blocks.
// CHECK-LABEL: func @matmul
//   CHECK-DAG:   arith.constant dense<{{.*}}> : tensor<1x3x8xf32>
//   CHECK-NOT:   linalg.matmul
//       CHECK:   linalg.generic {{.*}} {quant.tile_sizes = array<i64: 8, 1, 0, 1>}
//       CHECK:     math.fma
// TILED-LABEL: func @matmul
//       TILED:   scf.for {{.*}} iter_args({{.*}}) -> (vector<8x1x8xf32>)
//       TILED:     math.fma {{.*}} : vector<8x1x8xf32>
func.func @matmul(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %e = tensor.empty(%n) : tensor<?x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x2xf32>) outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// A long K in blocks: the panel of one takes a quarter of the second cache.
// CHECK-LABEL: func @blocks_of_k
//       CHECK:   scf.for %[[K:.+]] = %c0{{.*}} to %c2048{{.*}} step %c1024{{.*}} iter_args
//   CHECK-DAG:     tensor.extract_slice %{{.+}}[0, %[[K]]] [4, 1024] [1, 1] : tensor<4x2048xf32>
//   CHECK-DAG:     tensor.extract_slice %{{.+}}[0, %[[K]], 0] [1, 1024, 16] [1, 1, 1] : tensor<1x2048x16xf32>
//       CHECK:     linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 1, 0, 1>}
func.func @blocks_of_k(%x: tensor<4x2048xf32>) -> tensor<4x16xf32> {
  %w = arith.constant dense<1.0> : tensor<2048x16xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x16xf32>) -> tensor<4x16xf32>
  %y = linalg.matmul ins(%x, %w : tensor<4x2048xf32>, tensor<2048x16xf32>) outs(%f : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// Eight rows are four and four, not six and two; nine are six and three.
// CHECK-LABEL: func @equal_blocks
//       CHECK:     linalg.generic {{.*}} {quant.tile_sizes = array<i64: 4, 1, 0, 1>}
func.func @equal_blocks(%x: tensor<8x4xf32>) -> tensor<8x16xf32> {
  %w = arith.constant dense<1.0> : tensor<4x16xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x16xf32>) -> tensor<8x16xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x16xf32>) outs(%f : tensor<8x16xf32>) -> tensor<8x16xf32>
  return %y : tensor<8x16xf32>
}

// CHECK-LABEL: func @unequal_blocks_untouched
//       CHECK:     linalg.generic {{.*}} {quant.tile_sizes = array<i64: 6, 1, 0, 1>}
func.func @unequal_blocks_untouched(%x: tensor<9x4xf32>) -> tensor<9x16xf32> {
  %w = arith.constant dense<1.0> : tensor<4x16xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<9x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<9x16xf32>) -> tensor<9x16xf32>
  %y = linalg.matmul ins(%x, %w : tensor<9x4xf32>, tensor<4x16xf32>) outs(%f : tensor<9x16xf32>) -> tensor<9x16xf32>
  return %y : tensor<9x16xf32>
}

// Float groups and no bias: nothing follows the sum over groups.
// TILED-LABEL: func @group_sum_last
//   TILED-NOT:   linalg.generic
//       TILED:   return
func.func @group_sum_last(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi8>
  %s = arith.constant dense<[[0.5, 0.25], [2.0, 4.0]]> : tensor<2x2xf32>
  %y = quant.linear %x, %w scale(%s : tensor<2x2xf32>) : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
}
