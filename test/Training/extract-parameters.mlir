// RUN: quant-opt %s --quant-extract-parameters --split-input-file --mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: func @layer
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<3x16xf32> {quant.name = "x"
//  CHECK-SAME:     %[[W:[^:]+]]: tensor<16x4xf32> {quant.name = "fc1.weight", quant.shape = affine_map<() -> (16, 4)>, quant.trainable}
//  CHECK-SAME:     %[[B:[^:]+]]: tensor<4xf32> {quant.name = "fc1.bias", quant.shape = affine_map<() -> (4)>, quant.trainable}
//       CHECK:   %[[Y:.+]] = linalg.matmul ins(%[[X]], %[[W]]
//       CHECK:   linalg.generic {{.*}} ins(%[[Y]], %[[B]] :
func.func @layer(%x: tensor<3x16xf32> {quant.name = "x", quant.shape = affine_map<() -> (3, 16)>}) -> tensor<3x4xf32> {
  %w = arith.constant dense<0.5> : tensor<16x4xf32>
  %b = arith.constant dense<0.0> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<3x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%y, %b : tensor<3x4xf32>, tensor<4xf32>) outs(%zero : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = arith.addf %a, %c : f32
    linalg.yield %r : f32
  } -> tensor<3x4xf32> loc("add1")
  return %s : tensor<3x4xf32>
}

// -----

// The gain and the offset of a normalization. Numbers and masks stay.
// CHECK-LABEL: func @normalization
//  CHECK-SAME:     tensor<4xf32> {quant.name = "norm.weight", {{[^}]*}}quant.trainable}
//  CHECK-SAME:     tensor<4xf32> {quant.name = "norm.bias", {{[^}]*}}quant.trainable}
//   CHECK-NOT:     quant.trainable
//       CHECK:   arith.constant dense<{{.*}}> : tensor<3x4xf32>
func.func @normalization(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %gain = arith.constant dense<1.0> : tensor<4xf32>
  %offset = arith.constant dense<[0.0, 1.0, 2.0, 3.0]> : tensor<4xf32>
  %half = arith.constant dense<0.5> : tensor<1xf32>
  %mask = arith.constant dense<[[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<3x4xf32>
  %empty = tensor.empty() : tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (0)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%x, %half, %gain, %offset, %mask : tensor<3x4xf32>, tensor<1xf32>, tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>) outs(%empty : tensor<3x4xf32>) {
  ^bb0(%a: f32, %h: f32, %g: f32, %b: f32, %m: f32, %o: f32):
    %0 = arith.mulf %a, %h : f32
    %1 = arith.mulf %0, %g : f32
    %2 = arith.addf %1, %b : f32
    %3 = arith.addf %2, %m : f32
    linalg.yield %3 : f32
  } -> tensor<3x4xf32> loc("norm")
  return %s : tensor<3x4xf32>
}

// -----

// A table that is the last weight too is one parameter; biases of zeros are two.
// CHECK-LABEL: func @shared
//  CHECK-SAME:     %[[T:[^:]+]]: tensor<5x4xf32> {quant.name = "table.weight", {{[^}]*}}quant.trainable}
//  CHECK-SAME:     %[[B0:[^:]+]]: tensor<4xf32> {quant.name = "add0.bias", {{[^}]*}}quant.trainable}
//  CHECK-SAME:     %[[B1:[^:]+]]: tensor<4xf32> {quant.name = "add1.bias", {{[^}]*}}quant.trainable}
//       CHECK:     tensor.extract %[[T]]
//       CHECK:   ins(%{{.*}}, %[[B0]] :
//       CHECK:   ins(%{{.*}}, %[[B1]] :
//       CHECK:   linalg.matmul {{.*}} ins(%{{.*}}, %[[T]]
func.func @shared(%i: tensor<3xi64>) -> tensor<3x5xf32> {
  %table = arith.constant dense<[[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]]> : tensor<5x4xf32>
  %b = arith.constant dense<0.0> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x5xf32>
  %empty = tensor.empty() : tensor<3x4xf32>
  %x = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%i : tensor<3xi64>) outs(%empty : tensor<3x4xf32>) {
  ^bb0(%n: i64, %o: f32):
    %row = arith.index_cast %n : i64 to index
    %col = linalg.index 1 : index
    %r = tensor.extract %table[%row, %col] : tensor<5x4xf32>
    linalg.yield %r : f32
  } -> tensor<3x4xf32> loc("table")
  %s0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%x, %b : tensor<3x4xf32>, tensor<4xf32>) outs(%empty : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = arith.addf %a, %c : f32
    linalg.yield %r : f32
  } -> tensor<3x4xf32> loc("add0")
  %s1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%s0, %b : tensor<3x4xf32>, tensor<4xf32>) outs(%empty : tensor<3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = arith.addf %a, %c : f32
    linalg.yield %r : f32
  } -> tensor<3x4xf32> loc("add1")
  %y = linalg.matmul indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%s1, %table : tensor<3x4xf32>, tensor<5x4xf32>) outs(%zero : tensor<3x5xf32>) -> tensor<3x5xf32> loc("head")
  return %y : tensor<3x5xf32>
}

// -----

// Layers that read the same value share the range of their input.
// CHECK-LABEL: func @same_input
//       CHECK:   linalg.matmul {{.*}}quant.input_name = "q.input"
//       CHECK:   linalg.matmul {{.*}}quant.input_name = "q.input"
func.func @same_input(%x: tensor<3x16xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>) {
  %w = arith.constant dense<0.5> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel", symmetric_weights}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32> loc("q")
  %z = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel", symmetric_weights}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32> loc("k")
  return %y, %z : tensor<3x1xf32>, tensor<3x1xf32>
}
