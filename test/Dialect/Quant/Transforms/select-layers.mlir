// RUN: quant-opt %s --quant-select-layers | FileCheck %s
// RUN: quant-opt %s --quant-select-layers="weight-bits=4 granularity=per-group group-size=16" | FileCheck %s --check-prefix=GROUP
// RUN: quant-opt %s --quant-select-layers="granularity=per-tensor symmetric-weights=false mode=dynamic symmetric-activations" | FileCheck %s --check-prefix=TENSOR
// RUN: quant-opt %s --quant-select-layers="mode=dynamic granularity=per-group group-size=8" | FileCheck %s --check-prefix=FLOAT-GROUP
// RUN: quant-opt %s --quant-select-layers="mode=dynamic granularity=per-group group-size=8 symmetric-activations=false" | FileCheck %s --check-prefix=ASYMMETRIC
// RUN: quant-opt %s --quant-select-layers="mode=weight-only" | FileCheck %s --check-prefix=WEIGHT-ONLY
// RUN: quant-opt %s --quant-select-layers="activation-bits=32" | FileCheck %s --check-prefix=WEIGHT-ONLY
// RUN: quant-opt %s --quant-select-layers="weight-format=nf4 mode=static" | FileCheck %s --check-prefix=NF4
// RUN: quant-opt %s --quant-select-layers="skip-first" | FileCheck %s --check-prefix=FIRST
// RUN: quant-opt %s --quant-select-layers="skip-last" | FileCheck %s --check-prefix=LAST
// RUN: quant-opt %s --quant-select-layers="skip-output" | FileCheck %s --check-prefix=OUTPUT
// RUN: quant-opt %s --quant-select-layers="skip-embedding" | FileCheck %s --check-prefix=EMBEDDING
// RUN: quant-opt %s --quant-select-layers="skip=fc2,fc" | FileCheck %s --check-prefix=NAME
// RUN: quant-opt %s --quant-select-layers="skip=fc.*" | FileCheck %s --check-prefix=REGEX

