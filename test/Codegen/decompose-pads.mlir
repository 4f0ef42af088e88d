// RUN: quant-opt %s --quant-decompose-pads | FileCheck %s

// CHECK-LABEL: func @pad(
//  CHECK-SAME:     %[[X:.+]]: tensor<2x3xf32>
//       CHECK:   %[[E:.+]] = tensor.empty() : tensor<5x4xf32>
//       CHECK:   %[[F:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%[[E]]
//       CHECK:   %[[Y:.+]] = tensor.insert_slice %[[X]] into %[[F]][1, 0] [2, 3] [1, 1]
//       CHECK:   return %[[Y]]
func.func @pad(%x: tensor<2x3xf32>) -> tensor<5x4xf32> {
  %c = arith.constant 1.0 : f32
  %y = tensor.pad %x low[1, 0] high[2, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<2x3xf32> to tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// CHECK-LABEL: func @insert_untouched(
//  CHECK-NEXT:   tensor.insert_slice
func.func @insert_untouched(%x: tensor<2x3xf32>, %y: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %z = tensor.insert_slice %x into %y[1, 0] [2, 3] [1, 1] : tensor<2x3xf32> into tensor<5x4xf32>
  return %z : tensor<5x4xf32>
}

// The transposition may write into what is padded.
// CHECK-LABEL: func @transposed(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x3x8x9xf32>
//   CHECK-NOT:   tensor<?x3x10x12xf32>
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[X]] : tensor<?x3x8x9xf32>) outs(%{{.+}} : tensor<?x8x9x3xf32>) permutation = [0, 2, 3, 1]
//       CHECK:   %[[F:.+]] = linalg.fill {{.*}} -> tensor<?x10x12x3xf32>
//       CHECK:   %[[Y:.+]] = tensor.insert_slice %[[T]] into %[[F]][0, 1, 2, 0]
//       CHECK:   return %[[Y]]
func.func @transposed(%x: tensor<?x3x8x9xf32>, %e: tensor<?x10x12x3xf32>) -> tensor<?x10x12x3xf32> {
  %c = arith.constant 1.0 : f32
  %y = tensor.pad %x low[0, 0, 1, 2] high[0, 0, 1, 1] {
  ^bb0(%h: index, %i: index, %j: index, %k: index):
    tensor.yield %c : f32
  } : tensor<?x3x8x9xf32> to tensor<?x3x10x12xf32>
  %t = linalg.transpose ins(%y : tensor<?x3x10x12xf32>) outs(%e : tensor<?x10x12x3xf32>) permutation = [0, 2, 3, 1]
  return %t : tensor<?x10x12x3xf32>
}

// CHECK-LABEL: func @padded_for_others_untouched(
//       CHECK:   %[[P:.+]] = tensor.insert_slice
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[P]]
//       CHECK:   return %[[P]], %[[T]]
func.func @padded_for_others_untouched(%x: tensor<2x3xf32>, %e: tensor<4x5xf32>) -> (tensor<5x4xf32>, tensor<4x5xf32>) {
  %c = arith.constant 1.0 : f32
  %y = tensor.pad %x low[1, 0] high[2, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<2x3xf32> to tensor<5x4xf32>
  %t = linalg.transpose ins(%y : tensor<5x4xf32>) outs(%e : tensor<4x5xf32>) permutation = [1, 0]
  return %y, %t : tensor<5x4xf32>, tensor<4x5xf32>
}
