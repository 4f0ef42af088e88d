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
