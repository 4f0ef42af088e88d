// RUN: quant-opt %s --quant-differentiate --cse --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-differentiate=learned-step-size --cse --split-input-file | FileCheck %s --check-prefix=LEARNED

// ste_a1: the cotangent passes where a value is rounded, and is 0 where it is
// clamped. lsq_a1: the sum over the elements that share a scale.

// CHECK-LABEL: func @fake_quant
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<?x8xf32> {{.+}}, %[[S:[a-z0-9]+]]: tensor<1x2xf32> {{.+}}, %[[Z:[a-z0-9]+]]: tensor<1x2xi8>
//       CHECK:   quant.fake_quant
//       CHECK:   %[[DQ:.+]] = linalg.generic
//   CHECK-DAG:   %[[DQ_GROUPS:.+]] = tensor.expand_shape %[[DQ]] {{\[}}[0], [1, 2]] {{.+}} into tensor<?x2x4xf32>
//   CHECK-DAG:   %[[X_GROUPS:.+]] = tensor.expand_shape %[[X]] {{\[}}[0], [1, 2]] {{.+}} into tensor<?x2x4xf32>
//       CHECK:   %[[DX_GROUPS:.+]] = linalg.generic
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "parallel"]
//  CHECK-SAME:       ins(%[[DQ_GROUPS]], %[[X_GROUPS]], %[[S]], %[[Z]] :
//       CHECK:     arith.divf
//       CHECK:     math.roundeven
//       CHECK:     arith.select
//       CHECK:   %[[DX:.+]] = tensor.collapse_shape %[[DX_GROUPS]]
//   CHECK-NOT:   iterator_types
//       CHECK:   %[[DS:.+]] = linalg.fill {{.+}} -> tensor<1x2xf32>
//       CHECK:   return %{{.+}}, %[[DX]], %[[DS]]

// LEARNED-LABEL: func @fake_quant
//  LEARNED-SAME:     %[[X:[a-z0-9]+]]: tensor<?x8xf32>
//       LEARNED:   tensor.collapse_shape
//       LEARNED:   %[[SUM:.+]] = linalg.generic
//  LEARNED-SAME:       iterator_types = ["reduction", "parallel", "reduction"]
//       LEARNED:     arith.addf
//       LEARNED:   %[[COUNT:.+]] = arith.divsi
//       LEARNED:   %[[COUNT_I:.+]] = arith.index_cast %[[COUNT]]
//       LEARNED:   %[[COUNT_F:.+]] = arith.sitofp %[[COUNT_I]]
//       LEARNED:   %[[LEVELS:.+]] = arith.mulf %[[COUNT_F]]
//       LEARNED:   %[[ROOT:.+]] = math.sqrt %[[LEVELS]]
//       LEARNED:   %[[FACTOR:.+]] = arith.divf %{{.+}}, %[[ROOT]]
//       LEARNED:   %[[DS:.+]] = linalg.generic {{.+}} ins(%[[SUM]] :
//       LEARNED:     arith.mulf %{{.+}}, %[[FACTOR]]
//       LEARNED:   return %{{.+}}, %{{.+}}, %[[DS]]
func.func @fake_quant(%x: tensor<?x8xf32> {quant.trainable}, %s: tensor<1x2xf32> {quant.trainable}, %z: tensor<1x2xi8>)
    -> tensor<f32> {
  %0 = quant.fake_quant %x scale(%s : tensor<1x2xf32>) zero_point(%z : tensor<1x2xi8>) {bits = 8 : i64} : tensor<?x8xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<?x8xf32>) outs(%init : tensor<f32>) dimensions = [0, 1]
  return %1 : tensor<f32>
}

// -----

// A scale that is chosen from the data is a constant.

// LEARNED-LABEL: func @chosen_scale
//   LEARNED-NOT:   math.sqrt
//       LEARNED:   return
func.func @chosen_scale(%x: tensor<8xf32> {quant.trainable}) -> tensor<f32> {
  %range = quant.observe %x : tensor<8xf32> -> tensor<2xf32>
  %s, %z = quant.choose_params %range {bits = 8 : i64} : tensor<2xf32> -> tensor<f32>, tensor<i8>
  %0 = quant.fake_quant %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {bits = 8 : i64} : tensor<8xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<8xf32>) outs(%init : tensor<f32>) dimensions = [0]
  return %1 : tensor<f32>
}

