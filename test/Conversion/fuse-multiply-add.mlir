// RUN: quant-opt %s --quant-fuse-multiply-add --split-input-file | FileCheck %s

// CHECK-LABEL: func @matmul(
//  CHECK-SAME:     %[[A:.+]]: tensor<?x8xf32>, %[[B:.+]]: tensor<8x2xf32>, %[[C:.+]]: tensor<?x2xf32>)
//       CHECK:   linalg.generic
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "reduction"]
//  CHECK-SAME:       ins(%[[A]], %[[B]] : {{.+}}) outs(%[[C]] :
//       CHECK:   ^bb0(%[[X:.+]]: f32, %[[W:.+]]: f32, %[[OUT:.+]]: f32):
//  CHECK-NEXT:     %[[FMA:.+]] = math.fma %[[X]], %[[W]], %[[OUT]]
//  CHECK-NEXT:     linalg.yield %[[FMA]]
func.func @matmul(%a: tensor<?x8xf32>, %b: tensor<8x2xf32>, %c: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = linalg.matmul ins(%a, %b : tensor<?x8xf32>, tensor<8x2xf32>) outs(%c : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @matmul_transposed_weight(
//       CHECK:     math.fma
//   CHECK-NOT:     arith.mulf
func.func @matmul_transposed_weight(%a: tensor<4x8xf32>, %b: tensor<2x8xf32>, %c: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<4x8xf32>, tensor<2x8xf32>) outs(%c : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func @generic_swapped(
//       CHECK:   ^bb0(%[[X:.+]]: f32, %[[W:.+]]: f32, %[[OUT:.+]]: f32):
//  CHECK-NEXT:     math.fma %[[X]], %[[W]], %[[OUT]]
func.func @generic_swapped(%a: tensor<8xf32>, %b: tensor<8xf32>, %c: tensor<f32>) -> tensor<f32> {
  %y = linalg.generic {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> ()>], iterator_types = ["reduction"]}
      ins(%a, %b : tensor<8xf32>, tensor<8xf32>) outs(%c : tensor<f32>) {
  ^bb0(%x: f32, %w: f32, %out: f32):
    %0 = arith.mulf %w, %x : f32
    %1 = arith.addf %0, %out : f32
    linalg.yield %1 : f32
  } -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// Not a reduction: each step rounds by itself.
// CHECK-LABEL: func @elementwise_untouched(
//       CHECK:     arith.mulf
//       CHECK:     arith.addf
//   CHECK-NOT:     math.fma
func.func @elementwise_untouched(%a: tensor<8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>) -> tensor<8xf32> {
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%a, %b : tensor<8xf32>, tensor<8xf32>) outs(%c : tensor<8xf32>) {
  ^bb0(%x: f32, %w: f32, %out: f32):
    %0 = arith.mulf %x, %w : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// A sum of squares is no contraction of two inputs.
// CHECK-LABEL: func @sum_of_squares_untouched(
//   CHECK-NOT:     math.fma
func.func @sum_of_squares_untouched(%a: tensor<8xf32>, %c: tensor<f32>) -> tensor<f32> {
  %y = linalg.generic {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> ()>], iterator_types = ["reduction"]}
      ins(%a : tensor<8xf32>) outs(%c : tensor<f32>) {
  ^bb0(%x: f32, %out: f32):
    %0 = arith.mulf %x, %x : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// CHECK-LABEL: func @other_types_untouched(
//       CHECK:   linalg.matmul
//       CHECK:   linalg.matmul
func.func @other_types_untouched(%a: tensor<4x8xi32>, %b: tensor<8x2xi32>, %c: tensor<4x2xi32>, %d: tensor<4x8xf64>, %e: tensor<8x2xf64>, %f: tensor<4x2xf64>) -> (tensor<4x2xi32>, tensor<4x2xf64>) {
  %y = linalg.matmul ins(%a, %b : tensor<4x8xi32>, tensor<8x2xi32>) outs(%c : tensor<4x2xi32>) -> tensor<4x2xi32>
  %z = linalg.matmul ins(%d, %e : tensor<4x8xf64>, tensor<8x2xf64>) outs(%f : tensor<4x2xf64>) -> tensor<4x2xf64>
  return %y, %z : tensor<4x2xi32>, tensor<4x2xf64>
}
