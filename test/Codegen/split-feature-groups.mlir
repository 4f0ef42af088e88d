// RUN: quant-opt %s --quant-split-feature-groups --canonicalize --cse | FileCheck %s

// CHECK-DAG: #[[AT0:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 + d2, 0, d3)>
// CHECK-DAG: #[[AT1:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 + d2, 1, d3)>

#x = affine_map<(m, n, k) -> (m, (n floordiv 2) * 3 + k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// Columns, weights and their parameters are cut; one scale is for all.
// CHECK-LABEL: func @integer(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x6xi8>, %[[SA:.+]]: tensor<f32>, %[[ZA:.+]]: tensor<i8>, %[[D:.+]]: tensor<?x4xf32>
//   CHECK-DAG:   %[[W0:.+]] = arith.constant dense<{{\[\[}}1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
//   CHECK-DAG:   %[[W1:.+]] = arith.constant dense<{{\[\[}}7, 8, 9], [10, 11, 12]]> : tensor<2x3xi8>
//   CHECK-DAG:   %[[S0:.+]] = arith.constant dense<{{\[\[}}1.{{.+}}], [2.{{.+}}]]> : tensor<2x1xf32>
//   CHECK-DAG:   %[[S1:.+]] = arith.constant dense<{{\[\[}}3.{{.+}}], [4.{{.+}}]]> : tensor<2x1xf32>
//   CHECK-DAG:   %[[B0:.+]] = arith.constant dense<[5.{{.+}}, 6.{{.+}}]> : tensor<2xf32>
//   CHECK-DAG:   %[[B1:.+]] = arith.constant dense<[7.{{.+}}, 8.{{.+}}]> : tensor<2xf32>
//       CHECK:   %[[X0:.+]] = tensor.extract_slice %[[X]][0, 0] [%{{.+}}, 3] [1, 1]
//       CHECK:   %[[D0:.+]] = tensor.extract_slice %[[D]][0, 0] [%{{.+}}, 2] [1, 1]
//       CHECK:   %[[Y0:.+]] = quant.linear %[[X0]], %[[W0]] scale(%[[S0]] : tensor<2x1xf32>) input(%[[SA]], %[[ZA]] : {{.+}}) bias(%[[B0]] : tensor<2xf32>) addend(%[[D0]] : tensor<?x2xf32>) : tensor<?x3xi8>, tensor<2x3xi8> -> tensor<?x2xf32>
//       CHECK:   %[[C0:.+]] = tensor.insert_slice %[[Y0]] into %{{.+}}[0, 0] [%{{.+}}, 2] [1, 1]
//       CHECK:   %[[X1:.+]] = tensor.extract_slice %[[X]][0, 3] [%{{.+}}, 3] [1, 1]
//       CHECK:   %[[D1:.+]] = tensor.extract_slice %[[D]][0, 2] [%{{.+}}, 2] [1, 1]
//       CHECK:   %[[Y1:.+]] = quant.linear %[[X1]], %[[W1]] scale(%[[S1]] : tensor<2x1xf32>) input(%[[SA]], %[[ZA]] : {{.+}}) bias(%[[B1]] : tensor<2xf32>) addend(%[[D1]] : tensor<?x2xf32>)
//       CHECK:   %[[C1:.+]] = tensor.insert_slice %[[Y1]] into %[[C0]][0, 2] [%{{.+}}, 2] [1, 1]
//       CHECK:   return %[[C1]]
func.func @integer(%x: tensor<?x6xi8>, %sa: tensor<f32>, %za: tensor<i8>, %d: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]> : tensor<4x3xi8>
  %s = arith.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %b = arith.constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>
  %y = quant.linear %x, %w scale(%s : tensor<4x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<4xf32>) addend(%d : tensor<?x4xf32>) {feature_groups = 2 : i64} : tensor<?x6xi8>, tensor<4x3xi8> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Weights of 4 bits stay so.
// CHECK-LABEL: func @nibbles(
// CHECK-COUNT-2: quant.linear {{.*}} : tensor<8x2xf32>, tensor<2x2xi4> -> tensor<8x2xf32>
func.func @nibbles(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %bytes = arith.constant dense<[[33], [67], [101], [50]]> : tensor<4x1xi8>
  %w = quant.unpack %bytes : tensor<4x1xi8> -> tensor<4x2xi4>
  %s = arith.constant dense<0.5> : tensor<4x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<4x1xf32>) {feature_groups = 2 : i64} : tensor<8x4xf32>, tensor<4x2xi4> -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

#at = affine_map<(n, h, g, i, c) -> (n, h + i, g, c)>
#id = affine_map<(n, h, g, i, c) -> (n, h, g, i, c)>

// Each group copies the windows of its own channels.
// CHECK-LABEL: func @patches(
//  CHECK-SAME:     %[[X:.+]]: tensor<2x5x2x1xf32>
//       CHECK:   %[[P0:.+]] = linalg.generic {indexing_maps = [#[[AT0]], {{.*}} ins(%[[X]] {{.*}} outs(%{{.+}} : tensor<2x3x3x1xf32>)
//       CHECK:   %[[R0:.+]] = tensor.collapse_shape %[[P0]] {{\[\[}}0, 1], [2, 3]]
//       CHECK:   linalg.matmul {{.*}} ins(%[[R0]], %{{.+}} : tensor<6x3xf32>, tensor<2x3xf32>)
//       CHECK:   %[[P1:.+]] = linalg.generic {indexing_maps = [#[[AT1]], {{.*}} ins(%[[X]]
//       CHECK:   %[[R1:.+]] = tensor.collapse_shape %[[P1]]
//       CHECK:   linalg.matmul {{.*}} ins(%[[R1]],
func.func @patches(%x: tensor<2x5x2x1xf32>) -> tensor<6x4xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]> : tensor<4x3xf32>
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x2x3x1xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x5x2x1xf32>) outs(%e : tensor<2x3x2x3x1xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<2x3x2x3x1xf32>
  %r = tensor.collapse_shape %p [[0, 1], [2, 3, 4]] : tensor<2x3x2x3x1xf32> into tensor<6x6xf32>
  %f = tensor.empty() : tensor<6x4xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%r, %w : tensor<6x6xf32>, tensor<4x3xf32>) outs(%z : tensor<6x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  } -> tensor<6x4xf32>
  return %y : tensor<6x4xf32>
}

// CHECK-LABEL: func @weights_of_the_caller_untouched(
//       CHECK:   quant.linear {{.*}} {feature_groups = 2 : i64}
func.func @weights_of_the_caller_untouched(%x: tensor<?x6xi8>, %w: tensor<4x3xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<?x4xf32> {
  %y = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {feature_groups = 2 : i64} : tensor<?x6xi8>, tensor<4x3xi8> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func @one_group_untouched(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   quant.linear %{{.+}}, %{{.+}} scale
func.func @one_group_untouched(%x: tensor<?x3xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<?x4xf32> {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]> : tensor<4x3xi8>
  %y = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) : tensor<?x3xi8>, tensor<4x3xi8> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func @many_groups_untouched(
//       CHECK:   quant.linear {{.*}} {feature_groups = 65 : i64}
func.func @many_groups_untouched(%x: tensor<?x65xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<?x65xf32> {
  %w = arith.constant dense<1> : tensor<65x1xi8>
  %y = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {feature_groups = 65 : i64} : tensor<?x65xi8>, tensor<65x1xi8> -> tensor<?x65xf32>
  return %y : tensor<?x65xf32>
}
