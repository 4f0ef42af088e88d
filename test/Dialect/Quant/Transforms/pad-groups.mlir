// RUN: quant-opt %s --quant-pad-groups --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// 24 = 16 + 8: the last group gets 8 zeros in each channel of the weight, which
// comes out as [N, K], and in each row of the input.
// CHECK-LABEL: func @model_order
//  CHECK-SAME:     %[[X:.+]]: tensor<?x24xf32>
//       CHECK:   %[[M:.+]] = tensor.dim %[[INIT:.+]], %{{.*}} : tensor<?x2xf32>
//       CHECK:   %[[EMPTY:.+]] = tensor.empty(%[[M]]) : tensor<?x32xf32>
//       CHECK:   %[[C0:.+]] = arith.constant 0.000000e+00 : f32
//       CHECK:   %[[ZEROS:.+]] = linalg.fill ins(%[[C0]] : f32) outs(%[[EMPTY]] : tensor<?x32xf32>)
//       CHECK:   %[[P:.+]] = tensor.insert_slice %[[X]] into %[[ZEROS]][0, 0] [%[[M]], 24] [1, 1] : tensor<?x24xf32> into tensor<?x32xf32>
//       CHECK:   %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 1.000000e+00,
//  CHECK-SAME:     1.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00],
//  CHECK-SAME:     [2.000000e+00,
//  CHECK-SAME:     2.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]]> : tensor<2x32xf32>
//       CHECK:   linalg.matmul indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>]
//  CHECK-SAME:     {quant.config = {{{.*}}group_size = 16{{.*}}}, quant.depth = 24 : i64, quant.input_range = array<f32: -1.000000e+00, 1.000000e+00>, quant.weight_transposed}
//  CHECK-SAME:     ins(%[[P]], %[[W]] : tensor<?x32xf32>, tensor<2x32xf32>) outs(%[[INIT]] : {{.*}} loc("fc1")
func.func @model_order(%x: tensor<?x24xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[
    [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0],
    [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0],
    [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]> : tensor<24x2xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "static", granularity = "per_group", group_size = 16 : i64, symmetric_weights}, quant.input_range = array<f32: -1.0, 1.0>}
      ins(%x, %w : tensor<?x24xf32>, tensor<24x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32> loc("fc1")
  return %y : tensor<?x2xf32>
}

// -----

// K is less than a group. The model's weight is [N, K] already.
// CHECK-LABEL: func @other_order
//  CHECK-SAME:     %[[X:.+]]: tensor<3x8xf32>
//       CHECK:   %[[P:.+]] = tensor.insert_slice %[[X]] into %{{.*}}[0, 0] [3, 8] [1, 1] : tensor<3x8xf32> into tensor<3x10xf32>
//       CHECK:   %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00, 0.000000e+00, 0.000000e+00]]> : tensor<1x10xf32>
//       CHECK:   linalg.matmul
//  CHECK-SAME:     quant.depth = 8 : i64} ins(%[[P]], %[[W]] : tensor<3x10xf32>, tensor<1x10xf32>)
func.func @other_order(%x: tensor<3x8xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<1x8xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_group", group_size = 10 : i64, symmetric_weights}}
      ins(%x, %w : tensor<3x8xf32>, tensor<1x8xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// CHECK-LABEL: func @whole_groups_untouched
//   CHECK-NOT:   tensor.insert_slice
//   CHECK-NOT:   quant.depth
func.func @whole_groups_untouched(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_group", group_size = 8 : i64}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// CHECK-LABEL: func @per_channel_untouched
//   CHECK-NOT:   tensor.insert_slice
//   CHECK-NOT:   quant.depth
func.func @per_channel_untouched(%x: tensor<3x17xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<17x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel"}}
      ins(%x, %w : tensor<3x17xf32>, tensor<17x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// CHECK-LABEL: func @unselected_untouched
//   CHECK-NOT:   tensor.insert_slice
func.func @unselected_untouched(%x: tensor<3x17xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<17x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.skipped = "it is not wanted"} ins(%x, %w : tensor<3x17xf32>, tensor<17x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// Rows of a table are padded, and what is looked up is cut off again.
// CHECK-LABEL: func @embedding
//       CHECK:   %[[TABLE:.+]] = arith.constant dense<{{\[\[}}2.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00,
//  CHECK-SAME:     0.000000e+00, 0.000000e+00]]> : tensor<1x10xf32>
//       CHECK:   %[[PADDED:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4x10xf32>)
//  CHECK-SAME:     attrs = {quant.config = {{{.*}}}, quant.depth = 8 : i64}
//       CHECK:     tensor.extract %[[TABLE]]
//       CHECK:   tensor.extract_slice %[[PADDED]][0, 0] [4, 8] [1, 1] : tensor<4x10xf32> to tensor<4x8xf32>
func.func @embedding(%ids: tensor<4xi64>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %table = arith.constant dense<2.0> : tensor<1x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x8xf32>)
      attrs = {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 10 : i64, symmetric_weights}} {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<1x8xf32>
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
