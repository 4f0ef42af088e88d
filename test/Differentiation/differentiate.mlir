// RUN: quant-opt %s --quant-differentiate --canonicalize --cse --split-input-file | FileCheck %s

// The gradient by a weight [K, N] is a product over the rows, of which the
// number may be dynamic; that by a bias is their sum. Nothing is computed for %x.

// CHECK-DAG: #[[KM:.+]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[KN:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[MN:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[ROWS:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[NONE:.+]] = affine_map<(d0, d1) -> ()>
// CHECK-LABEL: func @layer
//  CHECK-SAME:     %[[X:.+]]: tensor<?x3xf32>
//  CHECK-SAME:     -> (tensor<f32> {quant.name = "loss",
//  CHECK-SAME:         tensor<3x4xf32> {quant.name = "w.gradient",
//  CHECK-SAME:         tensor<4xf32> {quant.name = "b.gradient",
//       CHECK:   linalg.matmul ins(%[[X]], %
//       CHECK:   linalg.generic
//       CHECK:   %[[LOSS:.+]] = linalg.generic
//       CHECK:   %[[DY:.+]] = linalg.generic {indexing_maps = [#[[NONE]], #[[ROWS]]], iterator_types = ["parallel", "parallel"]}
//       CHECK:   %[[DB:.+]] = linalg.generic {indexing_maps = [#[[ROWS]], #[[COLUMN]]], iterator_types = ["reduction", "parallel"]}
//  CHECK-SAME:       ins(%[[DY]] :
//       CHECK:   %[[DW:.+]] = linalg.matmul indexing_maps = [#[[KM]], #[[KN]], #[[MN]]]
//  CHECK-SAME:       ins(%[[X]], %[[DY]] :
//   CHECK-NOT:   linalg
//       CHECK:   return %[[LOSS]], %[[DW]], %[[DB]]
func.func @layer(%x: tensor<?x3xf32> {quant.name = "x"},
                 %w: tensor<3x4xf32> {quant.name = "w", quant.trainable},
                 %b: tensor<4xf32> {quant.name = "b", quant.trainable})
    -> (tensor<f32> {quant.name = "loss"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %x, %c0 : tensor<?x3xf32>
  %empty = tensor.empty(%rows) : tensor<?x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x4xf32>) outs(%zeros : tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%0, %b : tensor<?x4xf32>, tensor<4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %sum = arith.addf %in, %bias : f32
    linalg.yield %sum : f32
  } -> tensor<?x4xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %2 = linalg.generic {
      indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>],
      iterator_types = ["reduction", "reduction"]}
      ins(%1 : tensor<?x4xf32>) outs(%init : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %sum = arith.addf %out, %in : f32
    linalg.yield %sum : f32
  } -> tensor<f32>
  return %2 : tensor<f32>
}

// -----

// A weight [N, K], and the gradient of the activations.

// CHECK-DAG: #[[KM:.+]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[KN:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[MN:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @transposed_weight
//  CHECK-SAME:     %[[X:.+]]: tensor<2x3xf32>
//  CHECK-SAME:     %[[W:.+]]: tensor<4x3xf32>
//       CHECK:   linalg.matmul
//       CHECK:   %[[DY:.+]] = linalg.generic
//       CHECK:   %[[DX:.+]] = linalg.matmul ins(%[[DY]], %[[W]] :
//       CHECK:   %[[DW:.+]] = linalg.matmul indexing_maps = [#[[KM]], #[[KN]], #[[MN]]]
//  CHECK-SAME:       ins(%[[DY]], %[[X]] :
//       CHECK:   return %{{.+}}, %[[DX]], %[[DW]]
func.func @transposed_weight(%x: tensor<2x3xf32> {quant.trainable}, %w: tensor<4x3xf32> {quant.trainable})
    -> tensor<f32> {
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  %0 = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<2x3xf32>, tensor<4x3xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<2x4xf32>) outs(%init : tensor<f32>) dimensions = [0, 1]
  return %1 : tensor<f32>
}

// -----

// A body is followed by its reverse. A value that is used twice gets the terms
// in the order of the reversed program; what is not on the way from a trained
// argument to the loss is left alone.