// fc1 feeds both fc2 and head, which are the outputs.
// CHECK-LABEL: func @two_heads
//       CHECK:   linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", symmetric_weights, weight_bits = 8 : i64}}
//       CHECK:   linalg.matmul indexing_maps = {{.*}} {quant.config
//       CHECK:   linalg.matmul {quant.config
// GROUP-LABEL: func @two_heads
//       GROUP:   quant.config = {granularity = "per_group", group_size = 16 : i64, mode = "static", symmetric_weights, weight_bits = 4 : i64}
// TENSOR-LABEL: func @two_heads
//       TENSOR:   quant.config = {granularity = "per_tensor", mode = "dynamic", symmetric_activations, weight_bits = 8 : i64}
// FLOAT-GROUP-LABEL: func @two_heads
//       FLOAT-GROUP:   quant.config = {granularity = "per_group", group_size = 8 : i64, mode = "dynamic", symmetric_activations, symmetric_weights, weight_bits = 8 : i64}
// ASYMMETRIC-LABEL: func @two_heads
//       ASYMMETRIC:   quant.config = {granularity = "per_group", group_size = 8 : i64, mode = "dynamic", symmetric_weights, weight_bits = 8 : i64}
// WEIGHT-ONLY-LABEL: func @two_heads
//       WEIGHT-ONLY:   quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64}
// NF4-LABEL: func @two_heads
//       NF4:   quant.config = {granularity = "per_group", group_size = 64 : i64, mode = "weight_only", symmetric_weights, weight_bits = 4 : i64, weight_format = "nf4"}
// FIRST-LABEL: func @two_heads
//       FIRST:   quant.skipped = "it is the first layer and skip-first is set"
//       FIRST:   quant.config
//       FIRST:   quant.config
// LAST-LABEL: func @two_heads
//       LAST:   quant.config
//       LAST:   quant.config
//       LAST:   quant.skipped = "it is the last layer and skip-last is set"
// OUTPUT-LABEL: func @two_heads
//       OUTPUT:   quant.config
//       OUTPUT:   quant.skipped = "it is an output layer and skip-output is set"
//       OUTPUT:   quant.skipped = "it is an output layer and skip-output is set"
// NAME-LABEL: func @two_heads
//       NAME:   quant.config
//       NAME:   quant.skipped = "its name matches skip pattern 'fc2'"
//       NAME:   quant.config
// REGEX-LABEL: func @two_heads
//       REGEX:   quant.skipped = "its name matches skip pattern 'fc.*'"
//       REGEX:   quant.skipped
//       REGEX:   quant.config
func.func @two_heads(%x: tensor<?x32xf32>, %init: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %w1 = arith.constant dense<0.5> : tensor<32x16xf32>
  %w2 = arith.constant dense<0.5> : tensor<16x16xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y1 = linalg.matmul ins(%x, %w1 : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32> loc("fc1")
  %y2 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%y1, %w2 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32> loc("fc2")
  %y3 = linalg.matmul ins(%y1, %w2 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32> loc("head")
  return %y2, %y3 : tensor<?x16xf32>, tensor<?x16xf32>
}

// A weight of another compiler: a transposition of its own, and a linalg.generic.
// CHECK-LABEL: func @other_spellings
//       CHECK:   linalg.transpose
//       CHECK:   linalg.matmul {quant.config
//       CHECK:   linalg.generic {{.*}} attrs = {quant.config
func.func @other_spellings(%x: tensor<4x32xf32>) -> tensor<4x32xf32> {
  %w = arith.constant dense<0.5> : tensor<32x32xf32>
  %zero = arith.constant dense<0.0> : tensor<4x32xf32>
  %empty = tensor.empty() : tensor<32x32xf32>
  %t = linalg.transpose ins(%w : tensor<32x32xf32>) outs(%empty : tensor<32x32xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<4x32xf32>, tensor<32x32xf32>) outs(%zero : tensor<4x32xf32>) -> tensor<4x32xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%y, %w : tensor<4x32xf32>, tensor<32x32xf32>) outs(%zero : tensor<4x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x32xf32>
  return %z : tensor<4x32xf32>
}

// EMBEDDING-LABEL: func @skipped
//       EMBEDDING:   quant.skipped = "skip-embedding is set"
// CHECK-LABEL: func @skipped
//       CHECK:   linalg.generic {{.*}} attrs = {quant.skipped = "it does not look up rows of a matrix"}
//       CHECK:   linalg.batch_matmul {quant.skipped = "it is a batch of products"}
//       CHECK:   linalg.matmul {quant.skipped = "its weight is not a constant"}
//       CHECK:   linalg.matmul {quant.skipped = "it adds to a tensor that is not zero"}
//       CHECK:   linalg.matmul {quant.skipped = "its elements are not f32"}
func.func @skipped(%ids: tensor<4xi64>, %x: tensor<4x4xf32>, %b: tensor<2x4x4xf32>, %d: tensor<4x4xf64>)
    -> (tensor<4x4xf32>, tensor<2x4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf64>) {
  %table = arith.constant dense<0.5> : tensor<9x4xf32>
  %wb = arith.constant dense<0.5> : tensor<2x4x4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %wd = arith.constant dense<0.5> : tensor<4x4xf64>
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %zerod = arith.constant dense<0.0> : tensor<4x4xf64>
  %zerob = arith.constant dense<0.0> : tensor<2x4x4xf32>
  %e = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%zero : tensor<4x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %col = arith.index_cast %id : i64 to index
    %row = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<9x4xf32>
    linalg.yield %v : f32
  } -> tensor<4x4xf32>
  %y0 = linalg.batch_matmul ins(%b, %wb : tensor<2x4x4xf32>, tensor<2x4x4xf32>) outs(%zerob : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %y1 = linalg.matmul ins(%e, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y2 = linalg.matmul ins(%e, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%x : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y3 = linalg.matmul ins(%d, %wd : tensor<4x4xf64>, tensor<4x4xf64>) outs(%zerod : tensor<4x4xf64>) -> tensor<4x4xf64>
  return %e, %y0, %y1, %y2, %y3 : tensor<4x4xf32>, tensor<2x4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf64>
}

// Rows of a constant table, quantized as a weight whose channels are rows. The
// mode is that of a layer whose input is not quantized.
// CHECK-LABEL: func @embedding
//       CHECK:   quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64}
// GROUP-LABEL: func @embedding
//       GROUP:   quant.config = {granularity = "per_group", group_size = 16 : i64, mode = "weight_only", symmetric_weights, weight_bits = 4 : i64}
// NF4-LABEL: func @embedding
//       NF4:   quant.skipped = "embedding tables are integers or float, not nf4"
// EMBEDDING-LABEL: func @embedding
//       EMBEDDING:   quant.skipped = "skip-embedding is set"
func.func @embedding(%ids: tensor<4xi64>, %init: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %table = arith.constant dense<0.5> : tensor<9x16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x16xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<9x16xf32>
    linalg.yield %v : f32
  } -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// What has no weights is no layer.
// CHECK-LABEL: func @elementwise_untouched
//       CHECK:   linalg.add ins
func.func @elementwise_untouched(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %z = linalg.add ins(%x, %y : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

// A convolution in groups is a layer like others; groups of scales that are not whole would have to be padded in each group.
// CHECK-LABEL: func @feature_groups
//       CHECK:   linalg.generic {{.*}} attrs = {quant.config
// GROUP-LABEL: func @feature_groups
//       GROUP:   linalg.generic {{.*}} attrs = {quant.skipped = "scales of 16 weights do not divide the 9 of one output, which reads one group of channels"}
func.func @feature_groups(%x: tensor<4x18xf32>) -> tensor<4x6xf32> {
  %w = arith.constant dense<0.5> : tensor<6x9xf32>
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, (n floordiv 3) * 9 + k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x18xf32>, tensor<6x9xf32>) outs(%zero : tensor<4x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}
