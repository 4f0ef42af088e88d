// RUN: quant-opt %s --quant-sink-reshapes --split-input-file | FileCheck %s

// CHECK-LABEL: func @bias
//  CHECK-SAME:     %[[X:.+]]: tensor<?x3xf32>, %{{.+}}: tensor<3x8xf32>, %[[B:.+]]: tensor<8xf32>
//       CHECK:   %[[Y:.+]] = linalg.matmul
//       CHECK:   %[[Z:.+]] = linalg.generic {{.*}} ins(%[[Y]], %[[B]] : tensor<?x8xf32>, tensor<8xf32>)
//       CHECK:   %[[E:.+]] = tensor.expand_shape %[[Z]] {{\[\[}}0, 1], [2]]
//       CHECK:   return %[[E]]
func.func @bias(%x: tensor<?x3xf32>, %w: tensor<3x8xf32>, %b: tensor<8xf32>, %i: tensor<?x8xf32>, %o: tensor<?x4x8xf32>, %m: index) -> tensor<?x4x8xf32> {
  %y = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x8xf32>) outs(%i : tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = tensor.expand_shape %y [[0, 1], [2]] output_shape [%m, 4, 8] : tensor<?x8xf32> into tensor<?x4x8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (c)>, affine_map<(a, b, c) -> (a, b, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e, %b : tensor<?x4x8xf32>, tensor<8xf32>) outs(%o : tensor<?x4x8xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x4x8xf32>
  return %z : tensor<?x4x8xf32>
}

// -----

// A sum over the expanded dimension needs it.
// CHECK-LABEL: func @reduction_untouched
//       CHECK:   tensor.expand_shape
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}} : tensor<2x4x8xf32>)
func.func @reduction_untouched(%x: tensor<8x3xf32>, %w: tensor<3x8xf32>, %i: tensor<8x8xf32>, %o: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = linalg.matmul ins(%x, %w : tensor<8x3xf32>, tensor<3x8xf32>) outs(%i : tensor<8x8xf32>) -> tensor<8x8xf32>
  %e = tensor.expand_shape %y [[0, 1], [2]] output_shape [2, 4, 8] : tensor<8x8xf32> into tensor<2x4x8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, c)>], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%e : tensor<2x4x8xf32>) outs(%o : tensor<2x8xf32>) {
  ^bb0(%p: f32, %r: f32):
    %s = arith.addf %p, %r : f32
    linalg.yield %s : f32
  } -> tensor<2x8xf32>
  return %z : tensor<2x8xf32>
}

// -----

// A function argument is no product.
// CHECK-LABEL: func @argument_untouched
//       CHECK:   tensor.expand_shape
//       CHECK:   linalg.generic
func.func @argument_untouched(%y: tensor<8x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %e = tensor.expand_shape %y [[0, 1], [2]] output_shape [2, 4, 8] : tensor<8x8xf32> into tensor<2x4x8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e : tensor<2x4x8xf32>) outs(%o : tensor<2x4x8xf32>) {
  ^bb0(%p: f32, %r: f32):
    %s = arith.negf %p : f32
    linalg.yield %s : f32
  } -> tensor<2x4x8xf32>
  return %z : tensor<2x4x8xf32>
}

// -----

// The size of a reshaped product comes from what it was reshaped to, so that
// the product has one use.
// CHECK-LABEL: func @size_of_product
//  CHECK-SAME:   %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[M:[a-z0-9]+]]: index
//   CHECK-NOT:   tensor.dim
//       CHECK:   return %[[M]] : index
func.func @size_of_product(%x: tensor<?x8xf32>, %m: index) -> index {
  %c0 = arith.constant 0 : index
  %e = tensor.expand_shape %x [[0, 1], [2]] output_shape [%m, 4, 8] : tensor<?x8xf32> into tensor<?x4x8xf32>
  %d = tensor.dim %e, %c0 : tensor<?x4x8xf32>
  return %d : index
}
