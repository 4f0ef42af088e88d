// RUN: quant-opt %s --quant-lower-to-linalg | FileCheck %s

// CHECK-DAG: #[[ID2:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[SCALAR2:.+]] = affine_map<(d0, d1) -> ()>
// CHECK-DAG: #[[ROW2:.+]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[ID3:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[GROUP3:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[ROW3:.+]] = affine_map<(d0, d1, d2) -> (d0, 0)>

// The body is numerics::quantize: divide, NaN to 0, clamp, round half to even by
// an addition, add the zero point.
// CHECK-LABEL: func @quantize_per_tensor(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x96xf32>, %[[S:.+]]: tensor<f32>, %[[Z:.+]]: tensor<i8>)
//       CHECK:   linalg.generic {indexing_maps = [#[[ID2]], #[[SCALAR2]], #[[SCALAR2]], #[[ID2]]]
//  CHECK-SAME:       ins(%[[X]], %[[S]], %[[Z]] :
//       CHECK:   ^bb0(%[[E:.+]]: f32, %[[ES:.+]]: f32, %[[EZ:.+]]: i8, %{{.+}}: i8):
//       CHECK:     %[[ZP:.+]] = arith.extsi %[[EZ]]
//       CHECK:     %[[QUOTIENT:.+]] = arith.divf %[[E]], %[[ES]] : f32
//       CHECK:     arith.cmpf uno, %[[QUOTIENT]], %[[QUOTIENT]]
//       CHECK:     arith.cmpf olt
//       CHECK:     arith.cmpf olt
//       CHECK:     arith.addf %{{.+}}, %{{.+}} : f32
//       CHECK:     arith.bitcast
//       CHECK:     %[[INT:.+]] = arith.subi
//       CHECK:     %[[SUM:.+]] = arith.addi %[[INT]], %[[ZP]]
//       CHECK:     %[[Q:.+]] = arith.trunci %[[SUM]] : i32 to i8
//       CHECK:     linalg.yield %[[Q]] : i8
//   CHECK-NOT:   quant.
func.func @quantize_per_tensor(%x: tensor<?x96xf32>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<?x96xi8> {
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x96xf32> -> tensor<?x96xi8>
  return %q : tensor<?x96xi8>
}

// 4-bit values take a byte each; their bounds stay [-8, 7].
// CHECK-LABEL: func @quantize_i4(
//  CHECK-SAME:     -> tensor<?x96xi8>
//       CHECK:   linalg.generic {indexing_maps = [#[[ID2]], #[[ROW2]], #[[ID2]]]
//   CHECK-DAG:     arith.constant -8.0{{.*}} : f32
//   CHECK-DAG:     arith.constant 7.0{{.*}} : f32
//       CHECK:     arith.trunci %{{.+}} : i32 to i8
func.func @quantize_i4(%x: tensor<?x96xf32>, %s: tensor<?x1xf32>) -> tensor<?x96xi4> {
  %q = quant.quantize %x scale(%s : tensor<?x1xf32>) : tensor<?x96xf32> -> tensor<?x96xi4>
  return %q : tensor<?x96xi4>
}

// Groups: the dimension is expanded, so that maps stay projections.
// CHECK-LABEL: func @dequantize_groups(
//  CHECK-SAME:     %[[Q:.+]]: tensor<8x96xi8>, %[[S:.+]]: tensor<8x1xf32>, %[[M:.+]]: tensor<8x3xi8>)
//       CHECK:   %[[EXPANDED:.+]] = tensor.expand_shape %[[Q]] {{\[\[}}0], [1, 2]] output_shape [8, 3, 32]
//       CHECK:   %[[Y:.+]] = linalg.generic {indexing_maps = [#[[ID3]], #[[ROW3]], #[[GROUP3]], #[[ID3]]]
//  CHECK-SAME:       ins(%[[EXPANDED]], %[[S]], %[[M]] :
//       CHECK:   ^bb0(%[[E:.+]]: i8, %[[ES:.+]]: f32, %[[EM:.+]]: i8, %{{.+}}: f32):
//       CHECK:     %[[MI:.+]] = arith.extsi %[[EM]]
//       CHECK:     %[[MF:.+]] = arith.sitofp %[[MI]]
//       CHECK:     %[[SCALE:.+]] = arith.mulf %[[ES]], %[[MF]]
//       CHECK:     %[[QI:.+]] = arith.extsi %[[E]]
//       CHECK:     %[[QF:.+]] = arith.sitofp %[[QI]]
//       CHECK:     arith.mulf %[[QF]], %[[SCALE]]
//       CHECK:   tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]] : tensor<8x3x32xf32> into tensor<8x96xf32>
func.func @dequantize_groups(%q: tensor<8x96xi4>, %s: tensor<8x1xf32>, %m: tensor<8x3xi8>) -> tensor<8x96xf32> {
  %r = quant.dequantize %q scale(%s : tensor<8x1xf32>) multiplier(%m : tensor<8x3xi8>) : tensor<8x96xi4> -> tensor<8x96xf32>
  return %r : tensor<8x96xf32>
}

// One rounding to storage and one multiplication. Adding the zero point and
// taking it off again cancels, exactly.
// CHECK-LABEL: func @fake_quant(
//       CHECK:   ^bb0(%[[E:.+]]: f32, %[[ES:.+]]: f32, %[[EZ:.+]]: i8, %{{.+}}: f32):
//       CHECK:     arith.divf %[[E]], %[[ES]]
//       CHECK:     arith.bitcast
//       CHECK:     %[[Q:.+]] = arith.subi
//       CHECK:     %[[F:.+]] = arith.sitofp %[[Q]]
//       CHECK:     arith.mulf %[[F]], %[[ES]]
func.func @fake_quant(%x: tensor<4x8xf32>, %s: tensor<1x8xf32>, %z: tensor<1x8xi8>) -> tensor<4x8xf32> {
  %y = quant.fake_quant %x scale(%s : tensor<1x8xf32>) zero_point(%z : tensor<1x8xi8>) {bits = 4 : i64} : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A ReLU is the lower bound of the clamp.
// CHECK-LABEL: func @requantize(
//       CHECK:   linalg.generic
//       CHECK:     arith.mulf
//       CHECK:     arith.divf
//       CHECK:     arith.constant -5 : i32
//       CHECK:     arith.constant 100 : i32
//       CHECK:     arith.bitcast
func.func @requantize(%q: tensor<?x8xi8>, %s: tensor<f32>, %z: tensor<i8>, %t: tensor<f32>, %u: tensor<i8>) -> tensor<?x8xi8> {
  %y = quant.requantize %q input(%s, %z : tensor<f32>, tensor<i8>) output(%t, %u : tensor<f32>, tensor<i8>)
      {clamp_min = -5 : si64, clamp_max = 100 : si64} : tensor<?x8xi8>
  return %y : tensor<?x8xi8>
}

// CHECK-LABEL: func @rank_0(
//       CHECK:   linalg.generic {{.*}} iterator_types = []
func.func @rank_0(%x: tensor<f32>, %s: tensor<f32>) -> tensor<i8> {
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<f32> -> tensor<i8>
  return %q : tensor<i8>
}

// Constants of i4 keep their values, and calls follow the changed signature.
// CHECK-LABEL: func private @constant_i4() -> tensor<4xi8>
//       CHECK:   arith.constant dense<[-8, -1, 0, 7]> : tensor<4xi8>
func.func private @constant_i4() -> tensor<4xi4> {
  %q = arith.constant dense<[-8, -1, 0, 7]> : tensor<4xi4>
  return %q : tensor<4xi4>
}
// CHECK-LABEL: func @call_i4() -> tensor<4xi8>
//       CHECK:   call @constant_i4() : () -> tensor<4xi8>
func.func @call_i4() -> tensor<4xi4> {
  %q = call @constant_i4() : () -> tensor<4xi4>
  return %q : tensor<4xi4>
}

// CHECK-LABEL: func @other_operations_untouched(
//  CHECK-NEXT:   math.exp %{{.+}} : tensor<4xf32>
//  CHECK-NEXT:   return
func.func @other_operations_untouched(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
