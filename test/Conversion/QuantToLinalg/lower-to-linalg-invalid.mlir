// RUN: quant-opt %s --quant-lower-to-linalg --split-input-file --verify-diagnostics

func.func @weight_scale(%x: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %za: tensor<i8>) -> tensor<?x2xf32> {
  %sa = arith.constant dense<0.5> : tensor<f32>
  // expected-error @below {{the weight scale of a static layer is not constant; its multipliers are computed at compile time}}
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @input_scale(%x: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sa: tensor<f32>, %za: tensor<i8>) -> tensor<?x2xf32> {
  %sw = arith.constant dense<0.5> : tensor<f32>
  // expected-error @below {{the input scale of a static layer is not constant}}
  %y = quant.linear %x, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @bias(%x: tensor<?x4xi8>, %w: tensor<2x4xi8>, %za: tensor<i8>, %b: tensor<2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %zy = arith.constant dense<0> : tensor<i8>
  // expected-error @below {{the bias of a static layer is not constant}}
  %y = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<2xf32>)
      output(%s, %zy : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xi8>
  return %y : tensor<?x2xi8>
}

// -----

func.func @different_groups(%q: tensor<8x96xi4>, %s: tensor<8x2xf32>, %m: tensor<8x3xi8>) -> tensor<8x96xf32> {
  // expected-error @below {{scale and multiplier have different groups along a dimension; give both the same number}}
  %r = quant.dequantize %q scale(%s : tensor<8x2xf32>) multiplier(%m : tensor<8x3xi8>) : tensor<8x96xi4> -> tensor<8x96xf32>
  return %r : tensor<8x96xf32>
}
