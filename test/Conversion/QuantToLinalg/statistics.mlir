// RUN: quant-opt %s --quant-lower-to-linalg | FileCheck %s

// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[NONE:.+]] = affine_map<(d0, d1) -> ()>
// CHECK-DAG: #[[MIN:.+]] = affine_map<(d0, d1) -> (d0, d1, 0)>
// CHECK-DAG: #[[MAX:.+]] = affine_map<(d0, d1) -> (d0, d1, 1)>

// From [+inf, -inf] over finite elements; then -0 becomes +0.
// CHECK-LABEL: func @observe_rows(
//   CHECK-DAG:   arith.constant 0x7F800000 : f32
//   CHECK-DAG:   arith.constant 0xFF800000 : f32
//       CHECK:   %[[BOUNDS:.+]]:2 = linalg.generic {indexing_maps = [#[[ID]], #[[ROW]], #[[ROW]]], iterator_types = ["parallel", "reduction"]}
//  CHECK-SAME:     attrs = {quant.any_order}
//       CHECK:     math.absf
//       CHECK:     %[[LOW:.+]] = arith.select
//       CHECK:     arith.cmpf olt, %[[LOW]],
//       CHECK:     arith.select
//       CHECK:     %[[HIGH:.+]] = arith.select
//       CHECK:     arith.cmpf olt, %{{.+}}, %[[HIGH]]
//       CHECK:     arith.select
//       CHECK:   %[[FINISHED:.+]]:2 = linalg.generic
//       CHECK:     arith.addf
//       CHECK:     arith.addf
//       CHECK:   %[[HALF:.+]] = tensor.insert_slice %[[FINISHED]]#0 into %{{.+}}[0, 0, 0]
//       CHECK:   %[[RANGE:.+]] = tensor.insert_slice %[[FINISHED]]#1 into %[[HALF]][0, 0, 1]
//       CHECK:   return %[[RANGE]] : tensor<?x1x2xf32>
func.func @observe_rows(%x: tensor<?x7xf32>) -> tensor<?x1x2xf32> {
  %range = quant.observe %x : tensor<?x7xf32> -> tensor<?x1x2xf32>
  return %range : tensor<?x1x2xf32>
}

// CHECK-LABEL: func @observe_all(
//       CHECK:   linalg.generic {indexing_maps = [#[[ID]], #[[NONE]], #[[NONE]]], iterator_types = ["reduction", "reduction"]}
func.func @observe_all(%x: tensor<?x7xf32>) -> tensor<2xf32> {
  %range = quant.observe %x : tensor<?x7xf32> -> tensor<2xf32>
  return %range : tensor<2xf32>
}

// CHECK-LABEL: func @observe_groups(
//       CHECK:   tensor.expand_shape %{{.+}} {{\[\[}}0], [1, 2]] output_shape [8, 3, 32]
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
func.func @observe_groups(%x: tensor<8x96xf32>) -> tensor<8x3x2xf32> {
  %range = quant.observe %x : tensor<8x96xf32> -> tensor<8x3x2xf32>
  return %range : tensor<8x3x2xf32>
}

// CHECK-LABEL: func @choose_asymmetric(
//  CHECK-SAME:     %[[RANGE:.+]]: tensor<?x1x2xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[MIN]], #[[MAX]], #[[ID]], #[[ID]]]
//  CHECK-SAME:       ins(%[[RANGE]], %[[RANGE]] :
//       CHECK:     arith.constant 2.550000e+02 : f32
//       CHECK:     arith.divf
//       CHECK:     arith.bitcast
//       CHECK:     linalg.yield %{{.+}}, %{{.+}} : f32, i8
func.func @choose_asymmetric(%range: tensor<?x1x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi8>) {
  %scale, %zero_point = quant.choose_params %range {bits = 8 : i64} : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
  return %scale, %zero_point : tensor<?x1xf32>, tensor<?x1xi8>
}

// The zero point of a symmetric range is the constant 0.
// CHECK-LABEL: func @choose_symmetric(
//       CHECK:     arith.constant 7.000000e+00 : f32
//       CHECK:     %[[ZERO:.+]] = arith.constant 0 : i8
//       CHECK:     linalg.yield %{{.+}}, %[[ZERO]] : f32, i8
func.func @choose_symmetric(%range: tensor<2xf32>) -> (tensor<f32>, tensor<i8>) {
  %scale, %zero_point = quant.choose_params %range {bits = 4 : i64, symmetric} : tensor<2xf32> -> tensor<f32>, tensor<i8>
  return %scale, %zero_point : tensor<f32>, tensor<i8>
}

// CHECK-LABEL: func @histogram(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x8xf32>
//       CHECK:   %[[ZEROS:.+]] = linalg.fill
//       CHECK:   scf.for {{.+}} iter_args(%[[OUTER:.+]] = %[[ZEROS]])
//       CHECK:     scf.for {{.+}} iter_args(%[[COUNTS:.+]] = %[[OUTER]])
//       CHECK:       %[[E:.+]] = tensor.extract %[[X]]
//       CHECK:       %[[BITS:.+]] = arith.bitcast %[[E]]
//       CHECK:       arith.shrsi %[[BITS]]
//       CHECK:       %[[BUCKET:.+]] = arith.index_cast
//       CHECK:       %[[OLD:.+]] = tensor.extract %[[COUNTS]][%[[BUCKET]]]
//       CHECK:       %[[NEW:.+]] = arith.addi %[[OLD]]
//       CHECK:       tensor.insert %[[NEW]] into %[[COUNTS]][%[[BUCKET]]]
func.func @histogram(%x: tensor<?x8xf32>) -> tensor<65536xi64> {
  %count = quant.histogram %x : tensor<?x8xf32> -> tensor<65536xi64>
  return %count : tensor<65536xi64>
}
