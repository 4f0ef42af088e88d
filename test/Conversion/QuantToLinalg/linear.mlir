// RUN: quant-opt %s --quant-lower-to-linalg --canonicalize | FileCheck %s

// CHECK-DAG: #[[LHS:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[RHS:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[ACC:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[CHANNEL:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[CHANNEL_2D:.+]] = affine_map<(d0, d1) -> (d1, 0)>
// CHECK-DAG: #[[ROW:.+]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[GROUP_LHS:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[GROUP_RHS:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
// CHECK-DAG: #[[GROUP_PARAMETER:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d2)>
// CHECK-DAG: #[[GROUP_ACC:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[MULTIPLIER_ACC:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1)>

// m = 0.5 * [0.5, 0.25] / 2 and b = [1, -3] / 2, computed here; the zero point
// of the output is part of the bounds of the clamp: -100 - 3 and 127 - 3.
// CHECK-LABEL: func @static_integer_result(
//   CHECK-DAG:   %[[M:.+]] = arith.constant dense<[1.250000e-01, 6.250000e-02]>
//   CHECK-DAG:   %[[B:.+]] = arith.constant dense<[5.000000e-01, -1.500000e+00]>
//   CHECK-DAG:   arith.constant -1.030000e+02 : f32
//   CHECK-DAG:   arith.constant 1.240000e+02 : f32
//       CHECK:   %[[ZEROS:.+]] = linalg.fill ins(%{{.+}} : i32)
//       CHECK:   %[[ACC_TENSOR:.+]] = linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]], {{.+}}, #[[ACC]]]
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "reduction"]
//  CHECK-SAME:       outs(%[[ZEROS]] : tensor<?x2xi32>)
//       CHECK:     %[[A:.+]] = arith.subi
//       CHECK:     %[[P:.+]] = arith.muli %[[A]]
//       CHECK:     arith.addi %{{.+}}, %[[P]] : i32
//       CHECK:   linalg.generic {indexing_maps = [#[[ID]], #[[CHANNEL]], #[[CHANNEL]], #[[ID]]]
//  CHECK-SAME:       ins(%[[ACC_TENSOR]], %[[M]], %[[B]] :
//       CHECK:     %[[F:.+]] = arith.sitofp
//       CHECK:     %[[T:.+]] = arith.mulf %[[F]]
//       CHECK:     arith.addf %[[T]]
//       CHECK:     arith.bitcast
//   CHECK-NOT:   quant.
func.func @static_integer_result(%x: tensor<?x4xi8>) -> tensor<?x2xi8> {
  %w = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<7> : tensor<i8>
  %b = arith.constant dense<[1.0, -3.0]> : tensor<2xf32>
  %sy = arith.constant dense<2.0> : tensor<f32>
  %zy = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<2xf32>)
      output(%sy, %zy : tensor<f32>, tensor<i8>) {clamp_min = -100 : si64} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xi8>
  return %y : tensor<?x2xi8>
}