// CHECK-LABEL: func @used_twice
//  CHECK-SAME:     %[[X:.+]]: tensor<f32> {{.+}}, %[[Y:[a-z0-9]+]]: tensor<f32>
//   CHECK-DAG:   %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
//       CHECK:   math.tanh
//       CHECK:   %[[BY_PRODUCT:.+]] = linalg.generic
//  CHECK-SAME:       ins(%[[Y]], %[[ONE]] :
//  CHECK-NEXT:   ^bb0(%[[YI:.+]]: f32, %[[DY:.+]]: f32, %{{.+}}: f32):
//  CHECK-NEXT:     %[[D:.+]] = arith.mulf %[[DY]], %[[YI]]
//  CHECK-NEXT:     linalg.yield %[[D]]
//       CHECK:   %[[DX:.+]] = arith.addf %[[BY_PRODUCT]], %[[ONE]]
//       CHECK:   return %{{.+}}, %{{.+}}, %[[DX]]
func.func @used_twice(%x: tensor<f32> {quant.trainable}, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %empty = tensor.empty() : tensor<f32>
  %0 = linalg.mul ins(%x, %y : tensor<f32>, tensor<f32>) outs(%empty : tensor<f32>) -> tensor<f32>
  %1 = arith.addf %0, %x : tensor<f32>
  %2 = math.tanh %x : tensor<f32>
  return %1, %2 : tensor<f32>, tensor<f32>
}

// -----

// The cotangent of a maximum is shared by the elements that are equal to it.

// CHECK-LABEL: func @maximum
//  CHECK-SAME:     %[[X:.+]]: tensor<5xf32>
//       CHECK:   %[[Y:.+]] = linalg.generic
//       CHECK:   %[[COUNT:.+]] = linalg.generic
//  CHECK-SAME:       ins(%[[X]], %[[Y]] :
//       CHECK:     arith.cmpf oeq
//       CHECK:     arith.select
//       CHECK:     arith.addf
//       CHECK:   %[[SHARE:.+]] = arith.divf %{{.+}}, %[[COUNT]]
//       CHECK:   %[[DX:.+]] = linalg.generic
//  CHECK-SAME:       ins(%[[X]], %[[Y]], %[[SHARE]] :
//       CHECK:     arith.cmpf oeq
//       CHECK:     arith.select
//       CHECK:   return %[[Y]], %[[DX]]
func.func @maximum(%x: tensor<5xf32> {quant.trainable}) -> tensor<f32> {
  %init = arith.constant dense<0xFF800000> : tensor<f32>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<5xf32>) outs(%init : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %max = arith.maximumf %out, %in : f32
    linalg.yield %max : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Rows of a table: their cotangents are added where they come from.

// CHECK-LABEL: func @lookup
//  CHECK-SAME:     %[[TABLE:.+]]: tensor<5x4xf32>
//  CHECK-SAME:     %[[ROWS:.+]]: tensor<3xi32>
//       CHECK:   %[[DTABLE:.+]] = scf.for %[[I:.+]] = %{{.+}} iter_args(%[[OUTER:.+]] =
//       CHECK:     scf.for %[[J:.+]] = %{{.+}} iter_args(%[[SUM:.+]] = %[[OUTER]])
//       CHECK:       %[[ROW:.+]] = tensor.extract %[[ROWS]][%[[I]]]
//       CHECK:       %[[INDEX:.+]] = arith.index_cast %[[ROW]]
//       CHECK:       %[[DY:.+]] = tensor.extract %{{.+}}[%[[I]], %[[J]]]
//       CHECK:       %[[LAST:.+]] = tensor.extract %[[SUM]][%[[INDEX]], %[[J]]]
//       CHECK:       %[[NEXT:.+]] = arith.addf %[[LAST]], %[[DY]]
//       CHECK:       tensor.insert %[[NEXT]] into %[[SUM]][%[[INDEX]], %[[J]]]
//       CHECK:   return %{{.+}}, %[[DTABLE]]
func.func @lookup(%table: tensor<5x4xf32> {quant.trainable}, %rows: tensor<3xi32>) -> tensor<f32> {
  %empty = tensor.empty() : tensor<3x4xf32>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<3xi32>) outs(%empty : tensor<3x4xf32>) {
  ^bb0(%in: i32, %out: f32):
    %row = arith.index_cast %in : i32 to index
    %column = linalg.index 1 : index
    %element = tensor.extract %table[%row, %column] : tensor<5x4xf32>
    linalg.yield %element : f32
  } -> tensor<3x4xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<3x4xf32>) outs(%init : tensor<f32>) dimensions = [0, 1]
  return %1 : tensor<f32>
}

// -----

// An argument that has no influence has the gradient 0.

// CHECK-LABEL: func @no_influence
//       CHECK:   %[[ZERO:.+]] = linalg.fill
//       CHECK:   return %{{.+}}, %{{.+}}, %[[ZERO]]
func.func @no_influence(%x: tensor<f32> {quant.trainable}, %y: tensor<7xf32> {quant.trainable}) -> tensor<f32> {
  %0 = arith.negf %x : tensor<f32>
  return %0 : tensor<f32>
}
