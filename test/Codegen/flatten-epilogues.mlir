// RUN: quant-opt %s --quant-flatten-epilogues | FileCheck %s

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(b, h, w, n) -> (b, h, w, n)>
#n = affine_map<(b, h, w, n) -> (n)>
#h = affine_map<(b, h, w, n) -> (h)>

// CHECK-LABEL: func @bias_and_residual(
//  CHECK-SAME:     %{{.+}}: tensor<?x8xf32>, %{{.+}}: tensor<16x8xf32>, %[[B:.+]]: tensor<16xf32>, %[[R:.+]]: tensor<?x4x5x16xf32>
//   CHECK-DAG:   %[[Y:.+]] = linalg.matmul
//   CHECK-DAG:   %[[ROWS:.+]] = tensor.collapse_shape %[[R]] {{\[\[}}0, 1, 2], [3]] : tensor<?x4x5x16xf32> into tensor<?x16xf32>
//       CHECK:   %[[S:.+]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[Y]], %[[B]], %[[ROWS]] :
//       CHECK:   %[[E:.+]] = tensor.expand_shape %[[S]] {{\[\[}}0, 1, 2], [3]]
//       CHECK:   return %[[E]]
func.func @bias_and_residual(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>, %b: tensor<16xf32>, %r: tensor<?x4x5x16xf32>, %z: tensor<?x16xf32>, %size: index) -> tensor<?x4x5x16xf32> {
  %cst = arith.constant 0.0 : f32
  %zeros = linalg.fill ins(%cst : f32) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %w : tensor<?x8xf32>, tensor<16x8xf32>) outs(%zeros : tensor<?x16xf32>) -> tensor<?x16xf32>
  %e = tensor.expand_shape %y [[0, 1, 2], [3]] output_shape [%size, 4, 5, 16] : tensor<?x16xf32> into tensor<?x4x5x16xf32>
  %f = tensor.empty(%size) : tensor<?x4x5x16xf32>
  %s = linalg.generic {indexing_maps = [#id, #n, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%e, %b, %r : tensor<?x4x5x16xf32>, tensor<16xf32>, tensor<?x4x5x16xf32>) outs(%f : tensor<?x4x5x16xf32>) {
  ^bb0(%sum: f32, %bias: f32, %old: f32, %o: f32):
    %0 = arith.addf %sum, %bias : f32
    %1 = arith.addf %0, %old : f32
    linalg.yield %1 : f32
  } -> tensor<?x4x5x16xf32>
  return %s : tensor<?x4x5x16xf32>
}

// A value for each line is no value for a row or a column.
// CHECK-LABEL: func @lines_untouched(
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
func.func @lines_untouched(%x: tensor<20x8xf32>, %w: tensor<16x8xf32>, %b: tensor<4xf32>, %z: tensor<20x16xf32>) -> tensor<1x4x5x16xf32> {
  %cst = arith.constant 0.0 : f32
  %zeros = linalg.fill ins(%cst : f32) outs(%z : tensor<20x16xf32>) -> tensor<20x16xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %w : tensor<20x8xf32>, tensor<16x8xf32>) outs(%zeros : tensor<20x16xf32>) -> tensor<20x16xf32>
  %e = tensor.expand_shape %y [[0, 1, 2], [3]] output_shape [1, 4, 5, 16] : tensor<20x16xf32> into tensor<1x4x5x16xf32>
  %f = tensor.empty() : tensor<1x4x5x16xf32>
  %s = linalg.generic {indexing_maps = [#id, #h, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%e, %b : tensor<1x4x5x16xf32>, tensor<4xf32>) outs(%f : tensor<1x4x5x16xf32>) {
  ^bb0(%sum: f32, %bias: f32, %o: f32):
    %0 = arith.addf %sum, %bias : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x5x16xf32>
  return %s : tensor<1x4x5x16xf32>
}

// CHECK-LABEL: func @no_layer_untouched(
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
func.func @no_layer_untouched(%y: tensor<20x16xf32>, %b: tensor<16xf32>) -> tensor<1x4x5x16xf32> {
  %e = tensor.expand_shape %y [[0, 1, 2], [3]] output_shape [1, 4, 5, 16] : tensor<20x16xf32> into tensor<1x4x5x16xf32>
  %f = tensor.empty() : tensor<1x4x5x16xf32>
  %s = linalg.generic {indexing_maps = [#id, #n, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%e, %b : tensor<1x4x5x16xf32>, tensor<16xf32>) outs(%f : tensor<1x4x5x16xf32>) {
  ^bb0(%sum: f32, %bias: f32, %o: f32):
    %0 = arith.addf %sum, %bias : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x5x16xf32>
  return %s : tensor<1x4x5x16xf32>
}
