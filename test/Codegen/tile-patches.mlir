// RUN: quant-opt %s --quant-tile-patches --canonicalize --cse | FileCheck %s

#at = affine_map<(n, h, w, i, j, c) -> (n, h + i, w + j, c)>
#id = affine_map<(n, h, w, i, j, c) -> (n, h, w, i, j, c)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// Patches of a sample are 28 * 28 * 144 floats. A loop over samples and blocks of lines.
// CHECK-LABEL: func @float(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x30x30x16xf32>, %[[W:.+]]: tensor<16x144xf32>
//       CHECK:   scf.for %[[N:.+]] = %c0 to %{{.+}} step %c1
//       CHECK:     scf.for %[[H:.+]] = %c0 to %c28 step %[[STEP:c[0-9]+]]
//       CHECK:       %[[ROW:.+]] = affine.apply #{{.+}}()[%[[N]], %[[H]]]
//       CHECK:       %[[PART:.+]] = tensor.extract_slice %[[X]][%[[N]], %[[H]], 0, 0] [1, [[LINES:[0-9]+]], 30, 16]
//       CHECK:       %[[P:.+]] = linalg.generic {{.*}} ins(%[[PART]] :
//       CHECK:       %[[ROWS:.+]] = tensor.collapse_shape %[[P]] {{\[\[}}0, 1, 2], [3, 4, 5]] : {{.+}} into tensor<[[M:[0-9]+]]x144xf32>
//       CHECK:       %[[Y:.+]] = linalg.matmul {{.*}} ins(%[[ROWS]], %[[W]] : tensor<[[M]]x144xf32>, tensor<16x144xf32>) outs(%{{.+}} : tensor<[[M]]x16xf32>)
//       CHECK:       tensor.insert_slice %[[Y]] into %{{.+}}[%[[ROW]], 0] {{\[}}[[M]], 16] [1, 1]
//       CHECK:     } {quant.parallel}
//       CHECK:   } {quant.parallel}
func.func @float(%x: tensor<?x30x30x16xf32>, %w: tensor<16x144xf32>, %n: index, %m: index) -> tensor<?x16xf32> {
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x28x28x3x3x16xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x30x30x16xf32>) outs(%e : tensor<?x28x28x3x3x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x28x28x3x3x16xf32>
  %c = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<?x28x28x3x3x16xf32> into tensor<?x144xf32>
  %f = tensor.empty(%m) : tensor<?x16xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%c, %w : tensor<?x144xf32>, tensor<16x144xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// What follows the layer is part of a block, with the rows of the block of what
// it adds.
// CHECK-LABEL: func @epilogue(
//  CHECK-SAME:     %{{.+}}: tensor<1x30x30x16xf32>, %{{.+}}: tensor<16x144xf32>, %[[R:.+]]: tensor<784x16xf32>, %[[B:.+]]: tensor<16xf32>)
//       CHECK:   scf.for %[[H:.+]] = %c0 to %c28
//       CHECK:     %[[ROW:.+]] = affine.apply
//       CHECK:     %[[Y:.+]] = linalg.matmul
//       CHECK:     %[[RESIDUAL:.+]] = tensor.extract_slice %[[R]][%[[ROW]], 0] [[SIZES:\[[0-9]+, 16\]]]
//       CHECK:     %[[E:.+]] = linalg.generic {{.*}} ins(%[[RESIDUAL]], %[[Y]], %[[B]] :
//       CHECK:     tensor.insert_slice %[[E]] into %{{.+}}[%[[ROW]], 0] [[SIZES]]
func.func @epilogue(%x: tensor<1x30x30x16xf32>, %w: tensor<16x144xf32>, %r: tensor<784x16xf32>, %b: tensor<16xf32>) -> tensor<784x16xf32> {
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x28x28x3x3x16xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x30x30x16xf32>) outs(%e : tensor<1x28x28x3x3x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<1x28x28x3x3x16xf32>
  %c = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<1x28x28x3x3x16xf32> into tensor<784x144xf32>
  %f = tensor.empty() : tensor<784x16xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<784x16xf32>) -> tensor<784x16xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%c, %w : tensor<784x144xf32>, tensor<16x144xf32>) outs(%z : tensor<784x16xf32>) -> tensor<784x16xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%r, %y, %b : tensor<784x16xf32>, tensor<784x16xf32>, tensor<16xf32>) outs(%f : tensor<784x16xf32>) {
  ^bb0(%old: f32, %sum: f32, %bias: f32, %o: f32):
    %0 = arith.addf %sum, %bias : f32
    %1 = arith.addf %0, %old : f32
    linalg.yield %1 : f32
  } -> tensor<784x16xf32>
  return %s : tensor<784x16xf32>
}

// Something else reads the layer as well: what follows it stays behind.
// CHECK-LABEL: func @several_readers(
//       CHECK:   scf.for
//   CHECK-NOT:     arith.maximumf
//       CHECK:     scf.yield
//       CHECK:   arith.maximumf
func.func @several_readers(%x: tensor<1x30x30x16xf32>, %w: tensor<16x144xf32>) -> (tensor<784x16xf32>, tensor<784x16xf32>) {
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x28x28x3x3x16xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x30x30x16xf32>) outs(%e : tensor<1x28x28x3x3x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<1x28x28x3x3x16xf32>
  %c = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<1x28x28x3x3x16xf32> into tensor<784x144xf32>
  %f = tensor.empty() : tensor<784x16xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<784x16xf32>) -> tensor<784x16xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%c, %w : tensor<784x144xf32>, tensor<16x144xf32>) outs(%z : tensor<784x16xf32>) -> tensor<784x16xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<784x16xf32>) outs(%f : tensor<784x16xf32>) {
  ^bb0(%sum: f32, %o: f32):
    %0 = arith.maximumf %sum, %cst : f32
    linalg.yield %0 : f32
  } -> tensor<784x16xf32>
  return %y, %s : tensor<784x16xf32>, tensor<784x16xf32>
}

// The patches of a sample stay in the cache.
// CHECK-LABEL: func @small_untouched(
//   CHECK-NOT:   scf.for
//       CHECK:   linalg.matmul
func.func @small_untouched(%x: tensor<?x10x10x4xf32>, %w: tensor<16x36xf32>, %n: index, %m: index) -> tensor<?x16xf32> {
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x8x8x3x3x4xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x10x10x4xf32>) outs(%e : tensor<?x8x8x3x3x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x8x8x3x3x4xf32>
  %c = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<?x8x8x3x3x4xf32> into tensor<?x36xf32>
  %f = tensor.empty(%m) : tensor<?x16xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%c, %w : tensor<?x36xf32>, tensor<16x36xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

}
