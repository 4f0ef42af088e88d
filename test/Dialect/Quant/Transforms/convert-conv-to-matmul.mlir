// RUN: quant-opt %s --quant-convert-conv-to-matmul --split-input-file | FileCheck %s

// CHECK-DAG: #[[AT:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d3, d2 * 2 + d4 * 3, d5)>

// Rows are the places of the window, K is the window and then the channels.
// CHECK-LABEL: func @channels_last
//  CHECK-SAME:     %[[X:.+]]: tensor<?x9x9x4xf32>, %[[W:.+]]: tensor<16x3x3x4xf32>
//       CHECK:   %[[P:.+]] = linalg.generic {indexing_maps = [#[[AT]],
//  CHECK-SAME:       ins(%[[X]] : tensor<?x9x9x4xf32>) outs(%{{.+}} : tensor<?x4x2x3x3x4xf32>)
//  CHECK-NEXT:   ^bb0(%[[IN:.+]]: f32, %{{.+}}: f32):
//  CHECK-NEXT:     linalg.yield %[[IN]]
//       CHECK:   %[[A:.+]] = tensor.collapse_shape %[[P]] {{\[\[}}0, 1, 2], [3, 4, 5]] : {{.+}} into tensor<?x36xf32>
//       CHECK:   %[[B:.+]] = tensor.collapse_shape %[[W]] {{\[\[}}0], [1, 2, 3]] : {{.+}} into tensor<16x36xf32>
//       CHECK:   %[[Y:.+]] = linalg.matmul
//  CHECK-SAME:       quant.kernel = {order = array<i64: 0, 1, 2, 3>, shape = array<i64: 16, 3, 3, 4>}
//  CHECK-SAME:       ins(%[[A]], %[[B]]
//       CHECK:   tensor.expand_shape %[[Y]] {{\[\[}}0, 1, 2], [3]] output_shape [%{{.+}}, 4, 2, 16]
func.func @channels_last(%x: tensor<?x9x9x4xf32>, %w: tensor<16x3x3x4xf32>, %n: index) -> tensor<?x4x2x16xf32> {
  %cst = arith.constant 0.0 : f32
  %empty = tensor.empty(%n) : tensor<?x4x2x16xf32>
  %zero = linalg.fill ins(%cst : f32) outs(%empty : tensor<?x4x2x16xf32>) -> tensor<?x4x2x16xf32>
  %y = linalg.conv_2d_nhwc_fhwc {strides = dense<2> : tensor<2xi64>, dilations = dense<[1, 3]> : tensor<2xi64>}
      ins(%x, %w : tensor<?x9x9x4xf32>, tensor<16x3x3x4xf32>) outs(%zero : tensor<?x4x2x16xf32>) -> tensor<?x4x2x16xf32>
  return %y : tensor<?x4x2x16xf32>
}

// -----

// CHECK-DAG: #[[AT:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1 + d3)>

// The terms keep their order, here channels and then the window; the result is transposed back. What is added to comes along.
// CHECK-LABEL: func @channels_first
//  CHECK-SAME:     %[[X:.+]]: tensor<2x4x9xf32>, %[[W:.+]]: tensor<16x4x3xf32>, %[[I:.+]]: tensor<2x16x7xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[AT]],
//  CHECK-SAME:       ins(%[[X]] : tensor<2x4x9xf32>) outs(%{{.+}} : tensor<2x7x4x3xf32>)
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[I]] : tensor<2x16x7xf32>) {{.*}} permutation = [0, 2, 1]
//       CHECK:   %[[C:.+]] = tensor.collapse_shape %[[T]] {{\[\[}}0, 1], [2]]
//       CHECK:   %[[Y:.+]] = linalg.matmul {{.*}} outs(%[[C]] : tensor<14x16xf32>)
//       CHECK:   %[[E:.+]] = tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]] output_shape [2, 7, 16]
//       CHECK:   linalg.transpose ins(%[[E]] : tensor<2x7x16xf32>) {{.*}} permutation = [0, 2, 1]
func.func @channels_first(%x: tensor<2x4x9xf32>, %w: tensor<16x4x3xf32>, %init: tensor<2x16x7xf32>) -> tensor<2x16x7xf32> {
  %y = linalg.conv_1d_ncw_fcw ins(%x, %w : tensor<2x4x9xf32>, tensor<16x4x3xf32>) outs(%init : tensor<2x16x7xf32>) -> tensor<2x16x7xf32>
  return %y : tensor<2x16x7xf32>
}

// -----

// CHECK-LABEL: func @one_element
//  CHECK-SAME:     %[[X:.+]]: tensor<2x9x9x4xf32>, %[[W:.+]]: tensor<1x1x4x16xf32>
//   CHECK-NOT:   linalg.generic
//       CHECK:   %[[A:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1, 2], [3]] : {{.+}} into tensor<162x4xf32>
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[W]] : {{.+}} permutation = [3, 0, 1, 2]
//       CHECK:   %[[B:.+]] = tensor.collapse_shape %[[T]]
//       CHECK:   linalg.matmul
//  CHECK-SAME:       quant.kernel = {order = array<i64: 3, 0, 1, 2>, shape = array<i64: 1, 1, 4, 16>}
//  CHECK-SAME:       ins(%[[A]], %[[B]]
func.func @one_element(%x: tensor<2x9x9x4xf32>, %w: tensor<1x1x4x16xf32>, %init: tensor<2x9x9x16xf32>) -> tensor<2x9x9x16xf32> {
  %y = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<2x9x9x4xf32>, tensor<1x1x4x16xf32>) outs(%init : tensor<2x9x9x16xf32>) -> tensor<2x9x9x16xf32>
  return %y : tensor<2x9x9x16xf32>
}

