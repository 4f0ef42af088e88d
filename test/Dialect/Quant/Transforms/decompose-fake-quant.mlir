// RUN: quant-opt %s --quant-decompose-fake-quant --split-input-file | FileCheck %s

// CHECK-LABEL: func @all_parameters
//  CHECK-SAME:     %[[X:.+]]: tensor<2x8xf32>, %[[S:.+]]: tensor<2x1xf32>, %[[M:.+]]: tensor<2x2xi8>)
//       CHECK:   %[[Q:.+]] = quant.quantize %[[X]] scale(%[[S]] : tensor<2x1xf32>) multiplier(%[[M]] : tensor<2x2xi8>) : tensor<2x8xf32> -> tensor<2x8xi4>
//       CHECK:   %[[D:.+]] = quant.dequantize %[[Q]] scale(%[[S]] : tensor<2x1xf32>) multiplier(%[[M]] : tensor<2x2xi8>) : tensor<2x8xi4> -> tensor<2x8xf32>
//       CHECK:   return %[[D]]
func.func @all_parameters(%x: tensor<2x8xf32>, %s: tensor<2x1xf32>, %m: tensor<2x2xi8>) -> tensor<2x8xf32> {
  %y = quant.fake_quant %x scale(%s : tensor<2x1xf32>) multiplier(%m : tensor<2x2xi8>) {bits = 4 : i64} : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// CHECK-LABEL: func @zero_point
//       CHECK:   quant.quantize %{{.+}} zero_point({{.*}}) : tensor<?x8xf32> -> tensor<?x8xi8>
//       CHECK:   quant.dequantize
//   CHECK-NOT:   quant.fake_quant
func.func @zero_point(%x: tensor<?x8xf32>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<?x8xf32> {
  %y = quant.fake_quant %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {bits = 8 : i64} : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
