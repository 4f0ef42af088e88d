// RUN: quant-opt %s --quant-fold-weights | FileCheck %s

// The example of docs/Numerics.md.
// CHECK-LABEL: func @per_tensor
//       CHECK:   %[[Q:.+]] = arith.constant dense<[127, -66, 41, -107]> : tensor<4xi8>
//       CHECK:   return %[[Q]]
func.func @per_tensor() -> tensor<4xi8> {
  %w = arith.constant dense<[2.5, -1.3, 0.8, -2.1]> : tensor<4xf32>
  %s = arith.constant dense<0.0196850393> : tensor<f32>
  %q = quant.quantize %w scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// NaN gives the zero point, infinities saturate, halves round to even.
// CHECK-LABEL: func @special
//       CHECK:   arith.constant dense<[5, 127, -128, 7, 7]> : tensor<5xi8>
func.func @special() -> tensor<5xi8> {
  %w = arith.constant dense<[0x7FC00000, 0x7F800000, 0xFF800000, 1.5, 2.5]> : tensor<5xf32>
  %s = arith.constant dense<1.0> : tensor<f32>
  %z = arith.constant dense<5> : tensor<i8>
  %q = quant.quantize %w scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<5xf32> -> tensor<5xi8>
  return %q : tensor<5xi8>
}

// Each row has a scale and a zero point for each half.
// CHECK-LABEL: func @groups
//       CHECK:   arith.constant dense<{{\[\[}}8, 8, 5, 5], [4, 4, 4, 4]]> : tensor<2x4xi8>
func.func @groups() -> tensor<2x4xi8> {
  %w = arith.constant dense<8.0> : tensor<2x4xf32>
  %s = arith.constant dense<[[1.0, 2.0], [4.0, 8.0]]> : tensor<2x2xf32>
  %z = arith.constant dense<[[0, 1], [2, 3]]> : tensor<2x2xi8>
  %q = quant.quantize %w scale(%s : tensor<2x2xf32>) zero_point(%z : tensor<2x2xi8>) : tensor<2x4xf32> -> tensor<2x4xi8>
  return %q : tensor<2x4xi8>
}

// A block of two rows shares a scale.
// CHECK-LABEL: func @row_blocks
//       CHECK:   arith.constant dense<{{\[\[}}8], [8], [4], [4]]> : tensor<4x1xi8>
func.func @row_blocks() -> tensor<4x1xi8> {
  %w = arith.constant dense<8.0> : tensor<4x1xf32>
  %s = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %q = quant.quantize %w scale(%s : tensor<2x1xf32>) : tensor<4x1xf32> -> tensor<4x1xi8>
  return %q : tensor<4x1xi8>
}

// {7, -8, 1} and {1, -1, 2}: bytes 0x87, 0x01 and 0xF1, 0x02.
// CHECK-LABEL: func @nibbles
//       CHECK:   %[[B:.+]] = arith.constant dense<{{\[\[}}-121, 1], [-15, 2]]> : tensor<2x2xi8>
//       CHECK:   %[[Q:.+]] = quant.unpack %[[B]] : tensor<2x2xi8> -> tensor<2x3xi4>
//       CHECK:   return %[[Q]]
func.func @nibbles() -> tensor<2x3xi4> {
  %w = arith.constant dense<[[7.0, -9.0, 1.0], [3.0, -3.0, 6.0]]> : tensor<2x3xf32>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  %m = arith.constant dense<[[1], [3]]> : tensor<2x1xi8>
  %q = quant.quantize %w scale(%s : tensor<2x1xf32>) multiplier(%m : tensor<2x1xi8>) : tensor<2x3xf32> -> tensor<2x3xi4>
  return %q : tensor<2x3xi4>
}

// CHECK-LABEL: func @resource
//       CHECK:   arith.constant dense<[1, 2]> : tensor<2xi8>
func.func @resource() -> tensor<2xi8> {
  %w = arith.constant dense_resource<weight> : tensor<2xf32>
  %s = arith.constant dense<1.0> : tensor<f32>
  %q = quant.quantize %w scale(%s : tensor<f32>) : tensor<2xf32> -> tensor<2xi8>
  return %q : tensor<2xi8>
}

// CHECK-LABEL: func @argument_untouched
//       CHECK:   quant.quantize
func.func @argument_untouched(%w: tensor<4xf32>) -> tensor<4xi8> {
  %s = arith.constant dense<1.0> : tensor<f32>
  %q = quant.quantize %w scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// CHECK-LABEL: func @scale_untouched
//       CHECK:   quant.quantize
func.func @scale_untouched(%s: tensor<f32>) -> tensor<4xi8> {
  %w = arith.constant dense<1.0> : tensor<4xf32>
  %q = quant.quantize %w scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q : tensor<4xi8>
}

{-#
  dialect_resources: {
    builtin: {
      weight: "0x040000000000803F00000040"
    }
  }
#-}
