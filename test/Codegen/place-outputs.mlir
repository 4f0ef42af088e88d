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