// One scale of the weight is one multiplier for every channel. A layer without
// a bias makes no addition.
// CHECK-LABEL: func @static_float_result(
//       CHECK:   %[[M:.+]] = arith.constant dense<2.500000e-01> : tensor<2xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[ID]], #[[CHANNEL]], #[[ID]]]
//       CHECK:     arith.mulf
//  CHECK-NEXT:     linalg.yield
func.func @static_float_result(%x: tensor<?x4xi8>, %za: tensor<i8>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1> : tensor<2x4xi8>
  %sw = arith.constant dense<0.5> : tensor<f32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %y = quant.linear %x, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// y = (f32(acc) * sw) * sa + bias, nothing folded.
// CHECK-LABEL: func @dynamic(
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<?x4xi8>, %[[SA:[^:]+]]: tensor<?x1xf32>, %[[ZA:[^:]+]]: tensor<?x1xi8>,
//  CHECK-SAME:     %[[SW:[^:]+]]: tensor<2x1xf32>, %[[B:[^:]+]]: tensor<2xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[ID]], #[[CHANNEL_2D]], #[[ROW]], #[[CHANNEL]], #[[ID]]]
//  CHECK-SAME:       ins(%{{.+}}, %[[SW]], %[[SA]], %[[B]] :
//       CHECK:   ^bb0(%[[ACC_ELEMENT:.+]]: i32, %[[ESW:.+]]: f32, %[[ESA:.+]]: f32, %[[EB:.+]]: f32, %{{.+}}: f32):
//       CHECK:     %[[F:.+]] = arith.sitofp %[[ACC_ELEMENT]]
//       CHECK:     %[[T:.+]] = arith.mulf %[[F]], %[[ESW]]
//       CHECK:     %[[U:.+]] = arith.mulf %[[T]], %[[ESA]]
//       CHECK:     arith.addf %[[U]], %[[EB]]
func.func @dynamic(%x: tensor<?x4xi8>, %sa: tensor<?x1xf32>, %za: tensor<?x1xi8>, %sw: tensor<2x1xf32>, %b: tensor<2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1> : tensor<2x4xi8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<?x1xf32>, tensor<?x1xi8>) bias(%b : tensor<2xf32>)
      : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Float group scales: an accumulator for each group, then their sum in order.
// CHECK-LABEL: func @float_groups(
//   CHECK-DAG:   tensor.expand_shape %{{.+}} {{\[\[}}0], [1, 2]] output_shape [%{{.+}}, 2, 4] : tensor<?x8xi8>
//   CHECK-DAG:   tensor.expand_shape %{{.+}} {{\[\[}}0], [1, 2]] output_shape [3, 2, 4] : tensor<3x8xi8>
//       CHECK:   %[[ACCS:.+]] = linalg.generic {indexing_maps = [#[[GROUP_LHS]], #[[GROUP_RHS]], {{.+}}, #[[GROUP_PARAMETER]], #[[GROUP_ACC]]]
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "parallel", "reduction"]
//       CHECK:   } -> tensor<?x3x2xi32>
//       CHECK:   %[[SUM:.+]] = linalg.generic
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "reduction"]
//  CHECK-SAME:       ins(%[[ACCS]], %{{.+}} : tensor<?x3x2xi32>, tensor<3x2xf32>)
//       CHECK:   ^bb0(%[[E:.+]]: i32, %[[S:.+]]: f32, %[[SO_FAR:.+]]: f32):
//       CHECK:     %[[F:.+]] = arith.sitofp %[[E]]
//       CHECK:     %[[P:.+]] = arith.mulf %[[F]], %[[S]]
//       CHECK:     arith.addf %[[SO_FAR]], %[[P]]
//       CHECK:   linalg.generic
//  CHECK-SAME:       ins(%[[SUM]], %{{.+}} : tensor<?x3xf32>, tensor<f32>)
//       CHECK:     arith.mulf
//  CHECK-NEXT:     linalg.yield
func.func @float_groups(%x: tensor<?x8xi8>, %w: tensor<3x8xi4>, %sw: tensor<3x2xf32>, %zw: tensor<3x2xi8>, %sa: tensor<f32>, %za: tensor<i8>) -> tensor<?x3xf32> {
  %y = quant.linear %x, %w scale(%sw : tensor<3x2xf32>) zero_point(%zw : tensor<3x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x8xi8>, tensor<3x8xi4> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// Two-level scales: one exact accumulator, the multiplier is in the weight.
// CHECK-LABEL: func @two_level(
//       CHECK:   linalg.generic {indexing_maps = [#[[GROUP_LHS]], #[[GROUP_RHS]], {{.+}}, #[[GROUP_PARAMETER]], #[[MULTIPLIER_ACC]]]
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "reduction", "reduction"]
//       CHECK:     arith.muli
//       CHECK:     arith.muli
//       CHECK:     arith.addi
//       CHECK:   } -> tensor<?x3xi32>
//       CHECK:     arith.sitofp
func.func @two_level(%x: tensor<?x8xi8>, %w: tensor<3x8xi4>, %mg: tensor<3x2xi8>, %za: tensor<i8>) -> tensor<?x3xf32> {
  %sw = arith.constant dense<0.5> : tensor<3x1xf32>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %y = quant.linear %x, %w scale(%sw : tensor<3x1xf32>) multiplier(%mg : tensor<3x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x8xi8>, tensor<3x8xi4> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// p = fma(x, f32(w), p), then y = fma(p, sw, 0) and the bias.
// CHECK-LABEL: func @weight_only(
//       CHECK:   %[[ZERO:.+]] = arith.constant 0.0{{.*}} : f32
//       CHECK:   linalg.fill ins(%[[ZERO]] : f32)
//       CHECK:   linalg.generic {indexing_maps = [#[[LHS]], #[[RHS]], #[[ACC]]]
//       CHECK:   ^bb0(%[[X:.+]]: f32, %[[W:.+]]: i8, %[[SO_FAR:.+]]: f32):
//       CHECK:     %[[WI:.+]] = arith.extsi %[[W]]
//       CHECK:     %[[WF:.+]] = arith.sitofp %[[WI]]
//       CHECK:     math.fma %[[X]], %[[WF]], %[[SO_FAR]]
//       CHECK:   linalg.generic
//       CHECK:     %[[Y:.+]] = math.fma %{{.+}}, %{{.+}}, %[[ZERO]]
//       CHECK:     arith.addf %[[Y]]
func.func @weight_only(%x: tensor<?x8xf32>, %w: tensor<3x8xi8>, %sw: tensor<3x1xf32>, %b: tensor<3xf32>) -> tensor<?x3xf32> {
  %y = quant.linear %x, %w scale(%sw : tensor<3x1xf32>) bias(%b : tensor<3xf32>) : tensor<?x8xf32>, tensor<3x8xi8> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// CHECK-LABEL: func @weight_only_groups(
//       CHECK:     math.fma
//       CHECK:   } -> tensor<?x3x2xf32>
//       CHECK:     math.fma
//       CHECK:   } -> tensor<?x3xf32>
func.func @weight_only_groups(%x: tensor<?x8xf32>, %w: tensor<3x8xi4>, %sw: tensor<3x2xf32>) -> tensor<?x3xf32> {
  %y = quant.linear %x, %w scale(%sw : tensor<3x2xf32>) : tensor<?x8xf32>, tensor<3x8xi4> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
