// RUN: quant-opt %s --quant-insert-observers --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-insert-observers --canonicalize --split-input-file | FileCheck %s --check-prefix=DEAD
// RUN: quant-opt %s --quant-insert-observers=histogram --split-input-file | FileCheck %s --check-prefix=HISTOGRAM

// Two static layers; what is behind the second one is dead.
//       CHECK: #[[$SHAPE:.+]] = affine_map<(d0) -> (2)>
// CHECK-LABEL: func @static
//  CHECK-SAME:   %[[X:[^:]+]]: tensor<?x8xf32> {quant.name = "image", quant.shape = affine_map<(d0) -> (d0, 8)>})
//  CHECK-SAME:   -> (tensor<2xf32> {quant.name = "fc1.input.range", quant.shape = #[[$SHAPE]]},
//  CHECK-SAME:       tensor<2xf32> {quant.name = "fc2.input.range", quant.shape = #[[$SHAPE]]})
//  CHECK-SAME:   attributes {quant.dims = ["batch"]}
//       CHECK:   %[[R1:.+]] = quant.observe %[[X]] : tensor<?x8xf32> -> tensor<2xf32>
//  CHECK-NEXT:   %[[FC1:.+]] = linalg.matmul {quant.config
//       CHECK:   %[[R2:.+]] = quant.observe %[[FC1]] : tensor<?x4xf32> -> tensor<2xf32>
//  CHECK-NEXT:   linalg.matmul {quant.config
//       CHECK:   return %[[R1]], %[[R2]] : tensor<2xf32>, tensor<2xf32>

// DEAD-LABEL: func @static
// DEAD-COUNT-1: linalg.matmul
//       DEAD:   quant.observe
//   DEAD-NOT:   linalg
//       DEAD:   return

// HISTOGRAM-LABEL: func @static
//  HISTOGRAM-SAME:   %[[X:[^:]+]]: tensor<?x8xf32> {{.*}} -> (
//  HISTOGRAM-SAME:   "fc1.input.range"
//  HISTOGRAM-SAME:   tensor<65536xi64> {quant.name = "fc1.input.histogram",
//       HISTOGRAM:   %[[R:.+]] = quant.observe %[[X]]
//       HISTOGRAM:   %[[H:.+]] = quant.histogram %[[X]] : tensor<?x8xf32> -> tensor<65536xi64>
//       HISTOGRAM:   return %[[R]], %[[H]], %{{.+}}, %{{.+}} : tensor<2xf32>, tensor<65536xi64>, tensor<2xf32>, tensor<65536xi64>
func.func @static(%x: tensor<?x8xf32> {quant.name = "image", quant.shape = affine_map<(d0) -> (d0, 8)>})
    -> (tensor<?x2xf32> {quant.name = "logits", quant.shape = affine_map<(d0) -> (d0, 2)>}) attributes {quant.dims = ["batch"]} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %batch = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e1 = tensor.empty(%batch) : tensor<?x4xf32>
  %i1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %e2 = tensor.empty(%batch) : tensor<?x2xf32>
  %i2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %w1 = arith.constant dense<1.0> : tensor<8x4xf32>
  %w2 = arith.constant dense<1.0> : tensor<4x2xf32>
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w1 : tensor<?x8xf32>, tensor<8x4xf32>) outs(%i1 : tensor<?x4xf32>) -> tensor<?x4xf32> loc("fc1")
  %1 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%0, %w2 : tensor<?x4xf32>, tensor<4x2xf32>) outs(%i2 : tensor<?x2xf32>) -> tensor<?x2xf32> loc("fc2")
  return %1 : tensor<?x2xf32>
}

// -----

// Only mode static needs to know ranges before the program runs.
// CHECK-LABEL: func @other_modes_untouched(
//  CHECK-SAME:   %{{.+}}: tensor<3x8xf32>
//   CHECK-NOT:   quant.observe
//       CHECK:   return{{$}}
func.func @other_modes_untouched(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "dynamic", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("dynamic")
  %1 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "weight_only", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("weight_only")
  %2 = linalg.matmul {quant.skipped = "it is the last layer"}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("skipped")
  return %2 : tensor<3x4xf32>
}

// -----

// The ranges of all iterations are joined, their counts added.
// CHECK-LABEL: func @loop(
//       CHECK:   %[[START:.+]] = arith.constant dense<[0x7F800000, 0xFF800000]>
//       CHECK:   %[[LOOP:.+]]:2 = scf.for {{.*}} iter_args(%[[X:.+]] = %{{.+}}, %[[RANGE:.+]] = %[[START]])
//       CHECK:     %[[R:.+]] = quant.observe %[[X]]
//       CHECK:     linalg.matmul
//   CHECK-DAG:     %[[IS_LOW:.+]] = arith.constant dense<[true, false]>
//   CHECK-DAG:     %[[LOW:.+]] = arith.minimumf %[[RANGE]], %[[R]]
//   CHECK-DAG:     %[[HIGH:.+]] = arith.maximumf %[[RANGE]], %[[R]]
//       CHECK:     %[[JOINED:.+]] = arith.select %[[IS_LOW]], %[[LOW]], %[[HIGH]]
//       CHECK:     scf.yield %{{.+}}, %[[JOINED]]
//       CHECK:   return %[[LOOP]]#1
// HISTOGRAM-LABEL: func @loop(
//       HISTOGRAM:   scf.for
//       HISTOGRAM:     %[[H:.+]] = quant.histogram
//       HISTOGRAM:     arith.addi %{{.+}}, %[[H]] : tensor<65536xi64>
//       HISTOGRAM:   return %{{.+}}#1, %{{.+}}#2
func.func @loop(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant dense<0.0> : tensor<3x8xf32>
  %w = arith.constant dense<1.0> : tensor<8x8xf32>
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x) -> tensor<3x8xf32> {
    %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
        ins(%h, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32> loc("fc1")
    scf.yield %0 : tensor<3x8xf32>
  }
  return %r : tensor<3x8xf32>
}