// -----

// The integer form: a layer of integers is differentiated as the product of
// what they stand for.

// CHECK-DAG: #[[KM:.+]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-LABEL: func @linear
//       CHECK:   %[[A:.+]] = quant.quantize %[[X:[a-z0-9]+]] scale
//       CHECK:   %[[Q:.+]] = quant.quantize %[[W:[a-z0-9]+]] scale
//       CHECK:   quant.linear %[[A]], %[[Q]]
//       CHECK:   %[[DY:.+]] = linalg.generic
//       CHECK:   %[[WD:.+]] = quant.dequantize %[[Q]]
//       CHECK:   %[[DA:.+]] = linalg.matmul ins(%[[DY]], %[[WD]] :
//       CHECK:   %[[AD:.+]] = quant.dequantize %[[A]]
//       CHECK:   %[[DQ:.+]] = linalg.matmul indexing_maps = [#[[KM]], {{.+}}] ins(%[[DY]], %[[AD]] :
//       CHECK:   %[[DB:.+]] = linalg.generic {{.+}} iterator_types = ["reduction", "parallel"]} ins(%[[DY]] :
//       CHECK:   %[[DW:.+]] = linalg.generic {{.+}} ins(%[[DQ]], %[[W]], %
//       CHECK:   %[[DX:.+]] = linalg.generic {{.+}} ins(%[[DA]], %[[X]], %
//       CHECK:   return %{{.+}}, %[[DX]], %[[DW]], %[[DB]]
func.func @linear(%x: tensor<2x8xf32> {quant.trainable}, %w: tensor<4x8xf32> {quant.trainable},
                  %b: tensor<4xf32> {quant.trainable}, %s: tensor<f32>, %z: tensor<i8>, %sw: tensor<4x1xf32>)
    -> tensor<f32> {
  %a = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<2x8xf32> -> tensor<2x8xi8>
  %q = quant.quantize %w scale(%sw : tensor<4x1xf32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  %0 = quant.linear %a, %q scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>)
      bias(%b : tensor<4xf32>) : tensor<2x8xi8>, tensor<4x8xi8> -> tensor<2x4xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<2x4xf32>) outs(%init : tensor<f32>) dimensions = [0, 1]
  return %1 : tensor<f32>
}

// -----

// With an integer result the cotangent is cut where the sum, computed again as
// f32, is outside of the bounds. A frozen weight has no gradient.

// CHECK-LABEL: func @integer_result
//  CHECK-SAME:     %[[B:[a-z0-9]+]]: tensor<4xf32>
//       CHECK:   quant.linear {{.+}} output({{.+}} {clamp_min = 0 : si64} :
//       CHECK:   %[[SUM:.+]] = quant.linear
//  CHECK-SAME:     bias(%[[B]] : tensor<4xf32>) : tensor<2x8xi8>, tensor<4x8xi8> -> tensor<2x4xf32>
//       CHECK:   %[[DY:.+]] = linalg.generic {{.+}} ins(%{{.+}}, %[[SUM]], %
//       CHECK:     arith.select
//   CHECK-NOT:   linalg.matmul
//       CHECK:   %[[DB:.+]] = linalg.generic {{.+}} iterator_types = ["reduction", "parallel"]} ins(%[[DY]] :
//       CHECK:   return %{{.+}}, %[[DB]]
func.func @integer_result(%a: tensor<2x8xi8>, %b: tensor<4xf32> {quant.trainable}) -> tensor<f32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %w = arith.constant dense<7> : tensor<4x8xi8>
  %0 = quant.linear %a, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>)
      bias(%b : tensor<4xf32>) output(%s, %z : tensor<f32>, tensor<i8>) {clamp_min = 0 : si64}
      : tensor<2x8xi8>, tensor<4x8xi8> -> tensor<2x4xi8>
  %1 = quant.dequantize %0 scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %2 = linalg.reduce { arith.addf } ins(%1 : tensor<2x4xf32>) outs(%init : tensor<f32>) dimensions = [0, 1]
  return %2 : tensor<f32>
}
