// RUN: quant-opt %s --quant-look-up-integers --canonicalize --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Rows of integers and their scales are looked up by the same numbers. What
// dequantizes them is the layer.
// CHECK-LABEL: func @per_row
//  CHECK-SAME:     %[[IDS:.+]]: tensor<?x2xi64>
//   CHECK-DAG:   %[[Q:.+]] = arith.constant dense<{{.*}}> : tensor<3x4xi8>
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<{{.*}}> : tensor<3x1xf32>
//       CHECK:   %[[ROWS:.+]] = linalg.generic
//  CHECK-SAME:     indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>]
//  CHECK-SAME:     ins(%[[IDS]] : tensor<?x2xi64>) outs(%{{.+}} : tensor<?x2x4xi8>)
//       CHECK:     tensor.extract %[[Q]][%{{.+}}, %{{.+}}] : tensor<3x4xi8>
//       CHECK:   %[[SCALES:.+]] = linalg.generic
//  CHECK-SAME:     ins(%[[IDS]] : tensor<?x2xi64>) outs(%{{.+}} : tensor<?x2x1xf32>)
//       CHECK:     tensor.extract %[[S]][%{{.+}}, %{{.+}}] : tensor<3x1xf32>
//       CHECK:   quant.dequantize %[[ROWS]] scale(%[[SCALES]] : tensor<?x2x1xf32>)
//  CHECK-SAME:     {quant.config = {granularity = "per_channel", mode = "weight_only", weight_bits = 8 : i64}}
//  CHECK-SAME:     : tensor<?x2x4xi8> -> tensor<?x2x4xf32> loc("table")
//   CHECK-NOT:   quant.dequantize
func.func @per_row(%ids: tensor<?x2xi64>, %init: tensor<?x2x4xf32>) -> tensor<?x2x4xf32> {
  %q = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]> : tensor<3x4xi8>
  %s = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %table = quant.dequantize %q scale(%s : tensor<3x1xf32>) : tensor<3x4xi8> -> tensor<3x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<?x2xi64>) outs(%init : tensor<?x2x4xf32>)
      attrs = {quant.config = {granularity = "per_channel", mode = "weight_only", weight_bits = 8 : i64}} {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 2 : index
    %v = tensor.extract %table[%row, %col] : tensor<3x4xf32>
    linalg.yield %v : f32
  } -> tensor<?x2x4xf32> loc("table")
  return %y : tensor<?x2x4xf32>
}

// -----

// Values of 4 bits and multipliers are looked up two to a byte; one scale for
// the table is not looked up.
// CHECK-LABEL: func @two_level
//       CHECK:   %[[ROWS:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<5x8xi8>)
//       CHECK:   %[[Q:.+]] = quant.unpack %[[ROWS]] : tensor<5x8xi8> -> tensor<5x16xi4>
//       CHECK:   %[[PAIRS:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<5x1xi8>)
//       CHECK:   %[[M:.+]] = quant.unpack %[[PAIRS]] : tensor<5x1xi8> -> tensor<5x2xi8>
//       CHECK:   quant.dequantize %[[Q]] scale(%{{.+}} : tensor<f32>) multiplier(%[[M]] : tensor<5x2xi8>) : tensor<5x16xi4> -> tensor<5x16xf32>
func.func @two_level(%ids: tensor<5xi32>, %bytes: tensor<3x8xi8>, %pairs: tensor<3x1xi8>) -> tensor<5x16xf32> {
  %s = arith.constant dense<1.0> : tensor<f32>
  %q = quant.unpack %bytes : tensor<3x8xi8> -> tensor<3x16xi4>
  %m = quant.unpack %pairs : tensor<3x1xi8> -> tensor<3x2xi8>
  %table = quant.dequantize %q scale(%s : tensor<f32>) multiplier(%m : tensor<3x2xi8>) : tensor<3x16xi4> -> tensor<3x16xf32>
  %init = tensor.empty() : tensor<5x16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<5xi32>) outs(%init : tensor<5x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %row = arith.index_cast %id : i32 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<3x16xf32>
    linalg.yield %v : f32
  } -> tensor<5x16xf32>
  return %y : tensor<5x16xf32>
}

// -----

// A float table, a table whose rows share scales, one that is looked up by
// column, and one that is read element by element.
// CHECK-LABEL: func @others_untouched
//       CHECK:   %[[SHARED:.+]] = quant.dequantize %{{.+}} : tensor<4x4xi8> -> tensor<4x4xf32>
//       CHECK:   %[[TABLE:.+]] = quant.dequantize %{{.+}} : tensor<4x4xi8> -> tensor<4x4xf32>
// CHECK-COUNT-4: linalg.generic
//   CHECK-NOT:   quant.dequantize
func.func @others_untouched(%ids: tensor<4xi64>, %float: tensor<4x4xf32>, %q: tensor<4x4xi8>, %s: tensor<1x4xf32>, %t: tensor<f32>, %init: tensor<4x4xf32>)
    -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %shared = quant.dequantize %q scale(%s : tensor<1x4xf32>) : tensor<4x4xi8> -> tensor<4x4xf32>
  %table = quant.dequantize %q scale(%t : tensor<f32>) : tensor<4x4xi8> -> tensor<4x4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %float[%row, %col] : tensor<4x4xf32>
    linalg.yield %v : f32
  } -> tensor<4x4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %shared[%row, %col] : tensor<4x4xf32>
    linalg.yield %v : f32
  } -> tensor<4x4xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %col = arith.index_cast %id : i64 to index
    %row = linalg.index 0 : index
    %v = tensor.extract %table[%row, %col] : tensor<4x4xf32>
    linalg.yield %v : f32
  } -> tensor<4x4xf32>
  %3 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<4x4xf32>
    linalg.yield %v : f32
  } -> tensor<4x4xf32>
  return %0, %1, %2, %3 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}
