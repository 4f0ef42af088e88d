// RUN: quant-opt %s --quant-lower-to-linalg | FileCheck %s

// Bytes stay packed in memory; a low nibble is shifted up by 28, a high one by
// 24, and both come down with their sign.
// CHECK-LABEL: func @even(
//  CHECK-SAME:     %[[BYTES:.+]]: tensor<2x4xi8>) -> tensor<2x8xi8>
//       CHECK:   %[[SHIFTS:.+]] = arith.constant dense<[28, 24]> : tensor<2xi32>
//       CHECK:   %[[NIBBLES:.+]] = linalg.generic
//  CHECK-SAME:       ins(%[[BYTES]], %[[SHIFTS]] :
//       CHECK:     arith.shli
//       CHECK:     arith.shrsi
//       CHECK:   } -> tensor<2x4x2xi8>
//       CHECK:   %[[R:.+]] = tensor.collapse_shape %[[NIBBLES]] {{\[\[}}0], [1, 2]]
//       CHECK:   return %[[R]]
func.func @even(%bytes: tensor<2x4xi8>) -> tensor<2x8xi4> {
  %q = quant.unpack %bytes : tensor<2x4xi8> -> tensor<2x8xi4>
  return %q : tensor<2x8xi4>
}

// CHECK-LABEL: func @odd(
//       CHECK:   tensor.collapse_shape
//       CHECK:   tensor.extract_slice %{{.+}}[0, 0] [2, 7] [1, 1] : tensor<2x8xi8> to tensor<2x7xi8>
func.func @odd(%bytes: tensor<2x4xi8>) -> tensor<2x7xi4> {
  %q = quant.unpack %bytes : tensor<2x4xi8> -> tensor<2x7xi4>
  return %q : tensor<2x7xi4>
}

// A constant is not unpacked here: the object stores 4 bits a weight.
// CHECK-LABEL: func @constant(
//       CHECK:   arith.constant dense<[33, 67]> : tensor<2xi8>
//       CHECK:   linalg.generic
func.func @constant() -> tensor<4xi4> {
  %bytes = arith.constant dense<[33, 67]> : tensor<2xi8>
  %q = quant.unpack %bytes : tensor<2xi8> -> tensor<4xi4>
  return %q : tensor<4xi4>
}

// The nibbles of an i8 result have no sign.
// CHECK-LABEL: func @unsigned(
//       CHECK:     %[[NIBBLE:.+]] = arith.shrsi
//       CHECK:     %[[MASK:.+]] = arith.constant 15 : i32
//       CHECK:     arith.andi %[[NIBBLE]], %[[MASK]] : i32
func.func @unsigned(%bytes: tensor<2x4xi8>) -> tensor<2x8xi8> {
  %m = quant.unpack %bytes : tensor<2x4xi8> -> tensor<2x8xi8>
  return %m : tensor<2x8xi8>
}
