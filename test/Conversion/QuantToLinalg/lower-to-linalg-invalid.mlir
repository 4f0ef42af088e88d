// RUN: quant-opt %s --quant-lower-to-linalg --split-input-file --verify-diagnostics

func.func @different_groups(%q: tensor<8x96xi4>, %s: tensor<8x2xf32>, %m: tensor<8x3xi8>) -> tensor<8x96xf32> {
  // expected-error @below {{scale and multiplier have different groups along a dimension; give both the same number}}
  %r = quant.dequantize %q scale(%s : tensor<8x2xf32>) multiplier(%m : tensor<8x3xi8>) : tensor<8x96xi4> -> tensor<8x96xf32>
  return %r : tensor<8x96xf32>
}
