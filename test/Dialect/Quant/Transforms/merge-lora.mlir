// RUN: quant-opt %s --quant-merge-lora --canonicalize --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-merge-lora=keep-base --split-input-file | FileCheck %s --check-prefix=KEEP
// RUN: quant-opt %s --quant-merge-lora=keep-base --quant-unmerge-lora --canonicalize --split-input-file | FileCheck %s --check-prefix=UNDO

// W = [[127, 0, 0, 0], [0, 127, 0, 0]] and D = 2 * B A =
// [[0, 0, 0, 0], [0, 127, 0, 64]]: the scale of the second channel doubles.
// CHECK-LABEL: func @per_channel
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<{{\[\[}}1.000000e+00], [2.000000e+00]]> : tensor<2x1xf32>
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}127, 0, 0, 0], [0, 127, 0, 32]]> : tensor<2x4xi8>
//       CHECK:   quant.linear %{{.+}}, %[[W]] scale(%[[S]] : tensor<2x1xf32>) {quant.config = {{{.*}}},
//  CHECK-SAME:     quant.survival = {adapter_norm = 142.21{{.*}}, advice = "merge", output_error = 0.0{{.*}}, share = 1.0{{.*}}, weight_norm = 179.6{{.*}}}}
//    KEEP-LABEL: func @per_channel
//          KEEP:   quant.linear {{.*}} {quant.base = {weight = dense<{{\[\[}}127, 0, 0, 0], [0, 127, 0, 0]]> : tensor<2x4xi8>, weight_scale = dense<1.000000e+00> : tensor<2x1xf32>}, quant.config
//    UNDO-LABEL: func @per_channel
//      UNDO-DAG:   %[[S:.+]] = arith.constant dense<1.000000e+00> : tensor<2x1xf32>
//      UNDO-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}127, 0, 0, 0], [0, 127, 0, 0]]> : tensor<2x4xi8>
//          UNDO:   quant.linear %{{.+}}, %[[W]] scale(%[[S]] : tensor<2x1xf32>) {quant.config = {{{[^}]*}}}} :
func.func @per_channel(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[127, 0, 0, 0], [0, 127, 0, 0]]> : tensor<2x4xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64},
    quant.adapter = {a = dense<[[0.0, 127.0, 0.0, 64.0]]> : tensor<1x4xf32>, b = dense<[[0.0], [0.5]]> : tensor<2x1xf32>, scale = 2.0 : f32}}
    : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing is added: not even the parameters are chosen again.
// CHECK-LABEL: func @nothing_added_untouched
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}1, 0, 0, 0], [0, 2, 0, 0]]> : tensor<2x4xi8>
//       CHECK:   quant.linear %{{.+}}, %[[W]]
//  CHECK-SAME:     adapter_norm = 0.0{{.*}} advice = "merge"
func.func @nothing_added_untouched(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 0, 0, 0], [0, 2, 0, 0]]> : tensor<2x4xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64},
    quant.adapter = {a = dense<1.0> : tensor<1x4xf32>, b = dense<0.0> : tensor<2x1xf32>, scale = 2.0 : f32}}
    : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Steps of 1 swallow 0.25, in each channel; those of 8 bits would not.
// CHECK-LABEL: func @rounded_away
//       CHECK:   quant.linear
//  CHECK-SAME:     advice = "raise_bits", output_error = 1.0{{.*}}, share = 0.0
func.func @rounded_away(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[7, 0, 0, 0]]> : tensor<1x4xi4>
  %s = arith.constant dense<1.0> : tensor<1x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<1x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 4 : i64},
    quant.adapter = {a = dense<[[0.0, 0.25, 0.25, 0.25]]> : tensor<1x4xf32>, b = dense<1.0> : tensor<1x1xf32>, scale = 1.0 : f32}}
    : tensor<?x4xf32>, tensor<1x4xi4> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// The inputs that the rounded weights read are always 0.
// CHECK-LABEL: func @moments
//       CHECK:   quant.linear
//  CHECK-SAME:     quant.survival = {adapter_norm = {{.*}}, advice = "merge", output_error = 0.0{{.*}}, share = 0.9
func.func @moments(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[7, 0, 0, 0]]> : tensor<1x4xi4>
  %s = arith.constant dense<1.0> : tensor<1x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<1x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 4 : i64},
    quant.adapter = {a = dense<[[0.0, 2.0, 0.25, 0.25]]> : tensor<1x4xf32>, b = dense<1.0> : tensor<1x1xf32>, scale = 1.0 : f32,
                     moments = dense<[1.0, 1.0, 0.0, 0.0]> : tensor<4xf32>}}
    : tensor<?x4xf32>, tensor<1x4xi4> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Two-level scales of packed weights, of which the last group is half empty
