// RUN: quant-opt %s --quant-decompose-pads | FileCheck %s

// What is padded is inserted, and its borders are filled: all columns of the
// rows above and below it, its own rows of the columns beside it.
// CHECK-LABEL: func @pad(
//  CHECK-SAME:     %[[X:.+]]: tensor<2x3xf32>
//       CHECK:   %[[E:.+]] = tensor.empty() : tensor<5x4xf32>
//       CHECK:   %[[I:.+]] = tensor.insert_slice %[[X]] into %[[E]][1, 0] [2, 3] [1, 1]
//       CHECK:   %[[S0:.+]] = tensor.extract_slice %[[I]][0, 0] [1, 4] [1, 1]
//       CHECK:   %[[F0:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%[[S0]]
//       CHECK:   %[[Y0:.+]] = tensor.insert_slice %[[F0]] into %[[I]][0, 0] [1, 4] [1, 1]
//       CHECK:   %[[S1:.+]] = tensor.extract_slice %[[Y0]][3, 0] [2, 4] [1, 1]
//       CHECK:   %[[F1:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%[[S1]]
//       CHECK:   %[[Y1:.+]] = tensor.insert_slice %[[F1]] into %[[Y0]][3, 0] [2, 4] [1, 1]
//       CHECK:   %[[S2:.+]] = tensor.extract_slice %[[Y1]][1, 3] [2, 1] [1, 1]
//       CHECK:   %[[F2:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%[[S2]]
//       CHECK:   %[[Y2:.+]] = tensor.insert_slice %[[F2]] into %[[Y1]][1, 3] [2, 1] [1, 1]
//       CHECK:   return %[[Y2]]
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
//       CHECK:   tensor.insert_slice %[[T]] into %{{.+}}[0, 1, 2, 0]
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
//       CHECK:   %[[P:.+]] = tensor.insert_slice %{{.+}} into %{{.+}}[1, 3] [2, 1] [1, 1]
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

// What is computed before it is padded comes after the room for both; what is
// collapsed is padded before that.
// CHECK-LABEL: func @collapsed(
//       CHECK:   %[[E:.+]] = tensor.empty() : tensor<6x2x3xi8>
//       CHECK:   %[[T:.+]] = linalg.transpose
//       CHECK:   tensor.insert_slice %[[T]] into %[[E]][1, 0, 0] [4, 2, 3] [1, 1, 1]
//       CHECK:   %[[Y:.+]] = tensor.collapse_shape %{{.+}} {{\[\[}}0], [1, 2]] : tensor<6x2x3xi8> into tensor<6x6xi8>
//       CHECK:   return %[[Y]]
func.func @collapsed(%x: tensor<4x3x2xi8>) -> tensor<6x6xi8> {
  %c = arith.constant -128 : i8
  %e = tensor.empty() : tensor<4x2x3xi8>
  %t = linalg.transpose ins(%x : tensor<4x3x2xi8>) outs(%e : tensor<4x2x3xi8>) permutation = [0, 2, 1]
  %collapsed = tensor.collapse_shape %t [[0], [1, 2]] : tensor<4x2x3xi8> into tensor<4x6xi8>
  %y = tensor.pad %collapsed low[1, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : i8
  } : tensor<4x6xi8> to tensor<6x6xi8>
  return %y : tensor<6x6xi8>
}

// Zeros that several slices are inserted into are not copied for each of them.
// CHECK-LABEL: func @shared_zeros(
//   CHECK-NOT:   linalg.fill {{.*}} tensor<?x4xi8>)
//       CHECK:   tensor.extract_slice %{{.+}}[0, 3] [%{{.+}}, 1] [1, 1]
//       CHECK:   tensor.extract_slice %{{.+}}[0, 2] [%{{.+}}, 2] [1, 1]
func.func @shared_zeros(%x: tensor<?x3xi8>, %y: tensor<?x2xi8>, %n: index) -> (tensor<?x4xi8>, tensor<?x4xi8>) {
  %c = arith.constant 0 : i8
  %e = tensor.empty(%n) : tensor<?x4xi8>
  %f = linalg.fill ins(%c : i8) outs(%e : tensor<?x4xi8>) -> tensor<?x4xi8>
  %a = tensor.insert_slice %x into %f[0, 0] [%n, 3] [1, 1] : tensor<?x3xi8> into tensor<?x4xi8>
  %b = tensor.insert_slice %y into %f[0, 0] [%n, 2] [1, 1] : tensor<?x2xi8> into tensor<?x4xi8>
  return %a, %b : tensor<?x4xi8>, tensor<?x4xi8>
}

// Sizes that are not known to be equal.
// CHECK-LABEL: func @unknown_border_untouched(
//       CHECK:   %[[F:.+]] = linalg.fill
//  CHECK-NEXT:   tensor.insert_slice %{{.+}} into %[[F]]
func.func @unknown_border_untouched(%x: tensor<?x3xi8>, %m: index, %n: index) -> tensor<?x4xi8> {
  %c = arith.constant 0 : i8
  %e = tensor.empty(%n) : tensor<?x4xi8>
  %f = linalg.fill ins(%c : i8) outs(%e : tensor<?x4xi8>) -> tensor<?x4xi8>
  %a = tensor.insert_slice %x into %f[0, 0] [%m, 3] [1, 1] : tensor<?x3xi8> into tensor<?x4xi8>
  return %a : tensor<?x4xi8>
}

// Several dimensions are padded as one.
// CHECK-LABEL: func @collapsed_and_padded_untouched(
//       CHECK:   %[[X:.+]] = tensor.collapse_shape
//       CHECK:   tensor.insert_slice %[[X]]
func.func @collapsed_and_padded_untouched(%x: tensor<2x3xi8>) -> tensor<8xi8> {
  %c = arith.constant 0 : i8
  %e = tensor.empty() : tensor<3x2xi8>
  %t = linalg.transpose ins(%x : tensor<2x3xi8>) outs(%e : tensor<3x2xi8>) permutation = [1, 0]
  %collapsed = tensor.collapse_shape %t [[0, 1]] : tensor<3x2xi8> into tensor<6xi8>
  %y = tensor.pad %collapsed low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %c : i8
  } : tensor<6xi8> to tensor<8xi8>
  return %y : tensor<8xi8>
}
