// RUN: quant-opt %s --quant-lower-to-linalg --canonicalize | FileCheck %s

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// One scale for all: one division, of 1 by it. LLVM computes it outside of the
// loop, or folds it where the scale is constant.
// CHECK-LABEL: func @one_scale(
//       CHECK:   linalg.generic
//       CHECK:     %[[R:.+]] = arith.divf
//   CHECK-NOT:     arith.divf
//       CHECK:     arith.cmpf uno
//       CHECK:     %[[Q0:.+]] = arith.mulf %[[X:.+]], %[[R]] : f32
//       CHECK:     %[[NEG:.+]] = arith.negf %[[Q0]]
//       CHECK:     %[[E:.+]] = math.fma %[[NEG]], %{{.+}}, %[[X]]
//       CHECK:     math.fma %[[E]], %[[R]], %[[Q0]]
//       CHECK:     arith.bitcast
func.func @one_scale(%x: tensor<?x96xf32>, %s: tensor<f32>) -> tensor<?x96xi8> {
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<?x96xf32> -> tensor<?x96xi8>
  return %q : tensor<?x96xi8>
}

// A scale for each row is shared by its elements.
// CHECK-LABEL: func @row_scales(
//       CHECK:   ^bb0(%{{.+}}: f32, %[[S:.+]]: f32, %{{.+}}: i8, %{{.+}}: i8):
//       CHECK:     %[[SCALED:.+]] = arith.mulf %[[S]],
//       CHECK:     arith.divf %{{.+}}, %[[SCALED]]
//   CHECK-NOT:     arith.divf
//       CHECK:     math.fma
func.func @row_scales(%x: tensor<?x96xf32>, %s: tensor<?x1xf32>, %z: tensor<?x1xi8>) -> tensor<?x96xi8> {
  %q = quant.quantize %x scale(%s : tensor<?x1xf32>) zero_point(%z : tensor<?x1xi8>) : tensor<?x96xf32> -> tensor<?x96xi8>
  return %q : tensor<?x96xi8>
}

// CHECK-LABEL: func @fake_quant(
//       CHECK:     math.fma
//       CHECK:     math.fma
func.func @fake_quant(%x: tensor<8x96xf32>, %s: tensor<8x1xf32>) -> tensor<8x96xf32> {
  %q = quant.fake_quant %x scale(%s : tensor<8x1xf32>) {bits = 8 : i64} : tensor<8x96xf32>
  return %q : tensor<8x96xf32>
}

// CHECK-LABEL: func @requantize(
//       CHECK:     math.fma
//       CHECK:     math.fma
func.func @requantize(%q: tensor<?x8xi8>, %s: tensor<f32>, %z: tensor<i8>, %t: tensor<f32>, %u: tensor<i8>) -> tensor<?x8xi8> {
  %y = quant.requantize %q input(%s, %z : tensor<f32>, tensor<i8>) output(%t, %u : tensor<f32>, tensor<i8>) : tensor<?x8xi8>
  return %y : tensor<?x8xi8>
}

// A scale for each element would need a reciprocal for each.
// CHECK-LABEL: func @column_scales_untouched(
//       CHECK:     arith.divf %{{.+}}, %{{.+}} : f32
//   CHECK-NOT:     math.fma
func.func @column_scales_untouched(%x: tensor<?x96xf32>, %s: tensor<1x96xf32>) -> tensor<?x96xi8> {
  %q = quant.quantize %x scale(%s : tensor<1x96xf32>) : tensor<?x96xf32> -> tensor<?x96xi8>
  return %q : tensor<?x96xi8>
}

}