// -----

// CHECK-DAG: #[[AT:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 + d4, d2 + d5, d3)>
// CHECK-DAG: #[[X:.+]] = affine_map<(d0, d1, d2) -> (d0, d1 * 9 + d2)>
// CHECK-DAG: #[[W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[Y:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// The patches of all channels lie side by side; each output reads those of its own.
// CHECK-LABEL: func @depthwise
//       CHECK:   %[[P:.+]] = linalg.generic {indexing_maps = [#[[AT]],
//  CHECK-SAME:       outs(%{{.+}} : tensor<2x7x7x4x3x3xf32>)
//       CHECK:   %[[A:.+]] = tensor.collapse_shape %[[P]] {{\[\[}}0, 1, 2], [3, 4, 5]] : {{.+}} into tensor<98x36xf32>
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%{{.+}} : tensor<3x3x4xf32>) {{.*}} permutation = [2, 0, 1]
//       CHECK:   %[[B:.+]] = tensor.collapse_shape %[[T]] {{\[\[}}0], [1, 2]] : {{.+}} into tensor<4x9xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "reduction"]}
//  CHECK-SAME:       ins(%[[A]], %[[B]]
//  CHECK-SAME:       quant.kernel = {order = array<i64: 2, 0, 1>, shape = array<i64: 3, 3, 4>}
func.func @depthwise(%x: tensor<2x9x9x4xf32>, %w: tensor<3x3x4xf32>, %init: tensor<2x7x7x4xf32>) -> tensor<2x7x7x4xf32> {
  %y = linalg.depthwise_conv_2d_nhwc_hwc ins(%x, %w : tensor<2x9x9x4xf32>, tensor<3x3x4xf32>) outs(%init : tensor<2x7x7x4xf32>) -> tensor<2x7x7x4xf32>
  return %y : tensor<2x7x7x4xf32>
}

// -----

// CHECK-DAG: #[[AT:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d3, d4, d1 + d5, d2 + d6)>
// CHECK-DAG: #[[X:.+]] = affine_map<(d0, d1, d2) -> (d0, (d1 floordiv 5) * 36 + d2)>

// CHECK-LABEL: func @groups
//       CHECK:   linalg.generic {indexing_maps = [#[[AT]],
//  CHECK-SAME:       ins(%{{.+}} : tensor<2x3x4x9x9xf32>) outs(%{{.+}} : tensor<2x7x7x3x4x3x3xf32>)
//       CHECK:   linalg.generic {indexing_maps = [#[[X]],
//  CHECK-SAME:       ins(%{{.+}}, %{{.+}} : tensor<98x108xf32>, tensor<15x36xf32>) outs(%{{.+}} : tensor<98x15xf32>)
//  CHECK-SAME:       quant.kernel = {order = array<i64: 0, 1, 2, 3, 4>, shape = array<i64: 3, 5, 4, 3, 3>}
//       CHECK:   tensor.expand_shape %{{.+}} {{\[\[}}0, 1, 2], [3, 4]] output_shape [2, 7, 7, 3, 5]
func.func @groups(%x: tensor<2x3x4x9x9xf32>, %w: tensor<3x5x4x3x3xf32>, %init: tensor<2x3x5x7x7xf32>) -> tensor<2x3x5x7x7xf32> {
  %y = linalg.conv_2d_ngchw_gfchw ins(%x, %w : tensor<2x3x4x9x9xf32>, tensor<3x5x4x3x3xf32>) outs(%init : tensor<2x3x5x7x7xf32>) -> tensor<2x3x5x7x7xf32>
  return %y : tensor<2x3x5x7x7xf32>
}

// -----

// CHECK-LABEL: func @integers_untouched
//       CHECK:   linalg.conv_2d_nhwc_fhwc
func.func @integers_untouched(%x: tensor<2x9x9x4xi8>, %w: tensor<16x3x3x4xi8>, %init: tensor<2x7x7x16xi32>) -> tensor<2x7x7x16xi32> {
  %y = linalg.conv_2d_nhwc_fhwc ins(%x, %w : tensor<2x9x9x4xi8>, tensor<16x3x3x4xi8>) outs(%init : tensor<2x7x7x16xi32>) -> tensor<2x7x7x16xi32>
  return %y : tensor<2x7x7x16xi32>
}

// -----

// CHECK-LABEL: func @unknown_window_untouched
//       CHECK:   linalg.conv_2d_nhwc_fhwc
func.func @unknown_window_untouched(%x: tensor<2x9x9x4xf32>, %w: tensor<16x?x3x4xf32>, %init: tensor<2x7x7x16xf32>) -> tensor<2x7x7x16xf32> {
  %y = linalg.conv_2d_nhwc_fhwc ins(%x, %w : tensor<2x9x9x4xf32>, tensor<16x?x3x4xf32>) outs(%init : tensor<2x7x7x16xf32>) -> tensor<2x7x7x16xf32>
  return %y : tensor<2x7x7x16xf32>
}

// -----

// CHECK-LABEL: func @pooling_untouched
//       CHECK:   linalg.pooling_nhwc_sum
func.func @pooling_untouched(%x: tensor<2x9x9x4xf32>, %w: tensor<3x3xf32>, %init: tensor<2x7x7x4xf32>) -> tensor<2x7x7x4xf32> {
  %y = linalg.pooling_nhwc_sum ins(%x, %w : tensor<2x9x9x4xf32>, tensor<3x3xf32>) outs(%init : tensor<2x7x7x4xf32>) -> tensor<2x7x7x4xf32>
  return %y : tensor<2x7x7x4xf32>
}