// (quant.depth): the adapter has 12 inputs.
// CHECK-LABEL: func @two_level_padded
//   CHECK-DAG:   %[[BYTES:.+]] = arith.constant dense<{{.*}}> : tensor<1x8xi8>
//       CHECK:   %[[W:.+]] = quant.unpack %[[BYTES]] : tensor<1x8xi8> -> tensor<1x16xi4>
//       CHECK:   quant.linear %{{.+}}, %[[W]] scale(%{{.+}} : tensor<1x1xf32>) multiplier(%{{.+}} : tensor<1x2xi8>)
//  CHECK-SAME:     quant.survival
//    UNDO-LABEL: func @two_level_padded
//          UNDO:   %[[BYTES:.+]] = arith.constant dense<17> : tensor<1x8xi8>
//          UNDO:   quant.unpack %[[BYTES]]
func.func @two_level_padded(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %bytes = arith.constant dense<17> : tensor<1x8xi8>
  %w = quant.unpack %bytes : tensor<1x8xi8> -> tensor<1x16xi4>
  %s = arith.constant dense<1.0> : tensor<1x1xf32>
  %m = arith.constant dense<[[3, 5]]> : tensor<1x2xi8>
  %y = quant.linear %x, %w scale(%s : tensor<1x1xf32>) multiplier(%m : tensor<1x2xi8>) {
    quant.config = {granularity = "per_group", group_size = 8 : i64, mode = "weight_only", symmetric_weights, weight_bits = 4 : i64},
    quant.depth = 12 : i64,
    quant.adapter = {a = dense<1.0> : tensor<1x12xf32>, b = dense<1.0> : tensor<1x1xf32>, scale = 2.0 : f32}}
    : tensor<?x16xf32>, tensor<1x16xi4> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// [[0, 0], [0, 0]] becomes [[0, 255], [-255, 0]], which needs zero points.
// CHECK-LABEL: func @asymmetric_and_bias
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<1.000000e+00> : tensor<2x1xf32>
//   CHECK-DAG:   %[[Z:.+]] = arith.constant dense<{{\[\[}}-128], [127]]> : tensor<2x1xi8>
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}-128, 127], [-128, 127]]> : tensor<2x2xi8>
//   CHECK-DAG:   %[[B:.+]] = arith.constant dense<[5.000000e+00, 6.000000e+00]> : tensor<2xf32>
//       CHECK:   quant.linear %{{.+}}, %[[W]] scale(%[[S]] : tensor<2x1xf32>) zero_point(%[[Z]] : tensor<2x1xi8>) bias(%[[B]]
func.func @asymmetric_and_bias(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<3> : tensor<2x2xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  %z = arith.constant dense<3> : tensor<2x1xi8>
  %b = arith.constant dense<1.0> : tensor<2xf32>
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) zero_point(%z : tensor<2x1xi8>) bias(%b : tensor<2xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", weight_bits = 8 : i64},
    quant.adapter = {a = dense<[[0.0, 255.0], [-255.0, 0.0]]> : tensor<2x2xf32>, b = dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>, scale = 1.0 : f32,
                     bias = dense<[5.0, 6.0]> : tensor<2xf32>}}
    : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A float layer with its weight in [K, N], and the bias that follows it.
// CHECK-LABEL: func @float_layer
//   CHECK-DAG:   %[[B:.+]] = arith.constant dense<[5.000000e+00, 6.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
//       CHECK:   %[[Y:.+]] = linalg.matmul {quant.survival = {{{.*}}advice = "merge"{{.*}}}} ins(%{{.+}}, %[[W]]
//       CHECK:   %[[R:.+]] = linalg.generic {{.*}} ins(%[[Y]], %[[B]] : tensor<3x2xf32>, tensor<2xf32>)
//       CHECK:     arith.addf
//       CHECK:   return %[[R]]
//    UNDO-LABEL: func @float_layer
//      UNDO-DAG:   %[[W:.+]] = arith.constant dense<0.000000e+00> : tensor<2x2xf32>
//      UNDO-DAG:   %[[B:.+]] = arith.constant dense<1.000000e+00> : tensor<2xf32>
//          UNDO:   %[[Y:.+]] = linalg.matmul ins(%{{.+}}, %[[W]]
//          UNDO:   linalg.generic {{.*}} ins(%[[Y]], %[[B]] :
func.func @float_layer(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<0.0> : tensor<2x2xf32>
  %b = arith.constant dense<1.0> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.adapter = {weight = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>, bias = dense<[5.0, 6.0]> : tensor<2xf32>}}
      ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%y, %b : tensor<3x2xf32>, tensor<2xf32>) outs(%zero : tensor<3x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %sum = arith.addf %p, %q : f32
    linalg.yield %sum : f32
  } -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
}

// -----

// The operation reads the transpose of the weight, [N, K] in [K, N].
// CHECK-LABEL: func @transposed
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
//       CHECK:   linalg.matmul {{.*}} ins(%{{.+}}, %[[W]]
func.func @transposed(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<0.0> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.adapter = {weight = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>}}
      ins(%x, %t : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @without_adapter_untouched
//   CHECK-NOT:   quant.survival
func.func @without_adapter_untouched(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[7, 0, 0, 0]]> : tensor<1x4xi4>
  %s = arith.constant dense<1.0> : tensor<1x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<1x1xf32>) : tensor<?x4xf32>, tensor<1x4xi4> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// The adapter is for the layer before it was scaled by 2 and -4: D' = [[0, 2],
// [-4, 0]] in place of [[0, 1], [1, 0]], and the bias [1, 1] is [2 + 3, -4 + 3].
// CHECK-LABEL: func @folded
//   CHECK-DAG:   arith.constant dense<{{\[\[}}1.000000e+00, 4.000000e+00], [-1.000000e+00, 4.000000e+00]]>
//   CHECK-DAG:   arith.constant dense<[5.000000e+00, -1.000000e+00]>
func.func @folded(%x: tensor<3x2xf32>, %e: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[7.0, 8.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<3x2xf32>) -> tensor<3x2xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>] {
    quant.folded = {nodes = ["bn"], scale = dense<[2.0, -4.0]> : tensor<2xf64>, shift = dense<3.0> : tensor<2xf64>},
    quant.adapter = {a = dense<[[0.0, 1.0], [1.0, 0.0]]> : tensor<2x2xf32>, b = dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>, scale = 1.0 : f32, bias = dense<1.0> : tensor<2xf32>}}
    ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%y, %b : tensor<3x2xf32>, tensor<2xf32>) outs(%e : tensor<3x2xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.addf %a, %c : f32
    linalg.yield %p : f32
  } -> tensor<3x2xf32>
  return %z : tensor<3x2xf32>
}
