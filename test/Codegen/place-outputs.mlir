// RUN: quant-opt %s --quant-bind-interface --quant-place-outputs --split-input-file | FileCheck %s

// CHECK-LABEL: func @one_output
//  CHECK-SAME:     %{{.+}}: memref<4xf32>{{.*}}, %[[OUT:.+]]: memref<4xf32>
//       CHECK:   %[[TENSOR:.+]] = bufferization.to_tensor %[[OUT]]
//       CHECK:   linalg.fill {{.*}} outs(%[[TENSOR]]
func.func @one_output(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.add ins(%x, %x : tensor<4xf32>, tensor<4xf32>) outs(%f : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Both outputs start from the same zeros, which are in neither.
// CHECK-LABEL: func @shared_start_untouched
//       CHECK:   %[[EMPTY:.+]] = tensor.empty()
//       CHECK:   linalg.fill {{.*}} outs(%[[EMPTY]]
func.func @shared_start_untouched(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %z = linalg.matmul ins(%x, %y : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y, %z : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// An empty tensor that an intermediate value is written to as well is two.
// CHECK-LABEL: func @shared_empty
//  CHECK-SAME:     %{{.+}}: memref<4xf32>{{.*}}, %[[OUT:.+]]: memref<4xf32>
//   CHECK-DAG:   %[[EMPTY:.+]] = tensor.empty()
//   CHECK-DAG:   %[[TENSOR:.+]] = bufferization.to_tensor %[[OUT]]
//       CHECK:   linalg.exp {{.*}} outs(%[[EMPTY]]
//       CHECK:   linalg.add {{.*}} outs(%[[TENSOR]]
func.func @shared_empty(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %t = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.add ins(%x, %t : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Panels are computed in a view of the output.
// CHECK-LABEL: func @panels
//  CHECK-SAME:     %{{.+}}: memref<?x4x16xf32>{{.*}}, %[[OUT:.+]]: memref<?x64xf32>
//       CHECK:   %[[VIEW:.+]] = memref.expand_shape %[[OUT]] {{\[\[}}0], [1, 2]] output_shape [%{{.+}}, 4, 16]
//       CHECK:   %[[TENSOR:.+]] = bufferization.to_tensor %[[VIEW]]
//       CHECK:   linalg.add {{.*}} outs(%[[TENSOR]]
//       CHECK:   materialize_in_destination %{{.+}} in writable %[[VIEW]]
func.func @panels(%x: tensor<?x4x16xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x4x16xf32>
  %e = tensor.empty(%rows) : tensor<?x4x16xf32>
  %y = linalg.add ins(%x, %x : tensor<?x4x16xf32>, tensor<?x4x16xf32>) outs(%e : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %z = tensor.collapse_shape %y [[0], [1, 2]] : tensor<?x4x16xf32> into tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// -----

// The sizes of the panels do not follow from that of the output.
// CHECK-LABEL: func @unknown_panels_untouched
//   CHECK-NOT:   memref.expand_shape
func.func @unknown_panels_untouched(%x: tensor<4x?x16xf32>)
    -> (tensor<4x?xf32> {quant.shape = affine_map<(d0) -> (4, d0 * 16)>}) {
  %z = tensor.collapse_shape %x [[0], [1, 2]] : tensor<4x?x16xf32> into tensor<4x?xf32>
  return %z : tensor<4x?xf32>
}
