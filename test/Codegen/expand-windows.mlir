// RUN: quant-opt %s --quant-expand-windows --split-input-file | FileCheck %s

#x = affine_map<(b, h, w, c, i, j) -> (b, h * 2 + i, w + j * 2, c)>
#window = affine_map<(b, h, w, c, i, j) -> (i, j)>
#y = affine_map<(b, h, w, c, i, j) -> (b, h, w, c)>

// One slice for each place of the window, added up in row-major order.
// CHECK-LABEL: func @sums(
//       CHECK:   %[[START:.+]] = arith.constant 7 : i16
//       CHECK:   %[[X0:.+]] = tensor.extract_slice %arg0[0, 0, 0, 0] [%{{.+}}, 4, 6, 8] [1, 2, 1, 1] : tensor<?x9x8x8xi8> to tensor<?x4x6x8xi8>
//       CHECK:   %[[X1:.+]] = tensor.extract_slice %arg0[0, 0, 2, 0] [%{{.+}}, 4, 6, 8] [1, 2, 1, 1]
//       CHECK:   %[[X2:.+]] = tensor.extract_slice %arg0[0, 1, 0, 0] [%{{.+}}, 4, 6, 8] [1, 2, 1, 1]
//       CHECK:   %[[X3:.+]] = tensor.extract_slice %arg0[0, 1, 2, 0] [%{{.+}}, 4, 6, 8] [1, 2, 1, 1]
//       CHECK:   linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel"]{{.*}} ins(%[[X0]], %[[X1]], %[[X2]], %[[X3]] :
//       CHECK:   ^bb0(%[[A:.+]]: i8, %[[B:.+]]: i8, %{{.+}}: i8, %{{.+}}: i8, %{{.+}}: i16):
//       CHECK:     %[[EA:.+]] = arith.extsi %[[A]] : i8 to i16
//       CHECK:     %[[SA:.+]] = arith.addi %[[START]], %[[EA]] : i16
//       CHECK:     %[[EB:.+]] = arith.extsi %[[B]] : i8 to i16
//       CHECK:     arith.addi %[[SA]], %[[EB]] : i16
func.func @sums(%x: tensor<?x9x8x8xi8>, %n: index) -> tensor<?x4x6x8xi16> {
  %c7 = arith.constant 7 : i16
  %window = tensor.empty() : tensor<2x2xi8>
  %e = tensor.empty(%n) : tensor<?x4x6x8xi16>
  %init = linalg.fill ins(%c7 : i16) outs(%e : tensor<?x4x6x8xi16>) -> tensor<?x4x6x8xi16>
  %sum = linalg.generic {indexing_maps = [#x, #window, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %window : tensor<?x9x8x8xi8>, tensor<2x2xi8>) outs(%init : tensor<?x4x6x8xi16>) {
  ^bb0(%in: i8, %i: i8, %out: i16):
    %0 = arith.extsi %in : i8 to i16
    %1 = arith.addi %out, %0 : i16
    linalg.yield %1 : i16
  } -> tensor<?x4x6x8xi16>
  return %sum : tensor<?x4x6x8xi16>
}

// -----

#x = affine_map<(b, c, h) -> (b, h, c)>
#y = affine_map<(b, c, h) -> (b, c)>

// One window of all places.
// CHECK-LABEL: func @maximum_of_all(
//       CHECK:   tensor.extract_slice %arg0[0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x3x8xi8> to tensor<2x8xi8>
//       CHECK:   tensor.extract_slice %arg0[0, 2, 0] [2, 1, 8] [1, 1, 1]
// CHECK-COUNT-3: arith.maxsi
func.func @maximum_of_all(%x: tensor<2x3x8xi8>) -> tensor<2x8xi8> {
  %least = arith.constant -128 : i8
  %e = tensor.empty() : tensor<2x8xi8>
  %init = linalg.fill ins(%least : i8) outs(%e : tensor<2x8xi8>) -> tensor<2x8xi8>
  %y = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x3x8xi8>) outs(%init : tensor<2x8xi8>) {
  ^bb0(%in: i8, %out: i8):
    %0 = arith.maxsi %in, %out : i8
    linalg.yield %0 : i8
  } -> tensor<2x8xi8>
  return %y : tensor<2x8xi8>
}

// -----

#x = affine_map<(b, c, h) -> (b, c, h)>
#y = affine_map<(b, c, h) -> (b, c)>

// The last loop would go through every third element.
// CHECK-LABEL: func @along_the_last_dimension_untouched(
//   CHECK-NOT:   tensor.extract_slice
func.func @along_the_last_dimension_untouched(%x: tensor<2x8x3xi8>) -> tensor<2x8xi8> {
  %least = arith.constant -128 : i8
  %e = tensor.empty() : tensor<2x8xi8>
  %init = linalg.fill ins(%least : i8) outs(%e : tensor<2x8xi8>) -> tensor<2x8xi8>
  %y = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x8x3xi8>) outs(%init : tensor<2x8xi8>) {
  ^bb0(%in: i8, %out: i8):
    %0 = arith.maxsi %in, %out : i8
    linalg.yield %0 : i8
  } -> tensor<2x8xi8>
  return %y : tensor<2x8xi8>
}

// -----

#x = affine_map<(b, c, h) -> (b, h, c)>
#y = affine_map<(b, c, h) -> (b, c)>

// CHECK-LABEL: func @large_untouched(
//   CHECK-NOT:   tensor.extract_slice
func.func @large_untouched(%x: tensor<2x65x8xi8>) -> tensor<2x8xi8> {
  %least = arith.constant -128 : i8
  %e = tensor.empty() : tensor<2x8xi8>
  %init = linalg.fill ins(%least : i8) outs(%e : tensor<2x8xi8>) -> tensor<2x8xi8>
  %y = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x65x8xi8>) outs(%init : tensor<2x8xi8>) {
  ^bb0(%in: i8, %out: i8):
    %0 = arith.maxsi %in, %out : i8
    linalg.yield %0 : i8
  } -> tensor<2x8xi8>
  return %y : tensor<2x8xi8>
}

// -----

#x = affine_map<(b, c, h) -> (b, h, c)>
#y = affine_map<(b, c, h) -> (b, c)>

// CHECK-LABEL: func @floats_untouched(
//   CHECK-NOT:   tensor.extract_slice
func.func @floats_untouched(%x: tensor<2x3x8xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x3x8xf32>) outs(%init : tensor<2x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
